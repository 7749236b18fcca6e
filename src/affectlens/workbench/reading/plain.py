"""Numbers and tables as JSON can hold them: what is not a number becomes null, long fractions become short."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

DIGITS = 6


def number(value: Any, digits: int = DIGITS) -> float | None:
    """A number, or None for what is none.

    Returns
    -------
    float or None
        Rounded.

    Examples
    --------
    >>> number(1 / 3, 3), number(float("nan")), number("x")
    (0.333, None, None)
    """
    try:
        made = float(value)
    except (TypeError, ValueError):
        return None
    return round(made, digits) if math.isfinite(made) else None


def numbers(values: Iterable[Any], digits: int = 4) -> list[float | None]:
    """A column of numbers; None for each that is none."""
    try:
        made = np.asarray(values if isinstance(values, pd.Series | np.ndarray) else list(values), dtype=float)
    except (TypeError, ValueError):  # a text among them
        made = np.asarray(pd.to_numeric(pd.Series(list(values), dtype=object), errors="coerce"), dtype=float)
    rounded, fine = np.round(made, digits), np.isfinite(made)
    if fine.all():
        return list(rounded.tolist())
    out = rounded.astype(object)
    out[~fine] = None
    return list(out.tolist())


def plain(value: Any) -> Any:
    """Any value as JSON types: numbers that are none become None, arrays lists, what is not known text.

    Returns
    -------
    Any
        JSON types.

    Examples
    --------
    >>> plain({"a": (1, float("nan")), 2: np.float32(0.5)})
    {'a': [1, None], '2': 0.5}
    """
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray | pd.Series | pd.Index):
        return [plain(item) for item in (value.tolist() if hasattr(value, "tolist") else value)]
    if hasattr(value, "item"):
        return plain(value.item())
    if isinstance(value, float):
        return number(value)
    return None if value is pd.NaT or value is pd.NA else str(value)


def without_paths(value: Any) -> Any:
    """JSON types in which texts that are paths of this machine are their last part.

    Returns
    -------
    Any
        JSON types.

    Examples
    --------
    >>> without_paths({"store": "/home/somebody/usual.db", "text": "and/or", "n": [1, "~/x.csv"]})
    {'store': 'usual.db', 'text': 'and/or', 'n': [1, 'x.csv']}
    """
    if isinstance(value, dict):
        return {str(key): without_paths(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_paths(item) for item in value]
    if isinstance(value, str) and (value.startswith(("/", "~/", "./", "../")) or value[1:3] == ":\\"):
        return PurePosixPath(value.replace("\\", "/")).name
    return plain(value)
