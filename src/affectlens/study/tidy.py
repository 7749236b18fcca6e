"""One tidy table of a study: a row a segment or frame, with participant, group, condition and the study's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.barrier import reason_of
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.listing import some
from affectlens.core.schema import SCENE
from affectlens.exchange.runs import tables_of
from affectlens.exchange.tables.base import import_measurements
from affectlens.models.adapters.predictions.matching import match
from affectlens.study.layout import Participant, Recording, Study

ABOUT = ("participant", "group", "condition", "recording", "source", "role", "person", "start", "end", "status", "reason")
MAIN, BASELINE = "main", "baseline"  # roles of rows


@dataclass
class Gathered:
    """What was read of a study.

    Attributes
    ----------
    table : DataFrame
        ``ABOUT``, then a column a measure; times are on the study's clock.
    planned : int
        Recordings that are not excluded.
    lost : dict of str to str
        Recordings that gave nothing, and why, with the line of the study file.
    extents : dict of str to tuple of float
        First and last second of each recording's rows, on its own clock.
    """

    table: pd.DataFrame
    planned: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    extents: dict[str, tuple[float, float]] = field(default_factory=dict)


def excluded(study: Study, person: Participant, recording: Recording | None = None) -> str:
    """Why a participant or a recording is left out; empty where it is not."""
    for one in study.exclusions:
        whole = not one.recording
        if one.participant == person.id and (whole or (recording is not None and one.recording == recording.name)):
            return one.reason
    return ""


def recordings_of(study: Study) -> list[tuple[Participant, Recording, str, tuple[str | int, ...]]]:
    """Every recording that is not excluded: whose it is, its role, and its place in the file."""
    out: list[tuple[Participant, Recording, str, tuple[str | int, ...]]] = []
    for number, person in enumerate(study.participants):
        if excluded(study, person):
            continue
        for place, recording in enumerate(person.recordings):
            if not excluded(study, person, recording):
                out.append((person, recording, MAIN, ("participants", number, "recordings", place)))
        if person.baseline is not None and not excluded(study, person, person.baseline):
            out.append((person, person.baseline, BASELINE, ("participants", number, "baseline")))
    return out


def gathered(study: Study, recognised: Callable[[Path], pd.DataFrame]) -> Gathered:
    """Put the rows of all recordings into one table; a recording that cannot be read is lost with its reason, the rest goes on.

    Parameters
    ----------
    study : Study
        Its file.
    recognised : callable
        Gives the rows that affectlens recognised in a recording; raises where there are none.

    Returns
    -------
    Gathered
        The table, and what was lost.
    """
    parts: list[pd.DataFrame] = []
    out = Gathered(pd.DataFrame(columns=[*ABOUT, *study.analysis.measures]))
    for person, recording, role, place in recordings_of(study):
        out.planned += 1
        where = study.where(*place)
        try:
            rows = _rows(study, recording, recognised)
            first, last = float(rows.start.min()), float(rows.end.max())
            _check_clock(recording, first, last)
        except Exception as error:
            reason = str(error) if isinstance(error, AffectlensError) else reason_of(error)
            out.lost[f"{person.id}: {recording.name}"] = f"{where}: {reason}"
            continue
        out.extents[recording.name] = (first, last)
        if role == BASELINE:
            last = getattr(recording, "end", None) or last
            rows = rows[(rows.end > getattr(recording, "start", 0.0)) & (rows.start < last)]
        about = {"participant": person.id, "group": person.group, "condition": recording.condition, "recording": recording.name}
        about |= {"source": recording.source, "role": role}
        rows = rows.assign(**about, start=rows.start + recording.offset, end=rows.end + recording.offset)
        parts.append(rows[[*ABOUT, *(column for column in rows if column not in ABOUT)]])
    if parts:
        out.table = pd.concat(parts, ignore_index=True)
    return out


def _check_clock(recording: Recording, first: float, last: float) -> None:
    """An offset that is longer than the recording puts all of it outside of what the others saw."""
    if recording.offset and abs(recording.offset) > max(last - first, 1.0) * 10:
        raise UsageError(
            f"the offset {recording.offset:g} s is more than ten times the recording's length ({last - first:g} s); seconds "
            "were "
            "expected, not milliseconds or a time of day"
        )


def _rows(study: Study, recording: Recording, recognised: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    """start, end, person, status, reason and the measures of one recording, on its own clock."""
    if recording.table:
        path = study.place(recording.table)
        if not path.exists():
            raise UsageError(f"{path} is not there")
        frame = _of_one_recording(measured(path), recording, path.name)
    else:
        path = study.place(recording.file)
        if not path.exists():
            raise UsageError(f"{path} is not there")
        frame = recognised(path)
    if "modality" in frame:
        frame = frame[(frame.modality == study.modality) & (frame.person.astype(str) != str(SCENE))]
    if frame.empty:
        raise UsageError(f"{path.name}: no row of a person by {study.modality!r}")
    frame = frame.assign(person=frame.person.astype(str))
    frame = _of_one_person(frame, recording, path.name)
    out = frame[["start", "end", "person", "status", "reason"]].copy()
    for measure in study.analysis.measures:
        out[measure] = _values(frame, measure, path.name)
        out.loc[out.status != "ok", measure] = np.nan
    out["label"] = frame.label if "label" in frame else _most(frame)
    return out.astype({"start": float, "end": float}).reset_index(drop=True)


def _of_one_recording(frame: pd.DataFrame, recording: Recording, name: str) -> pd.DataFrame:
    """The rows of one recording of a table: of the study's ``file``, by the longest ending of their paths."""
    files = [str(file) for file in dict.fromkeys(frame.file)] if "file" in frame else []
    if recording.file and files:
        matched = match([recording.file], files)
        if recording.file not in matched.pairs:
            raise UsageError(
                f"{name}: {recording.file} is not in it ({matched.reasons[recording.file]}); it has {some(files, 5)}"
            )
        return frame[frame.file.astype(str) == matched.pairs[recording.file]]
    if len(files) > 1:
        raise UsageError(f"{name}: {len(files)} recordings are in it ({some(files, 5)}); say with file: which is meant")
    return frame


def _most(frame: pd.DataFrame) -> pd.Series:
    """The class with the highest value of each row, of tables that do not name one; empty where there are no classes."""
    classes = [name for name in frame if str(name).startswith("p_") and pd.api.types.is_numeric_dtype(frame[name])]
    if len(classes) < 2:
        return pd.Series("", frame.index)
    known = frame[classes].notna().all(axis=1)
    out = pd.Series("", frame.index, dtype=object)
    out[known] = frame.loc[known, classes].idxmax(axis=1).str.removeprefix("p_")
    return out


def _values(frame: pd.DataFrame, measure: str, name: str) -> pd.Series:
    for column in (measure, f"p_{measure}"):
        if column in frame:
            return pd.to_numeric(frame[column], errors="coerce")
    lower = {str(column).lower(): column for column in frame}
    if measure.lower() in lower:
        return pd.to_numeric(frame[lower[measure.lower()]], errors="coerce")
    known = [str(column) for column in frame if pd.api.types.is_numeric_dtype(frame[column])]
    raise UsageError(f"{name}: no column for the measure {measure!r}; there are {some(known, 12)}")


def measured(path: Path) -> pd.DataFrame:
    """A table of affectlens, or one of another program; of a row of the latter start and end are the same moment."""
    if path.suffix.lower() == ".parquet" or path.is_dir():
        return pd.concat([table for table, _ in tables_of([path])], ignore_index=True)
    made = import_measurements(path).table
    if made.time.isna().all():
        raise UsageError(f"{path.name}: its rows have no time")
    if "face" in made:
        raise UsageError(
            f"{path.name}: several faces in one frame, and no column says who is who; give a table with a column for that"
        )
    failed = made.failed.astype(str)
    status = np.where(failed == "", "ok", "missing")
    return made.assign(start=made.time, end=made.time, status=status, reason=failed).dropna(subset=["time"])


def _of_one_person(frame: pd.DataFrame, recording: Recording, name: str) -> pd.DataFrame:
    people = list(dict.fromkeys(frame.person))
    if recording.person:
        if recording.person not in people:
            raise UsageError(f"{name}: no person {recording.person!r}; there are {some(people, 5)}")
        return frame[frame.person == recording.person]
    if len(people) > 1:
        raise UsageError(f"{name}: {len(people)} people are in it ({some(people, 5)}); say with person: whose values count")
    return frame
