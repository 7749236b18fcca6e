"""Random Fourier features and ridge regression on them with the penalty by generalised cross-validation; linear in rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

CHUNK = 20_000
SOME = 20_000  # rows that choose the map
_LAMBDAS = np.logspace(-7, 2, 28)


@dataclass(frozen=True)
class Features:
    """Columns themselves and cosines of random projections: ``x -> [x, sqrt(2/m) cos(x W + b)]`` (Rahimi & Recht 2007)."""

    weights: np.ndarray
    phase: np.ndarray
    linear: bool = True
    cost: int = 0  # parameters spent before the regression

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Features ``(n, d + m)`` of ``(n, d)``."""
        # Single precision: the waves are random anyway, and cosines are most of the time that a test takes.
        waves = x.astype(np.float32) @ self.weights.astype(np.float32)
        waves += self.phase.astype(np.float32)
        np.cos(waves, out=waves)
        waves *= np.float32(np.sqrt(2 / max(len(self.phase), 1)))
        return np.concatenate([x, waves], axis=1, dtype=np.float64) if self.linear else waves.astype(np.float64)

    @property
    def width(self) -> int:
        """How many features it gives."""
        return len(self.phase) + (self.weights.shape[0] if self.linear else 0)


class Map(Protocol):
    """What turns a condition ``(n, d)`` into features ``(n, width)``."""

    @property
    def width(self) -> int:
        """How many features it gives."""
        ...

    @property
    def cost(self) -> int:
        """Parameters that were spent on the map itself."""
        ...

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Features ``(n, width)``."""
        ...


def features(x: np.ndarray, count: int, rng: np.random.Generator, scale: float = 1.0, linear: bool = True) -> Features:
    """``count`` features of a Gaussian kernel whose width is ``scale`` times the median distance of ``(n, d)``."""
    width = max(median_distance(x, rng) * scale, 1e-3)
    weights = rng.normal(0, 1 / width, (x.shape[1], count))
    return Features(weights, rng.uniform(0, 2 * np.pi, count), linear)


def median_distance(x: np.ndarray, rng: np.random.Generator, most: int = 500) -> float:
    """Median Euclidean distance between different rows, of at most ``most`` random ones."""
    part = x[rng.choice(len(x), min(most, len(x)), replace=False)]
    squares = (part**2).sum(1)
    d2 = np.maximum(squares[:, None] + squares[None] - 2 * part @ part.T, 0)
    distances = np.sqrt(d2[np.triu_indices(len(part), 1)])
    positive = distances[distances > 1e-9]
    return float(np.median(positive)) if len(positive) else 1.0


def residuals(target: np.ndarray, maps: Sequence[Map], z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What ridge regression on features of a condition leaves of targets.

    For each target the map and the penalty with the least generalised cross-validation error are taken (Golub, Heath & Wahba
    1979). Rows go through in chunks, so memory is that of one chunk and of the targets; of many rows the map is chosen on the
    first 20,000 (rows come in no order that matters).

    Parameters
    ----------
    target : (n, k) array
        Columns to be explained.
    maps : sequence of Map
        Ways to make features of the condition.
    z : (n, d) array
        The condition.

    Returns
    -------
    left : (n, k) array
        Residuals.
    spent : (k,) array
        Degrees of freedom spent on each column.
    """
    n, k = target.shape
    y = target - target.mean(axis=0)
    best = [_Fit(np.inf, -1, 0.0, 0.0)] * k
    sums: dict[int, _Sums] = {}
    some = slice(0, min(n, SOME))
    for index, phi in enumerate(maps):
        sums[index] = _sums(phi, z[some], y[some])
        best = _better(best, sums[index], index, phi.cost)
    out, spent = y.copy(), np.zeros(k)
    for index, phi in enumerate(maps):
        columns = [j for j in range(k) if best[j].map == index]
        if not columns:
            continue
        fitted = sums[index] if n <= SOME else _sums(phi, z, y)
        if n > SOME:  # the penalty anew, since it shrinks with the rows
            again = _better([_Fit(np.inf, -1, 0.0, 0.0)] * k, fitted, index, phi.cost)
            best = [again[j] if j in columns else best[j] for j in range(k)]
        shrink = np.stack([1 / (fitted.values + best[j].penalty) for j in columns], axis=1)
        beta = fitted.vectors @ (shrink * fitted.cross[:, columns])
        spent[columns] = [best[j].spent for j in columns]
        for rows in _chunks(n):
            out[rows.start : rows.stop, columns] -= (phi(z[rows]) - fitted.mean) @ beta
    return out, spent


@dataclass(frozen=True)
class _Fit:
    error: float
    map: int
    penalty: float
    spent: float


@dataclass(frozen=True)
class _Sums:
    """Of a map over rows, all that a ridge regression with any penalty needs.

    Mean of the features, eigenvalues and vectors of their scatter, cross products with the targets along the vectors, the
    targets' squares and the number of rows.
    """

    mean: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    cross: np.ndarray
    total: np.ndarray
    n: int


def _sums(phi: Map, z: np.ndarray, y: np.ndarray) -> _Sums:
    n = len(z)
    mean, gram = np.zeros(phi.width), np.zeros((phi.width, phi.width))
    cross = np.zeros((phi.width, y.shape[1]))
    for rows in _chunks(n):
        block = phi(z[rows])
        mean += block.sum(axis=0)
        gram += block.T @ block
        cross += block.T @ y[rows]
    mean /= n
    centre = y.mean(axis=0)
    values, vectors = np.linalg.eigh(gram - n * np.outer(mean, mean))
    cross = vectors.T @ (cross - n * np.outer(mean, centre))
    return _Sums(mean, np.maximum(values, 0), vectors, cross, ((y - centre) ** 2).sum(axis=0), n)


def _better(best: list[_Fit], sums: _Sums, index: int, cost: int) -> list[_Fit]:
    """Each target's better fit: the one so far, or the best penalty of this map."""
    out = list(best)
    for penalty in _LAMBDAS * sums.n:
        shrink = 1 / (sums.values + penalty)
        spent = float((sums.values * shrink).sum()) + 1 + cost
        if spent > 0.9 * sums.n:
            continue
        fitted = (sums.cross**2 * (shrink * (2 - sums.values * shrink))[:, None]).sum(axis=0)
        error = np.maximum(sums.total - fitted, 1e-12) / sums.n / (1 - spent / sums.n) ** 2
        for j in np.flatnonzero(error < [fit.error - 1e-15 for fit in out]):
            out[j] = _Fit(float(error[j]), index, float(penalty), spent)
    return out


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))
