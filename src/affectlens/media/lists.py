"""Tables of paths as people make them: in any encoding, with any separator, with names from Windows."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.barrier import reads
from affectlens.core.errors import UsageError
from affectlens.core.limits import within
from affectlens.core.untrusted.sheets import read_sheet, read_text

COLUMNS = ("file", "path", "filename")


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
    if path.suffix.lower() == ".txt":
        wanted = "one path a line"
        text, more_notes = read_text(path)
        names = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    else:
        wanted = "a column 'file' or 'path' with one path a row"
        names, more_notes = _cells(path)
    notes += more_notes
    named = [name for name in names if name.strip()]
    if len(named) < len(names):
        notes.append(f"{path}: {len(names) - len(named)} rows without a path left out")
    if not named:
        raise UsageError(f"{path}: no path in it; {wanted} was expected")
    within("items", len(named), path)
    return [_placed(name, path.parent) for name in named]


def _cells(path: Path) -> tuple[list[str], tuple[str, ...]]:
    """The column of paths of a table."""
    sheet = read_sheet(path)
    header = [str(name) for name in sheet.frame.columns]
    lower = [name.strip().lower() for name in header]
    known = next((lower.index(name) for name in COLUMNS if name in lower), None)
    if known is None:
        raise UsageError(f"{path}: a table of inputs needs a column 'file' or 'path', got {header[:8]}")
    if sheet.frame.empty:
        raise UsageError(f"{path}: a header ({', '.join(header)}) and no rows below it")
    cells = sheet.frame.iloc[:, known].fillna("")
    return [cell.decode(errors="surrogateescape") if isinstance(cell, bytes) else str(cell) for cell in cells], sheet.notes


def _placed(name: str, folder: Path) -> Path:
    """The path of a name: as it stands, without spaces around it, with the bytes it had, or with slashes for backslashes."""
    readings = [name, name.strip(), *_bytes_of(name), name.strip().replace("\\", "/")]
    paths = [folder / reading for reading in readings if reading and "\0" not in reading]  # an absolute one stays as it is
    return next((path for path in paths if _there(path)), folder / name.strip())


def _bytes_of(name: str) -> list[str]:
    """The name whose bytes stand in a table that is not in UTF-8."""
    try:
        return [name.strip().encode("cp1252").decode("utf-8", "surrogateescape")]
    except UnicodeError:
        return []


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a name can be
        return False
