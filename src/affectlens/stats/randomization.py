"""P-values by permutations and sign flips: the one place of the package where draws of a null hypothesis become a p-value.

What is not defined is never significant: a statistic that is not a number has no p-value (NaN), and a draw of the null that is
not a number counts as one that is as extreme as the observed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from affectlens.stats.exchanges import ALL
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resolution import Resolution
from affectlens.stats.tail import fitted_tail

STOP = 20  # values as large as the observed that end the drawing: p is then known to within 22 % (one standard error)
NUMBERS = 2_000_000  # numbers that are drawn at once


@dataclass(frozen=True)
class RandomizationTest:
    """A test by permutations or sign flips.

    Attributes
    ----------
    statistic : float
        The observed one.
    pvalue : float
        NaN where the statistic is not defined.
    smallest : float
        The smallest p-value that this design and as many draws can give.
    draws : int
        Draws of the null that were taken; of an exact test all arrangements.
    how : str
        ``exact``: all arrangements; ``draws``: some at random; ``tail``: a generalised Pareto tail of the drawn ones, its upper
        bound of 95 %.
    """

    statistic: float
    pvalue: float
    smallest: float
    draws: int
    how: str


def permutation_p(observed: float, null: np.ndarray, side: str = "greater") -> float:
    """``(1 + #as extreme) / (K + 1)``: never zero, valid for any K (Phipson & Smyth 2010); NaN where the statistic is NaN.

    Parameters
    ----------
    observed : float
        The statistic.
    null : array (K,)
        Draws of it under the null; those that are not a number count as extreme.
    side : str
        ``greater``, ``less`` or ``two``.

    Returns
    -------
    float
        In (0, 1].

    Examples
    --------
    >>> permutation_p(3.0, np.array([1.0, 2.0, 3.0, 4.0]))
    0.6
    """
    if np.isnan(observed):
        return float("nan")
    null = np.asarray(null, dtype=np.float64)
    tolerance = 1e-12 * max(1.0, abs(observed))
    greater = (1 + int((~(null < observed - tolerance)).sum())) / (len(null) + 1)
    less = (1 + int((~(null > observed + tolerance)).sum())) / (len(null) + 1)
    if side == "greater":
        return greater
    if side == "less":
        return less
    return min(1.0, 2 * min(greater, less))


def column_p(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """P-values of several statistics being as large as they are; see ``permutation_p``.

    Parameters
    ----------
    observed : (...) array
        Statistics.
    null : (K, ...) array
        Draws of them.

    Returns
    -------
    (...) array
        NaN where a statistic is NaN.

    Examples
    --------
    >>> column_p(np.array([2.0, np.nan]), np.array([[1.0, 1.0], [3.0, 1.0], [np.nan, 1.0]])).tolist()
    [0.75, nan]
    """
    observed = np.asarray(observed, dtype=np.float64)
    reach = observed - 1e-12 * np.maximum(1.0, np.abs(observed))
    p = (1 + (~(np.asarray(null) < reach)).sum(axis=0)) / (len(null) + 1)
    return np.asarray(np.where(np.isnan(observed), np.nan, p))


def exact_test(observed: float, everything: np.ndarray) -> RandomizationTest:
    """P-value from all arrangements.

    Parameters
    ----------
    observed : float
        The statistic; larger is more extreme.
    everything : (K,) array
        The statistic of every arrangement, the observed one among them.

    Returns
    -------
    RandomizationTest
        ``smallest`` is the share of arrangements that have the largest statistic.

    Examples
    --------
    >>> exact_test(3.0, np.array([1.0, 2.0, 3.0, 3.0])).pvalue
    0.5
    """
    everything = np.asarray(everything, dtype=np.float64)
    if np.isnan(observed):
        return RandomizationTest(float("nan"), float("nan"), float("nan"), len(everything), "exact")
    tolerance = 1e-12 * max(1.0, abs(observed))
    largest = float(np.nanmax(everything))
    p = float((~(everything < observed - tolerance)).mean())
    return RandomizationTest(float(observed), p, float((~(everything < largest - tolerance)).mean()), len(everything), "exact")


def randomization_test(
    observed: float,
    draw: Callable[[int], np.ndarray],
    resolution: Resolution | None = None,
    *,
    size: int = 1,
    arrangements: float = np.inf,
) -> RandomizationTest:
    """Test whether a statistic is as large as it is by chance, with as many draws of the null as its family needs.

    The drawing ends where 20 draws are as large as the observed (Besag & Clifford 1991), else where a p-value of a quarter of
    ``alpha / tests`` can be told from zero, or where no more numbers may be drawn. Where no draw was as large, p is the upper
    bound of a generalised Pareto tail (``stats.tail``), if one fits and gives less.

    Parameters
    ----------
    observed : float
        The statistic.
    draw : callable
        ``draw(k)`` gives ``(k,)`` values of the null.
    resolution : Resolution, optional
        The family of the test; one test alone unless given.
    size : int
        Numbers that one draw costs.
    arrangements : float
        Different arrangements that there are: no p-value can be smaller than one over it.

    Returns
    -------
    RandomizationTest

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rare = randomization_test(6.0, lambda k: rng.normal(size=k), Resolution(tests=100))
    >>> rare.pvalue <= 1 / 8000, rare.draws, rare.how
    (True, 7999, 'tail')
    """
    resolution = resolution or Resolution()
    most = resolution.draws(size)
    least = max(1 / (most + 1), 1 / arrangements)
    if np.isnan(observed):
        return RandomizationTest(float("nan"), float("nan"), least, 0, "draws")
    reach = observed - 1e-12 * max(1.0, abs(observed))
    null: list[np.ndarray] = []
    beyond = drawn = 0
    while drawn < most:
        values = np.asarray(draw(min(_block(size, drawn), most - drawn)), dtype=np.float64)
        hits = ~(values < reach)
        if beyond + int(hits.sum()) >= STOP:
            drawn += int(np.flatnonzero(hits)[STOP - beyond - 1]) + 1
            return RandomizationTest(float(observed), STOP / drawn, least, drawn, "draws")
        beyond, drawn = beyond + int(hits.sum()), drawn + len(values)
        null.append(values)
    p = (1 + beyond) / (drawn + 1)
    if beyond == 0:
        tail = fitted_tail(np.concatenate(null))
        if tail is not None:
            bound = max(min(p, tail.pvalue(observed)), 1 / arrangements)
            return RandomizationTest(float(observed), bound, min(bound, least), drawn, "tail")
    return RandomizationTest(float(observed), p, least, drawn, "draws")


def _block(size: int, drawn: int) -> int:
    """Draws taken at once: few at first, since most tests end early, and never more numbers than fit well into memory."""
    return max(1, min(max(100, drawn), NUMBERS // max(size, 1)))


def sign_flip_test(
    differences: np.ndarray, rng: Rng, *, resolution: Resolution | None = None, side: str = "greater"
) -> RandomizationTest:
    """Test of the mean of paired differences being above zero (or below, or either), by flipping signs (Fisher 1935).

    Parameters
    ----------
    differences : (n,) array
        One a unit; NaNs are left out.
    rng : int or numpy.random.Generator
        Draws the flips where there are too many to take all.
    resolution : Resolution, optional
        The family of the test. All ``2^n`` flips are taken when there are no more of them than 50,000.
    side : str
        ``greater``, ``less`` or ``two``.

    Returns
    -------
    RandomizationTest
        ``statistic`` is the mean; without differences statistic and p-value are NaN.

    Examples
    --------
    >>> sign_flip_test(np.array([1.0, 2.0, 3.0]), np.random.default_rng(0)).pvalue
    0.125
    """
    rng = generator(rng)
    finite = np.asarray(differences, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    n = len(finite)
    if n == 0:
        return RandomizationTest(float("nan"), float("nan"), float("nan"), 0, "exact")
    mean = float(finite.mean())

    def extreme(means: np.ndarray) -> np.ndarray:
        return np.abs(means) if side == "two" else (means if side == "greater" else -means)

    # Equal sizes keep equal means equal after rounding: the tolerance of the tests is relative to one.
    scale = float(np.abs(finite).max()) or 1.0
    scaled = finite / (scale * n)
    observed = float(extreme(np.array([scaled.sum()]))[0])
    if n < 60 and 2**n <= ALL:
        signs = 1.0 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        tested = exact_test(observed, extreme(signs @ scaled))
    else:

        def draw(k: int) -> np.ndarray:
            return extreme((rng.integers(0, 2, (k, n), dtype=np.int8) * 2.0 - 1) @ scaled)

        tested = randomization_test(
            observed, draw, resolution, size=n, arrangements=2.0 ** min(n, 1000) / (1 + (side == "two"))
        )
    return RandomizationTest(mean, tested.pvalue, tested.smallest, tested.draws, tested.how)
