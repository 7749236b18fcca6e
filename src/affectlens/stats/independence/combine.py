"""One p-value from several of the same hypothesis."""

from __future__ import annotations

import numpy as np
from scipy.stats import cauchy


def cauchy_combination(p: np.ndarray, shares: np.ndarray | None = None) -> float:
    """Cauchy combination (Liu & Xie 2020): valid in the tail whatever the dependence; one p-value stays itself.

    Parameters
    ----------
    p : (k,) array
        P-values of one hypothesis.
    shares : (k,) array, optional
        Of the level that each is given; all alike unless given.

    Returns
    -------
    float
        From 1e-300 to 1.
    """
    p = np.clip(np.asarray(p, dtype=np.float64), 1e-300, 1 - 1e-15)
    return float(np.clip(cauchy.sf(np.average(cauchy.isf(p), weights=shares)), 1e-300, 1.0))


def majority(p: np.ndarray, alpha: float = 0.05) -> bool:
    """Whether more than half of the tests reject at ``alpha``: no p-value, and no known level."""
    return bool((np.asarray(p) <= alpha).mean() > 0.5)
