"""Parts of recordings in tables: their times, and keys that keep parts apart which begin a moment after each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.sheets import numbers, words


def seconds(values: pd.Series) -> np.ndarray:
    """Times of numbers or of texts such as ``0 days 00:00:01.500``.

    Returns
    -------
    ndarray
        Seconds ``(n,)`` float64, NaN where none is given.

    Raises
    ------
    CorpusError
        A text that is no time.
    """
    if pd.api.types.is_timedelta64_dtype(values):
        return np.asarray(values.dt.total_seconds(), dtype=float)
    plain = numbers(values)
    text = words(values).str.strip()
    empty = text.isin(["", "NaT", "nan", "NaN"])
    rest = (plain.isna() & ~empty).to_numpy()
    out = plain.to_numpy(dtype=float, copy=True)
    if rest.any():
        times = pd.to_timedelta(text[rest], errors="coerce")
        if times.isna().any():
            raise CorpusError(f"{text[rest][times.isna()].iloc[0]!r} is no time; seconds or 0 days 00:00:01.500 were expected")
        out[rest] = times.dt.total_seconds()
    return np.asarray(out)


def key_of_segment(file: str, start: float, end: float | None = None) -> str:
    """The key of a part of a file.

    Returns
    -------
    str
        The file, and the times in seconds to the microsecond.

    Examples
    --------
    >>> key_of_segment("a.wav", 0.104, 0.9), key_of_segment("a.wav", 2)
    ('a.wav#0.104-0.9', 'a.wav#2-')
    """
    return f"{file}#{_short(start)}-{_short(end)}"


def _short(time: float | None) -> str:
    if time is None or time != time:
        return ""
    return f"{time:.6f}".rstrip("0").rstrip(".")
