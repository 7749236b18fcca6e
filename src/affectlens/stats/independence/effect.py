"""How strong a dependence is that a test speaks of, with an interval, and how weak one could have been to be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


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


def correlation(a: np.ndarray, b: np.ndarray) -> Effect:
    """Of residuals ``(n,)``; the interval from the influence of each row, which does not need equal variances."""
    a, b = (values - values.mean() for values in (a, b))
    deviation = float(a.std() * b.std())
    if deviation < 1e-12:
        return Effect("correlation", 0.0, float("nan"), float("nan"))
    a, b = a / a.std(), b / b.std()
    estimate = float((a * b).mean())
    influence = a * b - estimate * (a**2 + b**2) / 2
    half = float(norm.ppf(0.975) * influence.std() / np.sqrt(len(a)))
    return Effect("correlation", estimate, max(-1.0, estimate - half), min(1.0, estimate + half))


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
