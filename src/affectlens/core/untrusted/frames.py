"""Tables (csv, tsv, Parquet) of others: rows, columns and bytes are counted before they are read."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from affectlens.core.limits import current, within
from affectlens.core.untrusted.weight import file_within

_CELL, _TEXT_CELL = 8, 32  # bytes of a value, at least; those of the reader that is written in Python
_SNIFFED = 20_000  # letters of a first line in which pandas looks for the separator; of a longer one it takes for ever
_SEPARATORS = ",;\t|"
_ROWS = 10_000  # read at once
_COLUMNS = 100_000


def read_csv(source: str | PathLike[str] | StringIO, *, named: object = "", **options: Any) -> pd.DataFrame:
    r"""`pandas.read_csv` of a file, or a text in memory, whose cells are within the limits.

    Parameters
    ----------
    source : path or StringIO
        The table.
    named : object
        What a text in memory is called in messages, such as the path that it comes from.
    **options
        As pandas takes them.

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    LimitError
        More bytes or rows than are read of one file, or columns times rows that would take more memory than that.
    ValueError
        And whatever else pandas raises; call it inside ``barrier.reading``.

    Examples
    --------
    >>> read_csv(StringIO("a,b\n1,2\n"))
       a  b
    0  1  2
    """
    if isinstance(source, StringIO):
        name: str | PathLike[str] = str(named or "the table")
        first, lines, size = _counted(source.getvalue().encode("utf-8", "replace").splitlines(keepends=True))
    else:
        name, path = source, Path(source)
        file_within(path)
        with path.open("rb") as file:
            first, lines, size = _counted(file)
        options.setdefault("compression", None)
    separator = options.get("sep", ",")
    width = max(first.count(sign.encode()) for sign in (_SEPARATORS if separator is None else separator)) + 1
    within("items", lines, name)
    cell = _TEXT_CELL if options.get("engine") == "python" else _CELL
    within("bytes", max(size, lines * width * cell), name)
    if width > _COLUMNS:
        raise ValueError(f"{width:,} columns; no table has more than {_COLUMNS:,}")
    if separator is None and len(first) > _SNIFFED:
        options |= {"sep": max(_SEPARATORS, key=lambda separator: first.count(separator.encode()))}
    return pd.read_csv(source, **options)


def _counted(lines: Any) -> tuple[bytes, int, int]:
    """The first line with anything in it, how many lines end (however), and how many bytes there are."""
    first, count, size = b"", 0, 0
    for line in lines:
        first = first or line.strip(b"\r\n")
        count += 1 + line.count(b"\r")
        size += len(line)
    return first, count, size


def read_parquet(path: str | PathLike[str], columns: Sequence[str] | None = None, filters: Any = None) -> pd.DataFrame:
    """`pandas.read_parquet` of a file whose content, unpacked, is within the limits.

    A column in which a long text stands a million times is small in the file, so texts are read as numbers of a list first, and
    what they take is added up.

    Parameters
    ----------
    path : path
        The file.
    columns : sequence of str, optional
        Those that are read; all by default.
    filters : list, optional
        As pandas takes it.

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    LimitError
        More rows or bytes than are read of one file.
    ValueError
        Or an OSError, as pyarrow raises them; call it inside ``barrier.reading``.
    """
    file_within(path)
    with Path(path).open("rb") as handle:  # pyarrow takes a name with a colon for an address
        file = pq.ParquetFile(handle)
        about = file.metadata
        within("items", about.num_rows, path)
        within("bytes", about.num_rows * max(about.num_columns, 1), path)
        if about.num_columns > _COLUMNS:
            raise ValueError(f"{about.num_columns:,} columns; no table has more than {_COLUMNS:,}")
        groups = [about.row_group(i) for i in range(about.num_row_groups)]
        values = sum(group.column(i).num_values for group in groups for i in range(about.num_columns))
        unpacked = max(sum(group.total_byte_size for group in groups), values)
        within("bytes", unpacked, path)
        if unpacked * max(about.num_rows, 1) > current().bytes:  # a cell is no longer than all that is unpacked
            _count_texts(file.schema_arrow, path, columns)
        return pd.read_parquet(handle, columns=list(columns) if columns is not None else None, filters=filters)


def _count_texts(schema: pa.Schema, path: str | PathLike[str], columns: Sequence[str] | None) -> None:
    texts = [column.name for column in schema if pa.types.is_string(column.type) or pa.types.is_binary(column.type)]
    with Path(path).open("rb") as handle:
        counted, total = pq.ParquetFile(handle, read_dictionary=texts), 0
        for batch in counted.iter_batches(_ROWS, columns=list(columns) if columns is not None else None):
            total += sum(map(_bytes_of, batch.columns))
            within("bytes", total, path)


def _bytes_of(column: pa.Array) -> int:
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary)
    return int(pc.sum(pc.take(lengths, column.indices.drop_null())).as_py() or 0) + _CELL * len(column)
