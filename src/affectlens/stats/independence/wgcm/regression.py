"""Kernel ridge regression on prepared bases: width and penalty by generalised cross-validation, then undersmoothed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affectlens.stats.independence.wgcm.bases import Basis

PENALTIES = np.logspace(-9, 1.5, 36)  # per row
UNDERSMOOTHED = 10.0
CHOSEN = 2  # parameters: width and penalty
SATURATED = 0.5  # share of the rows that degrees of freedom may reach
_MOST_LEVERAGE = 0.9


@dataclass(frozen=True)
class Fitted:
    """What a regression leaves.

    Attributes
    ----------
    residuals : (n, k) array
        Of each target.
    leverage : (n, k) array
        Diagonal of the smoother of each target.
    error : (k,) array
        Squared error of each row by the others, before undersmoothing, over the target's variance: near 1 where the condition
        says nothing.
    chosen : tuple of str
        Basis of each target.
    """

    residuals: np.ndarray
    leverage: np.ndarray
    error: np.ndarray
    chosen: tuple[str, ...]


def regress(targets: np.ndarray, fixed: np.ndarray, bases: Sequence[Basis], undersmoothed: float = UNDERSMOOTHED) -> Fitted:
    """Take from targets what smooth functions of the condition say of them.

    For each target the basis and penalty of the least generalised cross-validation error are found (Golub, Heath & Wahba 1979).
    The fit itself is made with a smaller penalty: a bias that two variables share looks like dependence, while variance does
    not, so the penalty that predicts best is too large for a test.

    Parameters
    ----------
    targets : (n, k) array
        Columns to be explained.
    fixed : (n, q) array
        Orthonormal columns that are never penalised, a constant among them.
    bases : sequence of Basis
        Orthogonal to ``fixed``.
    undersmoothed : float
        What the best penalty is divided by.

    Returns
    -------
    Fitted
        Residuals, leverages, errors.
    """
    n, k = targets.shape
    q = fixed.shape[1]
    left = targets - fixed @ (fixed.T @ targets)
    total = (left**2).sum(axis=0)
    error = total / n / (1 - min(q / n, SATURATED)) ** 2
    choice: list[tuple[Basis, float] | None] = [None] * k
    for candidate in bases:
        squares = (candidate.vectors.T @ left) ** 2
        shrink = candidate.values[:, None] / (candidate.values[:, None] + PENALTIES * n)
        spent = q + candidate.cost + shrink.sum(axis=0)
        rest = np.maximum(total - (shrink * (2 - shrink)).T @ squares, 1e-14 * n)
        scores = np.where((spent <= SATURATED * n)[:, None], rest / n / (1 - np.minimum(spent / n, 0.99))[:, None] ** 2, np.inf)
        best = scores.argmin(axis=0)
        for j in range(k):
            if scores[best[j], j] < error[j] * (1 - 1e-9):
                error[j], choice[j] = scores[best[j], j], (candidate, PENALTIES[best[j]] * n)
    residuals, leverage = left.copy(), np.repeat((fixed**2).sum(axis=1)[:, None], k, axis=1)
    for j, taken in enumerate(choice):
        if taken is not None:
            candidate, penalty = taken
            room = SATURATED * n - q - candidate.cost
            along = candidate.vectors.T @ left[:, j]
            best = candidate.values / (candidate.values + penalty)
            error[j] = _left_out(left[:, j] - candidate.vectors @ (best * along), leverage[:, j] + candidate.vectors**2 @ best)
            shrink = _undersmoothed(candidate.values, penalty, undersmoothed, room)
            residuals[:, j] -= candidate.vectors @ (shrink * along)
            leverage[:, j] += candidate.vectors**2 @ shrink + (CHOSEN + candidate.cost) / n
        else:
            error[j] = _left_out(left[:, j], leverage[:, j])
    variance = np.maximum(((targets - targets.mean(axis=0)) ** 2).mean(axis=0), 1e-300)
    names = tuple("straight line" if taken is None else taken[0].name for taken in choice)
    return Fitted(residuals, np.minimum(leverage, _MOST_LEVERAGE), error / variance, names)


def _left_out(residual: np.ndarray, leverage: np.ndarray) -> float:
    """Mean squared error of rows ``(n,)`` by regressions without each of them (Allen 1974)."""
    return float(((residual / (1 - np.minimum(leverage, 0.99))) ** 2).mean())


def _undersmoothed(values: np.ndarray, penalty: float, factor: float, room: float) -> np.ndarray:
    """How much of each function is taken ``(r,)``, with the smaller penalty as far as degrees of freedom are left."""
    for share in (factor, factor**0.5):
        shrink = values / (values + penalty / share)
        if shrink.sum() <= room:
            return np.asarray(shrink)
    return np.asarray(values / (values + penalty))
