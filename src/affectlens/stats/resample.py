"""Bootstrap intervals; pure functions of arrays with the random generator as an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from affectlens.stats.generators import Rng, generator


@dataclass(frozen=True)
class Estimate:
    """A value with its percentile bootstrap interval; ``n`` observations in ``groups`` independent units."""

    value: float
    low: float
    high: float
    n: int
    groups: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    n: int,
    rng: Rng,
    *,
    groups: np.ndarray | None = None,
    draws: int = 1000,
    level: float = 0.95,
) -> Estimate:
    """Percentile interval of a statistic over resampled rows (Efron 1979).

    Parameters
    ----------
    statistic : callable
        Takes row indices and gives a number.
    n : int
        Rows.
    rng : int or numpy.random.Generator
        Draws the rows.
    groups : (n,) array
        Whole groups are resampled (people, recordings), since rows of one person are not independent.
    draws : int
        Resamples.
    level : float
        Of the interval.

    Returns
    -------
    Estimate
        Draws whose statistic is not a number are left out; without any the interval is NaN.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> bootstrap(lambda rows: float(x[rows].mean()), 10, np.random.default_rng(0)).value
    4.5
    """
    rng = generator(rng)
    whole = float(statistic(np.arange(n)))
    values = np.empty(draws)
    if groups is None:
        members: list[np.ndarray] = []
        units = n
    else:
        _, inverse = np.unique(np.asarray(groups), return_inverse=True)
        order = np.argsort(inverse, kind="stable")
        members = np.split(order, np.cumsum(np.bincount(inverse))[:-1])
        units = len(members)
    for i in range(draws):
        chosen = rng.integers(0, units, units)
        rows = chosen if groups is None else np.concatenate([members[unit] for unit in chosen])
        values[i] = statistic(rows)
    values = values[np.isfinite(values)]
    if not len(values):
        return Estimate(whole, float("nan"), float("nan"), n, units)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(whole, float(low), float(high), n, units)


def wilson(successes: int, n: int, level: float = 0.95) -> Estimate:
    """A share with Wilson's score interval (Wilson 1927), which has width also at 0 and 1."""
    if n == 0:
        return Estimate(float("nan"), float("nan"), float("nan"), 0, 0)
    z = float(ndtri(0.5 + level / 2))
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(p, float(max(0.0, middle - half)), float(min(1.0, middle + half)), n, n)
