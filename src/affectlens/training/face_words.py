"""`affectlens train`: from a corpus on disk to shipped weights, calibrated, evaluated on test once, with a card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.corpora.base import Corpus, open_corpus
from affectlens.evaluation.evaluate import Evaluation, fit_thresholds, predict_corpus, reader_for, save_evaluation, score
from affectlens.learning.export import calibrate, export
from affectlens.learning.face import FaceRecipe, train_face
from affectlens.learning.words import WordsRecipe, train_words
from affectlens.models.base import Calibration
from affectlens.models.nets.words import WordsTokenizer
from affectlens.models.shipped.face import FaceModel
from affectlens.models.shipped.words import WordsModel
from affectlens.training.card import write_card

Progress = Callable[[dict[str, Any]], None]


def train_face_model(
    data: Path,
    out: Path,
    recipe: FaceRecipe | None = None,
    corpus_name: str = "fer2013",
    progress: Progress | None = None,
    start: Path | None = None,
) -> Evaluation:
    """Train, calibrate on validation, export to ``out/face.safetensors``, evaluate on test, write the card.

    ``start`` is the weight file of an earlier run to go on from, which also teaches (see ``train_face``).
    """
    recipe = recipe or FaceRecipe()
    corpus = open_corpus(corpus_name, data)
    (x, y), (vx, vy) = _pictures(corpus, "train"), _pictures(corpus, "val")
    net = train_face(x, y, vx, vy, out, recipe, progress, FaceModel(start).net if start else None)
    meta = {"labels": list(corpus.scheme.labels), "config": recipe.net.to_dict(), "zooms": list(recipe.zooms)}
    if start:
        meta["start"] = {"file": start.name, "sha256": hashlib.sha256(start.read_bytes()).hexdigest()}
    return _finish("face", FaceModel, corpus, "val", net.state_dict(), meta, asdict(recipe), out)


def train_words_model(
    data: Path,
    out: Path,
    recipe: WordsRecipe | None = None,
    corpus_name: str = "goemotions",
    progress: Progress | None = None,
) -> Evaluation:
    """The same for the words model; writes ``out/words.safetensors``."""
    recipe = recipe or WordsRecipe()
    corpus = open_corpus(corpus_name, data)
    (texts, labels), (dev_texts, dev_labels) = _texts(corpus, "train"), _texts(corpus, "dev")
    net = train_words(
        texts, labels, dev_texts, dev_labels,
        locate("minilm", "model.safetensors"), WordsTokenizer(locate("minilm", "tokenizer.json")), out, recipe, progress,
    )  # fmt: skip
    meta = {"labels": list(corpus.scheme.labels), "config": recipe.net.to_dict()}
    return _finish("words", WordsModel, corpus, "dev", net.trained_state(), meta, asdict(recipe), out)


def _finish(
    name: str,
    loader: Callable[[Path], Any],
    corpus: Corpus,
    validation: str,
    tensors: dict[str, Any],
    meta: dict[str, Any],
    recipe: dict[str, Any],
    out: Path,
) -> Evaluation:
    path = out / f"{name}.safetensors"
    meta |= {"corpus": corpus.info.title, "licence": corpus.info.licence, "recipe": recipe}
    export(path, tensors, meta, Calibration())
    # Calibrated on what ships: the weights as they are after rounding to half precision.
    model = loader(path)
    read = reader_for(name)
    raw = predict_corpus(_Raw(model), corpus, validation, read)
    calibration = calibrate(raw.probabilities, raw.targets)
    thresholds = fit_thresholds(calibration.probabilities(raw.probabilities), raw.targets)
    meta |= {"thresholds": [round(float(t), 5) for t in thresholds]}
    export(path, tensors, meta, calibration)
    model = loader(path)
    tested = predict_corpus(model, corpus, "test", read)
    evaluation = score(tested, model.calibration, np.random.default_rng(0), thresholds=thresholds)
    save_evaluation(evaluation, out)
    write_card(out / f"{name}.md", model, corpus.info, evaluation, path)
    return evaluation


class _Raw:
    """A model whose calibrated answer is its logits, so that they can be collected."""

    def __init__(self, model: Any) -> None:
        self.labels, self.predict, self.calibration = model.labels, model.predict, self

    @staticmethod
    def probabilities(logits: np.ndarray) -> np.ndarray:
        """The logits themselves."""
        return logits


def _pictures(corpus: Corpus, split: str) -> tuple[np.ndarray, np.ndarray]:
    items = [i for i in corpus.items(split) if i.data is not None]
    return np.stack([i.data for i in items]), np.array([corpus.scheme.index(i.labels[0]) for i in items])


def _texts(corpus: Corpus, split: str) -> tuple[list[str], list[list[int]]]:
    items = [i for i in corpus.items(split) if i.data is not None]
    return [i.data for i in items], [[corpus.scheme.index(v) for v in i.labels] for i in items]


__all__ = ["FaceRecipe", "WordsRecipe", "train_face_model", "train_words_model"]
