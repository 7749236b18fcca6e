"""A condition that is factorised once, and shared by every pair of variables that is tested given it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from affectlens.stats.independence.variables import Variable, complete, variable
from affectlens.stats.independence.wgcm.bases import (
    Basis,
    additive,
    basis,
    exponential,
    gaussian,
    linear,
    orthonormal,
    root,
)

WIDTHS = (0.1, 0.2, 0.4, 0.8, 1.6)  # of kernels of one column, in deviations
DISTANCES = (0.5, 1.0, 2.0)  # of kernels of several columns, in median distances
PARTS = (0.5, 1.5)  # of kernels that are sums over columns, in deviations
FIXED = 1 / 3  # share of the rows that columns may be without being penalised
_KEPT = 8  # sets of rows whose factorisation is kept
_VARIABLES = 64  # whose residuals are kept
_WILD = 5.0  # deviations beyond which a column's tails are drawn in

Value = TypeVar("Value")


class Condition:
    """The variable that is conditioned on, made ready for many tests.

    ``test(x, y, Condition(z), rng=...)`` gives the same answer as with ``z``; what depends on ``z`` alone, and on ``z`` and one
    of the variables, is computed once for all tests that leave out the same rows.

    Parameters
    ----------
    z : (n,) or (n, d) array of numbers or texts, or a frame
        The condition.
    kind : str, optional
        Kind of its columns where it is guessed wrongly.

    Raises
    ------
    UsageError
        No rows, more than two axes, or an unknown kind.

    Examples
    --------
    >>> from affectlens.stats.independence import test
    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=200)
    >>> given = Condition(z)
    >>> [test(z + rng.normal(size=200), z + rng.normal(size=200), given, rng=rng).p > 0.01 for _ in range(2)]
    [True, True]
    """

    def __init__(self, z: object, kind: str | None = None) -> None:
        self.values = z
        self.variable: Variable = variable(z, "z", kind)
        self.complete = complete(self.variable)
        self._factorised: dict[bytes, Factorised] = {}

    def __len__(self) -> int:
        return self.variable.rows

    def factorised(self, rows: np.ndarray) -> Factorised:
        """What is needed of the condition at some of its rows ``(m,)``; computed once for each set of them."""
        key = rows.tobytes()
        if key not in self._factorised:
            while len(self._factorised) >= _KEPT:
                del self._factorised[next(iter(self._factorised))]
            self._factorised[key] = Factorised(self.variable.take(rows))
        return self._factorised[key]


class Factorised:
    """A condition without missing rows: its columns, labels, bases of smooth functions, and weights.

    Attributes
    ----------
    columns : (n, d) array
        Numbers of deviation one, heavy tails drawn in; also labels of which there are too few rows each, as 0 and 1.
    labels : (n,) int array or None
        Within each of which regressions are made.
    fixed : (n, q) array
        Orthonormal columns that no regression penalises.
    crowded : bool
        Whether there are too many columns for that, so that lines are penalised as well.
    """

    def __init__(self, condition: Variable) -> None:
        self.columns, self.labels = _columns_and_labels(condition)
        n, d = self.columns.shape
        constant = np.ones((n, 1)) if self.labels is None else _indicators(self.labels)
        lines = [constant, *(constant * self.columns[:, j : j + 1] for j in range(d))]
        if sum(part.shape[1] for part in lines) > FIXED * n:
            lines = [constant, self.columns]
        self.crowded = constant.shape[1] + d > FIXED * n
        self.fixed = orthonormal([constant] if self.crowded else lines)
        self.bases = self._bases()
        self._computed: dict[object, object] = {}

    def once(self, key: object, compute: Callable[[], Value]) -> Value:
        """What ``compute`` gives, computed the first time that ``key`` is asked for; what is asked for by a name is kept."""
        if key not in self._computed:
            variables = [known for known in self._computed if not isinstance(known, str)]
            if not isinstance(key, str) and len(variables) >= _VARIABLES:
                del self._computed[variables[0]]
            self._computed[key] = compute()
        return self._computed[key]  # type: ignore[return-value]

    def along(self, projected: np.ndarray, widths: Sequence[float], name: str, cost: int) -> list[Basis]:
        """Bases of functions of some directions of the condition ``(n, m)``."""
        return [
            basis(f"{name}, width {width:g}", gaussian(width), projected, self.fixed, self.labels, cost) for width in widths
        ]

    def sums(self, columns: np.ndarray, widths: Sequence[float], name: str, cost: int = 0) -> list[Basis]:
        """Bases of sums of functions of single columns ``(n, m)``."""
        return [basis(f"{name}, width {width:g}", additive(width), columns, self.fixed, self.labels, cost) for width in widths]

    def _bases(self) -> list[Basis]:
        d = self.columns.shape[1]
        if d == 0:
            return []
        if d == 1:
            rough = basis("exponential kernel", exponential(1.0), self.columns, self.fixed, self.labels, most=80)
            return [*self.along(self.columns, WIDTHS, "Gaussian kernel", 0), rough]
        distance = median_distance(self.columns)
        out = self.along(self.columns, [width * distance for width in DISTANCES], "Gaussian kernel", 0)
        if self.crowded:
            out.append(basis("linear kernel", linear, self.columns, self.fixed))
        return out + self.sums(self.columns, PARTS, "additive kernel")

    def weights(self) -> dict[str, np.ndarray]:
        """Functions of the condition, that products of residuals are weighted by: each ``(n, m)``, of mean square one a row."""
        return self.once("weights", self._weights)

    def _weights(self) -> dict[str, np.ndarray]:
        n, d = self.columns.shape
        out = {"one": np.ones((n, 1))}
        if d == 1:
            out["coarse"] = _leading(root(gaussian(1.0), self.columns, None, 40), 6)
            out["fine"] = _leading(root(gaussian(0.35), self.columns, None, 60), 20)
        elif d > 1:
            out["coarse"] = _leading(self.columns, 10)
            distance = median_distance(self.columns)
            out["fine"] = _leading(root(gaussian(0.7 * distance), self.columns, None, 80), 20)
        if self.labels is not None:
            out["label"] = _leading(_indicators(self.labels), self.labels.max() + 1)
        return out

    def carried(self) -> dict[str, np.ndarray]:
        """How much of what ``fixed`` takes from products comes back in a sum with each weight: 1 for the constant.

        A regression takes variance from each residual, and puts it into covariances of different rows,
        ``sum_ij H_ij² w_i w_j``. Where the weights of rows that ``H`` binds together differ in sign, nothing comes back.

        Returns
        -------
        dict of str to (m,) array
            For each set of ``weights``, from 0 to 1.
        """
        return self.once("carried", self._carried)

    def _carried(self) -> dict[str, np.ndarray]:
        leverage = (self.fixed**2).sum(axis=1)
        out = {}
        for name, functions in self.weights().items():
            back = [float(((self.fixed.T @ (w[:, None] * self.fixed)) ** 2).sum()) for w in functions.T]
            out[name] = np.array(back) / np.maximum(leverage @ functions**2, 1e-300)
        return out


def _leading(functions: np.ndarray, count: int) -> np.ndarray:
    """The principal components of functions ``(n, m)``, with a mean square of one a row in all."""
    centred = functions - functions.mean(axis=0)
    out = centred @ np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :count]
    return np.asarray(out / np.sqrt(np.maximum((out**2).sum() / len(out), 1e-300)))


def _indicators(labels: np.ndarray) -> np.ndarray:
    return np.asarray((labels[:, None] == np.arange(labels.max() + 1)).astype(float))


def _columns_and_labels(condition: Variable) -> tuple[np.ndarray, np.ndarray | None]:
    """Numbers ``(n, d)`` and labels ``(n,)``; labels with too few rows each to regress within are among the numbers."""
    discrete = np.array([kind in ("binary", "categorical") for kind in condition.kinds], dtype=bool)
    numbers = condition.columns[:, ~discrete]
    numbers = np.column_stack([_drawn_in(column) for column in numbers.T]) if numbers.shape[1] else numbers
    hot = condition.columns[:, discrete]
    hot = hot[:, np.ptp(hot, axis=0) > 0] if len(hot) else hot
    varying = numbers[:, numbers.std(axis=0) > 1e-9] if len(numbers) else numbers
    if not hot.shape[1]:
        return varying, None
    _, labels, counts = np.unique(hot, axis=0, return_inverse=True, return_counts=True)
    if counts.min() >= max(10, 3 * (varying.shape[1] + 1)):
        return varying, labels.ravel()
    return np.column_stack([varying, (hot - hot.mean(axis=0)) / hot.std(axis=0)]), None


def _drawn_in(column: np.ndarray) -> np.ndarray:
    """A column of mean 0 and deviation 1; one with values beyond five deviations by its inverse hyperbolic sine."""
    # Not by ranks: their jitter is rough, and no regression takes it out where the noise is less than that.
    deviation = column.std()
    if deviation < 1e-300:
        return np.zeros(len(column))
    standard = (column - column.mean()) / deviation
    if np.abs(standard).max() <= _WILD:
        return np.asarray(standard)
    middle = np.median(column)
    spread = 1.4826 * np.median(np.abs(column - middle))
    drawn = np.arcsinh((column - middle) / (spread if spread > 0 else deviation))
    return np.asarray((drawn - drawn.mean()) / drawn.std())


def median_distance(rows: np.ndarray, most: int = 500) -> float:
    """Median distance between different rows of at most ``most`` that lie evenly among all ``(n, d)``."""
    part = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]
    squares = (part**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * part @ part.T, 0)[np.triu_indices(len(part), 1)]
    positive = distances[distances > 1e-18]
    return float(np.sqrt(np.median(positive))) if len(positive) else 1.0
