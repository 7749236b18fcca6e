"""P-values beyond the drawn values of a null hypothesis, by a generalised Pareto tail (Knijnenburg et al. 2009)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

LARGEST = 250  # values of the null that the tail is fitted to, at most
SHARE = 0.1  # of the values at most
FEWEST = 50  # fewer say nothing of a tail
DISTINCT = 0.9  # share of different values from which on a tail counts as smooth
SURE = 1.645  # standard errors that are added to the shape: a one-sided bound of 95 %


@dataclass(frozen=True)
class Tail:
    """A generalised Pareto distribution of what lies above a threshold.

    Attributes
    ----------
    threshold : float
        Where the tail begins.
    shape, scale : float
        Of the distribution. The shape is never below zero, so that no value is impossible.
    beyond : int
        Values that it was fitted to.
    drawn : int
        Values of the null in all.
    """

    threshold: float
    shape: float
    scale: float
    beyond: int
    drawn: int

    @property
    def error(self) -> float:
        """Standard error of the shape (Smith 1987)."""
        return (1 + self.shape) / float(np.sqrt(self.beyond))

    def survival(self, value: float, shape: float) -> float:
        """Probability of a value as large under another shape.

        Parameters
        ----------
        value : float
            Above the threshold.
        shape : float
            Zero or more.

        Returns
        -------
        float
            At least 1e-300.
        """
        size = max(value - self.threshold, 0.0) / self.scale
        log = -size if shape < 1e-9 else -np.log1p(shape * size) / shape
        return float(np.exp(max(np.log(self.beyond / self.drawn) + log, -690.0)))

    def pvalue(self, value: float) -> float:
        """Probability of a value as large under the heaviest tail that the drawn values allow (one-sided, 95 %)."""
        return self.survival(value, self.shape + SURE * self.error)


def fitted_tail(null: np.ndarray) -> Tail | None:
    """Fit the largest values of a null hypothesis by maximum likelihood.

    Parameters
    ----------
    null : (draws,) array
        Values of the statistic.

    Returns
    -------
    Tail or None
        None where there are too few values, or where they repeat each other, as counts do: a smooth tail would not hold.

    Examples
    --------
    >>> tail = fitted_tail(np.random.default_rng(0).exponential(size=9999))
    >>> 1e-6 < tail.pvalue(13.0) < 1e-3  # exp(-13) is 2e-6; the bound lies above it
    True
    >>> fitted_tail(np.random.default_rng(0).poisson(2.0, size=9999)) is None
    True
    """
    values = np.sort(np.asarray(null, dtype=np.float64))
    count = min(LARGEST, int(SHARE * len(values)))
    if count < FEWEST or not np.isfinite(values).all():
        return None
    threshold = float((values[-count] + values[-count - 1]) / 2)
    excess = values[-count:] - threshold
    different = len(np.unique(np.round(excess / max(float(excess.max()), 1e-300), 9)))
    if different < DISTINCT * count or excess.mean() <= 0:
        return None
    shape, scale = _likeliest(excess)
    return Tail(threshold, shape, scale, count, len(values))


def _likeliest(excess: np.ndarray) -> tuple[float, float]:
    """Shape (zero or more) and scale of the largest likelihood, along the ratio of both (Grimshaw 1993)."""
    mean = float(excess.mean())

    def loss(log_ratio: float) -> float:
        ratio = np.exp(log_ratio) / mean
        shape = float(np.log1p(ratio * excess).mean())
        return float(np.log(shape / ratio) + shape)

    found = minimize_scalar(loss, bounds=(-9.0, 4.0), method="bounded")
    if loss(found.x) >= np.log(mean):  # an exponential tail is as likely
        return 0.0, mean
    ratio = np.exp(found.x) / mean
    shape = float(np.log1p(ratio * excess).mean())
    return shape, shape / float(ratio)
