"""The statistic of permutation tests: straight dependences first, all others and those of single labels beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from scipy.special import gammaincc, gammaln

from affectlens.stats.exchanges import members_of

STRAIGHT = 0.8  # share of the level that is spent on the variables' own columns
APART = 0.2  # share that is spent on strata by themselves where they are looked at, before the rest is shared out
SKEWED = 0.04  # of a mean of products of features, from which on the tail of the limit is not trusted


@dataclass(frozen=True)
class Tail:
    """The limit of a sum of squared covariances: a chi-square with the same three moments (Liu, Tang & Zhang 2009).

    Attributes
    ----------
    first, second, third : float
        Traces of the first three powers of the covariance of the covariances.
    """

    first: float
    second: float
    third: float

    @classmethod
    def of(cls, covariance: np.ndarray) -> Self:
        """The limit for covariances ``(m, m)`` of ``m`` covariances."""
        square = covariance @ covariance
        return cls(float(np.trace(covariance)), float((covariance**2).sum()), float((square * covariance).sum()))

    @classmethod
    def of_strata(cls, a: np.ndarray, b: np.ndarray, members: Sequence[np.ndarray]) -> Self:
        """The limit of the sum over strata of squared covariances of ``a`` ``(n, p)`` and ``b`` ``(n, q)``, over their rows."""
        traces = np.zeros(3)
        for rows in members:
            of_a, of_b = (np.maximum(np.linalg.eigvalsh(values[rows].T @ values[rows]), 0) for values in (a, b))
            size = len(rows) * (len(rows) - 1)
            traces += [(of_a**k).sum() * (of_b**k).sum() / size**k for k in (1, 2, 3)]
        return cls(*traces.tolist())

    def surprise(self, values: np.ndarray) -> np.ndarray:
        """``-log p`` of sums of squares ``(k,)``."""
        if self.second <= 0:
            return np.zeros(np.shape(values))
        freedom = self.second**3 / self.third**2
        standard = (np.asarray(values) - self.first) / np.sqrt(2 * self.second)
        return -_log_upper_gamma(freedom / 2, np.maximum(standard * np.sqrt(2 * freedom) + freedom, 0.0) / 2)


def _log_upper_gamma(shape: float, x: np.ndarray) -> np.ndarray:
    """Logarithm of the regularised upper incomplete gamma function, also where the function itself is zero to a computer."""
    direct = gammaincc(shape, x)
    far = direct < 1e-250
    at = np.maximum(x, 1.0)
    series = 1 + (shape - 1) / at + (shape - 1) * (shape - 2) / at**2  # DLMF 8.11.2
    asymptotic = (shape - 1) * np.log(at) - at - gammaln(shape) + np.log(np.maximum(series, 1e-12))
    return np.asarray(np.where(far, asymptotic, np.log(np.where(far, 1.0, direct))))


@dataclass(frozen=True)
class Contrast:
    """Features ``a`` ``(n, p)`` and ``b`` ``(n, q)``, centred in strata, and how surprising their covariances are.

    Two sums of squared covariances are looked at: of the variables' own columns (a straight dependence of normal scores, or any
    of categories), and of all features; on demand a third, of all features in each stratum by itself, in which covariances of
    different sign do not cancel. Each is set against its limit under exchanges; the statistic is ``-log`` of the smallest p of
    them after Bonferroni, with most of the level for the first. A weighted minimum has nearly the power of a correlation where
    the dependence is straight, and sees the others too; its own p-value comes from the same exchanges, so that looking at
    several sums costs no level.

    Attributes
    ----------
    a, b : array
        The features.
    straight : (p * q,) bool array
        Which covariances are of the variables' own columns.
    tails : tuple of (float, Tail)
        Share of the level, and limit, of each sum: of the own columns, of all features unless the own columns are all that
        there is, of the strata by themselves.
    members : tuple of int arrays
        Rows of each stratum that is looked at by itself; empty where none is.
    limit_holds : bool
        Whether rows are so many, and features so little skewed, that p-values of the limit hold far out in the tail.
    """

    a: np.ndarray
    b: np.ndarray
    straight: np.ndarray
    tails: tuple[tuple[float, Tail], ...]
    members: tuple[np.ndarray, ...]
    limit_holds: bool

    @classmethod
    def of(cls, a: np.ndarray, b: np.ndarray, strata: np.ndarray, own_a: int, own_b: int, apart: bool = False) -> Self:
        """The contrast of features.

        Parameters
        ----------
        a, b : (n, p) and (n, q) array
            Centred in strata.
        strata : (n,) int array
            Strata in which rows are exchanged.
        own_a, own_b : int
            How many of the first features are the variables themselves.
        apart : bool
            Whether each stratum is looked at by itself too.

        Returns
        -------
        Contrast
        """
        p, q = a.shape[1], b.shape[1]
        straight = np.zeros((p, q), dtype=bool)
        straight[:own_a, :own_b] = True
        covariance = _covariance(a, b, strata)
        inside = np.flatnonzero(straight.ravel())
        limits = [(1.0, Tail.of(covariance[np.ix_(inside, inside)]))]
        if not straight.all():
            limits = [(STRAIGHT, limits[0][1]), (1 - STRAIGHT, Tail.of(covariance))]
        members = tuple(members_of(strata)) if apart else ()
        if members:
            limits = [(share * (1 - APART), limit) for share, limit in limits]
            limits.append((APART, Tail.of_strata(a, b, members)))
        each = len(a) / max(len(members), 1)  # rows of a stratum that is looked at by itself
        skew = np.abs(_skewness(a)).max(initial=0.0) * np.abs(_skewness(b)).max(initial=0.0) / np.sqrt(max(each, 1.0))
        return cls(a, b, straight.ravel(), tuple(limits), members, bool(skew <= SKEWED))

    def over(self, orders: np.ndarray) -> np.ndarray:
        """The statistic ``(k,)`` of orders of the rows of ``a`` ``(k, n)``."""
        if not self.a.size or not self.b.size:
            return np.zeros(len(orders))  # what does not vary has no covariance
        if not self.members:
            return self._statistic(self._products(orders, slice(None)), None)
        products = np.zeros((len(orders), self.a.shape[1] * self.b.shape[1]))
        apart = np.zeros(len(orders))
        for rows in self.members:  # a stratum of one row has no covariance
            own = self._products(orders, rows)
            products += own
            apart += (own**2).sum(axis=1) / len(rows)
        return self._statistic(products, apart)

    def observed(self) -> float:
        """The statistic of the rows as they are."""
        return float(self.over(np.arange(len(self.a))[None])[0])

    def turned(self) -> Contrast:
        """The same with both variables in the other's place."""
        straight = self.straight.reshape(self.a.shape[1], self.b.shape[1]).T.ravel()
        return replace(self, a=self.b, b=self.a, straight=straight)

    def limit(self, statistic: float) -> float:
        """P-value of the statistic by its limit, from 1e-300 to 1: Bonferroni's bound, however the sums go together."""
        return float(np.clip(np.exp(-statistic), 1e-300, 1.0))

    def _products(self, orders: np.ndarray, rows: np.ndarray | slice) -> np.ndarray:
        """Sums ``(k, p q)`` of products of features over some rows of orders ``(k, n)``."""
        places, others = orders[:, rows], self.b[rows]
        return np.concatenate([np.asarray(self.a[:, j])[places] @ others for j in range(self.a.shape[1])], axis=1)

    def _statistic(self, products: np.ndarray, apart: np.ndarray | None) -> np.ndarray:
        """Of sums of products ``(k, p q)`` and of the sum of the strata by themselves ``(k,)``."""
        squares = products**2 / len(self.a)
        sums = [squares[:, self.straight].sum(axis=1)]
        sums += [] if self.straight.all() else [squares.sum(axis=1)]
        sums += [] if apart is None else [apart]
        surprises = [limit.surprise(values) + np.log(share) for (share, limit), values in zip(self.tails, sums, strict=True)]
        return np.asarray(np.max(surprises, axis=0))


def _covariance(a: np.ndarray, b: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Covariance ``(p q, p q)`` under exchanges of the covariances of features, times n."""
    out = np.zeros((a.shape[1] * b.shape[1],) * 2)
    order = np.argsort(strata, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        if len(rows) > 1:
            out += np.kron(a[rows].T @ a[rows], b[rows].T @ b[rows]) / (len(rows) - 1)
    return out / len(a)


def _skewness(features: np.ndarray) -> np.ndarray:
    spread = features.std(axis=0)
    return np.asarray(((features - features.mean(axis=0)) ** 3).mean(axis=0) / np.maximum(spread, 1e-9) ** 3)
