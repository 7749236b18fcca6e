"""Tail probability of a weighted sum of chi-squares, for quadratic statistics."""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2, ncx2


def weighted_chi2_tail(statistic: float, weights: np.ndarray) -> float:
    """P(sum_i w_i chi2_1 > statistic) by matching four moments with a (non-central) chi-square (Liu, Tang & Zhang 2009)."""
    w = np.asarray(weights, dtype=np.float64)
    w = w[w > 1e-12 * max(float(w.max(initial=0.0)), 1e-300)]
    if not len(w):
        return 1.0
    c = [float((w**k).sum()) for k in range(1, 5)]
    s1, s2 = c[2] / c[1] ** 1.5, c[3] / c[1] ** 2
    if s1**2 > s2:
        a = 1 / (s1 - np.sqrt(s1**2 - s2))
        delta = s1 * a**3 - a**2
        freedom = a**2 - 2 * delta
    else:
        a, delta = 1 / s1, 0.0
        freedom = c[1] ** 3 / c[2] ** 2
    standard = (statistic - c[0]) / np.sqrt(2 * c[1])
    at = standard * np.sqrt(2) * a + freedom + delta
    tail = ncx2.sf(at, freedom, delta) if delta > 0 else chi2.sf(at, freedom)
    return float(np.clip(tail, 1e-300, 1.0))
