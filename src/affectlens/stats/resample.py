"""Bootstrap intervals and permutation tests; pure functions of arrays with the random generator as an argument."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


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
    rng: np.random.Generator,
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
    rng : numpy.random.Generator
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
    z = float(norm.ppf(0.5 + level / 2))
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return Estimate(p, float(max(0.0, middle - half)), float(min(1.0, middle + half)), n, n)


def permutation_p(observed: float, null: np.ndarray, side: str = "greater") -> float:
    """``(1 + #as extreme) / (K + 1)``: never zero, valid for any K (Phipson & Smyth 2010); NaN where the statistic is NaN.

    Parameters
    ----------
    observed : float
        The statistic.
    null : array (K,)
        Draws of it under the null.
    side : str
        ``greater``, ``less`` or ``two``.

    Returns
    -------
    float
        In (0, 1].
    """
    if np.isnan(observed):
        return float("nan")
    null = np.asarray(null, dtype=np.float64)
    tolerance = 1e-12 * max(1.0, abs(observed))
    greater = (1 + int((null >= observed - tolerance).sum())) / (len(null) + 1)
    less = (1 + int((null <= observed + tolerance).sum())) / (len(null) + 1)
    if side == "greater":
        return greater
    if side == "less":
        return less
    return min(1.0, 2 * min(greater, less))


def sequential_p(
    observed: float, draw: Callable[[int], np.ndarray], *, most: int = 9999, stop: int = 50, size: int = 100
) -> float:
    """P-value of a statistic being as large as it is, with as many draws of the null as are needed.

    Valid, and as fine as needed only where it matters (Besag & Clifford 1991): many tests can be corrected for.

    Parameters
    ----------
    observed : float
        The statistic.
    draw : callable
        ``draw(k)`` gives ``(k,)`` values of the null.
    most : int
        Draws at most.
    stop : int
        Values as large as the observed that end the drawing.
    size : int
        Values drawn at a time.

    Returns
    -------
    float
        ``stop / draws`` where it ended early, else ``(1 + reached) / (draws + 1)``; NaN where the statistic is not defined.
    """
    if np.isnan(observed):
        return float("nan")
    reach = observed - 1e-12 * max(1.0, abs(observed))
    beyond = drawn = 0
    while drawn < most:
        hits = np.asarray(draw(min(size, most - drawn))) >= reach
        if beyond + int(hits.sum()) >= stop:
            last = int(np.flatnonzero(hits)[stop - beyond - 1])
            return stop / (drawn + last + 1)
        beyond, drawn = beyond + int(hits.sum()), drawn + len(hits)
    return (1 + beyond) / (drawn + 1)


def sign_flip_test(differences: np.ndarray, rng: np.random.Generator, *, draws: int = 9999, side: str = "greater") -> float:
    """P-value of the mean of paired differences being above zero (or below, or either), by flipping signs (Fisher 1935).

    Parameters
    ----------
    differences : (n,) array
        One a unit; NaNs are left out.
    rng : numpy.random.Generator
        Draws the flips where there are too many.
    draws : int
        All ``2^n`` flips are taken when there are no more of them than this and the observed, else a random sample.
    side : str
        ``greater``, ``less`` or ``two``.

    Returns
    -------
    float
        1 where there are no differences.

    Examples
    --------
    >>> sign_flip_test(np.array([1.0, 2.0, 3.0]), np.random.default_rng(0))
    0.125
    """
    finite = np.asarray(differences, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    n = len(finite)
    if n == 0:
        return 1.0
    observed = float(finite.mean())
    if n < 60 and 2**n <= draws + 1:
        signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        means = signs @ finite / n
        tolerance = 1e-12 * max(1.0, float(np.abs(finite).max()))
        if side == "greater":
            return float((means >= observed - tolerance).mean())
        if side == "less":
            return float((means <= observed + tolerance).mean())
        return float((np.abs(means) >= abs(observed) - tolerance).mean())
    signs = rng.integers(0, 2, (draws, n), dtype=np.int8) * 2 - 1
    return permutation_p(observed, signs @ finite / n, side)
