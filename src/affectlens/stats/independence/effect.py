"""How strong a dependence is that a test speaks of, with an interval, and how weak one could have been to be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


@dataclass(frozen=True)
class Effect:
    """``value`` with a 95 % interval. ``correlation``: of what the condition leaves of two ordered variables, signed;
    ``strength``: of all their features, from 0 to 1, corrected for what chance gives."""

    kind: str
    value: float
    low: float
    high: float


def correlation(a: np.ndarray, b: np.ndarray) -> Effect:
    """Of residuals ``(n,)``; the interval from the influence of each row, which does not need equal variances."""
    a, b = (v - v.mean() for v in (a, b))
    deviation = float(a.std() * b.std())
    if deviation < 1e-12:
        return Effect("correlation", 0.0, float("nan"), float("nan"))
    a, b = a / a.std(), b / b.std()
    r = float((a * b).mean())
    influence = a * b - r * (a**2 + b**2) / 2
    half = float(norm.ppf(0.975) * influence.std() / np.sqrt(len(a)))
    return Effect("correlation", r, max(-1.0, r - half), min(1.0, r + half))


def strength(a: np.ndarray, b: np.ndarray, rng: np.random.Generator, draws: int = 500) -> Effect:
    """Of residual features ``(n, p)``, ``(n, q)``: sqrt of ||cov(a, b)||² / (||cov(a)|| ||cov(b)||) (the RV coefficient's
    square root, Robert & Escoufier 1976) without its expectation under no dependence; interval by drawing the covariances from
    their normal limit."""
    n = len(a)
    m = (a[:, :, None] * b[:, None, :]).reshape(n, -1)
    mean = m.mean(axis=0)
    spread = np.cov(m.T).reshape(m.shape[1], m.shape[1]) / n
    whole = float(np.linalg.norm(a.T @ a / n) * np.linalg.norm(b.T @ b / n))
    if whole < 1e-12:
        return Effect("strength", 0.0, float("nan"), float("nan"))
    noise = float(np.trace(spread))
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn = ((mean + rng.normal(size=(draws, len(mean))) @ root.T) ** 2).sum(axis=1) - 2 * noise
    squared = float((mean**2).sum()) - noise
    low, high = np.quantile(drawn, [0.025, 0.975])

    def out(v: float) -> float:
        return float(np.sqrt(np.clip(v / whole, 0, 1)))

    return Effect("strength", out(squared), out(float(low)), max(out(float(high)), out(squared)))


def smallest_correlation(n: int, spent: float = 0.0, alpha: float = 0.05, power: float = 0.8) -> float:
    """The correlation that a two-sided test at ``alpha`` finds with ``power`` in ``n`` rows of which ``spent`` went into the
    condition (Fisher's z)."""
    rows = max(n - spent - 3, 1)
    return float(np.tanh((norm.ppf(1 - alpha / 2) + norm.ppf(power)) / np.sqrt(rows)))
