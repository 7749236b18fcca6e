"""What a condition leaves of a variable: residuals and functions of them, each without what the condition says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affectlens.stats.independence.variables import Variable, normal_scores
from affectlens.stats.independence.wgcm.bases import Basis
from affectlens.stats.independence.wgcm.condition import Factorised
from affectlens.stats.independence.wgcm.directions import own_bases
from affectlens.stats.independence.wgcm.regression import regress

NOTHING = 1e-4  # of a variable's deviation: less than this left is rounding
_PAIRED = 6  # columns up to which products of two of them are looked at
_SPREAD = 2.0  # logarithm up to which residuals are divided by their spread


@dataclass(frozen=True)
class Left:
    """What the condition leaves of a variable.

    Attributes
    ----------
    lines : (n, p) array
        Residuals of the columns, of deviation one; zero where nothing is left.
    waves : (n, m) array
        Functions of the residuals that are no lines.
    leverage : (n, p + m) array
        Of the regressions behind both.
    share : float
        Of the variance that the condition leaves, the largest of the columns.
    """

    lines: np.ndarray
    waves: np.ndarray
    leverage: np.ndarray
    share: float


def left_of(variable: Variable, condition: Factorised) -> Left:
    """Residuals of a variable, computed once for each variable and condition."""
    key = (variable.columns.tobytes(), variable.kinds)
    return condition.once(key, lambda: _left_of(variable, condition))


def _left_of(variable: Variable, condition: Factorised) -> Left:
    columns = variable.columns[:, np.ptp(variable.columns, axis=0) > 0]
    kinds = [kind for kind, column in zip(variable.kinds, variable.columns.T, strict=True) if np.ptp(column) > 0]
    scales = [_scales(column, kind) for column, kind in zip(columns.T, kinds, strict=True)]
    together = np.column_stack(scales)
    bases = [*condition.bases, *own_bases(condition, together)]
    fitted = regress(together, condition.fixed, bases)
    lines, leverage, shares, smooth = [], [], [], []
    start = 0
    for column, scale in zip(columns.T, scales, strict=True):
        best = start + int(fitted.error[start : start + scale.shape[1]].argmin())
        start += scale.shape[1]
        residual = fitted.residuals[:, best]
        deviation = float(residual.std())
        shares.append(deviation**2)
        lines.append(residual / deviation if deviation > NOTHING else np.zeros(len(residual)))
        leverage.append(fitted.leverage[:, best])
        smooth.append(len(np.unique(column)) > 2 and deviation > NOTHING)
    lines_of = np.column_stack(lines)
    functions = [*_curves(lines_of[:, smooth], condition, bases), *_products(lines_of, kinds)]
    waves, leverage_of_waves = _without_condition(functions, condition, bases)
    of_lines = np.column_stack(leverage)
    of_waves = _leverage_of_functions(lines_of, of_lines, waves, leverage_of_waves)
    return Left(lines_of, waves, np.column_stack([of_lines, of_waves]), max(shares))


def _leverage_of_functions(lines: np.ndarray, of_lines: np.ndarray, waves: np.ndarray, of_waves: np.ndarray) -> np.ndarray:
    """Leverage ``(n, m)`` of functions of residuals: of their own regression, and of the one that left the residuals."""
    # What the first regression took is missing from a function of its residuals only as far as that is a line in them: the rest
    # of the function has lost nothing but what its own regression took.
    straight = np.minimum(((lines.T @ waves / len(lines)) ** 2).sum(axis=0), 1.0)
    return np.asarray(of_waves + straight * np.maximum(of_lines.max(axis=1, keepdims=True) - of_waves, 0.0))


def _scales(column: np.ndarray, kind: str) -> np.ndarray:
    """A column in deviations, and by its normal scores where its values have an order and there are more than two."""
    # The one that the condition explains better is taken: scores stand heavy tails, and what is nearly a function of the
    # condition is smooth in its own values alone.
    standard = (column - column.mean()) / column.std()
    if kind not in ("continuous", "ordinal") or len(np.unique(column)) <= 2:
        return np.asarray(standard[:, None])
    return np.column_stack([standard, normal_scores(column[:, None])[:, 0]])


def _curves(lines: np.ndarray, condition: Factorised, bases: Sequence[Basis]) -> list[np.ndarray]:
    """Normal scores of residuals ``(n, p)`` over their spread, and waves of these."""
    if not lines.shape[1]:
        return []
    logarithm = np.log(lines**2 + 1e-2)
    spread = (logarithm - regress(logarithm, condition.fixed, bases, 1.0).residuals) / 2
    even = normal_scores(lines / np.exp(np.clip(spread - spread.mean(axis=0), -_SPREAD, _SPREAD)))
    return [even, np.sin(1.5 * even), np.cos(1.5 * even), np.cos(0.75 * even)]


def _products(lines: np.ndarray, kinds: Sequence[str]) -> list[np.ndarray]:
    """Products of the residuals ``(n, p)`` of two columns of a variable, unless they are categories or very many."""
    count = lines.shape[1]
    if not 1 < count <= _PAIRED or set(kinds) == {"categorical"}:
        return []
    return [lines[:, i : i + 1] * lines[:, i + 1 :] for i in range(count - 1)]


def _without_condition(
    functions: list[np.ndarray], condition: Factorised, bases: Sequence[Basis]
) -> tuple[np.ndarray, np.ndarray]:
    """Functions ``(n, m)`` of residuals without what the condition says of them, of deviation one, and leverages."""
    n = len(condition.fixed)
    together = np.column_stack([np.zeros((n, 0)), *functions])
    together = together - together.mean(axis=0)
    together = together[:, together.std(axis=0) > 1e-6]
    if not together.shape[1]:
        return np.zeros((n, 0)), np.zeros((n, 0))
    fitted = regress(together, condition.fixed, bases)
    deviation = fitted.residuals.std(axis=0)
    kept = deviation > NOTHING
    return fitted.residuals[:, kept] / deviation[kept], fitted.leverage[:, kept]
