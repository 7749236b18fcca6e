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
    """Permute within strata and compare the squared covariance of features of both variables, summed.

    Within strata the data are as likely as before when x and y are independent given the stratum: exact for any sizes (Fisher
    1935). Where no permutation reaches the statistic, p is that of their limit, if it is smaller.

    Parameters
    ----------
    x, y : (n, ·) array
        The variables.
    strata : (n,) int array
        Numbers of the strata from 0 on.
    rng : numpy.random.Generator
        Draws features and permutations.
    draws : int
        Permutations at most; fewer where enough reached the statistic.
    own : int
        Random waves of each variable beside its columns.

    Returns
    -------
    statistic, p : float
        Of the test.
    a, b : (n, p) and (n, q) array
        Features centred in their strata.
    """
    a, b = (centred_in(own_features(values, rng, own), strata) for values in (x, y))
    order = np.argsort(strata, kind="stable")
    edges = np.flatnonzero(np.diff(strata[order])) + 1
    groups = [members for members in np.split(order, edges) if len(members) > 1]

    def statistic(rows: np.ndarray) -> float:
        return float(((a[rows].T @ b) ** 2).sum()) / len(a)

    rows = np.arange(len(a))
    observed = statistic(rows)
    beyond = 0
    drawn = 0
    while drawn < draws and beyond < ENOUGH:
        for members in groups:
            rows[members] = rng.permutation(members)
        beyond += statistic(rows) >= observed * (1 - 1e-12) - 1e-15
        drawn += 1
    # Once enough permutations reached it, more would only repeat that nothing is there (Besag & Clifford 1991): valid as well.
    p = beyond / drawn if beyond == ENOUGH else (1 + beyond) / (drawn + 1)
    if beyond == 0 and len(a) >= LIMIT:
        p = min(p, limit_p(a, b, len(groups)))
    return observed, p, a, b


def limit_p(a: np.ndarray, b: np.ndarray, spent: int) -> float:
    """P-value by the limit of the permutations, for what no drawn one reached: so many tests can be corrected for.

    Parameters
    ----------
    a, b : (n, p) and (n, q) array
        Features centred in strata.
    spent : int
        Number of the strata.

    Returns
    -------
    float
        From 1e-300 to 1.
    """
    n = len(a)
    products = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
    mean = products.mean(axis=0)
    centred = (products - mean) / np.sqrt(max(1 - spent / n, 0.2))
    return weighted_chi2_tail(n * float((mean**2).sum()), np.maximum(np.linalg.eigvalsh(centred.T @ centred / n), 0))


def centred_in(features: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Features ``(n, p)`` without their mean in each stratum ``(n,)``."""
    counts = np.bincount(strata)
    out = features.copy()
    for j in range(features.shape[1]):
        out[:, j] -= (np.bincount(strata, features[:, j]) / np.maximum(counts, 1))[strata]
    return out
