"""Tables of paths as people make them: with a byte order mark, in Latin-1, with semicolons, with names from Windows."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from affectlens.core.barrier import reads
from affectlens.core.errors import UsageError
from affectlens.core.limits import within
from affectlens.core.untrusted.frames import read_parquet

COLUMNS = ("file", "path", "filename")
SEPARATORS = ",;\t|"


@reads("a table of paths", UsageError)
def paths_in(path: Path, notes: list[str]) -> list[Path]:
    """The files that a table names; of a txt file every line that is not empty and does not begin with ``#``.

    Parameters
    ----------
    path : Path
        A csv, tsv, txt or parquet file.
    notes : list of str
        Takes what was read in another way than it stood there.

    Returns
    -------
    list of Path
        In the table's order, relative ones against its folder; a name that stands twice is there twice.

    Raises
    ------
    UsageError
        No column of paths, or no path in it.
    """
    within("bytes", path.stat().st_size, path)
    if path.suffix.lower() == ".parquet":
        names = _from_parquet(path)
    else:
        text = _decoded(path, notes)
        if not text.strip():
            raise UsageError(f"{path}: the table is empty; {_wanted(path)} was expected")
        names = _lines(text) if path.suffix.lower() == ".txt" else _from_csv(path, text)
    named = [name for name in names if name.strip()]
    if len(named) < len(names):
        notes.append(f"{path}: {len(names) - len(named)} rows without a path left out")
    if not named:
        raise UsageError(f"{path}: no path in it; {_wanted(path)} was expected")
    within("items", len(named), path)
    return [_placed(name, path.parent) for name in named]


def _wanted(path: Path) -> str:
    return "one path a line" if path.suffix.lower() == ".txt" else "a column 'file' or 'path' with one path a row"


def _decoded(path: Path, notes: list[str]) -> str:
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        notes.append(f"{path}: the table is not in UTF-8; it was read as Latin-1 (Windows-1252)")
        return raw.decode("cp1252", errors="surrogateescape")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _from_csv(path: Path, text: str) -> list[str]:
    first = next(line for line in text.splitlines() if line.strip())
    separator = max(SEPARATORS, key=first.count) if any(s in first for s in SEPARATORS) else ","
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in rows[0]]
    column = _column(path, header)
    if len(rows) == 1:
        raise UsageError(f"{path}: a header ({', '.join(header)}) and no rows below it")
    return [row[column] if column < len(row) else "" for row in rows[1:]]


def _from_parquet(path: Path) -> list[str]:
    frame = read_parquet(path)
    cells = frame.iloc[:, _column(path, [str(name) for name in frame.columns])]
    return [cell.decode(errors="surrogateescape") if isinstance(cell, bytes) else str(cell) for cell in cells.fillna("")]


def _column(path: Path, header: list[str]) -> int:
    lower = [name.strip().lower() for name in header]
    for name in COLUMNS:
        if name in lower:
            return lower.index(name)
    raise UsageError(f"{path}: a table of inputs needs a column 'file' or 'path', got {header[:8]}")


def _placed(name: str, folder: Path) -> Path:
    """The path of a name: as it stands, without spaces around it, with the bytes it had, or with slashes for backslashes."""
    readings = [name, name.strip(), *_bytes_of(name), name.strip().replace("\\", "/")]
    paths = [folder / reading for reading in readings if reading and "\0" not in reading]  # an absolute one stays as it is
    return next((p for p in paths if _there(p)), folder / name.strip())


def _bytes_of(name: str) -> list[str]:
    """The name whose bytes stand in a table that is not in UTF-8."""
    try:
        return [name.strip().encode("cp1252", "surrogateescape").decode("utf-8", "surrogateescape")]
    except UnicodeError:
        return []


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a name can be
        return False
