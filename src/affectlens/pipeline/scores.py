"""Scores of a model on a split of a corpus."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, open_corpus
from affectlens.evaluation.evaluate import Evaluation, predict_corpus, reader_for, save_evaluation, score
from affectlens.evaluation.speech import predict_speech
from affectlens.models.base import load_model

DRAWS = 1000


def evaluate(
    model: str,
    corpus: str,
    *,
    split: str = "",
    draws: int = DRAWS,
    seed: int = 0,
    progress: Progress | None = None,
    out: str | Path | None = None,
    weights: Path | None = None,
) -> Evaluation:
    """Accuracy, UAR, macro F1, confusion, calibration error, conformal coverage; misses count as errors.

    Parameters
    ----------
    model : str
        Name of a shipped model.
    corpus : str
        ``NAME=PATH``.
    split : str
        By default test, and all clips of the four classes of a speech corpus.
    draws : int
        Bootstrap draws.
    seed : int
        Seed of the draws.
    progress : callable, optional
        Takes what is read, items done, and items in all.
    out : path, optional
        Folder for scores.json, confusion.csv, groups.csv and missed.csv.
    weights : path, optional
        Other weights of the same model.

    Raises
    ------
    UsageError
        An unknown model or corpus, a corpus of another modality, or a split that the model cannot be asked on.
    """
    if draws < 1:
        raise UsageError(f"--draws {draws}: a number of at least 1 was expected")
    if weights is not None and not Path(weights).is_file():
        raise UsageError(f"--weights {weights}: no such file")
    loaded = load_model(model, weights)
    source = open_corpus(corpus)
    reads = ("face", "scene") if loaded.modality == "face" else (loaded.modality,)
    if source.info.modality not in reads:
        raise UsageError(f"{model} reads {loaded.modality}, {source.info.name} holds {source.info.modality}")
    voice = loaded.modality == "voice"
    split = split or ("four" if voice else "test")
    if voice and split != "four":
        raise UsageError(f"the speech model knows four classes; --split four, not {split}")
    tell = progress or silent

    def told(done: int, total: int) -> None:
        tell(f"{model} on {source.info.name} {split}", done, total)

    if voice:
        predictions = predict_speech(loaded, source.info.name, _path(corpus), told)
    else:
        predictions = predict_corpus(loaded, source, split, reader_for(loaded.modality), told)
    thresholds = np.array(loaded.meta["thresholds"]) if "thresholds" in loaded.meta else None
    result = score(predictions, loaded.calibration, np.random.default_rng(seed), thresholds=thresholds, draws=draws)
    if out:
        save_evaluation(result, Path(out))
    return result


def _path(corpus: str) -> Path:
    return Path(corpus.partition("=")[2])


def trained_on(model: str, corpus: Corpus) -> bool:
    """Whether the shipped weights of a model learned from a corpus."""
    from affectlens.models.weights import read_weights, weights_path

    return corpus.info.title in read_weights(weights_path(model))[1].get("corpus", "")
