"""Scores of a classifier: accuracy, unweighted average recall, macro F1, calibration, conformal coverage, temperature."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar


def confusion(truth: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts ``(classes, classes + 1)``: rows are the labels, columns the predictions, the last one for misses (-1)."""
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    column = np.where(predicted < 0, classes, predicted)
    return np.bincount(truth * (classes + 1) + column, minlength=classes * (classes + 1)).reshape(classes, classes + 1)


def accuracy(table: np.ndarray) -> float:
    """Share of rows whose prediction is right; a miss is an error."""
    return float(np.trace(table[:, :-1]) / max(table.sum(), 1))


def unweighted_recall(table: np.ndarray) -> float:
    """Mean recall over the classes that occur (UAR)."""
    support = table.sum(axis=1)
    present = support > 0
    return float((np.diag(table[:, :-1])[present] / support[present]).mean()) if present.any() else float("nan")


def macro_f1(table: np.ndarray) -> float:
    """Mean F1 over the classes that occur in labels or predictions."""
    hits = np.diag(table[:, :-1])
    total = table.sum(axis=1) + table[:, :-1].sum(axis=0)
    present = total > 0
    return float((2 * hits[present] / total[present]).mean()) if present.any() else float("nan")


def multilabel_macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Mean over classes of F1 of the binary columns ``(n, classes)``; a class that nowhere occurs counts as 0."""
    truth, predicted = np.asarray(truth, bool), np.asarray(predicted, bool)
    hits = (truth & predicted).sum(axis=0)
    total = truth.sum(axis=0) + predicted.sum(axis=0)
    return float(np.where(total > 0, 2 * hits / np.maximum(total, 1), 0.0).mean())


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over ``bins`` equal intervals, weighted by count (Guo et al. 2017)."""
    confidence, correct = np.asarray(confidence, np.float64), np.asarray(correct, np.float64)
    interval = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(interval, minlength=bins)
    gaps = np.abs(np.bincount(interval, confidence, bins) - np.bincount(interval, correct, bins))
    return float(gaps.sum() / max(count.sum(), 1))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row-wise softmax in float64."""
    scaled = np.asarray(logits, np.float64)
    scaled = scaled - scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fit_temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """The temperature that minimises cross-entropy against target distributions ``(n, classes)`` (Guo et al. 2017)."""

    def loss(log_t: float) -> float:
        probabilities = softmax(np.asarray(logits, np.float64) / np.exp(log_t))
        return float(-(targets * np.log(np.clip(probabilities, 1e-12, 1))).sum(axis=1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def conformal_threshold(probabilities: np.ndarray, targets: np.ndarray, coverage: float = 0.9) -> float:
    """The split-conformal quantile of ``1 - p(label)`` (Sadinle et al. 2019; Angelopoulos & Bates 2021).

    Parameters
    ----------
    probabilities : (n, classes) array
        Calibrated on other rows than these.
    targets : (n, classes) array
        Distributions; a text with two labels counts half for each.
    coverage : float
        Probability with which the set shall hold the label.

    Returns
    -------
    float
        Classes with probability at least one minus it form the set; 1 where the rows are too few for the promise.

    Examples
    --------
    >>> conformal_threshold(np.array([[0.9, 0.1], [0.6, 0.4]]), np.eye(2)[[0, 0]], coverage=0.5)
    0.4
    """
    rows, columns = np.nonzero(targets)
    scores, weight = 1 - probabilities[rows, columns], targets[rows, columns]
    order = np.argsort(scores, kind="stable")
    scores, weight = scores[order], weight[order]
    total = weight.sum()
    reached = np.cumsum(weight) >= coverage * (total + 1)
    return float(scores[np.argmax(reached)]) if reached.any() else 1.0


def conformal_coverage(probabilities: np.ndarray, targets: np.ndarray, threshold: float) -> tuple[float, float]:
    """Measured coverage of the sets and their mean size."""
    inside = probabilities >= 1 - threshold
    empty = ~inside.any(axis=1)
    inside[empty, probabilities[empty].argmax(axis=1)] = True
    return float((targets * inside).sum() / targets.sum()), float(inside.sum(axis=1).mean())


def entropy_explained(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Share of the labels' entropy that the model explains: a skill score of the logarithmic score.

    Parameters
    ----------
    probabilities, targets : (n, classes) array
        What the model says, and the labels as distributions.

    Returns
    -------
    float
        ``1 - cross-entropy / entropy of the base rates``, at least 0.
    """
    base = targets.mean(axis=0)
    entropy = -(base[base > 0] * np.log(base[base > 0])).sum()
    loss = -(targets * np.log(np.clip(probabilities, 1e-12, 1))).sum(axis=1).mean()
    return float(max(0.0, 1 - loss / max(entropy, 1e-12)))
