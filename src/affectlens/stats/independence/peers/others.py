"""Other conditional independence tests: nearest-neighbour information, generalised covariance, partial correlation."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import digamma
from scipy.stats import t as student

from affectlens.stats.independence.fourier import residuals
from affectlens.stats.independence.index import ridge_maps
from affectlens.stats.independence.peers.kernels import neighbour_permutation
from affectlens.stats.independence.rcot import condition_maps


def cmi_knn(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator, draws: int = 199, share: float = 0.1
) -> tuple[float, float]:
    """Conditional mutual information from nearest neighbours (Frenzel & Pompe 2007; CMIknn, Runge 2018).

    Parameters
    ----------
    x, y, z : (n, ·) array
        The variables and the condition.
    rng : numpy.random.Generator
        Breaks ties, and permutes y among neighbours in z for the null.
    draws : int
        Permutations.
    share : float
        Share of the rows that are neighbours, at least 3 rows and at most 200.

    Returns
    -------
    statistic, p : float
        Information in nats, and the share of permutations that reach it.
    """
    n = len(x)
    k = int(np.clip(round(share * n), 3, 200))
    # Ties are broken by a little noise, as the estimator is for continuous variables.
    a, b, c = (_ranked(values) + 1e-6 * rng.normal(size=values.shape) for values in (x, y, z))
    trees = {"z": cKDTree(c), "xz": cKDTree(np.concatenate([a, c], axis=1))}

    def information(rows: np.ndarray) -> float:
        permuted = b[rows]
        joint = np.concatenate([a, permuted, c], axis=1)
        radius = cKDTree(joint).query(joint, k + 1, p=np.inf)[0][:, -1] * (1 - 1e-9)
        permuted_z = np.concatenate([permuted, c], axis=1)
        counts = [
            trees["xz"].query_ball_point(np.concatenate([a, c], axis=1), radius, p=np.inf, return_length=True),
            cKDTree(permuted_z).query_ball_point(permuted_z, radius, p=np.inf, return_length=True),
            trees["z"].query_ball_point(c, radius, p=np.inf, return_length=True),
        ]
        xz, yz, only = (digamma(np.maximum(count, 1)).mean() for count in counts)
        return float(digamma(k) + only - xz - yz)

    observed = information(np.arange(n))
    beyond = sum(information(neighbour_permutation(c, rng)) >= observed - 1e-12 for _ in range(draws))
    return observed, (1 + beyond) / (draws + 1)


def _ranked(x: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.asarray(np.apply_along_axis(rankdata, 0, x) / len(x))


def covariance_measure(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator, draws: int = 999
) -> tuple[float, float]:
    """Generalised covariance measure (Shah & Peters 2020): it sees only dependence that shows in a covariance.

    Parameters
    ----------
    x, y, z : (n, ·) array
        The variables and the condition.
    rng : numpy.random.Generator
        Draws features of the condition and the null's multipliers.
    draws : int
        Multipliers.

    Returns
    -------
    statistic, p : float
        The largest standardised mean product of regression residuals, and the share of draws that reach it.
    """
    maps = condition_maps(z, rng)
    a, b = (residuals(values, [*maps, *ridge_maps(z, values, rng)], z)[0] for values in (x, y))
    products = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
    deviation = products.std(axis=0)
    products = products[:, deviation > 1e-12] / deviation[deviation > 1e-12]
    if not products.shape[1]:
        return 0.0, 1.0
    n = len(products)
    statistic = float(np.abs(products.mean(axis=0)).max() * np.sqrt(n))
    centred = products - products.mean(axis=0)
    null = np.abs(rng.normal(size=(draws, n)) @ centred).max(axis=1) / np.sqrt(n)
    return statistic, float((1 + (null >= statistic).sum()) / (draws + 1))


def partial_correlation(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[float, float]:
    """Largest partial correlation of columns given a linear condition: a baseline that knows straight lines only.

    Parameters
    ----------
    x, y, z : (n, ·) array
        The variables and the condition.

    Returns
    -------
    statistic, p : float
        The correlation's magnitude, and its p-value by Student's t, corrected by Bonferroni for the pairs of columns.
    """
    n = len(x)
    design = np.column_stack([np.ones(n), z])
    a, b = (values - design @ np.linalg.lstsq(design, values, rcond=None)[0] for values in (x, y))
    a, b = (values / np.maximum(np.sqrt((values**2).sum(axis=0)), 1e-12) for values in (a, b))
    correlations = np.clip(np.abs(a.T @ b), 0, 1 - 1e-12)
    freedom = n - 2 - z.shape[1]
    best = float(correlations.max())
    p = 2 * float(student.sf(best * np.sqrt(freedom / (1 - best**2)), freedom))
    return best, float(np.clip(p * correlations.size, 1e-300, 1.0))
