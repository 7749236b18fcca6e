"""Is there anything in the direction at all: how well it tells unseen examples with the concept from those without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from affectlens.audits.concepts.cav.space import Space, directions
from affectlens.stats.randomization import column_p

FOLDS = 5


@dataclass(frozen=True)
class Accuracy:
    """How well directions tell concepts.

    Attributes
    ----------
    held_out : array (k,)
        Balanced accuracy of each concept on held-out dialogues.
    control : array (k,)
        Mean of the control: the same concept dealt to random examples.
    p_value : array (k,)
        Of the accuracy against the control.
    """

    held_out: np.ndarray
    control: np.ndarray
    p_value: np.ndarray


class BalancedAccuracy:
    """Balanced accuracy of ``count`` concepts, gathered fold by fold."""

    def __init__(self, count: int) -> None:
        self.right, self.total = np.zeros((count, 2)), np.zeros((count, 2))  # without and with the concept

    def update(self, concept: int, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Add examples of one concept: ``truth`` ``(m,)`` 1, 0 or NaN, ``predicted`` ``(m,)`` bool."""
        for side, rows in enumerate((truth <= 0.5, truth > 0.5)):
            self.right[concept, side] += (predicted[rows] == bool(side)).sum()
            self.total[concept, side] += rows.sum()

    def merge(self, other: BalancedAccuracy) -> Self:
        """Add the examples of other folds; gives itself."""
        self.right += other.right
        self.total += other.total
        return self

    def compute(self) -> np.ndarray:
        """Balanced accuracy ``(k,)``; NaN where examples or counterexamples were never held out."""
        return np.asarray((self.right / np.where(self.total > 0, self.total, np.nan)).mean(axis=1))


def held_out_accuracy(
    space: Space,
    targets: np.ndarray,
    row_orders: np.ndarray,
    *,
    method: str = "pattern",
    groups: np.ndarray | None = None,
    seed: int = 0,
) -> Accuracy:
    """Cross-validated balanced accuracy; the threshold lies halfway between the training means.

    Parameters
    ----------
    space : Space
        The layer.
    targets : array (k, n)
        Concepts: 1, 0 or NaN.
    row_orders : array (K, n) of int
        Deal the control's examples.
    method : str
        How directions are made.
    groups : array (n,), optional
        Dialogues, which are not split between folds.
    seed : int
        Of the folds and classifiers.

    Returns
    -------
    Accuracy
        Of every concept.
    """
    observed = _balanced(space, targets, method, groups, seed)
    control = np.stack([_balanced(space, targets[:, order], method, groups, seed) for order in row_orders])
    defined = np.isfinite(control)
    mean = np.where(defined, control, 0.0).sum(axis=0) / np.where(defined.any(axis=0), defined.sum(axis=0), np.nan)
    return Accuracy(observed, mean, column_p(observed, control))


def _balanced(space: Space, targets: np.ndarray, method: str, groups: np.ndarray | None, seed: int) -> np.ndarray:
    n = len(space.points)
    unit = np.arange(n) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(np.arange(unit.max() + 1) % FOLDS)[unit]
    out = BalancedAccuracy(len(targets))
    for number in range(FOLDS):
        test = fold == number
        training = np.where(test, np.nan, targets)
        values = directions(space, training, method, seed) @ space.points.T
        for i, row in enumerate(training):
            with_concept, without = row > 0.5, row <= 0.5
            if with_concept.any() and without.any():
                threshold = (values[i, with_concept].mean() + values[i, without].mean()) / 2
                out.update(i, targets[i, test], values[i, test] > threshold)
    return out.compute()
