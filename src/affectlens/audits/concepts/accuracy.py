"""Is there anything in the direction at all: how well it tells unseen examples with the concept from those without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.audits.concepts.space import Space, directions

FOLDS = 5


@dataclass(frozen=True)
class Accuracy:
    """Balanced accuracy of each concept ``(k,)`` on held-out dialogues, the mean of the control (the same concept dealt to
    random examples) and the p-value against it."""

    held_out: np.ndarray
    control: np.ndarray
    p: np.ndarray


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

    ``targets`` ``(k, n)`` with 1, 0 or NaN; ``row_orders`` ``(K, n)`` deal the control's examples; ``groups`` ``(n,)`` are not
    split between folds.
    """
    observed = _balanced(space, targets, method, groups, seed)
    control = np.stack([_balanced(space, targets[:, order], method, groups, seed) for order in row_orders])
    p = (1 + (control >= observed - 1e-12).sum(axis=0)) / (len(control) + 1)
    return Accuracy(observed, control.mean(axis=0), p)


def _balanced(space: Space, targets: np.ndarray, method: str, groups: np.ndarray | None, seed: int) -> np.ndarray:
    n = len(space.points)
    unit = np.arange(n) if groups is None else np.unique(groups.astype(str), return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(np.arange(unit.max() + 1) % FOLDS)[unit]
    right = np.zeros((len(targets), 2))
    seen = np.zeros((len(targets), 2))
    for f in range(FOLDS):
        held = fold == f
        y = np.where(held, np.nan, targets)
        found = directions(space, y, method, seed)
        value = found @ space.points.T
        for i, row in enumerate(y):
            yes, no = row > 0.5, row <= 0.5
            if not yes.any() or not no.any():
                continue
            threshold = (value[i, yes].mean() + value[i, no].mean()) / 2
            truth = targets[i, held]
            says = value[i, held] > threshold
            for side, mine in enumerate((truth <= 0.5, truth > 0.5)):
                right[i, side] += (says[mine] == bool(side)).sum()
                seen[i, side] += mine.sum()
    return np.asarray((right / np.maximum(seen, 1)).mean(axis=1))
