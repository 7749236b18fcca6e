"""Conditional independence with a continuous condition: residuals of random features after ridge regression on the condition.

After the randomised conditional correlation test (Strobl, Zhang & Visweswaran 2019), with the regression chosen by generalised
cross-validation among several kernel widths, variables by their normal scores, and a wild bootstrap as the null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.stats.independence.fourier import Features, features, residuals
from affectlens.stats.independence.index import ridge_maps
from affectlens.stats.independence.quadratic import weighted_chi2_tail

WIDTHS = (1.0, 2.0, 4.0)  # of the condition's kernel, in median distances
OWN = 5  # waves of x and of y beside their columns
MANY = 5_000  # rows from which the null is the limit of the bootstrap


def condition_maps(z: np.ndarray, rng: np.random.Generator) -> list[Features]:
    """Feature maps of the condition ``(n, d)``, one a kernel width; more features with more rows and columns."""
    n, d = z.shape
    count = int(np.clip(n // 8, 15, 60 + 15 * min(d, 8)))
    return [features(z, count, rng, width) for width in WIDTHS]


def own_features(x: np.ndarray, rng: np.random.Generator, count: int = OWN) -> np.ndarray:
    """Columns and waves of ``(n, d)``, each of deviation one; a discrete single column with few values needs no waves."""
    distinct = len(np.unique(x[:, 0])) if x.shape[1] == 1 else count + 2
    waves = 0 if distinct <= 2 else min(count, distinct - 1)
    columns = features(x, waves, rng)(x)
    columns = columns - columns.mean(axis=0)
    deviation = columns.std(axis=0)
    return np.asarray(columns[:, deviation > 1e-9] / deviation[deviation > 1e-9])


@dataclass(frozen=True)
class Residuals:
    """Residuals ``(n, p)`` of a variable's features, each of deviation one, and the degrees of freedom spent on each."""

    values: np.ndarray
    spent: np.ndarray

    def take(self, rows: np.ndarray) -> Residuals:
        """Some rows."""
        return Residuals(self.values[rows], self.spent)


def residual_pair(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, rng: np.random.Generator, own: int = OWN
) -> tuple[Residuals, Residuals]:
    """Residuals of the features of x and y after regression on z.

    Maps of the condition: its columns with random waves of several kernel widths, and for several columns also functions of the
    one or two directions along which the target changes.

    Parameters
    ----------
    x, y, z : (n, ·) array
        The variables and the condition.
    rng : numpy.random.Generator
        Draws the features.
    own : int
        Random waves of each variable beside its columns.

    Returns
    -------
    Residuals, Residuals
        Of x and of y.
    """
    maps = condition_maps(z, rng)
    out = []
    for target in (own_features(x, rng, own), own_features(y, rng, own)):
        residual, spent = residuals(target, [*maps, *ridge_maps(z, target, rng)], z)
        deviation = residual.std(axis=0)
        # What the condition explains fully says nothing: it stays zero rather than noise blown up.
        out.append(Residuals(np.where(deviation > 1e-4, residual / np.maximum(deviation, 1e-4), 0.0), spent))
    return out[0], out[1]


def covariance_test(
    a: Residuals, b: Residuals, rng: np.random.Generator, draws: int = 499, null: str = "auto"
) -> tuple[float, float]:
    """Test whether residuals have a covariance.

    Fitted residuals are smaller than errors twice over in a product but once in its sum, so the null's products are enlarged by
    the degrees of freedom that both regressions can share: ``1 / (1 - sqrt(spent_a spent_b) / n)``.

    Parameters
    ----------
    a, b : Residuals
        Of both variables.
    rng : numpy.random.Generator
        Draws the signs.
    draws : int
        Draws of the bootstrap.
    null : str
        ``wild``: products multiplied with random signs (Wu 1986), which keeps their variances row by row; ``spectral``: the
        limit of that, a weighted sum of chi-squares with the eigenvalues of the products' covariance; ``auto`` takes it
        from 5,000 rows on.

    Returns
    -------
    statistic, p : float
        ``n ||cov(a, b)||²`` and its p-value.
    """
    n = len(a.values)
    products = (a.values[:, :, None] * b.values[:, None, :]).reshape(n, -1)
    mean = products.mean(axis=0)
    statistic = n * float((mean**2).sum())
    if null == "auto":
        null = "spectral" if n > MANY else "wild"
    share = np.minimum(np.sqrt(a.spent[:, None] * b.spent[None]).ravel() / n, 0.8)
    centred = (products - mean) / np.sqrt(1 - share)

    def limit() -> float:
        return weighted_chi2_tail(statistic, np.maximum(np.linalg.eigvalsh(centred.T @ centred / n), 0))

    if null == "spectral":
        return statistic, limit()
    signs = rng.integers(0, 2, (draws, n), dtype=np.int8).astype(np.float64) * 2 - 1
    beyond = int((((signs @ centred) ** 2).sum(axis=1) / n >= statistic - 1e-12).sum())
    p = (1 + beyond) / (draws + 1)
    # Below the smallest p-value of the bootstrap its limit serves, so that many tests can be corrected for.
    return statistic, min(p, limit()) if beyond == 0 and n >= 300 else p
