"""One p-value from several of the same hypothesis."""

from __future__ import annotations

import numpy as np
from scipy.stats import cauchy


def cauchy_combination(p: np.ndarray) -> float:
    """Cauchy combination (Liu & Xie 2020): valid in the tail whatever the dependence; one p-value stays itself."""
    p = np.clip(np.asarray(p, dtype=np.float64), 1e-15, 1 - 1e-15)
    return float(np.clip(cauchy.sf(np.mean(cauchy.isf(p))), 1e-300, 1.0))


def majority(p: np.ndarray, alpha: float = 0.05) -> bool:
    """Whether more than half of the tests reject at ``alpha``: no p-value, and no known level."""
    return bool((np.asarray(p) <= alpha).mean() > 0.5)
