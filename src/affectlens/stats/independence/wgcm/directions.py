"""Functions that suit one variable: of the few columns or directions of a wide condition, or with a jump in a single column."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from affectlens.stats.independence.index import ridge_maps
from affectlens.stats.independence.wgcm.bases import Basis, basis, gaussian
from affectlens.stats.independence.wgcm.condition import Factorised

WIDTHS = (0.3, 0.7, 1.4)  # along a direction, in deviations
BESIDE = (0.5, 1.6)  # widths beside a jump, in deviations
_STANDS_OUT = 4.5  # standard errors of a jump
MANY = 6  # columns from which single ones are selected
_MOST = 6  # columns that are selected
_ALPHA = 0.1  # that any column is selected of which nothing depends


def own_bases(condition: Factorised, targets: np.ndarray) -> list[Basis]:
    """Bases along the one and two directions in which targets change, and on the columns that they depend on.

    Of a condition of one column bases whose functions are smooth on both sides of the largest jump, where one stands out.

    Parameters
    ----------
    condition : Factorised
        The condition.
    targets : (n, k) array
        A variable's columns.

    Returns
    -------
    list of Basis
        Maybe empty.
    """
    d = condition.columns.shape[1]
    if d < 2:
        return _beside_a_jump(condition, targets) if d else []
    # Which rows directions are learned from, where there are very many, is all that is drawn here.
    maps = ridge_maps(condition.columns, targets, np.random.default_rng(0))
    projected = condition.columns @ maps[-1].directions.T
    projected = projected / np.maximum(projected.std(axis=0), 1e-12)
    out = condition.along(projected[:, :1], WIDTHS, "one direction", d - 1)
    out += condition.along(projected, (0.7, 1.4), "two directions", 2 * (d - 1))
    if d < MANY:
        return out
    columns = selected_columns(condition.columns, condition.fixed, targets)
    if len(columns):
        some = condition.columns[:, columns]
        out += condition.sums(some, (0.4, 1.2), "selected columns", 2 * len(columns))
        out += condition.along(some, (0.7 * len(columns) ** 0.5,), "selected columns together", 2 * len(columns))
    return out


def _beside_a_jump(condition: Factorised, targets: np.ndarray) -> list[Basis]:
    column = condition.columns[:, 0]
    cut = largest_jump(column, targets)
    if cut is None:
        return []
    side = (column > cut).astype(np.int64)
    labels = side if condition.labels is None else 2 * condition.labels + side
    return [basis(f"jump, width {width:g}", gaussian(width), condition.columns, condition.fixed, labels, 1) for width in BESIDE]


def largest_jump(column: np.ndarray, targets: np.ndarray) -> float | None:
    """Where in a column ``(n,)`` the means of targets ``(n, k)`` before and after differ most, if by more than chance.

    Before and after are the rows next to the place, a fortieth of all on each side and ten at least.

    Parameters
    ----------
    column : (n,) array
        The condition.
    targets : (n, k) array
        A variable's columns.

    Returns
    -------
    float or None
        Half way between two rows; None where no difference is as large as 4.5 standard errors, or where there are few rows.
    """
    order = np.argsort(column, kind="stable")
    n, window = len(column), max(10, len(column) // 40)
    if n < 4 * window:
        return None
    ordered = targets[order]
    sums = np.concatenate([np.zeros((1, ordered.shape[1])), np.cumsum(ordered, axis=0)])
    middle = np.arange(window, n - window + 1)
    step = (sums[middle + window] - 2 * sums[middle] + sums[middle - window]) / window
    # Neighbours differ by noise alone nearly everywhere, so that their differences tell its size (Rice 1984).
    noise = np.median(np.abs(np.diff(ordered, axis=0)), axis=0) / 0.6745 / np.sqrt(2)
    height = np.abs(step) / np.maximum(noise * np.sqrt(2 / window), 1e-300)
    best = int(height.max(axis=1).argmax())
    if height[best].max() < _STANDS_OUT:
        return None
    place = middle[best]
    return float(column[order[place - 1 : place + 1]].mean())


def selected_columns(columns: np.ndarray, fixed: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Columns ``(m,)`` of ``(n, d)`` on which targets depend in more than a line, by forward selection.

    A column is taken while the squared correlation of the targets with five functions of it is more than chance gives the best
    of all columns.

    Parameters
    ----------
    columns : (n, d) array
        The condition.
    fixed : (n, q) array
        Orthonormal columns that are taken out first.
    targets : (n, k) array
        A variable's columns.

    Returns
    -------
    (m,) int array
        In the order in which they were taken, six at most.
    """
    n, d = columns.shape
    left = targets - fixed @ (fixed.T @ targets)
    left = left / np.maximum(np.sqrt((left**2).mean(axis=0)), 1e-300)
    waves = [columns**2, *(wave(speed * columns) for speed in (1.5, 3.0) for wave in (np.sin, np.cos))]
    functions = np.stack(waves, axis=2).reshape(n, -1)
    functions = functions - fixed @ (fixed.T @ functions)
    groups, _ = np.linalg.qr(functions.reshape(n, d, len(waves)).transpose(1, 0, 2))
    threshold = chi2.isf(_ALPHA / d / targets.shape[1], len(waves))
    taken: list[int] = []
    for _ in range(min(_MOST, d)):
        gains = ((groups.transpose(0, 2, 1) @ left) ** 2).sum(axis=1)
        gains[taken] = 0
        column = int(gains.max(axis=1).argmax())
        if gains[column].max() < threshold * (left**2).mean(axis=0).max():
            break
        taken.append(column)
        together = np.linalg.qr(np.concatenate([groups[j] for j in taken], axis=1))[0]
        left = left - together @ (together.T @ left)
    return np.array(taken, dtype=int)
