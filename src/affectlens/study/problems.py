"""`affectlens study check`: whether everything that a study names is there and can be read, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from affectlens.core.barrier import reason_of
from affectlens.core.errors import AffectlensError
from affectlens.core.options import Options
from affectlens.core.settings import with_fields
from affectlens.exchange.transfer import import_annotations
from affectlens.study.epochs import markers_of
from affectlens.study.layout import Study, read_study
from affectlens.study.tidy import excluded, measured, recordings_of


@dataclass(frozen=True)
class Checked:
    """What a look at a study found.

    Attributes
    ----------
    study : Study
        As it was read.
    lines : tuple of str
        What there is, for people.
    problems : dict of str to str
        What is missing or cannot be, and why, with its line.
    """

    study: Study
    lines: tuple[str, ...]
    problems: dict[str, str]


def check(study: str | Path | Study) -> Checked:
    """See whether everything that a study names is there: recordings, tables, events, files of raters; markers inside of them.

    Parameters
    ----------
    study : path or Study
        The study file.

    Returns
    -------
    Checked
        Counts and problems; nothing is recognised.

    Raises
    ------
    UsageError
        A study file that is wrong in itself.
    """  # noqa: DOC502
    read = study if isinstance(study, Study) else read_study(study)
    with_fields(Options, None, read.recognition)
    problems: dict[str, str] = {}
    for person, recording, role, place in recordings_of(read):
        where = read.where(*place)
        name = f"{person.id}: {recording.name}"
        path = read.place(recording.table or recording.file)
        if not path.exists():
            problems[name] = f"{where}: {path} is not there"
            continue
        length = _extent(path) if recording.table else _length(path)
        if isinstance(length, str):
            problems[name] = f"{where}: {length}"
            continue
        try:
            markers = markers_of(read, recording) if role == "main" else []
        except AffectlensError as error:
            problems[f"{name}: events"] = f"{where}: {error}"
            continue
        for marker, time in markers:
            if time < 0 or (length is not None and length > 0 and time > length):
                problems[f"{name}: {marker}"] = (
                    f"{where}: the marker {marker} at {time:g} s lies outside of the recording, which is {length:g} s long"
                )
        if length and abs(recording.offset) > 10 * max(length, 1.0):
            problems[f"{name}: offset"] = (
                f"{where}: the offset {recording.offset:g} s is more than ten times the recording's {length:g} s"
            )
    for number, rater in enumerate(read.raters):
        for row, file in enumerate(rater.files):
            where = read.where("raters", number, "files", row)
            try:
                import_annotations(read.place(file), rater.read_as)
            except AffectlensError as error:
                problems[f"rater {rater.name}: {file}"] = f"{where}: {error}"
    return Checked(read, tuple(_told(read)), problems)


def _extent(path: Path) -> float | str:
    """The last second of a table's rows; or why it cannot be read."""
    try:
        return float(measured(path).end.max())
    except AffectlensError as error:
        return str(error)


def _length(path: Path) -> float | str:
    """Seconds of a recording, 0 where that cannot be told; or why it cannot be read."""
    from affectlens.media.frames import probe

    try:
        duration = float(probe(path).duration)
        return duration if duration > 0 else 0.0
    except AffectlensError as error:
        return str(error)
    except Exception as error:
        return reason_of(error)


def _told(study: Study) -> list[str]:
    people = [one for one in study.participants if not excluded(study, one)]
    groups = sorted({one.group for one in people if one.group})
    conditions = sorted({one.condition for person in people for one in person.recordings if one.condition})
    planned = recordings_of(study)
    measured = sum(bool(one.table) for _, one, _, _ in planned)
    lines = [f"{study.title}: {len(people)} of {len(study.participants)} participants, groups {', '.join(groups) or 'none'}"]
    lines.append(
        f"conditions {', '.join(conditions) or 'none'}; {len(planned)} recordings, {measured} of them measured earlier"
    )
    lines.append(f"{len(study.stimuli)} stimuli, {len(study.raters)} raters, {len(study.exclusions)} exclusions")
    return lines
