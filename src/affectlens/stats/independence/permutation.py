"""Exact permutation tests: within the strata of a discrete condition, or of everything when there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.stats.exchanges import ALL, all_exchanges, count_exchanges, drawn_exchanges, members_of
from affectlens.stats.independence.contrast import Contrast
from affectlens.stats.independence.rcot import OWN, own_features
from affectlens.stats.randomization import RandomizationTest, exact_test, randomization_test
from affectlens.stats.resolution import Resolution

ROWS = 20  # that a stratum must have on average to be looked at by itself
MANY = 5_000  # rows from which the limit of the permutations serves, where it holds


@dataclass(frozen=True)
class Exchanged:
    """A test by exchanges within strata, with the features that it compared.

    Attributes
    ----------
    test : RandomizationTest
        Statistic, p-value, the smallest p-value of the design, draws. ``how`` is also ``limit``.
    a, b : (n, p) and (n, q) array
        Features of both variables, centred in their strata, the variables' own columns first.
    """

    test: RandomizationTest
    a: np.ndarray
    b: np.ndarray


def exchange_test(
    x: np.ndarray, y: np.ndarray, strata: np.ndarray, rng: np.random.Generator, resolution: Resolution | None = None,
    own: int = OWN, apart: bool = False,
) -> Exchanged:  # fmt: skip
    """Whether two variables are independent given a stratum: exchange the rows of one within strata.

    Within strata the data are as likely as before when x and y are independent given the stratum: exact for any sizes (Fisher
    1935). The statistic is that of ``Contrast``. Where there are few different arrangements all are taken. Of more than 5,000
    rows the limit of the statistic serves where it holds.

    Parameters
    ----------
    x, y : (n, ·) array
        The variables.
    strata : (n,) int array
        Numbers of the strata from 0 on.
    rng : numpy.random.Generator
        Draws features and permutations.
    resolution : Resolution, optional
        The family of the test: how small its p-value has to be able to become.
    own : int
        Random waves of each variable beside its columns.
    apart : bool
        Whether strata are looked at by themselves too, for dependences whose sign differs between them; where they have fewer
        than 20 rows on average they never are.

    Returns
    -------
    Exchanged

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(140, 1))
    >>> exchange_test(x, x, np.zeros(140, int), rng, Resolution(tests=136)).test.pvalue * 136 < 0.05
    True
    """
    resolution = resolution or Resolution()
    a, b = (centred_in(own_features(values, rng, own), strata) for values in (x, y))
    n, count = len(a), len(np.unique(strata))
    contrast = Contrast.of(a, b, strata, _varying(x), _varying(y), apart and 1 < count <= n / ROWS)
    observed = contrast.observed()
    if n > MANY and contrast.limit_holds:
        return Exchanged(RandomizationTest(observed, contrast.limit(observed), 1e-300, 0, "limit"), a, b)
    codes, other = _codes(x), _codes(y)
    counts = [count_exchanges(each, strata) for each in (codes, other)]
    if min(counts) <= ALL:
        exchanged = contrast if counts[0] <= counts[1] else contrast.turned()
        orders = all_exchanges(codes if counts[0] <= counts[1] else other, strata)
        return Exchanged(exact_test(observed, exchanged.over(orders)), a, b)
    members = members_of(strata)

    def draw(k: int) -> np.ndarray:
        return contrast.over(drawn_exchanges(members, n, k, rng))

    return Exchanged(randomization_test(observed, draw, resolution, size=n, arrangements=min(counts)), a, b)


def _varying(values: np.ndarray) -> int:
    """Columns that vary, which are the first features."""
    return int((values.std(axis=0) > 1e-9).sum())


def _codes(values: np.ndarray) -> np.ndarray:
    """A number for each different row."""
    return np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)


def centred_in(features: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Features ``(n, p)`` without their mean in each stratum ``(n,)``."""
    counts = np.bincount(strata)
    out = features.copy()
    for j in range(features.shape[1]):
        out[:, j] -= (np.bincount(strata, features[:, j]) / np.maximum(counts, 1))[strata]
    return out
