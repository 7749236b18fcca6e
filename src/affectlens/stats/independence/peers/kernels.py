"""Kernel tests: KCI with its gamma null, without eigenvectors, and the Hilbert-Schmidt norm of the conditional operator."""

from __future__ import annotations

import numpy as np
from scipy.linalg.lapack import dpstrf
from scipy.spatial.distance import cdist
from scipy.stats import gamma

from affectlens.core.errors import UsageError

MOST = 6_000  # rows that kernel matrices are made for
_RIDGE = 1e-3


def kci(x: np.ndarray, y: np.ndarray, z: np.ndarray | None) -> tuple[float, float]:
    """Kernel conditional independence test with the published empirical widths (Zhang, Peters, Janzing & Schölkopf 2011).

    The mean and variance of the null are sums over the entrywise product of the two residual kernels, so no eigenvectors are
    needed: ``trace(UU') = sum_t K_tt L_tt`` and ``trace((UU')^2) = sum (K o L)^2``.

    Parameters
    ----------
    x, y : (n, p) and (n, q) array
        The variables.
    z : (n, d) array or None
        The condition.

    Returns
    -------
    statistic, p : float
        The p-value is that of a gamma distribution with the null's mean and variance.

    Raises
    ------
    UsageError
        More than 6,000 rows.
    """
    n = len(x)
    _limit(n)
    a, b = _standard(x), _standard(y)
    if z is None or z.shape[1] == 0:
        kernel_x, kernel_y = (_centre(_gauss(values, _width_hsic(values))) for values in (a, b))
        statistic = float((kernel_x * kernel_y).sum())
        mean = np.trace(kernel_x) * np.trace(kernel_y) / n
        variance = 2 * float((kernel_x**2).sum()) * float((kernel_y**2).sum()) / n**2
        return statistic, _gamma_tail(statistic, float(mean), variance)
    c = _standard(z)
    width = _width_kci(c)
    # Single precision from here on: entries are below one, and p changes in the sixth decimal.
    kernel_x, kernel_y = (_gauss(values, width, np.float32) for values in (np.concatenate([a, 0.5 * c], axis=1), b))
    kernel_x, kernel_y = _without_condition([kernel_x, kernel_y], _gauss(c, width))
    product = kernel_x * kernel_y
    statistic = float(product.sum(dtype=np.float64))
    flat = product.ravel()
    return statistic, _gamma_tail(statistic, float(np.trace(product, dtype=np.float64)), 2 * float(flat @ flat))


def _without_condition(kernels: list[np.ndarray], of_z: np.ndarray) -> list[np.ndarray]:
    """Residual kernels ``H R K R H`` with ``R = e (H L H + e)^-1`` for each kernel K and the condition's kernel L.

    A pivoted Cholesky root of L is used: what it leaves out is below 1e-8, far under the ridge e, and smooth kernels have few
    columns there. The constant is one more direction that is taken out.

    Parameters
    ----------
    kernels : list of (n, n) array
        Of the variables.
    of_z : (n, n) array
        Of the condition; overwritten.

    Returns
    -------
    list of (n, n) float32 array
        As many as given.
    """
    n = len(of_z)
    root, pivots, rank, _ = dpstrf(of_z, lower=1, tol=1e-8)
    low = np.empty((n, rank))
    low[pivots - 1] = np.tril(root[:, :rank])
    low -= low.mean(axis=0)
    values, vectors = np.linalg.eigh(low.T @ low)
    shrink = values / (values + _RIDGE)
    kept = shrink > 1e-6
    basis = np.column_stack([(low @ vectors[:, kept]) / np.sqrt(values[kept]), np.full(n, n**-0.5)]).astype(np.float32)
    shrink = np.append(shrink[kept], 1.0).astype(np.float32)
    out = []
    for kernel in kernels:
        a = (kernel @ basis) * shrink
        b = a - basis @ ((basis.T @ a) * shrink[:, None]) / 2
        cross = b @ basis.T
        kernel = kernel - cross
        kernel -= cross.T
        out.append(kernel)
    return out


def _gamma_tail(statistic: float, mean: float, variance: float) -> float:
    shape, scale = mean**2 / variance, variance / mean
    return float(max(gamma.sf(statistic, shape, scale=scale), 1e-300))


def _standard(x: np.ndarray) -> np.ndarray:
    deviation = x.std(axis=0, ddof=1)
    return np.asarray(np.where(deviation > 0, (x - x.mean(axis=0)) / np.where(deviation > 0, deviation, 1), 0.0))


def _gauss(x: np.ndarray, precision: float, dtype: type = np.float64) -> np.ndarray:
    x = x.astype(dtype)
    squares = (x**2).sum(axis=1)
    distances = x @ x.T
    distances *= -2
    distances += squares[:, None]
    distances += squares[None]
    np.maximum(distances, 0, out=distances)
    distances *= -0.5 * precision
    return np.asarray(np.exp(distances, out=distances))


def _limit(rows: int) -> None:
    if rows > MOST:
        raise UsageError(f"{rows} rows; kernel matrices are made for at most {MOST}: take a sample, or method rcot")


def _width_of(rows: int, few: float, some: float, many: float) -> float:
    """The published width for fewer than 200 rows, for fewer than 1,200, or for more."""
    if rows < 200:
        return few
    return some if rows < 1200 else many


def _width_kci(z: np.ndarray) -> float:
    width = _width_of(len(z), 1.2, 0.7, 0.4)
    return float(1 / width**2 / z.shape[1])


def _width_hsic(x: np.ndarray) -> float:
    width = _width_of(len(x), 0.8, 0.5, 0.3)
    return float(1 / width**2 * x.shape[1])


def _centre(kernel: np.ndarray) -> np.ndarray:
    rows = kernel.mean(axis=0)
    kernel = kernel - (rows - rows.mean())[None]
    kernel -= rows[:, None]
    return np.asarray(kernel)


def conditional_hsic(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator, draws: int = 199, ridge: float = 1e-3
) -> tuple[float, float]:
    """Norm of the conditional cross-covariance operator (Fukumizu, Gretton, Sun & Schölkopf 2008).

    Parameters
    ----------
    x, y, z : (n, ·) array
        The variables and the condition, which is part of both variables.
    rng : numpy.random.Generator
        Permutes y among neighbours in z for the null.
    draws : int
        Permutations.
    ridge : float
        Penalty of the inverse, per row.

    Returns
    -------
    statistic, p : float
        The squared Hilbert-Schmidt norm, and the share of permutations that reach it.

    Raises
    ------
    UsageError
        More than 6,000 rows.
    """
    n = len(x)
    _limit(n)
    a, b, c = (_standard(values) for values in (x, y, z))
    kernel_z = _centre(_gauss(c, 1 / _median(c, rng) ** 2))
    remainder = n * ridge * np.linalg.inv(kernel_z + n * ridge * np.eye(n))  # what the condition leaves
    both = np.concatenate([a, c], axis=1)
    of_x = _centre(remainder.T @ remainder @ _centre(_gauss(both, 1 / _median(both, rng) ** 2)) @ remainder.T @ remainder)
    precision = 1 / _median(np.concatenate([b, c], axis=1), rng) ** 2
    of_z = np.exp(-0.5 * precision * cdist(c, c, "sqeuclidean"))
    of_y = _gauss(b, precision)

    def statistic(rows: np.ndarray) -> float:
        return float((of_x * of_y[np.ix_(rows, rows)] * of_z).sum()) / n**2

    observed = statistic(np.arange(n))
    beyond = sum(statistic(neighbour_permutation(c, rng)) >= observed - 1e-15 for _ in range(draws))
    return observed, (1 + beyond) / (draws + 1)


def _median(x: np.ndarray, rng: np.random.Generator) -> float:
    part = x[rng.choice(len(x), min(500, len(x)), replace=False)]
    distances = cdist(part, part)[np.triu_indices(len(part), 1)]
    return float(max(np.median(distances[distances > 0]), 1e-6)) if (distances > 0).any() else 1.0


def neighbour_permutation(z: np.ndarray, rng: np.random.Generator, neighbours: int = 5) -> np.ndarray:
    """Rows ``(n,)``, each taken by one that lies near it in ``z`` ``(n, d)``, as few twice as can be (Runge 2018)."""
    from scipy.spatial import cKDTree

    n = len(z)
    near = cKDTree(z).query(z, min(neighbours + 1, n), p=np.inf)[1]
    out, used = np.arange(n), np.zeros(n, dtype=bool)
    shuffled = rng.permuted(near, axis=1)
    for i in rng.permutation(n):
        free = [j for j in shuffled[i] if not used[j]]
        out[i] = free[0] if free else shuffled[i, -1]
        used[out[i]] = True
    return out
