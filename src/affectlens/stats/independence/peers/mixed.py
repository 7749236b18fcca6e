"""Conditional mutual information of data that are partly numbers and partly labels, and its local permutation test."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma

from affectlens.stats.independence.peers.kernels import neighbour_permutation
from affectlens.stats.independence.variables import Variable, normal_scores

SHARE = 0.1  # of the rows of a cell that are neighbours
_PERMUTED = 5  # neighbours among which y is permuted


def cmi_mixed(x: Variable, y: Variable, z: Variable, rng: np.random.Generator, draws: int = 199) -> tuple[float, float]:
    """Hybrid estimate of conditional mutual information and its test (CMIh and LocAT; Zan et al. 2022).

    ``I(x; y | z) = H(x, z) + H(y, z) - H(x, y, z) - H(z)``, where each entropy is that of the labels by their counts, and in
    each combination of labels that of the numbers by nearest neighbours. Ordinal, binary and categorical columns are labels.
    Under the null y is exchanged among neighbours in the numbers of z that have the same labels of z, or among all of these
    where z has no numbers.

    Parameters
    ----------
    x, y, z : Variable
        The variables and the condition.
    rng : numpy.random.Generator
        Draws the permutations.
    draws : int
        How many.

    Returns
    -------
    statistic, p : float
        Information in nats, and the share of permutations that reach it.
    """
    (numbers_x, codes_x), (numbers_y, codes_y), (numbers_z, codes_z) = (_parts(entry) for entry in (x, y, z))
    n = len(numbers_x)
    fixed = entropy(np.column_stack([numbers_x, numbers_z]), _cells(codes_x, codes_z)) - entropy(numbers_z, codes_z)

    def information(rows: np.ndarray) -> float:
        permuted, codes = numbers_y[rows], codes_y[rows]
        with_z = entropy(np.column_stack([permuted, numbers_z]), _cells(codes, codes_z))
        joint = entropy(np.column_stack([numbers_x, permuted, numbers_z]), _cells(codes_x, codes, codes_z))
        return float(fixed + with_z - joint)

    observed = information(np.arange(n))
    beyond = int(sum(information(_exchanged(numbers_z, codes_z, rng)) >= observed - 1e-12 for _ in range(draws)))
    return observed, (1 + beyond) / (draws + 1)


def entropy(numbers: np.ndarray, codes: np.ndarray) -> float:
    """Entropy in nats of numbers ``(n, d)`` and labels ``(n,)`` together.

    That of the labels by their shares, and of the numbers among the rows of each label by the distance to the nearest tenth of
    them in the maximum norm (Kozachenko & Leonenko 1987). Rows that equal as many others are left out of the latter.

    Parameters
    ----------
    numbers : (n, d) array
        Maybe of no columns.
    codes : (n,) int array
        From 0 on.

    Returns
    -------
    float
        Of no meaning by itself, as it depends on the units; differences of sums over the same columns do not.
    """
    n = len(codes)
    counts = np.bincount(codes)
    shares = counts[counts > 0] / n
    out = -float((shares * np.log(shares)).sum())
    if numbers.shape[1] == 0:
        return out
    for code in np.flatnonzero(counts > 1):
        rows = numbers[codes == code]
        k = max(1, round(SHARE * len(rows)))
        distances = cKDTree(rows).query(rows, [k + 1], p=np.inf)[0][:, 0]
        distances = distances[distances > 0]
        if len(distances):
            within = digamma(len(distances)) - digamma(k) + rows.shape[1] * float(np.log(2 * distances).mean())
            out += counts[code] / n * within
    return out


def _parts(entry: Variable) -> tuple[np.ndarray, np.ndarray]:
    """Normal scores of the numbers ``(n, d)``, and a code ``(n,)`` for each combination of labels."""
    continuous = np.array([kind == "continuous" for kind in entry.kinds], dtype=bool)
    labels = entry.columns[:, ~continuous]
    n = entry.rows
    codes = np.unique(labels, axis=0, return_inverse=True)[1].ravel() if labels.shape[1] else np.zeros(n, dtype=np.int64)
    return normal_scores(entry.columns[:, continuous]), codes


def _cells(*codes: np.ndarray) -> np.ndarray:
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].ravel()


def _exchanged(numbers: np.ndarray, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rows ``(n,)``, each of the same label, and near where there are numbers."""
    out = np.arange(len(codes))
    for code in np.unique(codes):
        members = np.flatnonzero(codes == code)
        if numbers.shape[1] == 0:
            out[members] = rng.permutation(members)
        elif len(members) > 1:
            out[members] = members[neighbour_permutation(numbers[members], rng, _PERMUTED)]
    return out
