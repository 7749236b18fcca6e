"""Queries over the columns of a table, in a small language of its own in which nothing can be run.

A query has column names (in backticks where they hold spaces), numbers, texts, ``True`` and ``False``, comparisons, also with
lists (``in``, ``not in``), ``and``, ``or``, ``not`` (or ``&``, ``|``, ``~``), ``+ - * /``, parentheses, and the few questions
of ``QUESTIONS``, such as ``text.str.len() > 80``. What it gives is what `pandas.DataFrame.eval` gives.
"""

from __future__ import annotations

import ast
import io
import operator
import re
import tokenize
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError

LONGEST, DEEPEST = 2000, 30  # letters; parentheses and signs inside each other
# What may be asked of a column, as pandas calls it.
QUESTIONS: dict[str, Callable[..., pd.Series]] = {
    "str.len": lambda column: column.str.len(),
    "str.lower": lambda column: column.str.lower(),
    "str.upper": lambda column: column.str.upper(),
    "str.strip": lambda column: column.str.strip(),
    "str.contains": lambda column, text: column.str.contains(_literal(text), regex=False),
    "str.startswith": lambda column, text: column.str.startswith(_text(text)),
    "str.endswith": lambda column, text: column.str.endswith(_text(text)),
    "str.count": lambda column, text: column.map(lambda value: value.count(_literal(text)), na_action="ignore"),
    "isna": lambda column: column.isna(),
    "notna": lambda column: column.notna(),
    "isin": lambda column, values: column.isin(values),
    "between": lambda column, low, high: column.between(low, high),
    "abs": lambda column: column.abs(),
}
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_COUNTED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip


def answer(query: str, rows: pd.DataFrame) -> Any:
    """What a query gives on a table.

    Parameters
    ----------
    query : str
        See the module.
    rows : DataFrame
        Its columns may be named.

    Returns
    -------
    Series or value
        One value a row; a single value where no column is named.

    Raises
    ------
    UsageError
        It is no query, names something that is no column, or asks for more than the language has.

    Examples
    --------
    >>> rows = pd.DataFrame({"text": ["Oh no", "Why"], "turn of talk": [1, 7]})
    >>> answer("text.str.len() > 3 and `turn of talk` < 5", rows).tolist()
    [True, False]
    >>> answer("@pd.io.common.os.system('ls')", rows)
    Traceback (most recent call last):
    affectlens.core.errors.UsageError: query "@pd.io.common.os.system('ls')": '@' has no place in a query; it holds column names, numbers, texts, comparisons, in, and, or, not, + - * / and str.len, str.lower, str.upper, str.strip, str.contains, str.startswith, str.endswith, str.count, isna, notna, isin, between, abs
    """  # noqa: E501
    try:
        tree, names = _parsed(query)
        return _Reader(rows, names).value(tree, 0)
    except _NoQueryError as error:
        raise UsageError(
            f"query {query[:200]!r}: {error}; it holds column names, numbers, texts, comparisons, in, and, or, not, + - * / "
            f"and {', '.join(QUESTIONS)}"
        ) from None
    except Exception as error:
        raise UsageError(f"query {query[:200]!r}: {error}; columns: {', '.join(map(str, rows.columns))}") from error


class _NoQueryError(ValueError):
    pass


def _parsed(query: str) -> tuple[ast.expr, dict[str, str]]:
    """The query as a tree, and what stands in backticks by the names that stand in for it."""
    if len(query) > LONGEST:
        raise _NoQueryError(f"{len(query)} letters, of which no more than {LONGEST} are read")
    source, names = _without_backticks(query)
    words = []
    depth = 0
    for kind, text, *_ in tokenize.generate_tokens(io.StringIO(source.strip()).readline):
        depth += (text in "([") - (text in ")]") if text else 0
        if depth > DEEPEST:
            raise _NoQueryError(f"more than {DEEPEST} parentheses inside each other")
        if kind in (tokenize.OP, tokenize.ERRORTOKEN) and text not in _SIGNS and text.strip():
            raise _NoQueryError(f"{text!r} has no place in a query")
        # As in pandas, & and | bind like "and" and "or": a > 1 & b > 2 needs no parentheses.
        joined = {"&": "and", "|": "or"}.get(text) if kind == tokenize.OP else None
        words.append((tokenize.NAME, joined) if joined else (kind, text))
    return ast.parse(tokenize.untokenize(words).strip(), mode="eval").body, names


_SIGNS = ("(", ")", "[", "]", ",", ".", "+", "-", "*", "/", "<", ">", "<=", ">=", "==", "!=", "&", "|", "~")


def _without_backticks(query: str) -> tuple[str, dict[str, str]]:
    """The query with a plain name for each that stands in backticks outside of a text."""
    out: list[str] = []
    names: dict[str, str] = {}
    quote, start = "", 0
    for at, letter in enumerate(query):
        if quote == "`" and letter == "`":
            name = f"backtick_{len(names)}_"
            names[name], quote = query[start:at], ""
            out.append(f" {name} ")
        elif quote == "`":
            continue
        elif quote:
            quote = "" if letter == quote and query[at - 1] != "\\" else quote
            out.append(letter)
        elif letter == "`":
            quote, start = letter, at + 1
        else:
            quote = letter if letter in "'\"" else ""
            out.append(letter)
    if quote:
        raise _NoQueryError(f"{quote} is not closed")
    return "".join(out), names


class _Reader:
    """Gives the value of a part of a query."""

    def __init__(self, rows: pd.DataFrame, names: dict[str, str]) -> None:
        self.rows, self.names = rows, names

    def value(self, part: ast.expr, depth: int) -> Any:
        if depth > DEEPEST:
            raise _NoQueryError(f"more than {DEEPEST} parts inside each other")
        read = getattr(self, f"_{type(part).__name__.lower()}", None)
        if read is None:
            raise _NoQueryError(f"{ast.unparse(part)[:60]!r} has no place in a query")
        return read(part, depth + 1)

    def _name(self, part: ast.Name, depth: int) -> pd.Series:
        name = self.names.get(part.id, part.id)
        if name not in self.rows:
            raise ValueError(f"name {name!r} is no column")
        return self.rows[name]

    def _constant(self, part: ast.Constant, depth: int) -> Any:
        if type(part.value) not in (bool, int, float, str):
            raise _NoQueryError(f"{part.value!r} has no place in a query")
        if type(part.value) is int and abs(part.value) >= 2**63:
            raise _NoQueryError("a number beyond all sizes")
        return part.value

    def _list(self, part: ast.List | ast.Tuple, depth: int) -> list[Any]:
        return [self._plain(entry, depth) for entry in part.elts]

    _tuple = _list

    def _plain(self, part: ast.expr, depth: int) -> Any:
        value = self.value(part, depth)
        if not isinstance(value, (bool, int, float, str)):
            raise _NoQueryError("a list holds numbers and texts")
        return value

    def _compare(self, part: ast.Compare, depth: int) -> Any:
        left, answers = self.value(part.left, depth), []
        for sign, other in zip(part.ops, part.comparators, strict=True):
            right = self.value(other, depth)
            answers.append(_compared(sign, left, right))
            left = right
        return reduce(operator.and_, answers)

    def _boolop(self, part: ast.BoolOp, depth: int) -> Any:
        joined = operator.and_ if isinstance(part.op, ast.And) else operator.or_
        return reduce(joined, [_truth(self.value(value, depth)) for value in part.values])

    def _unaryop(self, part: ast.UnaryOp, depth: int) -> Any:
        value = self.value(part.operand, depth)
        if isinstance(part.op, (ast.Not, ast.Invert)):
            truth = _truth(value)
            return not truth if isinstance(truth, bool) else ~truth
        return -value if isinstance(part.op, ast.USub) else +value

    def _binop(self, part: ast.BinOp, depth: int) -> Any:
        if type(part.op) not in _COUNTED:
            raise _NoQueryError(f"{ast.unparse(part)[:60]!r} has no place in a query")
        sides = [self.value(side, depth) for side in (part.left, part.right)]
        if any(isinstance(side, (str, list)) or getattr(side, "dtype", None) in ("str", object) for side in sides):
            raise _NoQueryError("only numbers are added, multiplied and so on")
        return _COUNTED[type(part.op)](*sides)

    def _call(self, part: ast.Call, depth: int) -> Any:
        words, target = [], part.func
        while isinstance(target, ast.Attribute):
            words.append(target.attr)
            target = target.value
            if ".".join(reversed(words)) in QUESTIONS:
                break
        question = ".".join(reversed(words))
        if question not in QUESTIONS or part.keywords:
            raise _NoQueryError(f"{ast.unparse(part)[:60]!r} has no place in a query")
        column = self.value(target, depth)
        if not isinstance(column, pd.Series):
            raise _NoQueryError(f"{question} is asked of a column")
        return QUESTIONS[question](column, *[self.value(argument, depth) for argument in part.args])


def _compared(sign: ast.cmpop, left: Any, right: Any) -> Any:
    if isinstance(left, list):
        if isinstance(sign, (ast.Eq, ast.NotEq)) and isinstance(right, pd.Series):
            left, right = right, left
        else:
            raise _NoQueryError("a list stands on the right of in, not in, == or !=")
    if isinstance(sign, (ast.In, ast.NotIn)) or (isinstance(sign, (ast.Eq, ast.NotEq)) and isinstance(right, list)):
        if not isinstance(right, list) or not isinstance(left, pd.Series):
            raise _NoQueryError("in stands between a column and a list")
        inside = left.isin(right)
        return inside if isinstance(sign, (ast.In, ast.Eq)) else ~inside
    if type(sign) not in _COMPARED or isinstance(right, list):
        raise _NoQueryError("a comparison that is not known")
    return _COMPARED[type(sign)](left, right)


def _truth(value: Any) -> Any:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, pd.Series) and (value.dtype == bool or pd.api.types.is_bool_dtype(value)):
        return value
    raise _NoQueryError("and, or and not stand between comparisons")


def _literal(value: Any) -> str:
    """A pattern that stands for one text, as that text: patterns that search can be made to take for ever."""
    text = _text(value)
    if re.search(r"[.^$*+?{}\[\]|()]", re.sub(r"\\[^\w\s]", "", text)) or re.search(r"\\(\w|$)", text):
        raise _NoQueryError(
            f"{text!r} is a pattern; a text was expected, with a backslash before each of . ^ $ * + ? {{ }} [ ] | ( )"
        )
    return re.sub(r"\\([^\w\s])", r"\1", text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _NoQueryError("a text was expected in the parentheses")
    return value
