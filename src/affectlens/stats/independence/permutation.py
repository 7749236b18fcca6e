"""Exact permutation tests: within the strata of a discrete condition, or of everything when there is none."""

from __future__ import annotations

import numpy as np

from affectlens.stats.independence.rcot import OWN, own_features


def stratified(
    x: np.ndarray, y: np.ndarray, strata: np.ndarray, rng: np.random.Generator, draws: int = 999, own: int = OWN
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Statistic, p-value, and the features of x ``(n, p)`` and y ``(n, q)`` centred in their strata.

    x is permuted within strata ``(n,)``, under which the data are as likely as before when x and y are independent given the
    stratum: exact for any sizes (Fisher 1935). The statistic is the squared covariance of features of both, summed.
    """
    a, b = (centred_in(own_features(v, rng, own), strata) for v in (x, y))
    order = np.argsort(strata, kind="stable")
    edges = np.flatnonzero(np.diff(strata[order])) + 1
    groups = [g for g in np.split(order, edges) if len(g) > 1]

    def statistic(rows: np.ndarray) -> float:
        return float(((a[rows].T @ b) ** 2).sum()) / len(a)

    rows = np.arange(len(a))
    observed = statistic(rows)
    beyond = 0
    for _ in range(draws):
        for g in groups:
            rows[g] = rng.permutation(g)
        beyond += statistic(rows) >= observed * (1 - 1e-12) - 1e-15
    return observed, (1 + beyond) / (draws + 1), a, b


def centred_in(f: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Features ``(n, p)`` without their mean in each stratum ``(n,)``."""
    counts = np.bincount(strata)
    out = f.copy()
    for j in range(f.shape[1]):
        out[:, j] -= (np.bincount(strata, f[:, j]) / np.maximum(counts, 1))[strata]
    return out
