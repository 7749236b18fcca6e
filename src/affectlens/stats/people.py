"""Means, differences and effect sizes over people, never over frames; and what a number of people can find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import nct
from scipy.stats import t as student

from affectlens.core.errors import UsageError
from affectlens.stats.generators import Rng, generator

FAR = 12.0  # shift of the noncentral t from which every test finds an effect; its series is not evaluated there


@dataclass(frozen=True)
class Difference:
    """A mean difference over people.

    Attributes
    ----------
    value, low, high : float
        The difference with its 95 % interval, by Student's t.
    p_value : float
        Two-sided, by Student's t.
    effect, effect_low, effect_high : float
        In standard deviations (of the differences, or of people within groups), corrected for small numbers (Hedges 1981), with
        an exact interval from the noncentral t.
    n, other : int
        People, and those of the second group.
    """

    value: float
    low: float
    high: float
    p_value: float
    effect: float
    effect_low: float
    effect_high: float
    n: int
    other: int = 0


def mean_difference(first: np.ndarray, second: np.ndarray | None = None) -> Difference:
    """The mean of differences within people, or the difference between two groups of people.

    Parameters
    ----------
    first : (n,) array
        Differences, one a person; or values of the first group. NaNs are left out.
    second : (m,) array, optional
        Values of the second group.

    Returns
    -------
    Difference
        NaN where fewer than two people (in each group) are there, or all are equal.

    Examples
    --------
    >>> made = mean_difference(np.array([1.0, 2.0, 3.0]))
    >>> round(made.value, 3), round(made.p_value, 3), round(made.effect, 3)
    (2.0, 0.074, 1.143)
    """
    one = _finite(first)
    nan = float("nan")
    if second is None:
        n, other, freedom = len(one), 0, len(one) - 1
        value = float(one.mean()) if n else nan
        spread = float(one.std(ddof=1)) if n > 1 else nan
        root = np.sqrt(n)
    else:
        two = _finite(second)
        n, other, freedom = len(one), len(two), len(one) + len(two) - 2
        value = float(one.mean() - two.mean()) if n and other else nan
        inside = ((one - one.mean()) ** 2).sum() + ((two - two.mean()) ** 2).sum() if n and other else nan
        spread = float(np.sqrt(inside / freedom)) if freedom > 0 else nan
        root = np.sqrt(n * other / (n + other)) if n and other else nan
    if not (spread > 0 and freedom > 0):
        return Difference(value, nan, nan, nan, nan, nan, nan, n, other)
    t = value / spread * root
    half = float(student.ppf(0.975, freedom)) * spread / root
    correction = 1 - 3 / (4 * freedom - 1)
    low, high = (float(correction) * _noncentrality(t, freedom, share) / float(root) for share in (0.975, 0.025))
    return Difference(
        value,
        float(value - half),
        float(value + half),
        float(2 * student.sf(abs(t), freedom)),
        float(correction * value / spread),
        low,
        high,
        n,
        other,
    )


def _finite(values: np.ndarray) -> np.ndarray:
    data = np.asarray(values, dtype=np.float64)
    return data[np.isfinite(data)]


def _noncentrality(t: float, freedom: int, share: float) -> float:
    """The noncentrality at which t lies at a share of the distribution."""
    low, high = t - 40.0, t + 40.0
    for _ in range(60):
        middle = (low + high) / 2
        below = nct.cdf(t, freedom, middle)
        if np.isnan(below):  # too far out for its series
            below = float(middle < t)
        # A share that is higher than wanted asks for a distribution further to the right.
        low, high = (middle, high) if below > share else (low, middle)
    return (low + high) / 2


def power_of(effect: float, n: int, other: int = 0, level: float = 0.05) -> float:
    """How often a two-sided t test finds an effect.

    Parameters
    ----------
    effect : float
        In standard deviations: of differences within people, or of people within groups.
    n, other : int
        People; of two groups both.
    level : float
        Of the test.

    Returns
    -------
    float
        From 0 to 1; NaN with too few people.

    Examples
    --------
    >>> round(power_of(0.5, 34), 2), round(power_of(0.5, 64, 64), 2)
    (0.81, 0.8)
    """
    freedom = n + other - (2 if other else 1)
    if freedom < 1:
        return float("nan")
    root = np.sqrt(n * other / (n + other)) if other else np.sqrt(n)
    critical = student.isf(level / 2, freedom)
    shift = abs(effect) * root
    if shift > FAR:
        return 1.0
    return float(nct.sf(critical, freedom, shift) + nct.cdf(-critical, freedom, shift))


def detectable_effect(n: int, other: int = 0, level: float = 0.05, power: float = 0.8) -> float:
    """The smallest effect that a two-sided t test finds with a given power; see `power_of`.

    Returns
    -------
    float
        In standard deviations; NaN with too few people.

    Examples
    --------
    >>> round(detectable_effect(12), 2), round(detectable_effect(6, 6), 2)
    (0.89, 1.8)
    """
    if n + other - (2 if other else 1) < 1:
        return float("nan")
    low, high = 0.0, 0.1
    while power_of(high, n, other, level) < power:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power_of(middle, n, other, level) >= power else (middle, high)
    return high


def group_permutation_p(first: np.ndarray, second: np.ndarray, rng: Rng, draws: int = 5000) -> float:
    """Two-sided p-value of a difference between two groups, by dealing people anew.

    Parameters
    ----------
    first, second : (n,), (m,) arrays
        One a person; NaNs are left out.
    rng : int or numpy.random.Generator
        Deals them.
    draws : int
        Deals, the observed one among them.

    Returns
    -------
    float
        NaN where a group is empty.

    Raises
    ------
    UsageError
        No draws.

    Examples
    --------
    >>> group_permutation_p(np.array([5.0, 6, 7, 8]), np.array([1.0, 2, 3, 4]), 0) < 0.05
    True
    """
    rng = generator(rng)
    if draws < 1:
        raise UsageError(f"draws {draws}; a number of at least 1 was expected")
    one, two = _finite(first), _finite(second)
    if not len(one) or not len(two):
        return float("nan")
    values = np.concatenate([one, two])
    members = np.zeros(len(values))
    members[: len(one)] = 1
    dealt = rng.permuted(np.tile(members, (draws, 1)), axis=1)
    dealt[0] = members
    sums = dealt @ values
    differences = np.abs(sums / len(one) - (values.sum() - sums) / len(two))
    return float((differences >= differences[0] * (1 - 1e-12)).mean())
