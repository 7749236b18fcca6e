"""Two classifiers on the same items: exact tests of paired answers over items or people, and whether groups part them."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom, norm

from affectlens.stats.generators import Rng, generator
from affectlens.stats.randomization import RandomizationTest, randomization_test
from affectlens.stats.resolution import Resolution

LARGEST = 20_000  # the sum of all differences up to which their distribution is enumerated


def sums_of_units(values: np.ndarray, units: np.ndarray | None) -> np.ndarray:
    """Sums of the values of each unit.

    Parameters
    ----------
    values : (n,) array
        One an item.
    units : (n,) array, optional
        Who each item is of; without it every item is a unit.

    Returns
    -------
    (units,) array

    Examples
    --------
    >>> sums_of_units(np.array([1, -1, 1]), np.array(["a", "a", "b"])).tolist()
    [0.0, 1.0]
    """
    values = np.asarray(values, dtype=np.float64)
    if units is None:
        return values
    inverse = np.unique(np.asarray(units).astype(str), return_inverse=True)[1]
    return np.bincount(inverse.reshape(-1), values)


def exact_flips(differences: np.ndarray) -> RandomizationTest:
    """Two-sided test of whole differences being zero on average: all flips of their signs, none left out.

    With differences of -1, 0 and 1 it is McNemar's exact test (McNemar 1947): whether the items that only one of two
    classifiers gets right are shared evenly between them. With sums over people it exchanges the two classifiers within whole
    people.

    Parameters
    ----------
    differences : (n,) array
        Whole numbers, one a unit.

    Returns
    -------
    RandomizationTest
        ``statistic`` is the mean; ``how`` is ``exact``, or ``limit`` (a normal one) where the sum of all differences is beyond
        20,000 and they are not all of one size. Without differences statistic and p-value are NaN.

    Raises
    ------
    ValueError
        Differences that are no whole numbers.

    Examples
    --------
    >>> exact_flips(np.array([1, 1, 1, 1, 1, 1, 0, -1])).pvalue  # McNemar with 6 against 1: 2 · (1 + 7) / 2⁷
    0.125
    """
    given = np.asarray(differences, dtype=np.float64)
    if not np.array_equal(given, np.round(given)):
        raise ValueError("whole numbers were expected")
    if not len(given):
        return RandomizationTest(float("nan"), float("nan"), float("nan"), 0, "exact")
    mean = float(given.mean())
    sizes, counts = np.unique(np.abs(given[given != 0]).astype(np.int64), return_counts=True)
    observed = abs(int(given.sum()))
    total = int((sizes * counts).sum())
    smallest = min(1.0, 2.0 ** (1 - min(int(counts.sum()), 1000)))
    if not len(sizes):
        return RandomizationTest(mean, 1.0, 1.0, 1, "exact")
    if len(sizes) == 1:
        n, size = int(counts[0]), int(sizes[0])
        beyond = (n - observed // size) // 2
        p = min(1.0, 2 * float(binom.cdf(beyond, n, 0.5)))
        return RandomizationTest(mean, max(p, np.finfo(float).tiny), smallest, n, "exact")
    if total > LARGEST:
        p = 2 * float(norm.sf(observed / np.sqrt(float((sizes.astype(float) ** 2 * counts).sum()))))
        return RandomizationTest(mean, max(min(p, 1.0), np.finfo(float).tiny), smallest, int(counts.sum()), "limit")
    chances = _distribution(sizes, counts, total)
    p = float(chances[np.abs(np.arange(-total, total + 1)) >= observed].sum())
    return RandomizationTest(mean, max(min(p, 1.0), np.finfo(float).tiny), smallest, int(counts.sum()), "exact")


def _distribution(sizes: np.ndarray, counts: np.ndarray, total: int) -> np.ndarray:
    """Chances of the sums from ``-total`` to ``total`` when every sign is drawn by a coin."""
    chances = np.array([1.0])
    for size, count in zip(sizes, counts, strict=True):
        own = np.zeros(2 * int(size * count) + 1)
        own[:: 2 * int(size)] = binom.pmf(np.arange(int(count) + 1), int(count), 0.5)
        chances = np.convolve(chances, own)
    assert len(chances) == 2 * total + 1
    return chances


def exact_places(values: np.ndarray, base: int = 0) -> RandomizationTest:
    """Two-sided test of one column differing from the others: within each unit any of the columns may be the one.

    Under the null the columns (an item at every dose) change places within each unit, so that any of them is the base as well.
    Unlike a flip of signs this also holds where the others share one base, whose differences are not symmetric.

    Parameters
    ----------
    values : (units, columns) array
        Whole numbers, such as right answers of each unit at each dose.
    base : int
        The column.

    Returns
    -------
    RandomizationTest
        ``statistic`` is the mean over units of the others' sum less as many times the base; ``how`` is ``exact``, or ``limit``
        (a normal one) beyond sums of 20,000.

    Raises
    ------
    ValueError
        Values that are no whole numbers.

    Examples
    --------
    >>> exact_places(np.array([[1, 0], [1, 0], [1, 0], [1, 0]])).pvalue  # two columns: McNemar
    0.125
    """
    given = np.asarray(values, dtype=np.float64)
    if not np.array_equal(given, np.round(given)):
        raise ValueError("whole numbers were expected")
    if not len(given):
        return RandomizationTest(float("nan"), float("nan"), float("nan"), 0, "exact")
    # What each unit gives if the first, the second, … of its columns is the base.
    each = np.round(given.sum(axis=1, keepdims=True) - given.shape[1] * given).astype(np.int64)
    observed = int(each[:, base].sum())
    mean = observed / len(each)
    kinds, counts = np.unique(np.sort(each[(each != 0).any(axis=1)], axis=1), axis=0, return_counts=True)
    total = int((np.abs(kinds).max(axis=1) * counts).sum()) if len(kinds) else 0
    if not total:
        return RandomizationTest(mean, 1.0, 1.0, 1, "exact")
    units = int(counts.sum())
    smallest = min(1.0, 2.0 * float(kinds.shape[1]) ** -min(units, 300))
    if total > LARGEST:
        p = 2 * float(norm.sf(abs(observed) / np.sqrt(float(((kinds.astype(float) ** 2).mean(axis=1) * counts).sum()))))
        return RandomizationTest(mean, max(min(p, 1.0), np.finfo(float).tiny), smallest, units, "limit")
    chances, reach = np.array([1.0]), 0
    for kind, count in zip(kinds, counts, strict=True):
        size = int(np.abs(kind).max())
        one = np.bincount(kind + size, minlength=2 * size + 1) / len(kind)
        for _ in range(int(count)):
            chances, reach = np.convolve(chances, one), reach + size
    p = float(chances[np.abs(np.arange(-reach, reach + 1)) >= abs(observed)].sum())
    return RandomizationTest(mean, max(min(p, 1.0), np.finfo(float).tiny), smallest, units, "exact")


def parted_by_groups(
    differences: np.ndarray, groups: np.ndarray, units: np.ndarray | None, rng: Rng, resolution: Resolution | None = None
) -> RandomizationTest:
    """Test whether paired differences of two classifiers are other in one group than in another.

    The statistic is the root of the sum of squares between groups of the differences. Under the null the two classifiers
    change places within each unit, so signs of whole units are flipped. Where one classifier is better in all groups alike,
    the test is conservative.

    Parameters
    ----------
    differences : (n,) array
        One an item.
    groups : (n,) array
        The group of every item, as words.
    units : (n,) array, optional
        Who each item is of.
    rng : int or numpy.random.Generator
        Draws the flips.
    resolution : Resolution, optional
        The family of the test.

    Returns
    -------
    RandomizationTest

    Examples
    --------
    >>> better = np.repeat([1, 0, -1, 0], 40)
    >>> parted_by_groups(better, np.repeat(["a", "b"], 80), None, 0).pvalue <= 0.001
    True
    """
    rng = generator(rng)
    values = np.asarray(differences, dtype=np.float64)
    inside = np.unique(np.asarray(groups).astype(str), return_inverse=True)[1].reshape(-1)
    who = (
        np.arange(len(values))
        if units is None
        else np.unique(np.asarray(units).astype(str), return_inverse=True)[1].reshape(-1)
    )
    size, many = np.bincount(inside), int(inside.max()) + 1 if len(inside) else 0
    sums = np.bincount(who * max(many, 1) + inside, values, minlength=(int(who.max()) + 1) * many if len(who) else 0)
    if many < 2:
        return RandomizationTest(float("nan"), float("nan"), float("nan"), 0, "draws")
    sums = sums.reshape(-1, many)
    sums = sums[np.abs(sums).any(axis=1)]  # units in which both did alike stay as they are

    def between(totals: np.ndarray) -> np.ndarray:
        squares = (totals**2 / size).sum(axis=1) - totals.sum(axis=1) ** 2 / len(values)
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)))  # of a square the tail is too heavy to be fitted

    if not len(sums):
        return RandomizationTest(0.0, 1.0, 1.0, 1, "exact")

    def draw(count: int) -> np.ndarray:
        return between((rng.integers(0, 2, (count, len(sums)), dtype=np.int8) * 2.0 - 1) @ sums)

    observed = float(between(sums.sum(axis=0)[None])[0])
    return randomization_test(observed, draw, resolution, size=len(sums), arrangements=2.0 ** min(len(sums) - 1, 1000))
