"""Formats in which tables leave the package; each is one function with one decorator, and ``--format`` knows it at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from affectlens.core.disk.files import write_whole
from affectlens.core.errors import UsageError, unknown
from affectlens.core.registry import Registry
from affectlens.core.tables import to_audformat, write_csv, write_parquet, write_parquet_pieces

Write = Callable[[pd.DataFrame, Path], object]
Pieces = Callable[[Iterator[pd.DataFrame], Path], object]


@dataclass(frozen=True)
class Exporter:
    """A format of tables.

    Attributes
    ----------
    name : str
        As ``--format`` takes it.
    function : callable
        Writes a table to a path.
    suffix : str
        How names of its files end, with the dot.
    text : bool
        Whether it can go to standard output.
    help : str
        What it is good for, in a few words.
    pieces : callable, optional
        Writes tables with the same columns one below the other, with one of them in memory; the same bytes as of the whole.
    """

    name: str
    function: Write
    suffix: str
    text: bool = False
    help: str = ""
    pieces: Pieces | None = None


EXPORTERS: Registry[Exporter] = Registry("format")


def register_exporter(
    name: str, *, suffix: str = "", text: bool = False, help: str = "", pieces: Pieces | None = None
) -> Callable[[Write], Write]:
    """Make a format available under ``name``; a decorator.

    Parameters
    ----------
    name, suffix, text, help, pieces
        As in ``Exporter``; the suffix is the name behind a dot when absent.

    Returns
    -------
    callable
        Takes the function that writes a table to a path, and gives it back.

    Examples
    --------
    >>> @register_exporter("lines", suffix=".txt", text=True, help="one row a line")
    ... def lines(table, path):
    ...     path.write_text(table.to_string(index=False), encoding="utf-8")
    >>> print(as_text(pd.DataFrame({"label": ["joy"]}), "lines").strip())
    label
      joy
    >>> _ = EXPORTERS.remove("lines")
    """

    def add(function: Write) -> Write:
        EXPORTERS.add(name, Exporter(name, function, suffix or f".{name}", text, help, pieces))
        return function

    return add


def export(table: pd.DataFrame, path: Path, format: str = "") -> Path:
    """Write a table, whole or not at all.

    Parameters
    ----------
    table : DataFrame
        Any table.
    path : Path
        Where to; nothing is added to its name.
    format : str
        One of ``EXPORTERS``; by the path's suffix when absent, csv when that says nothing.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        No such format.
    OutputError
        The file cannot be written.
    """
    exporter = chosen(path, format)
    return write_whole(path, lambda partial: exporter.function(table, partial))


def export_pieces(pieces: Callable[[], Iterable[pd.DataFrame]], path: Path, format: str = "") -> Path:
    """Write tables one below the other as one, whole or not at all; few of them are in memory where the format allows it.

    Parameters
    ----------
    pieces : callable
        Gives the tables, at least one, whenever it is called; a column that one lacks is not a number in its rows.
    path, format
        As in ``export``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UsageError
        No such format.
    OutputError
        The file cannot be written.
    """
    write = chosen(path, format)
    if write.pieces is None:
        return export(pd.concat(list(pieces()), ignore_index=True), path, format)
    columns = list(dict.fromkeys(name for piece in pieces() for name in piece.columns))
    same = write.pieces
    return write_whole(path, lambda partial: same((piece.reindex(columns=columns) for piece in pieces()), partial))


def as_text(table: pd.DataFrame, format: str = "csv") -> str:
    """Give a table in a format of text, as standard output takes it.

    Returns
    -------
    str
        Ends with a new line.

    Raises
    ------
    UsageError
        No such format, or one that is no text.
    """
    exporter = chosen(None, format)
    with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
        path = Path(folder) / f"table{exporter.suffix}"
        exporter.function(table, path)
        text = path.read_text(encoding="utf-8")
    return text if text.endswith("\n") else f"{text}\n"


def chosen(path: Path | None, format: str = "") -> Exporter:
    """Tell the format of a table: as given, else by the path's suffix, else csv.

    Parameters
    ----------
    path : Path or None
        The file; None for standard output.
    format : str
        A name, or nothing.

    Returns
    -------
    Exporter
        The format.

    Raises
    ------
    UsageError
        No such format, or one that is no text and has no file.

    Examples
    --------
    >>> chosen(Path("rows.parquet")).name, chosen(Path("rows")).name
    ('parquet', 'csv')
    """
    if format:
        if format not in EXPORTERS:
            raise UsageError(f"--format: {unknown('format', format, EXPORTERS.names())}")
        exporter = EXPORTERS.get(format)
    else:
        by_suffix = [candidate for candidate in EXPORTERS.values() if path is not None and path.name.endswith(candidate.suffix)]
        if not by_suffix and path is not None and path.suffix:
            known = ", ".join(sorted({candidate.suffix for candidate in EXPORTERS.values()}))
            raise UsageError(f"{path}: no format has the suffix {path.suffix}; {known} were expected, or give --format")
        exporter = max(by_suffix, key=lambda candidate: len(candidate.suffix)) if by_suffix else EXPORTERS.get("csv")
    if path is None and not exporter.text:
        raise UsageError(f"{exporter.name} needs a file: give --out table{exporter.suffix}")
    return exporter


@register_exporter("parquet", help="typed columns, small; what --resume reads", pieces=write_parquet_pieces)
def _parquet(table: pd.DataFrame, path: Path) -> None:
    write_parquet(table, path)


def _csv_pieces(pieces: Iterator[pd.DataFrame], path: Path) -> None:
    for number, piece in enumerate(pieces):
        write_csv(piece, path, header=number == 0, append=number > 0)


@register_exporter("csv", text=True, help="for spreadsheets", pieces=_csv_pieces)
def _csv(table: pd.DataFrame, path: Path) -> None:
    write_csv(table, path)


def _json_pieces(pieces: Iterator[pd.DataFrame], path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        begin = "["
        for piece in pieces:
            rows = str(piece.to_json(orient="records", indent=1, force_ascii=False))
            file.write(begin + rows[1:-2] if len(piece) else "")
            begin = "," if len(piece) else begin
        file.write("[\n\n]" if begin == "[" else "\n]")


@register_exporter("json", text=True, help="a list of records", pieces=_json_pieces)
def _json(table: pd.DataFrame, path: Path) -> None:
    table.to_json(path, orient="records", indent=1, force_ascii=False)


def _audformat_pieces(pieces: Iterator[pd.DataFrame], path: Path) -> None:
    for number, piece in enumerate(pieces):
        write_csv(to_audformat(piece), path, index=True, header=number == 0, append=number > 0)


@register_exporter(
    "audformat",
    suffix=".audformat.csv",
    text=True,
    help="file, start and end as the index that speech tools use",
    pieces=_audformat_pieces,
)
def _audformat(table: pd.DataFrame, path: Path) -> None:
    write_csv(to_audformat(table), path, index=True)
