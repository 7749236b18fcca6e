"""Whether a regression did its work: what it left of a variable, and whether that still depends on the condition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import norm

from affectlens.stats.independence.wgcm.condition import Factorised
from affectlens.stats.independence.wgcm.residuals import NOTHING, Left

ALPHA = 0.001  # below it, residuals depend on the condition
_NEIGHBOURS = 2
_WIDEST = 20  # columns up to which near rows are near enough


@dataclass(frozen=True)
class Diagnosis:
    """What is to be known of the regressions before a p-value is believed.

    Attributes
    ----------
    left_x, left_y : float
        Share of the variance that the condition leaves of each variable.
    rest_x, rest_y : float
        P-value of the hypothesis that nothing of the condition is in the residuals, by products of neighbouring ones; 1 where
        the condition has too many columns for neighbours to be near.
    crowded : bool
        Whether the condition has too many columns for the rows.
    """

    left_x: float
    left_y: float
    rest_x: float
    rest_y: float
    crowded: bool = False

    @property
    def testable(self) -> bool:
        """Whether the condition leaves something of both variables."""
        return min(self.left_x, self.left_y) > NOTHING**2

    @property
    def sound(self) -> bool:
        """Whether nothing speaks against the p-value."""
        return not self.sentence

    @property
    def sentence(self) -> str:
        """What speaks against the p-value, in plain words; empty where nothing does."""
        sides = {"x": (self.left_x, self.rest_x), "y": (self.left_y, self.rest_y)}
        gone = [name for name, (left, _) in sides.items() if left <= NOTHING**2]
        if gone:
            return f"z determines {' and '.join(gone)}: nothing is left that could be tested, and p is 1"
        out = []
        bound = [name for name, (_, rest) in sides.items() if rest < ALPHA]
        if bound:
            out.append(f"what is left of {' and '.join(bound)} still depends on z, so p may be too small")
        if self.crowded:
            out.append("z has more columns than a third of the rows, so its lines are penalised too, and p may be too small")
        return "; ".join(out)


def diagnosed(x: Left, y: Left, condition: Factorised) -> Diagnosis:
    """Look at the residuals of both variables.

    Parameters
    ----------
    x, y : Left
        Residuals.
    condition : Factorised
        The condition.

    Returns
    -------
    Diagnosis
    """
    return Diagnosis(x.share, y.share, rest(x.lines, condition), rest(y.lines, condition), condition.crowded)


def rest(residuals: np.ndarray, condition: Factorised) -> float:
    """P-value of residuals ``(n, p)`` that are like those of near rows (after von Neumann 1941; Schilling 1986).

    Parameters
    ----------
    residuals : (n, p) array
        Of mean zero.
    condition : Factorised
        Says which rows are near.

    Returns
    -------
    float
        One-sided, of the sum of products of neighbours against random signs, corrected by Bonferroni for the columns.
    """
    near = condition.once("neighbours", lambda: _neighbours(condition))
    if near is None:
        return 1.0
    smallest: float = 1.0
    n = len(residuals)
    pairs = np.column_stack([np.repeat(np.arange(n), near.shape[1]), near.ravel()])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs, times = np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)
    for residual in residuals.T:
        products = times * residual[pairs[:, 0]] * residual[pairs[:, 1]]
        deviation = float(np.sqrt((products**2).sum()))
        if deviation > 0:
            smallest = min(smallest, float(norm.sf(products.sum() / deviation)))
    return float(min(1.0, smallest * residuals.shape[1]))


def _neighbours(condition: Factorised) -> np.ndarray | None:
    """The nearest rows ``(n, k)`` of each, of the same label; None where no rows are near."""
    columns = condition.columns
    if not 0 < columns.shape[1] <= _WIDEST:
        return None
    if condition.labels is not None:
        apart = 10 * (np.ptp(columns, axis=0).sum() + 1)
        columns = np.column_stack([columns, apart * condition.labels])
    return np.asarray(cKDTree(columns).query(columns, _NEIGHBOURS + 1)[1][:, 1:])
