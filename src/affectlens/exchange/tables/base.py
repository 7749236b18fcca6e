"""Measurements of other programs as one table: whose row it is, of which recording and moment, and every column kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.errors import MediaError, UsageError
from affectlens.core.labels import EKMAN7, canonical
from affectlens.core.listing import some
from affectlens.core.registry import Registry
from affectlens.core.untrusted.sheets import Sheet, in_posix, numbers, read_sheet, words

KEY = ("file", "frame", "time", "person")
CLASSES = (*EKMAN7.labels, "contempt")
FAILED = ("FIND_FAILED", "FIT_FAILED")
SHOWN = 5  # rows that an error names
_HEAD = re.compile(r'"?(Video Time|Image|Row|Timestamp)"?[\t;,]')
_NUMBERED = re.compile(r"(?:au[_ ]?|action unit )(\d{1,2})(?:_r|_intensity| - .*)?", re.IGNORECASE)


@dataclass(frozen=True)
class Tool:
    """The layout of a program's tables.

    Attributes
    ----------
    name, title : str
        As ``--as`` takes it, and the program's name.
    fits : callable
        Takes the names of columns and says whether the table is of this program.
    file, frame, person : tuple of str
        Columns that tell the recording, the frame and the person; the first that is there counts, letters of either case.
    time : mapping of str to float
        Columns that tell the time, and how many of their units a second has; 0 for a clock such as ``00:00:01.040``.
    boxes : tuple of str
        Columns of a face's box, by which faces of one frame are told apart where nothing else does.
    about : callable, optional
        Takes the lines before the head and gives facts of the whole table: file, person.
    own_names : bool
        Whether numbers in names of columns are no numbers of action units.
    note : str
        What has to be known of the values.
    """

    name: str
    title: str
    fits: Callable[[Sequence[str]], bool]
    file: tuple[str, ...] = ()
    frame: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    time: Mapping[str, float] = field(default_factory=dict)
    boxes: tuple[str, ...] = ()
    about: Callable[[Sequence[str]], dict[str, str]] | None = None
    own_names: bool = False
    note: str = ""

    @property
    def home(self) -> str:
        """Where it was defined, for the registry."""
        return f"{self.fits.__module__}.{self.fits.__qualname__}"


TOOLS: Registry[Tool] = Registry("program whose tables are read", "affectlens.exchange.tables")


def register_tool(name: str, title: str, **layout: object) -> Callable[[Callable[[Sequence[str]], bool]], object]:
    """Make the layout of a program known; a decorator of the function that says whether a table is of it.

    Parameters
    ----------
    name, title, **layout
        As in `Tool`.

    Returns
    -------
    callable
        Takes the function and gives it back.
    """

    def add(fits: Callable[[Sequence[str]], bool]) -> Callable[[Sequence[str]], bool]:
        TOOLS.add(name, Tool(name, title, fits, **layout))  # type: ignore[arg-type]
        return fits

    return add


@dataclass(frozen=True)
class Measurements:
    """A table of another program.

    Attributes
    ----------
    table : DataFrame
        Columns file, frame, time (seconds), person and failed (why a row has no answer), then every column of the table:
        classes as ``p_<class>``, action units as ``AU01``, all others under their own names.
    tool : str
        The program's name.
    notes : tuple of str
        What was done, counted.
    """

    table: pd.DataFrame
    tool: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """The table."""
        return self.table


def import_measurements(path: str | Path, as_: str = "") -> Measurements:
    r"""Read a table that another program measured, a row a frame and person; nothing is averaged or left out.

    Parameters
    ----------
    path : path
        csv, tsv, txt or parquet, of any separator, decimal sign and encoding.
    as_ : str
        The program; told by the columns where it is not given.

    Returns
    -------
    Measurements
        The rows as they stand.

    Raises
    ------
    UsageError
        No such program, or columns that belong to none.
    MediaError
        The file cannot be read, or rows of the same recording, moment and person, which the message names.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "talk.csv"
    ...     _ = path.write_text("frame, face_id, timestamp, confidence, success, AU01_r, AU45_r\n1, 0, 0.04, 0.9, 1, 2.5, 0\n")
    ...     import_measurements(path).table[["file", "frame", "time", "person", "AU01"]].to_dict("records")
    [{'file': 'talk', 'frame': 1, 'time': 0.04, 'person': '0', 'AU01': 2.5}]
    """
    path = Path(path)
    with reading(path, "a table of measurements"):
        sheet = read_sheet(path, lambda line: bool(_HEAD.match(line)))
        tool = _tool(list(sheet.frame.columns), as_, path)
        return _measured(sheet, tool, path)


def _tool(columns: list[str], as_: str, path: Path) -> Tool:
    if as_:
        tool = TOOLS.get(as_)
        if not tool.fits(columns):
            raise MediaError(f"{path}: the columns {some(columns, SHOWN)} are not those of {tool.title}")
        return tool
    fitting = [tool for tool in TOOLS.values() if tool.fits(columns)]
    if len(fitting) != 1:
        found = " and ".join(tool.title for tool in fitting) or "no program that is known"
        raise UsageError(
            f"{path}: its columns {some(columns, SHOWN)} are those of {found}; give --as, one of {', '.join(TOOLS.names())}"
        )
    return fitting[0]


def _measured(sheet: Sheet, tool: Tool, path: Path) -> Measurements:
    frame = sheet.frame
    about = tool.about(sheet.before) if tool.about is not None else {}
    notes = [*sheet.notes, *([tool.note] if tool.note else [])]
    key, used = _key(frame, tool, about, path)
    rest = frame.drop(columns=[name for name in used if name in frame])
    values, failed = _values(rest, tool)
    table = pd.concat([key, failed, values], axis=1)
    if failed.ne("").any():
        told = ", ".join(f"{count} {why}" for why, count in failed[failed != ""].value_counts().items())
        notes.append(f"{path.name}: {int(failed.ne('').sum())} of {len(table)} rows have no answer ({told})")
    return Measurements(_told_apart(table, frame, tool, path, notes, len(sheet.before) + 2), tool.title, tuple(notes))


def _named(frame: pd.DataFrame, names: Sequence[str]) -> str:
    have = {str(column).lower(): str(column) for column in reversed(list(frame.columns))}
    return next((have[name.lower()] for name in names if name.lower() in have), "")


def _key(frame: pd.DataFrame, tool: Tool, about: dict[str, str], path: Path) -> tuple[pd.DataFrame, list[str]]:
    """File, frame, time and person of every row, and the columns that they were taken from."""
    file, place, who = (_named(frame, names) for names in (tool.file, tool.frame, tool.person))
    clock = _named(frame, list(tool.time))
    key = pd.DataFrame(index=frame.index)
    key["file"] = words(frame[file]).map(in_posix) if file else in_posix(about.get("file", "")) or path.stem
    key["frame"] = numbers(frame[place]).astype("Int64") if place else pd.array([pd.NA] * len(frame), dtype="Int64")
    if clock:
        scale = next(scale for name, scale in tool.time.items() if name.lower() == clock.lower())
        key["time"] = _clock(frame[clock]) if not scale else numbers(frame[clock]) / scale
    else:
        key["time"] = float("nan")
    key["person"] = words(frame[who]).str.strip() if who else about.get("person", "")
    return key, [name for name in (file, place, clock, who) if name]


def _clock(column: pd.Series) -> pd.Series:
    text = words(column).str.strip().str.replace(",", ".", regex=False)
    text = text.where(text.str.count(":") != 1, "00:" + text)  # minutes and seconds
    return pd.to_timedelta(text, errors="coerce").dt.total_seconds().fillna(numbers(column))


def _values(frame: pd.DataFrame, tool: Tool) -> tuple[pd.DataFrame, pd.Series]:
    """Every column, numbers as numbers; and why rows have no answer."""
    out: dict[str, pd.Series] = {}
    failed = pd.Series("", frame.index, name="failed", dtype=object)
    for name in frame.columns:
        cells = frame[name]
        own = _canonical(str(name), tool, list(out))
        number = numbers(cells)
        text = words(cells).str.strip()
        for word in FAILED:
            failed[text == word] = word
        empty = text.isin(["", "nan", "NaN", *FAILED])
        out[own] = number if (number.notna() | empty).all() else text.where(~empty, "")
    success = _named(frame, ("success",))
    if success:
        failed[numbers(frame[success]) == 0] = "not tracked"
    return pd.DataFrame(out, index=frame.index), failed


def _canonical(name: str, tool: Tool, taken: Sequence[str]) -> str:
    """A class as ``p_<class>``, an action unit as ``AU01``; any other column, and one whose name is taken, as it is."""
    plain = canonical(re.sub(r"^(p_|emotion[._])", "", name.lower()))
    made = name
    if plain in CLASSES:
        made = f"p_{plain}"
    elif (matched := _NUMBERED.fullmatch(name.strip())) and not tool.own_names:
        made = f"AU{int(matched[1]):02d}" if not re.fullmatch(r"au_\d+", name) else f"AU{int(matched[1]):02d}_c"
    return name if made in taken else made


def _told_apart(table: pd.DataFrame, frame: pd.DataFrame, tool: Tool, path: Path, notes: list[str], first: int) -> pd.DataFrame:
    """The table, in which no two rows are of the same recording, moment and person."""
    moment = [name for name in KEY if not table[name].isna().all()]
    again = table.duplicated(moment, keep=False)
    if not again.any():
        return table
    boxes = [name for name in tool.boxes if name in frame]
    if boxes and not table.person.ne("").any() and not frame[again].duplicated(list(frame.columns)).any():
        number = table.groupby(moment, dropna=False).cumcount()
        notes.append(
            f"{path.name}: {int(again.sum())} rows are of frames with several faces, and no column says who is who from frame "
            "to frame: `face` counts them within their frame, and `person` stays empty"
        )
        return table.assign(face=number)
    rows = table[again].groupby(moment, dropna=False, sort=False)
    shown = []
    for values, group in rows:
        told = ", ".join(
            f"{name} {value}" for name, value in zip(moment, values if isinstance(values, tuple) else (values,), strict=True)
        )
        lines = ", ".join(str(first + int(at)) for at in list(group.index)[:SHOWN])
        shown.append(f"lines {lines} ({told})")
        if len(shown) == SHOWN:
            break
    raise MediaError(
        f"{path}: {int(again.sum())} rows are of the same recording, moment and person: {'; '.join(shown)}"
        + (f" and {rows.ngroups - SHOWN} more" if rows.ngroups > SHOWN else "")
        + "; add a column that tells the people apart (nothing is averaged)"
    )
