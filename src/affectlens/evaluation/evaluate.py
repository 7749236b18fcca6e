"""Scores of a model on a corpus split, each with a bootstrap interval; what cannot be read counts as an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.assets.store import fetch
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, account_of, name_and_path, open_corpus
from affectlens.evaluation.people import people_of
from affectlens.evaluation.predictions import check_meets, corpus_labels, predict_corpus, split_of
from affectlens.evaluation.result import Evaluation
from affectlens.evaluation.scores import score
from affectlens.evaluation.speech import predict_speech
from affectlens.evaluation.truth import against_truth
from affectlens.models.base import MODELS, Calibration, Model, assets_of
from affectlens.models.identity import with_labels_of
from affectlens.models.open import open_model
from affectlens.models.scores import Scores, scores_of
from affectlens.models.shipped.speech import SpeechModel

HALF = 0.5  # probability from which an independent label counts as predicted


def evaluate(
    model: str | Path | Model | Any,
    corpus: str | Corpus = "",
    *,
    split: str = "",
    draws: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
    out: str | Path | None = None,
    weights: str | Path | None = None,
    scores: str = "",
    preprocess: str | Callable[[Any], Any] = "",
    people: str = "",
    truth: Any = None,
    truth_as: str = "",
) -> Evaluation:
    """Accuracy, UAR, macro F1, confusion, calibration error, conformal coverage; misses count as errors.

    Parameters
    ----------
    model : str, Path or Model
        What ``open_model`` opens; with ``truth`` a run: a folder of ``explain``, a table of ``recognize``, or what these give.
    corpus : str or Corpus
        ``NAME=PATH``, or a corpus that is open.
    split : str
        By default the four classes of a corpus of speech or gait, else test, else the seven classes of a corpus that has
        others too, else val or dev, else the first.
    draws : int
        Bootstrap draws; groups (people, recordings) are drawn whole.
    seed : int
        Of the draws.
    progress : callable, optional
        Takes what is read, items done, and items in all.
    out : str or Path, optional
        Folder for scores.json, confusion.csv, groups.csv and missed.csv.
    weights : str or Path, optional
        Other weights of a registered model.
    scores : str
        What the numbers of a model that others made are, see ``open_model``.
    preprocess : callable or str
        Makes such a model's input, see ``open_model``.
    people : str
        Who the items are of where the corpus does not tell, as ``people_of`` takes it: a column of its table, or a regular
        expression for its names. People are drawn whole.
    truth : path, Annotations, or several of them
        What people said of the recordings of a run, in any format of ``affectlens.import_annotations``; in the place of a
        corpus, see `affectlens.evaluation.truth.against_truth`.
    truth_as : str
        The format of truth; by the suffix of each file where it is not given.

    Returns
    -------
    Evaluation
        Scores with 95 % intervals.

    Raises
    ------
    UsageError
        An unknown model or corpus, a corpus of another modality than the model reads, a model without classes, an option that
        is out of range.
    CorpusError
        No such split, a label that is none of the model's classes, or nothing in the split.

    Examples
    --------
    >>> result = evaluate("face", "fer2013=fer2013.csv")  # doctest: +SKIP
    >>> result.scores["accuracy"].value  # doctest: +SKIP
    0.684
    """
    for flag, number, least in (("--draws", draws, 1), ("--seed", seed, 0)):
        if number < least:
            raise UsageError(f"{flag} {number}: a number of at least {least} was expected")
    if truth is not None:
        return _of_run(
            model, corpus, truth, truth_as, draws, seed, out, bool(split or weights or scores or preprocess or people)
        )
    if isinstance(corpus, str) and not corpus:
        raise UsageError("evaluate: give a corpus as NAME=PATH, or for a run of recordings what people said of them as truth")
    path = name_and_path(corpus)[1] if isinstance(corpus, str) else None
    source = open_corpus(corpus) if isinstance(corpus, str) else corpus
    fetch(assets_of(model), progress)
    given: Any = open_model(model, weights=weights, modality=_modality_of(model, source), scores=scores, preprocess=preprocess)
    part = split_of(source, split)
    opened, renamed, _ = with_labels_of(given, corpus_labels(source, part))
    check_meets(opened, source, part)
    tell = progress or silent
    groups, unnamed = people_of(source.table(part), people) if people else (None, "")
    if isinstance(opened, SpeechModel):
        if part != "four":
            raise UsageError(f"the speech model knows four classes; --split four, not {part}")
        predictions = predict_speech(opened, source.info.name, path or source, progress=tell)
    else:
        predictions = predict_corpus(opened, source, part, progress=tell)
    if groups is not None:
        predictions = replace(predictions, groups=groups)
    tell("bootstrap", 0, 1)
    known = scores_of(opened)
    fitted = opened.meta.get("thresholds", () if known.exclusive else [HALF] * len(opened.labels))
    thresholds = np.array(fitted) if len(fitted) else None
    calibration = getattr(opened, "calibration", Calibration())
    labels_only = bool(getattr(opened, "labels_only", False))
    rng = np.random.default_rng(seed)
    scored = score(predictions, calibration, rng, thresholds=thresholds, draws=draws, labels_only=labels_only)
    about = {
        "model": opened.name,
        "sha256": opened.meta.get("sha256", ""),
        "scores": known.kind,
        "scores_from": known.source,
        "corpus": source.info.name,
        "split": part,
        "draws": draws,
        "seed": seed,
    }
    counted = (f"{source.info.name}: {line}" for line in account_of(source).lines())
    notes = (
        *_notes(opened, source, part),
        *filter(None, [renamed, unnamed]),
        *_of_scores(known, opened.name),
        *counted,
        *predictions.notes,
        *getattr(opened, "notes", ()),
    )
    result = replace(scored, about=about, notes=tuple(dict.fromkeys(notes)))
    tell("bootstrap", 1, 1)
    if out is not None:
        result.save(out)
    return result


def _of_run(
    run: Any, corpus: Any, truth: Any, as_: str, draws: int, seed: int, out: str | Path | None, more: bool
) -> Evaluation:
    if corpus or more:
        raise UsageError("--truth compares a run with annotations: leave --corpus and the options of models out")
    made = against_truth(run, truth, as_=as_, draws=draws, seed=seed)
    if out is not None:
        made.save(out)
    return made


def _modality_of(model: str | Path | Model, source: Corpus) -> str:
    """What a model that others made is given of a corpus; registered ones know themselves."""
    registered = not isinstance(model, str | Path) or str(model) in MODELS
    return "" if registered else {"utterances": "words"}.get(source.info.modality, source.info.modality)


def _of_scores(scores: Scores, name: str) -> tuple[str, ...]:
    """What has to be known of a model's numbers to read its scores."""
    if not scores.exclusive:
        return (
            f"labels hold independently of each other ({scores}): an item is right when its most probable label is one of its "
            "own, and a label is predicted from a probability of .5 on where items have several",
        )
    return tuple(filter(None, [scores.caveat(name)]))


def _notes(model: Any, source: Corpus, split: str) -> tuple[str, ...]:
    learned = source.info.title in str(model.meta.get("corpus", "")) and split not in ("test", "val", "dev")
    if not learned:
        return ()
    return (
        f"{source.info.title} trained these weights, so this is how they fit, not how they do on new people; the model card "
        "has the scores on what was not learned from",
    )
