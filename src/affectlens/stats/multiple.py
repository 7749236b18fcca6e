"""P-values of many tests at once, and effects measured on people who gave several observations each."""

from __future__ import annotations

import numpy as np

from affectlens.stats.generators import Rng, generator


def holm(p: np.ndarray) -> np.ndarray:
    """P-values adjusted so that the chance of any false finding is bounded (Holm 1979); NaN stays NaN."""
    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    finite = np.flatnonzero(np.isfinite(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    steps = (len(finite) - np.arange(len(finite))) * p[order]
    out[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return out


def benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    """P-values adjusted so that the share of false findings among all is bounded (Benjamini & Hochberg 1995); NaN stays NaN."""
    from scipy.stats import false_discovery_control

    p = np.asarray(p, dtype=np.float64)
    out = np.full(p.shape, np.nan)
    finite = np.isfinite(p)
    if finite.any():
        out[finite] = false_discovery_control(p[finite])
    return out


def mean_of_units(values: np.ndarray) -> tuple[float, float, float, float]:
    """Mean over independent units (people), with its 95 % interval and two-sided p-value by Student's t.

    Parameters
    ----------
    values : (n,) array
        One a unit; NaNs are left out.

    Returns
    -------
    mean, low, high, p : float
        Fewer than three units, or equal ones, give a mean without interval (NaN) and p = 1.

    Examples
    --------
    >>> [round(v, 3) for v in mean_of_units(np.array([1.0, 2.0, 3.0]))]
    [2.0, -0.484, 4.484, 0.074]
    """
    from scipy.stats import t

    finite = np.asarray(values, dtype=np.float64)
    finite = finite[np.isfinite(finite)]
    n = len(finite)
    if n == 0:
        return float("nan"), float("nan"), float("nan"), 1.0
    mean = float(finite.mean())
    error = float(finite.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0
    if n < 3 or error == 0:
        return mean, float("nan"), float("nan"), 1.0
    half = float(t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half, float(2 * t.sf(abs(mean) / error, n - 1))


def permute_within(groups: np.ndarray, rng: Rng) -> np.ndarray:
    """An order of all rows in which each row has changed places with rows of its own group only."""
    rng = generator(rng)
    _, inverse = np.unique(groups.astype(str), return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    shuffled = np.lexsort((rng.random(len(groups)), inverse))
    out = np.empty(len(groups), dtype=np.int64)
    out[order] = shuffled
    return out


def permute_units(values: np.ndarray, units: np.ndarray, rng: Rng) -> np.ndarray:
    """The values ``(n,)``, constant within a unit (a person's gender), dealt anew to whole units."""
    rng = generator(rng)
    _, first, inverse = np.unique(units.astype(str), return_index=True, return_inverse=True)
    return np.asarray(values[first][rng.permutation(len(first))][inverse])
