"""Formats in which tables leave the package; each is one function with one decorator, and ``--format`` knows it at once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from affectlens.core.errors import UsageError, unknown
from affectlens.core.files import write_whole
from affectlens.core.registry import Registry

Write = Callable[[pd.DataFrame, Path], object]


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
    """

    name: str
    function: Write
    suffix: str
    text: bool = False
    help: str = ""


EXPORTERS: Registry[Exporter] = Registry("format")


def register_exporter(name: str, *, suffix: str = "", text: bool = False, help: str = "") -> Callable[[Write], Write]:
    """Make a format available under ``name``; a decorator.

    Parameters
    ----------
    name, suffix, text, help
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
        EXPORTERS.add(name, Exporter(name, function, suffix or f".{name}", text, help))
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
        by_suffix = [e for e in EXPORTERS.values() if path is not None and path.name.endswith(e.suffix)]
        if not by_suffix and path is not None and path.suffix:
            known = ", ".join(sorted({e.suffix for e in EXPORTERS.values()}))
            raise UsageError(f"{path}: no format has the suffix {path.suffix}; {known} were expected, or give --format")
        exporter = max(by_suffix, key=lambda e: len(e.suffix)) if by_suffix else EXPORTERS.get("csv")
    if path is None and not exporter.text:
        raise UsageError(f"{exporter.name} needs a file: give --out table{exporter.suffix}")
    return exporter


@register_exporter("parquet", help="typed columns, small; what --resume reads")
def _parquet(table: pd.DataFrame, path: Path) -> None:
    from affectlens.core.tables import write_parquet

    write_parquet(table, path)


@register_exporter("csv", text=True, help="for spreadsheets")
def _csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False)


@register_exporter("json", text=True, help="a list of records")
def _json(table: pd.DataFrame, path: Path) -> None:
    table.to_json(path, orient="records", indent=1, force_ascii=False)


@register_exporter(
    "audformat", suffix=".audformat.csv", text=True, help="file, start and end as the index that speech tools use"
)
def _audformat(table: pd.DataFrame, path: Path) -> None:
    from affectlens.core.tables import to_audformat

    to_audformat(table).to_csv(path)
