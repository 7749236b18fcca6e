"""Random Fourier features and ridge regression on them with the penalty by generalised cross-validation; linear in rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

CHUNK = 20_000
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
        waves = np.cos(x @ self.weights + self.phase) * np.sqrt(2 / max(len(self.phase), 1))
        return np.concatenate([x, waves], axis=1) if self.linear else waves

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
    d = np.sqrt(d2[np.triu_indices(len(part), 1)])
    positive = d[d > 1e-9]
    return float(np.median(positive)) if len(positive) else 1.0


def residuals(target: np.ndarray, maps: Sequence[Map], z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What ridge regression on features of ``z`` ``(n, d)`` leaves of ``target`` ``(n, k)``, and the degrees of freedom spent on
    each column ``(k,)``; for each the map and the penalty with the least generalised cross-validation error (Golub, Heath &
    Wahba 1979).

    Two passes over the rows in chunks for each map; memory is that of one chunk and of the targets.
    """
    n, k = target.shape
    centre = target.mean(axis=0)
    y = target - centre
    total = (y**2).sum(axis=0)
    best, spent = np.full(k, np.inf), np.zeros(k)
    chosen: list[tuple[int, np.ndarray] | None] = [None] * k
    means: list[np.ndarray] = []
    for m, phi in enumerate(maps):
        mean = np.zeros(phi.width)
        gram = np.zeros((phi.width, phi.width))
        cross = np.zeros((phi.width, k))
        for rows in _chunks(n):
            f = phi(z[rows])
            mean += f.sum(axis=0)
            gram += f.T @ f
            cross += f.T @ y[rows]
        mean /= n
        gram -= n * np.outer(mean, mean)  # targets are centred already
        means.append(mean)
        values, vectors = np.linalg.eigh(gram)
        values = np.maximum(values, 0)
        c = vectors.T @ cross
        for penalty in _LAMBDAS * n:
            shrink = 1 / (values + penalty)
            freedom = float((values * shrink).sum()) + 1 + phi.cost
            if freedom > 0.9 * n:
                continue
            fitted = (c**2 * (shrink * (2 - values * shrink))[:, None]).sum(axis=0)
            error = np.maximum(total - fitted, 1e-12) / (1 - freedom / n) ** 2
            for j in np.flatnonzero(error < best - 1e-12):
                best[j], spent[j] = error[j], freedom
                chosen[j] = (m, vectors @ (shrink * c[:, j]))
    out = y.copy()
    for m, phi in enumerate(maps):
        mine = [j for j in range(k) if chosen[j] is not None and chosen[j][0] == m]  # type: ignore[index]
        if not mine:
            continue
        beta = np.stack([chosen[j][1] for j in mine], axis=1)  # type: ignore[index]
        for rows in _chunks(n):
            out[rows.start : rows.stop, mine] -= (phi(z[rows]) - means[m]) @ beta
    return out, spent


def _chunks(n: int) -> Iterator[slice]:
    for start in range(0, n, CHUNK):
        yield slice(start, min(start + CHUNK, n))
