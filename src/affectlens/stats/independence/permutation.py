"""Exact permutation tests: within the strata of a discrete condition, or of everything when there is none."""

from __future__ import annotations

import numpy as np

from affectlens.stats.independence.quadratic import weighted_chi2_tail
from affectlens.stats.independence.rcot import OWN, own_features

ENOUGH = 50  # permutations beyond the observed that end the drawing
LIMIT = 300  # rows from which the limit serves below the smallest p-value of the permutations


def stratified(
    x: np.ndarray, y: np.ndarray, strata: np.ndarray, rng: np.random.Generator, draws: int = 999, own: int = OWN
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Statistic, p-value, and the features of x ``(n, p)`` and y ``(n, q)`` centred in their strata.

    x is permuted within strata ``(n,)``, under which the data are as likely as before when x and y are independent given the
    stratum: exact for any sizes (Fisher 1935). The statistic is the squared covariance of features of both, summed. Where no
    permutation reaches it, p is that of their limit, if it is smaller.
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
    made = 0
    while made < draws and beyond < ENOUGH:
        for g in groups:
            rows[g] = rng.permutation(g)
        beyond += statistic(rows) >= observed * (1 - 1e-12) - 1e-15
        made += 1
    # Once enough permutations reached it, more would only repeat that nothing is there (Besag & Clifford 1991): valid as well.
    p = beyond / made if beyond == ENOUGH else (1 + beyond) / (made + 1)
    if beyond == 0 and len(a) >= LIMIT:
        p = min(p, limit_p(a, b, len(groups)))
    return observed, p, a, b


def limit_p(a: np.ndarray, b: np.ndarray, spent: int) -> float:
    """P-value of features centred in strata by the limit of the permutations: for what no drawn permutation reached, so that
    many tests can be corrected for."""
    n = len(a)
    m = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
    mean = m.mean(axis=0)
    centred = (m - mean) / np.sqrt(max(1 - spent / n, 0.2))
    return weighted_chi2_tail(n * float((mean**2).sum()), np.maximum(np.linalg.eigvalsh(centred.T @ centred / n), 0))


def centred_in(f: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Features ``(n, p)`` without their mean in each stratum ``(n,)``."""
    counts = np.bincount(strata)
    out = f.copy()
    for j in range(f.shape[1]):
        out[:, j] -= (np.bincount(strata, f[:, j]) / np.maximum(counts, 1))[strata]
    return out
