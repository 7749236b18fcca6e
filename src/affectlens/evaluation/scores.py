"""Scores of predictions, each with a bootstrap interval; what was missed counts as an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.evaluation.predictions import Predictions
from affectlens.evaluation.result import Evaluation
from affectlens.models.base import Calibration
from affectlens.stats.classification import (
    accuracy,
    conformal_coverage,
    confusion,
    expected_calibration_error,
    macro_f1,
    multilabel_macro_f1,
    unweighted_recall,
)
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import bootstrap

Statistic = Callable[[np.ndarray], float]  # of row numbers


@dataclass(frozen=True)
class _Judged:
    """Predictions against labels, one number a row.

    ``predicted`` is -1 for a miss; ``truth`` is the label that the prediction is compared with: the predicted one where it is
    among the row's, else the row's first.
    """

    read: np.ndarray
    filled: np.ndarray
    predicted: np.ndarray
    right: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, predictions: Predictions) -> _Judged:
        probabilities, targets = predictions.probabilities, predictions.targets
        n, classes = targets.shape
        read = ~np.isnan(probabilities[:, 0])
        filled = np.where(read[:, None], probabilities, 1 / classes)
        predicted = np.where(read, filled.argmax(axis=1), -1)
        right = read & (targets[np.arange(n), np.maximum(predicted, 0)] > 0)
        return cls(read, filled, predicted, right, np.where(right, predicted, targets.argmax(axis=1)))


def score(
    predictions: Predictions,
    calibration: Calibration,
    rng: Rng,
    *,
    thresholds: np.ndarray | None = None,
    draws: int = 1000,
    level: float = 0.95,
    labels_only: bool = False,
) -> Evaluation:
    """Accuracy, UAR, macro F1, ECE and conformal coverage with intervals.

    A row is right when its most probable class is one of its labels. Groups are resampled whole.

    Parameters
    ----------
    predictions : Predictions
        Of at least one item.
    calibration : Calibration
        Of the model; without a conformal threshold, coverage and size of sets are left out.
    rng : int or numpy.random.Generator
        Draws the bootstrap's rows.
    thresholds : numpy.ndarray, optional
        ``(classes,)``. Where rows have several labels, multi-label macro F1 is scored too: a class is predicted when its
        probability reaches its threshold; the most probable class always is, as published for GoEmotions.
    draws : int
        Of the bootstrap.
    level : float
        Of the intervals.
    labels_only : bool
        Whether the model says a class and no probabilities, so that there is no calibration to measure.

    Returns
    -------
    Evaluation
        Without ``about`` and ``notes``.

    Raises
    ------
    CorpusError
        There is no item.
    """
    rng = generator(rng)
    targets = predictions.targets
    n, classes = targets.shape
    if n == 0:
        raise CorpusError("this split has no rows")
    judged = _Judged.of(predictions)
    names = predictions.groups.astype(str)
    groups = names if len(set(names)) > 1 else None
    statistics = _statistics(judged, targets, calibration, thresholds)
    if labels_only:
        del statistics["calibration_error"]
    scores = {
        name: bootstrap(statistic, n, rng, groups=groups, draws=draws, level=level) for name, statistic in statistics.items()
    }
    labels = list(predictions.labels)
    table = pd.DataFrame(confusion(judged.truth, judged.predicted, classes), index=labels, columns=[*labels, "(missed)"])
    return Evaluation(scores, table, _by_group(names, judged, classes), predictions.missed, n)


def _statistics(
    judged: _Judged, targets: np.ndarray, calibration: Calibration, thresholds: np.ndarray | None
) -> dict[str, Statistic]:
    classes = targets.shape[1]
    confidence = np.where(judged.read, judged.filled.max(axis=1), 0.0)

    def of(table_score: Callable[[np.ndarray], float]) -> Statistic:
        return lambda rows: table_score(confusion(judged.truth[rows], judged.predicted[rows], classes))

    def sets(part: int) -> Statistic:
        return lambda rows: conformal_coverage(judged.filled[rows], targets[rows], calibration.conformal)[part]

    statistics: dict[str, Statistic] = {
        "accuracy": of(accuracy),
        "mean_recall": of(unweighted_recall),
        "macro_f1": of(macro_f1),
        "calibration_error": lambda rows: expected_calibration_error(confidence[rows], judged.right[rows]),
    }
    if calibration.conformal < 1:
        statistics |= {"coverage": sets(0), "set_size": sets(1)}
    several = bool((np.count_nonzero(targets, axis=1) > 1).any())
    if several and thresholds is not None:
        chosen = (judged.filled >= thresholds) & judged.read[:, None]
        chosen[judged.read, judged.predicted[judged.read]] = True
        statistics["multilabel_macro_f1"] = lambda rows: multilabel_macro_f1(targets[rows] > 0, chosen[rows])
    return statistics


def _by_group(names: np.ndarray, judged: _Judged, classes: int) -> pd.DataFrame:
    rows = []
    for name in sorted(set(names)):
        members = names == name
        table = confusion(judged.truth[members], judged.predicted[members], classes)
        rows.append(
            {
                "group": name,
                "n": int(members.sum()),
                "accuracy": float(judged.right[members].mean()),
                "mean_recall": unweighted_recall(table),
            }
        )
    return pd.DataFrame(rows)


def fit_thresholds(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each class the probability threshold with the best F1 on validation data ``(n, classes)``."""
    out = []
    for column in range(probabilities.shape[1]):
        order = np.argsort(-probabilities[:, column], kind="stable")
        hits = np.cumsum(targets[order, column] > 0)
        f1 = 2 * hits / (np.arange(1, len(order) + 1) + (targets[:, column] > 0).sum())
        out.append(float(probabilities[order[int(f1.argmax())], column]))
    return np.array(out)
