"""Tables of text as people and programs write them: any separator, decimal sign and encoding, cells as they stand."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.limits import within
from affectlens.core.untrusted.frames import read_csv, read_parquet
from affectlens.core.untrusted.weight import file_within

_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_QUOTED = re.compile(r'"[^"]*"')
_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d*),\d+([eE][-+]?\d+)?")  # 0,25 and 1.234,5
_SEPARATOR_LINE = re.compile(r'"?sep=."?')
_BACKSLASH = re.compile(r"\\(?!ud[89a-f][0-9a-f]{2})")  # but for that of an escape
_SPARE = 40  # lines that may stand before the head of a table


@dataclass(frozen=True)
class Sheet:
    """A table as it was written.

    Attributes
    ----------
    frame : DataFrame
        Names of columns without spaces around them; of a text file every cell as text, an empty one as ``""``.
    before : tuple of str
        Lines before the head.
    notes : tuple of str
        What had to be guessed.
    """

    frame: pd.DataFrame
    before: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Read a text file, with or without a byte order mark.

    Parameters
    ----------
    path : Path
        UTF-8, UTF-16 with its mark, or else Windows-1252, which Excel still writes.

    Returns
    -------
    str
        Its text, lines ended by a line feed.
    tuple of str
        A note where the encoding had to be guessed.

    Raises
    ------
    LimitError
        More bytes than are read of one input.
    """
    file_within(path)
    raw = path.read_bytes()
    notes: tuple[str, ...] = ()
    encoding = next((name for mark, name in _MARKS if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
        notes = (f"{path.name} is not UTF-8 and was read as Windows-1252",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def separator_of(head: str) -> str:
    """What separates the cells of a line.

    Returns
    -------
    str
        A tab, a semicolon or a comma.

    Examples
    --------
    >>> separator_of('file;"a, b";c'), separator_of("file,label")
    (';', ',')
    """
    plain = _QUOTED.sub("", head)
    if "\t" in plain:
        return "\t"
    return ";" if plain.count(";") > plain.count(",") else ","


def read_sheet(path: Path, is_head: Callable[[str], bool] | None = None) -> Sheet:
    r"""Read a csv, tsv, txt or parquet table.

    Parameters
    ----------
    path : Path
        The table.
    is_head : callable, optional
        Whether a line is the head, where other lines stand before it; the first line where none is.

    Returns
    -------
    Sheet
        The word ``NA`` is a word, and an empty cell is an empty text: nothing becomes a number that is none.

    Raises
    ------
    ValueError
        No line, or rows that are longer than the head.
    LimitError
        More bytes than are read of one input.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.csv").write_text("file;p\na.png;0,25\n")
    ...     numbers(read_sheet(Path(folder) / "a.csv").frame["p"]).tolist()
    [0.25]
    """
    if path.suffix.lower() == ".parquet":
        frame = read_parquet(path)
        return Sheet(frame.set_axis([str(name).strip() for name in frame.columns], axis=1))
    text, notes = read_text(path)
    lines = text.split("\n", _SPARE)[:_SPARE]
    start = next((i for i, line in enumerate(lines) if is_head is not None and is_head(line)), 0)
    if lines and _SEPARATOR_LINE.fullmatch(lines[0]):  # a line that Excel writes for itself
        start = max(start, 1)
    body = text.split("\n", start)[start]
    if not body.strip():
        raise ValueError("the file is empty" if not text.strip() else "there is no row")
    head = next(line for line in body.split("\n") if line.strip())
    frame = read_csv(io.StringIO(body), named=path, sep=separator_of(head), dtype=str, keep_default_na=False, na_filter=False)
    frame = _without_last(frame).fillna("")
    within("items", len(frame), path)
    return Sheet(frame.set_axis([str(name).strip() for name in frame.columns], axis=1), tuple(lines[:start]), notes)


def _without_last(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that end in a separator have one cell more than the head, so that the first becomes an index."""
    if isinstance(frame.index, pd.RangeIndex):
        return frame
    names, more = list(frame.columns), frame.index.nlevels
    whole = frame.reset_index(names=[f"index{i}" for i in range(more)])
    if not (whole.iloc[:, -more:] == "").all(axis=None):
        raise ValueError(f"rows have {more} cells more than the head ({', '.join(map(str, names[:5]))}, …)")
    return whole.iloc[:, : len(names)].set_axis(names, axis=1)


def words(column: pd.Series) -> pd.Series:
    """A column as texts.

    Returns
    -------
    Series
        Texts, an empty one where the cell is missing; ``NA`` and ``None`` stay what was written.

    Examples
    --------
    >>> words(pd.Series(["NA", None, " a "])).tolist()
    ['NA', '', ' a ']
    """
    return column.astype(object).where(column.notna(), "").astype(str)


def numbers(column: pd.Series) -> pd.Series:
    """A column as numbers; the decimal sign may be a comma, and a sign for per cent is passed over.

    Returns
    -------
    Series
        float64, NaN where no number stands.

    Examples
    --------
    >>> numbers(pd.Series(["0,5", "1e-3", "FIT_FAILED", "1.234,5"])).tolist()
    [0.5, 0.001, nan, 1234.5]
    """
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(np.float64)
    text = words(column).str.strip().str.removesuffix("%").str.strip()
    comma = text.str.fullmatch(_COMMA)
    text = text.where(~comma, text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False))
    return pd.to_numeric(text, errors="coerce").astype(np.float64)


def in_posix(path: str) -> str:
    r"""A path of any system as it is written here.

    Parameters
    ----------
    path : str
        As it stands in a table; the escape of a byte that is no UTF-8 (see `affectlens.core.disk.names`) stays what it is.

    Returns
    -------
    str
        With slashes, without ``./`` before it.

    Examples
    --------
    >>> in_posix(".\\happy\\1.jpg")
    'happy/1.jpg'
    """
    plain = _BACKSLASH.sub("/", path.strip())
    return plain.removeprefix("./") or plain
