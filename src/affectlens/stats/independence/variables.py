"""Variables of any kind as numbers: continuous, binary, ordinal or categorical columns, what is missing, what is constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import ndtri
from scipy.stats import rankdata

from affectlens.core.errors import UsageError

KINDS = ("continuous", "ordinal", "binary", "categorical")
FEW = 12  # distinct whole numbers up to which a column counts as ordinal


@dataclass(frozen=True)
class Column:
    """One column as it was given: its numbers, or the number of its category in a list of ``categories``, NaN where missing."""

    values: np.ndarray
    kind: str
    categories: int = 0

    def expanded(self) -> np.ndarray:
        """Numbers ``(n, d)``: one column a category where there are more than two."""
        if self.kind != "categorical":
            return self.values[:, None]
        hot = (self.values[:, None] == np.arange(self.categories)[None]).astype(float)
        hot[np.isnan(self.values)] = np.nan
        return np.asarray(hot)


@dataclass(frozen=True, eq=False)
class Variable:
    """One variable as numbers.

    Attributes
    ----------
    given : tuple of Column
        Its columns; a condition with very many categories never has a column for each, unless it is asked for ``columns``.
    codes : (n,) array or None
        A number for each combination of values when all of it is discrete.
    rows : int
        How many.
    """

    given: tuple[Column, ...]
    codes: np.ndarray | None
    rows: int

    @cached_property
    def columns(self) -> np.ndarray:
        """Numbers ``(n, d)``: one column a category for a categorical variable."""
        return np.column_stack([np.zeros((self.rows, 0)), *(column.expanded() for column in self.given)])

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of each of the ``columns``, from ``KINDS``."""
        return tuple(column.kind for column in self.given for _ in range(max(column.categories, 1)))

    @property
    def ordered(self) -> bool:
        """Whether it is one column whose values have an order."""
        return len(self.given) == 1 and self.given[0].kind != "categorical"

    def complete(self) -> np.ndarray:
        """Mask ``(n,)`` of the rows in which nothing is missing."""
        out = np.ones(self.rows, dtype=bool)
        for column in self.given:
            out &= np.isfinite(column.values)
        return out

    def take(self, rows: np.ndarray) -> Variable:
        """Some rows."""
        given = tuple(Column(column.values[rows], column.kind, column.categories) for column in self.given)
        return Variable(given, None if self.codes is None else self.codes[rows], len(rows))


def variable(values: object, name: str = "x", kind: str | Sequence[str] | None = None) -> Variable:
    """Make a variable of an array or a frame.

    Numbers with two values are binary, few whole numbers ordinal, texts categorical. Missing values are kept as NaN and
    found by ``complete``.

    Parameters
    ----------
    values : (n,) or (n, d) array of numbers or texts, or a frame
        The data.
    name : str
        What errors call it.
    kind : str or sequence of str
        Overrides what is guessed, for all columns or for each.

    Returns
    -------
    Variable
        With as many rows.

    Raises
    ------
    UsageError
        No rows, more than two axes, or an unknown kind.
    """
    frame = _frame(values, name)
    if not len(frame):
        raise UsageError(f"{name} has no rows")
    asked_kinds: list[str | None] = [None] * frame.shape[1]
    if isinstance(kind, str):
        asked_kinds = [kind] * frame.shape[1]
    elif kind:
        asked_kinds = list(kind)
    columns: list[Column] = []
    parts: list[np.ndarray] = []
    for i, column_kind in enumerate(asked_kinds):
        column = frame.iloc[:, i]
        column_kind = column_kind or _guess(column)
        if column_kind not in KINDS:
            raise UsageError(f"{name}: kind {column_kind!r} is not one of {', '.join(KINDS)}")
        if column_kind == "categorical" or not pd.api.types.is_numeric_dtype(column):
            absent = column.isna().to_numpy()
            codes, names = pd.factorize(column.astype(str).where(~absent), sort=True)
            two = len(names) == 2  # one column says it all
            columns.append(
                Column(np.where(codes < 0, np.nan, codes), "binary" if two else "categorical", 0 if two else len(names))
            )
            parts.append(np.where(absent, -1, codes))
        else:
            numbers = column.to_numpy(dtype=float)
            columns.append(Column(numbers, column_kind))
            if column_kind != "continuous":
                parts.append(pd.factorize(pd.Series(numbers), sort=True)[0])
    discrete = len(parts) == frame.shape[1]
    codes = pd.factorize(pd.MultiIndex.from_arrays(parts))[0] if discrete else None
    return Variable(tuple(columns), codes, len(frame))


def _frame(values: object, name: str) -> pd.DataFrame:
    if isinstance(values, pd.DataFrame):
        return values.reset_index(drop=True)
    if isinstance(values, pd.Series):
        return values.to_frame().reset_index(drop=True)
    array = np.asarray(values)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise UsageError(f"{name} has shape {array.shape}; (n,) or (n, d) was expected")
    return pd.DataFrame(array)


def _guess(column: pd.Series) -> str:
    if not pd.api.types.is_numeric_dtype(column):
        return "categorical"
    numbers = column.dropna().to_numpy(dtype=float)
    distinct = np.unique(numbers)
    if len(distinct) <= 2:
        return "binary"
    whole = len(distinct) <= FEW and np.allclose(distinct, np.round(distinct))
    return "ordinal" if whole else "continuous"


def complete(*variables: Variable) -> np.ndarray:
    """Mask ``(n,)`` of the rows in which nothing is missing."""
    return np.asarray(np.all([entry.complete() for entry in variables], axis=0))


def normal_scores(x: np.ndarray) -> np.ndarray:
    """Each column by its ranks on the normal scale (van der Waerden 1952): heavy tails are gone, the order stays.

    Parameters
    ----------
    x : (n, d) array
        Ties get their mean rank.

    Returns
    -------
    (n, d) array
        Of mean 0 and deviation 1; a constant column becomes zero.
    """
    n = len(x)
    out = np.empty(x.shape)
    for j in range(x.shape[1]):
        out[:, j] = ndtri((rankdata(x[:, j]) - 0.5) / n)
    deviation = out.std(axis=0)
    return np.where(deviation > 1e-12, (out - out.mean(axis=0)) / np.maximum(deviation, 1e-12), 0.0)


def scaled(values: Variable) -> np.ndarray:
    """Columns ``(n, d)`` of mean 0 and deviation 1, continuous and ordinal ones as normal scores; constant ones are dropped."""
    out = np.empty(values.columns.shape)
    for j, kind in enumerate(values.kinds):
        column = values.columns[:, j : j + 1]
        if kind in ("continuous", "ordinal"):
            out[:, j] = normal_scores(column)[:, 0]
        else:
            deviation = column.std()
            out[:, j] = ((column - column.mean()) / deviation)[:, 0] if deviation > 1e-12 else 0.0
    return out[:, out.std(axis=0) > 1e-9]
