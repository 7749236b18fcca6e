"""Tail probability of a weighted sum of chi-squares, for quadratic statistics."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2


def weighted_chi2_tail(statistic: float, weights: np.ndarray) -> float:
    """P(sum_i w_i chi2_1 > statistic) by matching three moments with a chi-square (Liu, Tang & Zhang 2009)."""
    w = np.asarray(weights, dtype=np.float64)
    w = w[w > 1e-12 * max(float(w.max(initial=0.0)), 1e-300)]
    if not len(w):
        return 1.0
    c = [float((w**k).sum()) for k in range(1, 4)]
    # Weights of central chi-squares never need the non-central one of the general method (c3² is at most c2 c4).
    freedom = c[1] ** 3 / c[2] ** 2
    standard = (statistic - c[0]) / np.sqrt(2 * c[1])
    tail = chi2.sf(standard * np.sqrt(2 * freedom) + freedom, freedom)
    return float(np.clip(tail, 1e-300, 1.0))
