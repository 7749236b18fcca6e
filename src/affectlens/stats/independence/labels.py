"""Dependences that differ between the labels of a discrete condition, by permutations within labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

ROWS = 20  # that a label must have on average to be looked at by itself
DRAWS = 499
SHARE = 0.2  # of the level
_CHUNK = 2_000_000  # numbers that are permuted at a time


def within_labels(a: np.ndarray, b: np.ndarray, strata: np.ndarray, rng: np.random.Generator, draws: int = DRAWS) -> float:
    """P-value of the squared covariances within each label, summed: those of different sign do not cancel.

    Parameters
    ----------
    a, b : (n, p) and (n, q) array
        Features of both variables, centred in their strata.
    strata : (n,) int array
        Labels from 0 on.
    rng : numpy.random.Generator
        Draws the permutations.
    draws : int
        How many.

    Returns
    -------
    float
        Exact under permutations within labels.
    """
    order = np.argsort(strata, kind="stable")
    a, b, strata = a[order], b[order], strata[order]
    edges = np.concatenate([[0], np.flatnonzero(np.diff(strata)) + 1, [len(strata)]])

    def statistics(rows: np.ndarray) -> np.ndarray:
        """Of permutations ``(k, n)``."""
        out = np.zeros(len(rows))
        for start, end in pairwise(edges):
            covariances = np.einsum("ip,kiq->kpq", a[start:end], b[rows[:, start:end]], optimize=True)
            out += (covariances**2).sum(axis=(1, 2)) / (end - start)
        return out

    observed = float(statistics(np.arange(len(a))[None])[0])
    beyond, drawn = 0, 0
    size = max(1, _CHUNK // b.size)
    while drawn < draws:
        count = min(size, draws - drawn)
        rows = np.argsort(strata + rng.random((count, len(a))), axis=1)  # labels stay in their place, rows of each are shuffled
        beyond += int((statistics(rows) >= observed * (1 - 1e-9) - 1e-15).sum())
        drawn += count
    return (1 + beyond) / (draws + 1)
