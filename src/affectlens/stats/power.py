"""How strong a correlation has to be to be found by exchanges within strata."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.stats import beta

DRAWS = 4_000
NUMBERS = 2_000_000  # drawn at once, at most


@lru_cache(maxsize=64)
def detectable_correlation(sizes: tuple[int, ...], threshold: float, power: float = 0.8) -> float:
    """The correlation within strata that a two-sided permutation test finds with a given power, by simulation.

    Normal values are drawn for every stratum by their sums of squares and products (the Bartlett decomposition of a Wishart
    matrix), always the same ones. Small strata cost power beyond their degrees of freedom: the products that a correlation
    makes large also widen what exchanges give.

    Parameters
    ----------
    sizes : tuple of int
        Rows of each stratum.
    threshold : float
        P-value that counts as found.
    power : float
        How often.

    Returns
    -------
    float
        From 0 to 1; 1 where nothing can change places.

    Examples
    --------
    >>> round(detectable_correlation((290,), 0.05), 2), round(detectable_correlation((2,) * 145, 0.05), 2)
    (0.16, 0.23)
    """
    freedom = np.array([size - 1 for size in sizes if size > 1], dtype=np.float64)
    if not len(freedom):
        return 1.0
    rng = np.random.default_rng(0)
    shape = (int(np.clip(NUMBERS // len(freedom), 200, DRAWS)), len(freedom))
    first = rng.chisquare(freedom, shape)
    other = rng.normal(size=shape)
    rest = np.where(freedom > 1, rng.chisquare(np.maximum(freedom - 1, 1), shape), 0.0)
    shared, noise = np.sqrt(first) * other, other**2 + rest
    # A sum over strata has the kurtosis, and nearly the tail, of the correlation of one stratum of so many degrees of freedom.
    alike = max(float(freedom.sum() ** 2 / (freedom**2 / (freedom + 2)).sum()) - 2, 1.0 + 1e-9)
    critical = alike * float(beta.isf(threshold, 0.5, (alike - 1) / 2))

    def found(r: float) -> float:
        left = np.sqrt(1 - r * r)
        products = r * first + left * shared
        second = r * r * first + 2 * r * left * shared + left * left * noise
        spread = (first * second / freedom).sum(axis=1)
        return float((products.sum(axis=1) ** 2 > critical * spread).mean())

    low, high = 0.0, 1.0
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) >= power else (middle, high)
    return high
