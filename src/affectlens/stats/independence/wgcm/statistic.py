"""The test whether products of residuals, weighted by functions of the condition, are zero on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from affectlens.stats.independence.combine import cauchy_combination
from affectlens.stats.independence.quadratic import weighted_chi2_tail
from affectlens.stats.independence.wgcm.condition import Factorised
from affectlens.stats.independence.wgcm.residuals import Left
from affectlens.stats.resolution import Resolution

DRAWS = 499
LIMIT = 300  # rows from which the limit serves below the smallest p-value of the bootstrap
# Shares of the level: half of it for what is alike over the whole condition, which is what is asked for most.
SHARES = {"lines, one": 0.4, "waves, one": 0.15}
_OTHER = 0.15
_DIGITS = 4  # of the logarithm of a statistic
_MOST_LOST = 0.9  # of the variance of a product


def draws_of(resolution: Resolution | None, rows: int) -> int:
    """How often signs are drawn for a test of a family: 499 times where it is alone, or where the limit serves further out."""
    return DRAWS if resolution is None or resolution.tests <= 1 or rows >= LIMIT else resolution.draws(rows)


@dataclass(frozen=True)
class Covariances:
    """P-value of all weighted covariances together, and of each kind of them alone."""

    statistic: float
    p: float
    each: dict[str, float]


def weighted_covariance(x: Left, y: Left, condition: Factorised, rng: np.random.Generator, draws: int = DRAWS) -> Covariances:
    """Test whether residuals have a covariance anywhere in the condition.

    Products of residuals of x and y are weighted by functions of the condition (Scheidegger et al. 2022): the constant, smooth
    functions of it, finer ones, and labels. For lines and for other functions of the residuals the squared sums make one
    statistic a set of weights. Signs drawn at random (wild bootstrap, Wu 1986) give the null of all of them at once; their
    p-values are combined by their harmonic mean (Wilson 2019), whose null comes from the same signs and so is no approximation.
    Where no draw reaches one of the statistics, p is that of their limits by Cauchy's rule, if it is smaller.

    Parameters
    ----------
    x, y : Left
        Residuals.
    condition : Factorised
        The condition.
    rng : numpy.random.Generator
        Draws the signs.
    draws : int
        How many times.

    Returns
    -------
    Covariances
        Of which ``statistic`` is one over the harmonic mean.
    """
    n = len(x.lines)
    blocks = _blocks(x, y, condition)
    signs = (rng.integers(0, 2, (draws, n), dtype=np.int8) * 2 - 1).astype(np.float32)
    observed, null, limits = [], [], []
    for products, enlarged in blocks.values():
        observed.append(float((products.sum(axis=0) ** 2).sum()))
        drawn = signs @ enlarged.astype(np.float32)
        null.append((drawn**2).sum(axis=1, dtype=np.float64))
    ranks = _ranks(np.array(observed), np.array(null))
    shares = np.array([SHARES.get(kind, _OTHER) for kind in blocks])
    combined = shares @ (1 / ranks) / shares.sum()
    p = (1 + int((combined[1:] >= combined[0] * (1 - 1e-9)).sum())) / (draws + 1)
    if n >= LIMIT and (ranks[:, 0] <= ranks.min(axis=1)).any():
        for value, (_, enlarged) in zip(observed, blocks.values(), strict=True):
            eigenvalues = np.linalg.eigvalsh(enlarged.T @ enlarged)
            limits.append(weighted_chi2_tail(value, np.maximum(eigenvalues, 0)))
        p = min(p, cauchy_combination(np.array(limits), shares))
    return Covariances(float(combined[0]), p, dict(zip(blocks, ranks[:, 0].tolist(), strict=True)))


def _ranks(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """P-values ``(k, 1 + draws)`` of the observed statistics and of each draw among all of them, none of which is 0 or 1."""
    # Draws are summed in single precision: what differs by less is equal.
    together = np.round(np.log(np.maximum(np.column_stack([observed, null]), 1e-300)), _DIGITS)
    return np.asarray((together.shape[1] - rankdata(together, axis=1, method="min") + 0.5) / together.shape[1])


def _blocks(x: Left, y: Left, condition: Factorised) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Weighted products ``(n, c)``, and the same enlarged by what regressions took from them, by their kind."""
    p, q = x.lines.shape[1], y.lines.shape[1]
    weights = condition.weights()
    kinds = {"lines": (x.lines, y.lines, x.leverage[:, :p], y.leverage[:, :q])}
    both_have_waves = x.waves.shape[1] + y.waves.shape[1] > 0
    if both_have_waves:
        kinds["waves"] = (
            x.waves if x.waves.shape[1] else x.lines,
            y.waves if y.waves.shape[1] else y.lines,
            x.leverage[:, p:] if x.waves.shape[1] else x.leverage[:, :p],
            y.leverage[:, q:] if y.waves.shape[1] else y.leverage[:, :q],
        )
    out = {}
    carried, fixed = condition.carried(), (condition.fixed**2).sum(axis=1)[:, None, None]
    for kind, (a, b, of_a, of_b) in kinds.items():
        n = len(a)
        products = (a[:, :, None] * b[:, None, :]).reshape(n, -1, 1)
        shared = np.minimum(of_a[:, :, None], of_b[:, None, :]).reshape(n, -1, 1)
        for name, functions in weights.items():
            if kind == "waves" and name == "fine":
                continue
            weighted = (products * functions[:, None, :]).reshape(n, -1)
            # Residuals are smaller than errors twice over in a product, but only once in a sum of products.
            lost = np.clip(shared - fixed * (1 - carried[name]), 0, _MOST_LOST)
            # Not centred: where errors are symmetric products with random signs are as likely as before, whatever n.
            enlarged = weighted / np.sqrt(1 - lost).reshape(n, -1)
            out[f"{kind}, {name}"] = (weighted, enlarged)
    return out
