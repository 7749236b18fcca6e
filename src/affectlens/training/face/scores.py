"""What the card of the face network says: scores on new data first, then what raters saw, then the corpus's own test split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectlens.evaluation.predictions import Predictions
from affectlens.evaluation.result import HEADINGS, Evaluation
from affectlens.evaluation.scores import score as scored
from affectlens.learning.export import calibrate
from affectlens.learning.soft_labels import read_majority, read_votes
from affectlens.models.base import Calibration
from affectlens.training.card import interval, table

FOLDS = 5  # of the new pictures, each scored with temperature and sets fitted on the others
SHOWN = ("accuracy", "mean_recall", "macro_f1", "calibration_error", "coverage", "set_size")


def on_new_data(predictions: Predictions) -> Evaluation:
    """Scores of pictures that nothing was learnt from, calibrated on four fifths of them and scored on the last in turn.

    Parameters
    ----------
    predictions : Predictions
        Logits in the place of probabilities.

    Returns
    -------
    Evaluation
        With intervals by pictures; coverage and size of sets are of those that could be read, by the folds' own thresholds.
    """
    logits, targets = predictions.probabilities, predictions.targets
    read = np.flatnonzero(np.isfinite(logits[:, 0]))
    # Each fold has a threshold of its own; moved by it, probabilities of all folds are in the set from one half on.
    probabilities, margins = np.full(logits.shape, np.nan), np.full(logits.shape, np.nan)
    for fold in range(FOLDS):
        inside, others = read[fold::FOLDS], np.setdiff1d(read, read[fold::FOLDS])
        fitted = calibrate(logits[others], targets[others])
        probabilities[inside] = fitted.probabilities(logits[inside])
        margins[inside] = probabilities[inside] - (1 - fitted.conformal) + 0.5
    plain = scored(_with(predictions, probabilities), Calibration(), np.random.default_rng(0))
    sets = scored(_with(predictions, margins, read), Calibration(conformal=0.5), np.random.default_rng(0))
    scores = {name: (sets if name in ("coverage", "set_size") else plain).scores.get(name) for name in SHOWN}
    return Evaluation(
        {name: estimate for name, estimate in scores.items() if estimate is not None},
        plain.confusion,
        plain.groups,
        plain.missed,
        plain.n,
    )


def against_votes(
    logits: np.ndarray, names: list[str], votes: Path, classes: tuple[str, ...], calibration: Calibration
) -> tuple[Evaluation, tuple[float, float]]:
    """Scores against the class that most raters chose, and the cross-entropy of the answers to all votes.

    Parameters
    ----------
    logits : numpy.ndarray
        Answers ``(n, classes)``.
    names : list of str
        Of the items.
    votes : Path
        Table of the votes.
    classes : tuple of str
        In the order of the logits.
    calibration : Calibration
        As it ships.

    Returns
    -------
    evaluation : Evaluation
        Where one of the classes has most votes.
    nats : tuple of float
        Mean cross-entropy, and the mean entropy of the votes themselves, which is the least that it can be.
    """
    majority = read_majority(votes, names, classes)
    sure = majority >= 0
    probabilities = calibration.probabilities(logits)
    keys = [name for name, one in zip(names, sure, strict=True) if one]
    targets = np.eye(len(classes))[majority[sure]]
    given = Predictions(probabilities[sure], targets, np.full(len(keys), ""), keys, classes, {})
    shares = read_votes(votes, names, classes)[0]
    known = np.isfinite(shares[:, 0])
    logarithms = np.log(np.clip(probabilities[known], 1e-12, 1))
    entropy = -(shares[known] * np.log(np.clip(shares[known], 1e-12, 1))).sum(axis=1)
    cross = -(shares[known] * logarithms).sum(axis=1)
    return scored(given, calibration, np.random.default_rng(0)), (float(cross.mean()), float(entropy.mean()))


def headline(evaluations: dict[str, Evaluation]) -> list[str]:
    """A row for each set of pictures: how many, accuracy, UAR, calibration error and coverage with their intervals."""
    kinds = ("accuracy", "mean_recall", "calibration_error", "coverage")
    rows = []
    for name, evaluation in evaluations.items():
        found = [evaluation.scores.get(kind) for kind in kinds]
        cells = [interval(score.value, score.low, score.high) if score else "" for score in found]
        rows.append((name, f"{evaluation.n:,}", f"{len(evaluation.missed):,}", *cells))
    return table(("pictures", "number", "no face found", *(HEADINGS[kind] for kind in kinds)), rows)


def confusion_of(evaluation: Evaluation) -> list[str]:
    """The table of labels by answers."""
    rows = [(str(name), *(str(int(count)) for count in row)) for name, row in evaluation.confusion.iterrows()]
    return table(("", *evaluation.confusion.columns), rows)


def prior_of(targets: np.ndarray, classes: int) -> np.ndarray:
    """Shares of the classes ``(classes,)`` in labels ``(n,)`` or distributions ``(n, classes)``."""
    shares = np.bincount(targets, minlength=classes) / len(targets) if targets.ndim == 1 else targets.mean(axis=0)
    return np.asarray(np.clip(shares, 1e-6, None))


def _with(predictions: Predictions, probabilities: np.ndarray, rows: np.ndarray | None = None) -> Predictions:
    """The same with other probabilities, of the given rows alone where there are any."""
    chosen = np.arange(len(probabilities)) if rows is None else rows
    keys = [predictions.keys[row] for row in chosen]
    missed = {key: why for key, why in predictions.missed.items() if key in set(keys)}
    return Predictions(
        probabilities[chosen], predictions.targets[chosen], predictions.groups[chosen], keys, predictions.labels, missed
    )
