"""Time courses around events: a person's own events and sources are averaged first, and never frames of all people."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import AffectlensError
from affectlens.exchange.transfer import import_annotations
from affectlens.study.layout import Recording, Study
from affectlens.study.tidy import BASELINE, MAIN, Gathered, recordings_of


@dataclass
class Epochs:
    """Values of people around events.

    Attributes
    ----------
    values : DataFrame
        participant, group, condition, measure, bin (number), value: a person's mean over their events; NaN bins are not there.
    raw : DataFrame
        The same before the baseline was taken off.
    problems : dict of str to str
        Events that could not be used, and why.
    counts : Counter
        Events planned, used and lost, by reason.
    others : DataFrame
        name, time: other markers of the stimuli, seconds from the event.
    """

    values: pd.DataFrame
    raw: pd.DataFrame
    problems: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    others: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["name", "time"]))


KEY = ["participant", "group", "condition", "measure", "bin"]


def markers_of(study: Study, recording: Recording) -> list[tuple[str, float]]:
    """Names and times of all markers of a recording, on its own clock."""
    out = [(one.name, one.time) for one in recording.markers]
    stimulus = next((one for one in study.stimuli if one.name == recording.stimulus), None)
    if stimulus is not None:
        out += [(one.name, recording.stimulus_start + one.time) for one in stimulus.markers]
    if recording.events:
        said = import_annotations(study.place(recording.events), recording.events_as)
        out += [(one.value, one.start) for one in said.segments]
    return out


def epochs_of(study: Study, gathered: Gathered) -> Epochs:
    """Cut the rows of a study around its events.

    Parameters
    ----------
    study : Study
        Its file.
    gathered : Gathered
        Its rows.

    Returns
    -------
    Epochs
        Of every participant and condition one course a measure: sources (cameras) of an event are averaged first, then events.
    """
    analysis = study.analysis
    edges = np.array(analysis.bins)
    out = Epochs(pd.DataFrame(columns=[*KEY, "value"]), pd.DataFrame(columns=[*KEY, "value"]))
    pieces: list[pd.DataFrame] = []
    others: set[tuple[str, float]] = set()
    rows = gathered.table
    for number, (person, recording, role, place) in enumerate(recordings_of(study)):
        if role != MAIN or recording.name not in gathered.extents:
            continue
        where = study.where(*place)
        try:
            markers = markers_of(study, recording)
        except AffectlensError as error:
            out.problems[f"{person.id}: {recording.name}: events"] = f"{where}: {error}"
            out.counts["files of events that cannot be read"] += 1
            continue
        own = rows[(rows.participant == person.id) & (rows.recording == recording.name) & (rows.role == MAIN)]
        events = [time for name, time in markers if name == analysis.event] if analysis.event else [recording.stimulus_start]
        if not events:
            out.counts["recordings without the event"] += 1
            out.problems[f"{person.id}: {recording.name}: {analysis.event}"] = f"{where}: no marker {analysis.event!r} in it"
        first, last = gathered.extents[recording.name]
        for count, time in enumerate(events):
            out.counts["events planned"] += 1
            if not first - 1e-9 <= time <= last + 1e-9:
                out.counts["events outside of their recording"] += 1
                out.problems[f"{person.id}: {recording.name}: {analysis.event or 'start'} at {time:g} s"] = (
                    f"{where}: the marker at {time:g} s lies outside of the recording, which has rows from {first:g} to "
                    f"{last:g} s"
                )
                continue
            others |= {(name, round(moment - time, 3)) for name, moment in markers if name != analysis.event}
            piece = _course(own, time + recording.offset, edges, analysis.measures)
            base = _baseline(study, rows, own, person.id, time + recording.offset)
            lost = "no usable row around them" if piece.value.isna().all() else ""
            lost = lost or ("no baseline" if base is not None and all(np.isnan(value) for value in base.values()) else "")
            if lost:
                out.counts[f"events with {lost}"] += 1
                out.problems[f"{person.id}: {recording.name}: {analysis.event or 'start'} at {time:g} s"] = f"{where}: {lost}"
                continue
            out.counts["events used"] += 1
            piece["base"] = 0.0 if base is None else piece.measure.map(base)
            # Cameras of one moment share their events; recordings without a source are other moments.
            event = f"{'sources' if recording.source else number}, {count}"
            piece = piece.assign(participant=person.id, group=person.group, condition=recording.condition, event=event)
            pieces.append(piece.assign(source=recording.source or f"recording {number}"))
    if pieces:
        whole = pd.concat(pieces, ignore_index=True).dropna(subset=["value"])
        out.raw = _averaged(whole, "value")
        whole["value"] = whole.value - whole.base
        out.values = _averaged(whole.dropna(subset=["value"]), "value")
    window = analysis.window
    inside = [one for one in sorted(others, key=lambda one: one[1]) if window[0] <= one[1] <= window[1]]
    out.others = pd.DataFrame(inside, columns=["name", "time"])
    return out


def _averaged(whole: pd.DataFrame, column: str) -> pd.DataFrame:
    by_event = whole.groupby([*KEY, "event", "source"], as_index=False, observed=True)[column].mean()
    by_event = by_event.groupby([*KEY, "event"], as_index=False, observed=True)[column].mean()
    return by_event.groupby(KEY, as_index=False, observed=True)[column].mean()


def _course(rows: pd.DataFrame, time: float, edges: np.ndarray, measures: list[str]) -> pd.DataFrame:
    """Means in bins, each row by the time that it shares with a bin; a row of a moment counts in the bin that it lies in."""
    start, end = rows.start.to_numpy(float) - time, rows.end.to_numpy(float) - time
    shared = np.minimum(end[:, None], edges[None, 1:]) - np.maximum(start[:, None], edges[None, :-1])
    moment = (end <= start)[:, None] & (start[:, None] >= edges[None, :-1]) & (start[:, None] < edges[None, 1:])
    weights = np.where(moment, 1.0, np.maximum(shared, 0.0))
    parts = []
    for measure in measures:
        values = rows[measure].to_numpy(float)
        known = np.isfinite(values)
        total = weights[known].sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (weights[known] * values[known, None]).sum(axis=0) / np.where(total > 0, total, np.nan)
        parts.append(pd.DataFrame({"measure": measure, "bin": np.arange(len(edges) - 1), "value": means}))
    return pd.concat(parts, ignore_index=True)


def _baseline(study: Study, rows: pd.DataFrame, own: pd.DataFrame, person: str, time: float) -> dict[str, float] | None:
    """A person's own level of each measure; None where none is taken off."""
    analysis = study.analysis
    if analysis.baseline == "none":
        return None
    if analysis.baseline == "person":
        part = rows[(rows.participant == person) & (rows.role == BASELINE)]
        if part.empty:
            return dict.fromkeys(analysis.measures, float("nan"))
        low, high = float(part.start.min()), float(part.end.max()) + 1e-9
        return _level(part, 0.0, (low, high), analysis.measures)
    return _level(own, time, analysis.baseline, analysis.measures)


def _level(rows: pd.DataFrame, time: float, window: tuple[float, float], measures: list[str]) -> dict[str, float]:
    course = _course(rows, time, np.array(window), measures)
    return dict(zip(course.measure, course.value, strict=True))


def exists(study: Study, name: str) -> Path | None:
    """The path of a file that the study names, where it is there."""
    path = study.place(name)
    return path if path.exists() else None
