"""Why a segment was answered as it was: its evidence sorted into what a person looks at, each with whether it was tested."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.labels import SCHEMES
from affectlens.core.schema import SCENE, Evidence
from affectlens.fusion.evidence import ShareDetail, WhatIfDetail
from affectlens.modalities.face.evidence import RegionDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.telling import ALPHA, clause, graded, named, speaks, way, who
from affectlens.modalities.voice.evidence import MomentDetail, VoiceDifference, difference
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import counting, derived_of
from affectlens.workbench.reading.plain import number, numbers, plain
from affectlens.workbench.reading.runs import Run, is_shown

MOST_ROWS = 600
COVERAGE = 0.9  # that the models' calibrated sets are made for
# Kinds that state what an explanation says, which a test can show to be faithful or not.
EXPLAINS = ("region", "attention", "word", "moment", "relevance", "gait relevance", "posture relevance", "object")
_SHOWN_APART = (
    "share",
    "what if",
    "region",
    "attention",
    "movement",
    "word",
    "concept",
    "voice",
    "relevance",
    "moment",
    "sounds like",
    "gait",
    "gait relevance",
    "posture relevance",
    "faithfulness",
)


def segment_of(run: Run, name: str) -> tuple[int, float, float]:
    """Person, start and end of a segment by its name.

    Parameters
    ----------
    run : Run
        The run.
    name : str
        ``PERSON:MODALITY:START``.

    Returns
    -------
    tuple
        Of the run's own table, before edits.

    Raises
    ------
    UsageError
        There is none of that name.
    """
    parts = name.split(":")
    try:
        person, modality, start = int(parts[0]), parts[1], float(parts[2])
    except (IndexError, ValueError):
        raise UsageError(f"segment {name!r}; PERSON:MODALITY:START was expected, such as 0:fused:3") from None
    table = run.table
    rows = table[(table.person == person) & (table.modality == modality) & np.isclose(table.start, start, atol=1e-3)]
    if not len(rows):
        raise UsageError(f"segment {name!r}: there is none; look at the lanes for those that there are")
    return person, float(rows.start.iloc[0]), float(rows.end.iloc[0])


def overlapping(table: pd.DataFrame, people: Iterable[int], start: float, end: float) -> pd.DataFrame:
    """Rows of people that share some time with a span; a span without length shares its moment."""
    inside = (table.start < end) & (table.end > start) | (table.start == start)
    return table[table.person.isin(list(people)) & inside]


def of_time(run: Run, state: State, person: int, start: float, end: float) -> dict[str, Any]:
    """All evidence about a person in a span of time.

    Parameters
    ----------
    run, state
        The run and its edits.
    person : int
        After the edits.
    start, end : float
        Seconds.

    Returns
    -------
    dict
        JSON types, see docs/workbench.md.
    """
    table = derived_of(run, state)
    own = overlapping(table, [person], start, end)
    before = sorted({int(number_) for number_ in own.person_before}) or [person]
    rows = run.evidence
    here = overlapping(rows, before, start, end)
    whole = here.level == "situation"
    listed = run.rows_of(here[~whole].head(MOST_ROWS))
    scene = run.rows_of(rows[(rows.person == SCENE) & (rows.level == "situation")].head(60))
    kinds: dict[str, list[Evidence]] = {}
    for row in listed:
        kinds.setdefault(row.kind, []).append(row)
    fused = counting(own[own.modality == "fused"])
    answer = next(fused.itertuples(), None)
    return {
        "segment": {
            "person": person,
            "start": number(start),
            "end": number(end),
            "excluded": bool(len(own)) and bool(own.excluded[own.modality == "fused"].all()),
        },
        "answer": None if answer is None else _answer(answer, person, state),
        "modalities": [_modality(row, kinds.get("share", [])) for row in own[own.modality != "fused"].itertuples()],
        "shapley": [
            {"modality": row.subject, "value": number(row.value), "weight": _weight(row), "evidence": row.id}
            for row in kinds.get("share", [])
        ],
        "what_if": [_what_if(row) for row in kinds.get("what if", [])],
        "face": _face(run, before, start, end, kinds),
        "words": _words(run, own, kinds),
        "voice": _voice(run, own, kinds),
        "gait": [_stated(row) for row in kinds.get("gait", []) + kinds.get("gait relevance", [])],
        "posture": [_stated(row) for row in kinds.get("posture relevance", [])],
        "faithfulness": _tests(kinds.get("faithfulness", [])),
        "scene": [_stated(row) for row in scene if row.kind in ("place", "thing", "look", "pair", "usual", "usual elsewhere")],
        "other": [_stated(row) for row in listed if row.kind not in _SHOWN_APART],
        "rows": [record(run, row) for row in listed],
        "left_out": max(0, int((~whole).sum()) - MOST_ROWS),
    }


def one(run: Run, name: str) -> dict[str, Any]:
    """A single row of evidence by its id.

    Raises
    ------
    UsageError
        There is none.
    """  # noqa: DOC201
    rows = run.rows_of(run.evidence[run.evidence.id == name].head(1))
    if not rows:
        raise UsageError(f"evidence {name!r}: there is none of that id in this run")
    return record(run, rows[0])


def record(run: Run, row: Evidence) -> dict[str, Any]:
    """A row of evidence as JSON types, with its sentence and whether its explanation was shown to be faithful."""
    given = {name: value for name, value in row.to_record().items() if name not in ("file", "detail", "p_value", "artefact")}
    return dict(plain(given)) | {
        "p": number(row.p_value),
        "detail": plain(row.detail.to_dict()),
        "text": _text(row),
        "faithful": faithful(run, row),
    }


def faithful(run: Run, row: Evidence) -> bool | None:
    """Whether the explanation that a row belongs to was tested and shown to be faithful; None where it was not tested."""
    if row.kind in EXPLAINS or row.kind == "faithfulness":
        return run.faithful(row.person, row.modality, row.start)
    return None


def story(run: Run, state: State) -> list[dict[str, Any]]:
    """The narrative: every clause with its time and its evidence."""
    table = run.evidence.set_index("id")
    wanted = [part["evidence"] for line in run.story for part in line["clauses"] if part["evidence"] in table.index]
    rows = {row.id: row for row in run.rows_of(run.evidence[run.evidence.id.isin(wanted)])}
    out = []
    for line in run.story:
        clauses = []
        for part in line["clauses"]:
            row = rows.get(part["evidence"])
            clauses.append(
                {
                    "text": str(part["text"]),
                    "evidence": str(part["evidence"]),
                    "start": None if row is None else number(row.start),
                    "end": None if row is None else number(row.end),
                    "modality": "" if row is None else row.modality,
                    "kind": "" if row is None else row.kind,
                    "whole": row is None or row.level == "situation",
                    "faithful": None if row is None else faithful(run, row),
                }
            )
        out.append({"person": state.person(line["person"]) if line["person"] >= 0 else line["person"], "clauses": clauses})
    return out


def _answer(row: Any, person: int, state: State) -> dict[str, Any]:
    label = str(row.label)
    name = state.names.get(person) or who(person)
    text = f"{name} {graded(float(row.confidence))} expresses {label}" if row.status == "ok" else f"{name} could not be read"
    return _said(row) | {
        "coverage": COVERAGE,
        "conflict": bool(row.conflict),
        "text": text,
        "valence": number(row.valence),
        "arousal": number(row.arousal),
    }


def _said(row: Any) -> dict[str, Any]:
    """What one row of the table says."""
    fields = row._asdict()
    labels = SCHEMES[row.scheme].labels if row.scheme in SCHEMES else ()
    probabilities = {label: number(fields.get(f"p_{label}"), 5) for label in labels}
    return {
        "label": str(row.label),
        "confidence": number(row.confidence, 5),
        "status": str(row.status),
        "reason": str(row.reason),
        "set": [label for label in str(fields.get("conformal") or "").split("|") if label],
        "probabilities": {} if all(value is None for value in probabilities.values()) else probabilities,
    }


def _modality(row: Any, shares: list[Evidence]) -> dict[str, Any]:
    share = next((entry for entry in shares if entry.subject == row.modality), None)
    told = None
    if share is not None:
        stated = f"{speaks(row.modality)} {way(share)} {share.target}"
        told = {"value": number(share.value), "unit": share.unit, "plain": stated, "evidence": share.id}
    return {
        "modality": str(row.modality),
        **_said(row),
        "weight": number(row.weight),
        "quality": number(row.quality),
        "typical": number(row.typical),
        "text": str(row.text),
        "start": number(row.start),
        "end": number(row.end),
        "share": told,
    }


def _weight(row: Evidence) -> float | None:
    return number(row.detail.weight) if isinstance(row.detail, ShareDetail) else None


def _what_if(row: Evidence) -> dict[str, Any]:
    detail = row.detail
    told = (detail.answer, number(detail.probability)) if isinstance(detail, WhatIfDetail) else ("", None)
    return {"without": row.subject, "answer": told[0], "probability": told[1], "text": _text(row), "evidence": row.id}


def _face(run: Run, people: list[int], start: float, end: float, kinds: dict[str, list[Evidence]]) -> dict[str, Any] | None:
    """Regions, movements, and the map with where it lies; None where no face was explained."""
    picked = _of(kinds, "face", "region", "attention", "movement")
    maps = overlapping(run.maps, people, start, end) if len(run.maps) else run.maps
    if not any(picked.values()) and not len(maps):
        return None
    first = maps[maps.name == "map"].head(1).to_dict("records") if len(maps) else []
    attended = maps[maps.name == "attention"].head(1).to_dict("records") if len(maps) else []
    regions = [
        {
            "name": row.subject,
            "relevance": number(row.detail.relevance_share),
            "area": number(row.detail.area_share),
            "lift": number(row.value),
            "evidence": row.id,
        }
        for row in picked["region"]
        if isinstance(row.detail, RegionDetail)
    ]
    segment = first[0] if first else None
    shown = run.faithful(segment["person"], segment["modality"], segment["start"]) if segment else None
    if shown is None and picked["region"]:
        shown = faithful(run, picked["region"][0])
    return {
        "time": number(segment["time"]) if segment else None,
        "pictures": [] if segment is None else pictures(segment, bool(attended)),
        "map": None if segment is None else drawn_map(segment),
        "attention_map": drawn_map(attended[0]) if attended else None,
        "regions": regions,
        "attention": [{"name": row.subject, "lift": number(row.value), "evidence": row.id} for row in picked["attention"]],
        "movements": [
            {"name": row.subject, "deviation": number(row.value, 2), "evidence": row.id} for row in picked["movement"]
        ],
        "faithful": shown,
    }


def pictures(row: dict[str, Any], attended: bool) -> list[dict[str, str]]:
    """The pictures of a map's face, by names below ``pictures/``; the server makes them from the recording."""
    place = f"pictures/{int(row['person'])}/{float(row['start']):g}"
    out = [
        {"name": "face", "caption": "the face", "address": f"{place}/face.jpg"},
        {"name": "map", "caption": f"{row['method']} for {row['target']}", "address": f"{place}/map.jpg"},
    ]
    return [*out, {"name": "attention", "caption": "attention mask", "address": f"{place}/attention.jpg"}] if attended else out


def drawn_map(row: dict[str, Any]) -> dict[str, Any]:
    """A map's cells, scaled to at most 1 in magnitude, and its corners in the frame."""
    cells = np.asarray(row["cells"], float)
    top = float(np.abs(cells).max()) or 1.0
    return {
        "method": str(row["method"]),
        "target": str(row["target"]),
        "grid": [int(row["rows"]), int(row["columns"])],
        "values": numbers(cells / top, 4),
        "quad": numbers(row["corners"], 5),
        "time": number(row["time"]),
    }


def _words(run: Run, own: pd.DataFrame, kinds: dict[str, list[Evidence]]) -> list[dict[str, Any]]:
    out = []
    for row in own[(own.modality == "words") & (own.text != "")].itertuples():
        mine = {kind: _same(kinds.get(kind, []), row) for kind in ("word", "concept", "speaker")}
        out.append(
            {
                "start": number(row.start),
                "end": number(row.end),
                "text": str(row.text),
                "label": str(row.label),
                "status": str(row.status),
                "reason": str(row.reason),
                "language": str(row.language),
                "words": [{"text": part.subject, "value": number(part.value), "evidence": part.id} for part in mine["word"]],
                "concepts": [
                    {
                        "name": part.subject,
                        "cosine": number(part.value),
                        "p": number(part.p_value),
                        "shown": bool(part.p_value <= ALPHA),
                        "text": _text(part),
                        "evidence": part.id,
                    }
                    for part in mine["concept"]
                ],
                "speaker": _text(mine["speaker"][0]) if mine["speaker"] else "",
                "faithful": run.faithful(row.person_before, "words", row.start),
            }
        )
    return out


def _voice(run: Run, own: pd.DataFrame, kinds: dict[str, list[Evidence]]) -> list[dict[str, Any]]:
    out = []
    for row in own[(own.modality == "voice") & (own.status == "ok")].itertuples():
        mine = {kind: _same(kinds.get(kind, []), row) for kind in ("voice", "relevance", "moment", "sounds like")}
        out.append(
            {
                "start": number(row.start),
                "end": number(row.end),
                "label": str(row.label),
                "differences": [
                    {
                        "text": _text(part),
                        "name": difference(part),
                        "value": number(part.value),
                        "unit": part.unit,
                        "deviations": number(part.detail.deviations, 2),
                        "own": part.detail.own,
                        "evidence": part.id,
                    }
                    for part in mine["voice"]
                    if isinstance(part.detail, VoiceDifference)
                ],
                "relevance": [
                    {"name": part.subject, "value": number(part.value), "evidence": part.id} for part in mine["relevance"]
                ],
                "moments": [
                    {
                        "start": number(part.detail.begin),
                        "end": number(part.detail.end),
                        "value": number(part.value),
                        "evidence": part.id,
                    }
                    for part in mine["moment"]
                    if isinstance(part.detail, MomentDetail)
                ],
                "neighbours": [{"text": _text(part), "evidence": part.id} for part in mine["sounds like"]],
                "faithful": run.faithful(row.person_before, "voice", row.start),
            }
        )
    return out


def _tests(rows: list[Evidence]) -> list[dict[str, Any]]:
    """Tests by what they test; shown where every one of them shows it."""
    out: dict[tuple[str, int, float], dict[str, Any]] = {}
    for row in rows:
        explains = row.detail.explains if isinstance(row.detail, FaithfulnessDetail) else row.method
        entry = out.setdefault(
            (row.modality, row.person, row.start),
            {
                "explains": explains,
                "modality": row.modality,
                "start": number(row.start),
                "end": number(row.end),
                "tests": [],
                "shown": True,
            },
        )
        shown = is_shown(row.subject, row.value, row.p_value)
        entry["tests"].append(
            {
                "name": row.subject,
                "value": number(row.value),
                "p": number(row.p_value),
                "shown": shown,
                "text": _text(row),
                "evidence": row.id,
            }
        )
        entry["shown"] = entry["shown"] and shown
    return list(out.values())


def _stated(row: Evidence) -> dict[str, Any]:
    return {
        "text": _text(row) or f"{named(row.modality)}: {row.kind} {row.subject}".strip(),
        "kind": row.kind,
        "name": row.subject,
        "value": number(row.value),
        "unit": row.unit,
        "evidence": row.id,
    }


def _of(kinds: dict[str, list[Evidence]], modality: str, *names: str) -> dict[str, list[Evidence]]:
    return {name: [row for row in kinds.get(name, []) if row.modality == modality] for name in names}


def _same(rows: list[Evidence], row: Any) -> list[Evidence]:
    """Evidence of exactly this row of the table."""
    return [
        entry
        for entry in rows
        if entry.modality == row.modality and abs(entry.start - row.start) < 1e-3 and entry.person == row.person_before
    ]


def _text(row: Evidence) -> str:
    stated = clause(row)
    return stated.text if stated else ""
