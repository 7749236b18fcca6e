"""How strong a dependence is that a test speaks of, with an interval, and how weak one could have been to be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student


@dataclass(frozen=True)
class Effect:
    """A strength of dependence with a 95 % interval.

    Attributes
    ----------
    kind : str
        ``correlation``: of what the condition leaves of two ordered variables, signed; ``strength``: of all their features,
        from 0 to 1, corrected for what chance gives.
    value, low, high : float
        Estimate and interval; the ends are NaN where nothing varies.
    """

    kind: str
    value: float
    low: float
    high: float


def correlation(a: np.ndarray, b: np.ndarray, spent: float = 0.0) -> Effect:
    """Pearson's correlation of residuals, with an interval that also few rows and heavy tails keep.

    On the scale of Fisher's z the standard error is the larger of ``1 / sqrt(n - 3)``, which normal data have, and that of
    the jackknife (Efron 1981), which looks at the data; Student's t takes the place of the normal distribution.

    Parameters
    ----------
    a, b : (n,) array
        What is left of two variables.
    spent : float
        Degrees of freedom that went into the condition.

    Returns
    -------
    Effect
        Of kind ``correlation``; from -1 to 1 where fewer than four rows count, NaN ends where nothing varies.

    Examples
    --------
    >>> e = correlation(np.arange(12.0), np.arange(12.0) ** 2)
    >>> e.low < e.value < e.high < 1
    True
    """
    a, b = (values - values.mean() for values in (a, b))
    if float(a.std() * b.std()) < 1e-12:
        return Effect("correlation", 0.0, float("nan"), float("nan"))
    a, b = a / a.std(), b / b.std()
    estimate = float(np.clip((a * b).mean(), -1, 1))
    rows = len(a) - spent
    if rows < 4:
        return Effect("correlation", estimate, -1.0, 1.0)
    jackknifed = np.arctanh(_bounded(_left_out(a, b)))
    n = len(a)
    error = max(1 / np.sqrt(rows - 3), float(np.sqrt((n - 1) * jackknifed.var() * n / rows)))
    half = float(student.ppf(0.975, rows - 2)) * error
    middle = float(np.arctanh(_bounded(np.array(estimate))))
    return Effect("correlation", estimate, float(np.tanh(middle - half)), float(np.tanh(middle + half)))


def _left_out(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Correlations ``(n,)`` without each row in turn, of values of mean zero."""
    n = len(a) - 1
    mean_a, mean_b = -a / n, -b / n
    together = ((a * b).sum() - a * b) / n - mean_a * mean_b
    squares = [np.maximum(((v**2).sum() - v**2) / n - mean**2, 1e-300) for v, mean in ((a, mean_a), (b, mean_b))]
    return np.asarray(together / np.sqrt(squares[0] * squares[1]))


def _bounded(correlations: np.ndarray) -> np.ndarray:
    """Correlations whose Fisher z is finite."""
    return np.asarray(np.clip(correlations, -1 + 1e-9, 1 - 1e-9))


def strength(a: np.ndarray, b: np.ndarray, rng: np.random.Generator, draws: int = 500) -> Effect:
    """Square root of the RV coefficient of residual features, less what chance gives (Robert & Escoufier 1976).

    Parameters
    ----------
    a, b : (n, p) and (n, q) array
        Features of both variables without what the condition says.
    rng : numpy.random.Generator
        Draws covariances from their normal limit for the interval.
    draws : int
        How many.

    Returns
    -------
    Effect
        Of kind ``strength``: sqrt of ``||cov(a, b)||² / (||cov(a)|| ||cov(b)||)`` with its expectation under no dependence
        taken off.
    """
    n = len(a)
    products = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
    mean = products.mean(axis=0)
    spread = np.cov(products.T).reshape(products.shape[1], products.shape[1]) / n
    whole = float(np.linalg.norm(a.T @ a / n) * np.linalg.norm(b.T @ b / n))
    if whole < 1e-12:
        return Effect("strength", 0.0, float("nan"), float("nan"))
    noise = float(np.trace(spread))
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn = ((mean + rng.normal(size=(draws, len(mean))) @ root.T) ** 2).sum(axis=1) - 2 * noise
    squared = float((mean**2).sum()) - noise
    low, high = np.quantile(drawn, [0.025, 0.975])

    def out(squared_norm: float) -> float:
        return float(np.sqrt(np.clip(squared_norm / whole, 0, 1)))

    return Effect("strength", out(squared), out(float(low)), max(out(float(high)), out(squared)))


def smallest_correlation(n: int, spent: float = 0.0, alpha: float = 0.05, power: float = 0.8) -> float:
    """The correlation that a two-sided test finds with a given power, by Fisher's z.

    Parameters
    ----------
    n : int
        Rows.
    spent : float
        Degrees of freedom that went into the condition.
    alpha, power : float
        Level and power of the test.

    Returns
    -------
    float
        From 0 to 1.
    """
    rows = max(n - spent - 3, 1)
    return float(np.tanh((norm.ppf(1 - alpha / 2) + norm.ppf(power)) / np.sqrt(rows)))
