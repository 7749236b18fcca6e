"""The statistic of permutation tests: straight dependences first, all others beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import gammaincc, gammaln

STRAIGHT = 0.8  # share of the level that is spent on the variables' own columns
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
    of categories), and of all features. Each is set against its limit under exchanges; the statistic is ``-log`` of the
    smaller p of both after Bonferroni, with four fifths of the level for the first. A weighted minimum has nearly the power of
    a correlation where the dependence is straight, and sees the others too.

    Attributes
    ----------
    a, b : array
        The features.
    straight : (p * q,) bool array
        Which covariances are of the variables' own columns.
    tails : tuple of Tail
        Limits of both sums; one where the own columns are all that there is.
    limit_holds : bool
        Whether rows are so many, and features so little skewed, that p-values of the limit hold far out in the tail.
    """

    a: np.ndarray
    b: np.ndarray
    straight: np.ndarray
    tails: tuple[Tail, ...]
    limit_holds: bool

    @classmethod
    def of(cls, a: np.ndarray, b: np.ndarray, strata: np.ndarray, own_a: int, own_b: int) -> Self:
        """The contrast of features.

        Parameters
        ----------
        a, b : (n, p) and (n, q) array
            Centred in strata.
        strata : (n,) int array
            Strata in which rows are exchanged.
        own_a, own_b : int
            How many of the first features are the variables themselves.

        Returns
        -------
        Contrast
        """
        p, q = a.shape[1], b.shape[1]
        straight = np.zeros((p, q), dtype=bool)
        straight[:own_a, :own_b] = True
        covariance = _covariance(a, b, strata)
        inside = np.flatnonzero(straight.ravel())
        tails: tuple[Tail, ...] = (Tail.of(covariance[np.ix_(inside, inside)]),)
        if not straight.all():
            tails += (Tail.of(covariance),)
        skew = np.abs(_skewness(a)).max(initial=0.0) * np.abs(_skewness(b)).max(initial=0.0) / np.sqrt(max(len(a), 1))
        return cls(a, b, straight.ravel(), tails, bool(skew <= SKEWED))

    def __call__(self, arranged: np.ndarray) -> np.ndarray:
        """The statistic ``(k,)`` of arrangements of ``a`` ``(k, n, p)``."""
        return self._statistic(np.matmul(arranged.transpose(0, 2, 1), self.b).reshape(len(arranged), -1))

    def over(self, orders: np.ndarray) -> np.ndarray:
        """The statistic ``(k,)`` of orders of the rows ``(k, n)``."""
        if not self.a.size or not self.b.size:
            return np.zeros(len(orders))  # what does not vary has no covariance
        products = [np.asarray(self.a[:, j])[orders] @ self.b for j in range(self.a.shape[1])]
        return self._statistic(np.concatenate(products, axis=1))

    def turned(self) -> Contrast:
        """The same with both variables in the other's place."""
        straight = self.straight.reshape(self.a.shape[1], self.b.shape[1]).T.ravel()
        return Contrast(self.b, self.a, straight, self.tails, self.limit_holds)

    def limit(self, statistic: float) -> float:
        """P-value of the statistic by its limit, from 1e-300 to 1: Bonferroni's bound, however both sums go together."""
        return float(np.clip(np.exp(-statistic), 1e-300, 1.0))

    def _statistic(self, products: np.ndarray) -> np.ndarray:
        squares = products**2 / len(self.a)
        straight = self.tails[0].surprise(squares[:, self.straight].sum(axis=1))
        if len(self.tails) == 1:
            return straight
        everything = self.tails[1].surprise(squares.sum(axis=1))
        return np.asarray(np.maximum(straight + np.log(STRAIGHT), everything + np.log(1 - STRAIGHT)))


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
