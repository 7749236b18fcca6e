"""Cluster-based permutation tests of time courses, over several measures at once (Maris & Oostenveld 2007)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import t as student

from affectlens.core.errors import UsageError
from affectlens.stats.generators import Rng, generator

FEWEST = 3  # people that a moment needs for a statistic
NUMBERS = 4_000_000  # held at once, at most


@dataclass(frozen=True)
class Cluster:
    """Neighbouring moments of one measure that all differ in the same direction.

    Attributes
    ----------
    measure : int
        Which one.
    start, end : int
        The first moment, and the one after the last.
    mass : float
        The sum of t over them, with its sign.
    p_value : float
        How often the largest mass of all measures is as large where the null holds.
    """

    measure: int
    start: int
    end: int
    mass: float
    p_value: float


@dataclass(frozen=True)
class ClusterTest:
    """A cluster-based permutation test.

    Attributes
    ----------
    statistic : ndarray
        t ``(measures, moments)``; NaN where fewer than three people have a value.
    clusters : tuple of Cluster
        From the smallest p-value on.
    threshold : float
        |t| from which a moment belongs to a cluster.
    draws : int
        Arrangements, the observed one among them.
    how : str
        ``all`` arrangements or ``drawn`` ones.
    p_value : float
        Of the largest cluster: the null is that no measure differs at any moment. 1 where there is no cluster.
    """

    statistic: np.ndarray
    clusters: tuple[Cluster, ...]
    threshold: float
    draws: int
    how: str
    p_value: float


def cluster_test(
    values: np.ndarray, rng: Rng, *, groups: np.ndarray | None = None, draws: int = 2000, level: float = 0.05
) -> ClusterTest:
    """Test of time courses of people, with one error rate over all moments and measures.

    Without groups the values are differences within people (between two conditions, or from a baseline): the null is that their
    distribution is symmetric about zero, and the signs of whole people are flipped. With groups the null is that both groups
    have one distribution, and whole people change places. Clusters are found in time within each measure; the mass of a cluster
    is the sum of t over its moments, and the null distribution is that of the largest mass over all measures.

    Parameters
    ----------
    values : (people, measures, moments) array
        NaN where a person has no value.
    rng : int or numpy.random.Generator
        Draws the arrangements where there are more than ``draws``.
    groups : (people,) array, optional
        Two groups, as truth values.
    draws : int
        Arrangements, the observed one among them.
    level : float
        Two-sided level of the t by which moments join a cluster. It decides which shapes are found best, not the error rate.

    Returns
    -------
    ClusterTest
        A small p-value says that there is a difference somewhere; where a cluster begins and ends has no error rate of its own.

    Raises
    ------
    UsageError
        Another form, or fewer than three people (in each group).

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(12, 2, 20))
    >>> noise[:, 1, 5:15] += 1.5
    >>> test = cluster_test(noise, 0)
    >>> test.clusters[0].measure, test.p_value < 0.01
    (1, True)
    """
    rng = generator(rng)
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 3:
        raise UsageError(f"time courses of the form {data.shape}; (people, measures, moments) were expected")
    people = len(data)
    members = None if groups is None else np.asarray(groups, dtype=bool)
    counts = (people,) if members is None else (int(members.sum()), int((~members).sum()))
    if min(counts) < FEWEST:
        where = "" if members is None else " in each group"
        raise UsageError(f"{' and '.join(map(str, counts))} people; at least {FEWEST} are needed{where}")
    threshold = float(student.isf(level / 2, people - len(counts)))
    flat = data.reshape(people, -1)
    moments = data.shape[1:]
    if members is None:
        whole = people < 40 and 2**people <= draws
        signs = _all_signs(people) if whole else _drawn_signs(people, draws, rng)
        arrangements = signs
        statistic: Callable[[np.ndarray, np.ndarray], np.ndarray] = _one_sample
    else:
        whole = False
        arrangements, statistic = _drawn_groups(members, draws, rng), _two_samples
    size = max(1, NUMBERS // max(1, flat.shape[1]))
    largest = np.empty(len(arrangements))
    for begin in range(0, len(arrangements), size):
        part = statistic(flat, arrangements[begin : begin + size]).reshape(-1, *moments)
        largest[begin : begin + size] = _largest(part, threshold)
    observed = statistic(flat, arrangements[:1])[0].reshape(moments)
    found = _clusters(observed, threshold)
    made = sorted(
        (
            Cluster(measure, start, end, mass, float((largest >= abs(mass) - 1e-9 * abs(mass)).mean()))
            for measure, start, end, mass in found
        ),
        key=lambda cluster: (cluster.p_value, -abs(cluster.mass)),
    )
    p_value = made[0].p_value if made else 1.0
    return ClusterTest(observed, tuple(made), threshold, len(arrangements), "all" if whole else "drawn", p_value)


def _all_signs(people: int) -> np.ndarray:
    """All flips ``(2^people, people)``, first the one that changes nothing."""
    return 1.0 - 2 * ((np.arange(2**people)[:, None] >> np.arange(people)) & 1)


def _drawn_signs(people: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    signs = rng.integers(0, 2, (draws, people)) * 2.0 - 1
    signs[0] = 1.0
    return signs


def _drawn_groups(members: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    dealt = rng.permuted(np.tile(members, (draws, 1)), axis=1)
    dealt[0] = members
    return dealt.astype(np.float64)


def _one_sample(flat: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Student's t of the mean over people ``(arrangements, columns)``."""
    known = np.isfinite(flat)
    filled = np.where(known, flat, 0.0)
    n = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = signs @ filled / n
        variance = ((filled**2).sum(axis=0) / n - mean**2) * n / (n - 1)
        t = mean / np.sqrt(np.maximum(variance, 1e-300) / n)
    return np.where(n >= FEWEST, t, np.nan)


def _two_samples(flat: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Student's t of the difference of two groups, with one variance for both ``(arrangements, columns)``."""
    known = np.isfinite(flat)
    filled = np.where(known, flat, 0.0)
    squares, total, n = filled**2, filled.sum(axis=0), known.sum(axis=0)
    one = members @ known
    two = n - one
    with np.errstate(divide="ignore", invalid="ignore"):
        sum_one = members @ filled
        mean_one, mean_two = sum_one / one, (total - sum_one) / two
        inside = squares.sum(axis=0) - one * mean_one**2 - two * mean_two**2
        variance = np.maximum(inside, 1e-300) / (n - 2)
        t = (mean_one - mean_two) / np.sqrt(variance * (1 / one + 1 / two))
    return np.where((one >= 2) & (two >= 2) & (n >= FEWEST + 1), t, np.nan)


def _clusters(statistic: np.ndarray, threshold: float) -> list[tuple[int, int, int, float]]:
    """Measure, first moment, moment after the last and mass of every cluster."""
    out = []
    for measure, course in enumerate(statistic):
        with np.errstate(invalid="ignore"):
            sign = np.where(np.abs(course) > threshold, np.sign(course), 0.0)
        sign[np.isnan(course)] = 0.0
        edges = np.flatnonzero(np.diff(sign, prepend=0.0, append=0.0))
        for start, end in pairwise(edges):
            if sign[start]:
                out.append((measure, int(start), int(end), float(course[start:end].sum())))
    return out


def _largest(statistic: np.ndarray, threshold: float) -> np.ndarray:
    """The largest |mass| of each arrangement, of ``(arrangements, measures, moments)``."""
    mass = np.zeros(statistic.shape[:2])
    largest = np.zeros(statistic.shape[0])
    for moment in range(statistic.shape[2]):
        t = np.nan_to_num(statistic[:, :, moment])
        inside = np.abs(t) > threshold
        # A cluster goes on where the sign stays, and begins anew where it changes.
        mass = np.where(inside, np.where(mass * t > 0, mass, 0.0) + t, 0.0)
        largest = np.maximum(largest, np.abs(mass).max(axis=1))
    return largest
