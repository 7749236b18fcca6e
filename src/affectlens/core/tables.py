"""Frames of rows and evidence, and the files they are kept in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from affectlens.core.barrier import reading
from affectlens.core.disk.files import not_written, sync, write_whole
from affectlens.core.errors import OutputError, UsageError
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.core.untrusted.frames import read_parquet

SCHEMA_VERSION = 2  # 1 had the kind of evidence and its subject in one column, and no version in its files
RUN_FORMAT = 1  # of a recording's folder as a whole, see docs/workbench.md; folders without one are older and lack files
GROUP = 512  # rows written at once
ROW_GROUP = 1024 * 1024  # rows of a row group, as pyarrow has it
_VERSION = b"affectlens.schema_version"
# What a spreadsheet would take for a formula; a number is none.
_FORMULA, _NUMBER = re.compile(r"'*[=+\-@\t\r]"), re.compile(r"[+-]?(\d[\d.,]*([eE][+-]?\d+)?|inf|nan)", re.IGNORECASE)


def rows_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a frame with the columns of ``Row.to_record``."""
    records = [row.to_record() for row in rows]
    if not records:
        return pd.DataFrame(columns=list(Row("", 0, 0, SCENE, "fused", "missing", "none").to_record()))
    return pd.DataFrame.from_records(records)


def evidence_frame(evidence: Iterable[Evidence]) -> pd.DataFrame:
    """Evidence as a frame, one row each."""
    columns = [entry.name for entry in fields(Evidence)]
    return pd.DataFrame.from_records([entry.to_record() for entry in evidence], columns=columns)


def to_audformat(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows under the ``(file, start, end)`` timedelta index that speech tools use."""
    out = table.copy()
    for column in ("start", "end"):
        out[column] = pd.to_timedelta(out[column], unit="s")
    return out.set_index(["file", "start", "end"])


def from_audformat(table: pd.DataFrame) -> pd.DataFrame:
    """The inverse of ``to_audformat``; an end that is NaT means the file's end and stays NaN."""
    if list(table.index.names) != ["file", "start", "end"]:
        raise UsageError(f"expected the index (file, start, end), got {list(table.index.names)}")
    out = table.reset_index()
    for column in ("start", "end"):
        out[column] = out[column].dt.total_seconds()
    if "person" not in out:
        out["person"] = SCENE
    return out


class TableWriter:
    """Writes rows to Parquet while they are computed; the file takes its name only when ``close`` is called."""

    def __init__(self, path: Path) -> None:
        self.path, self._partial = path, path.with_suffix(".partial.parquet")
        self._writer: pq.ParquetWriter | None = None
        self._handle: BinaryIO | None = None
        self._waiting: list[pa.Table] = []

    def append(self, frame: pd.DataFrame) -> None:
        """Add rows.

        They are on disk when some hundred have come together, since every row group is remembered until the file is closed.
        """
        if frame.empty:
            return
        self._waiting.append(pa.Table.from_pandas(frame, preserve_index=False))
        if sum(table.num_rows for table in self._waiting) >= GROUP:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        schema = self._writer.schema if self._writer else waiting[0].schema
        try:
            if self._writer is None:
                self._handle = self._partial.open("wb")
                self._writer = pq.ParquetWriter(self._handle, _stamped(schema))
            self._writer.write_table(pa.concat_tables([table.cast(self._writer.schema) for table in waiting]).combine_chunks())
        except OSError as error:
            raise OutputError(not_written(self.path, error)) from error

    def close(self) -> None:
        """Finish the file and move it to its name."""
        self._write()
        if self._writer is None:
            write_frame(rows_frame([]), self.path)
            return
        try:
            self._end()
            sync(self._partial)
            os.replace(self._partial, self.path)
        except OSError as error:
            raise OutputError(not_written(self.path, error)) from error

    def discard(self) -> None:
        """Leave nothing behind."""
        self._waiting = []
        self._end()
        self._partial.unlink(missing_ok=True)

    def _end(self) -> None:
        if self._writer is not None and self._handle is not None:
            self._writer.close()
            self._handle.close()


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as Parquet (with ``SCHEMA_VERSION`` in its metadata) or CSV by its suffix, whole or not at all."""
    write = write_csv if path.suffix == ".csv" else write_parquet
    write_whole(path, lambda partial: write(frame, partial))


def write_csv(frame: pd.DataFrame, path: Path, *, index: bool = False, header: bool = True, append: bool = False) -> None:
    """Write a frame as CSV that a spreadsheet shows and does not carry out.

    A text that begins like a formula (``=``, ``+``, ``-``, ``@``, tab, carriage return) and is no number gets an apostrophe
    before it, which `unquoted` takes away again.

    Parameters
    ----------
    frame : DataFrame
        Any table.
    path : Path
        The file.
    index, header : bool
        Whether the index and the names of columns are written.
    append : bool
        Whether rows are added to what the file holds.
    """
    made = frame.copy(deep=False)
    for column in range(frame.shape[1]):
        if _holds_text(frame.iloc[:, column]):
            made.isetitem(column, frame.iloc[:, column].map(quoted, na_action="ignore"))
    made.columns = frame.columns.map(quoted)
    if index:
        made.index = _quoted_index(frame.index)
    made.to_csv(path, index=index, header=header, mode="a" if append else "w", encoding="utf-8")


def _quoted_index(index: pd.Index) -> pd.Index:
    if isinstance(index, pd.MultiIndex):
        return index.set_levels([level.map(quoted) for level in index.levels])
    return index.map(quoted)


def quoted(value: object) -> object:
    """A cell of a CSV with an apostrophe before what a spreadsheet would take for a formula.

    Returns
    -------
    object
        The value itself where it is no such text.

    Examples
    --------
    >>> quoted("=1+1"), quoted("-0.5"), quoted("- yes"), quoted("joy")
    ("'=1+1", '-0.5', "'- yes", 'joy')
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def unquoted(value: object) -> object:
    """The inverse of `quoted`.

    Returns
    -------
    object
        The cell as it was before.

    Examples
    --------
    >>> unquoted(quoted("=1+1")), unquoted(quoted("'=1+1")), unquoted("'tis")
    ('=1+1', "'=1+1", "'tis")
    """
    if isinstance(value, str) and value.startswith("'") and _FORMULA.match(value):
        return value[1:]
    return value


def _holds_text(column: pd.Series) -> bool:
    return bool(pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column))


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as Parquet with ``SCHEMA_VERSION`` in its metadata, whatever the path's suffix."""
    made = pa.Table.from_pandas(frame, preserve_index=False)
    with path.open("wb") as handle:
        pq.write_table(made.replace_schema_metadata(_stamped(made.schema).metadata), handle)


def write_parquet_pieces(pieces: Iterator[pd.DataFrame], path: Path) -> None:
    """Write frames with the same columns and types as one Parquet file, the same as of the whole; see `write_parquet`."""
    writer: pq.ParquetWriter | None = None
    waiting: list[pa.Table] = []
    handle = path.open("wb")
    try:
        for piece in pieces:
            made = pa.Table.from_pandas(piece, preserve_index=False)
            if writer is None:
                writer = pq.ParquetWriter(handle, _stamped(made.schema))
            waiting.append(made.cast(writer.schema))
            if sum(table.num_rows for table in waiting) >= ROW_GROUP:
                whole = pa.concat_tables(waiting).combine_chunks()
                writer.write_table(whole.slice(0, ROW_GROUP))
                waiting = [whole.slice(ROW_GROUP)]
        if writer is not None:
            writer.write_table(pa.concat_tables(waiting).combine_chunks())
    finally:
        if writer is not None:
            writer.close()
        handle.close()


def read_frame(path: Path) -> pd.DataFrame:
    """Read a table or evidence that `write_frame` or `TableWriter` wrote as Parquet.

    Returns
    -------
    DataFrame
        The rows.

    Raises
    ------
    OutputError
        The file cannot be read, or was written in a form that this version does not read; the message says what to do.
    """
    with reading(path, "a table of affectlens (make it again)", OutputError):
        with path.open("rb") as handle:
            metadata = pq.read_schema(handle).metadata or {}
        check_version(metadata.get(_VERSION, b"").decode() or None, path, made_here=b"pandas" in metadata)
        return read_parquet(path)


def check_version(version: object, path: Path, made_here: bool = True) -> None:
    """Refuse what was written in another form than ``SCHEMA_VERSION``; None means a file without a version."""
    if str(version) == str(SCHEMA_VERSION):
        return
    if version is None and not made_here:
        raise OutputError(f"{path}: not a file of affectlens; give another --out")
    if version is None or (str(version).isdigit() and int(str(version)) < SCHEMA_VERSION):
        raise OutputError(
            f"{path}: written by an older affectlens (schema {version or 1}, this one reads {SCHEMA_VERSION}); run the "
            "recording again without --resume to replace it, or give another --out"
        )
    raise OutputError(
        f"{path}: written by a newer affectlens (schema {version}, this one reads {SCHEMA_VERSION}); update affectlens, or "
        "run the recording again without --resume to replace it"
    )


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows of a table; the inverse of `rows_frame`."""
    return [Row.from_record(row) for row in frame.to_dict("records")]


def evidence_of(frame: pd.DataFrame) -> list[Evidence]:
    """The evidence of a frame; the inverse of `evidence_frame`."""
    return [Evidence.from_record(row) for row in frame.to_dict("records")]


def _stamped(schema: pa.Schema) -> pa.Schema:
    return schema.with_metadata({**(schema.metadata or {}), _VERSION: str(SCHEMA_VERSION).encode()})
