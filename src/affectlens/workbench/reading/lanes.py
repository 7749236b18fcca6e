"""A run as the time line shows it: people, and a lane for each person and modality, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import AffectlensError
from affectlens.core.labels import SCHEMES
from affectlens.core.schema import SCENE, STATUS
from affectlens.modalities.scene.evidence import PlaceDetail
from affectlens.modalities.telling import clause
from affectlens.modalities.words.evidence import SpeakerDetail
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import counting, derived, derived_of, shares
from affectlens.workbench.reading.plain import number, numbers
from affectlens.workbench.reading.runs import Run

# Told apart by people with any colour vision (Okabe & Ito 2008; Tol's muted for more).
PEOPLE_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#882255",
    "#117733",
    "#332288",
    "#999933",
)
ORDER = ("fused", "face", "words", "voice", "posture", "gait", "scene", "background")
WORDS = ("words",)


def colour_of_person(number_: int) -> str:
    """The colour of a person, the same in every view."""
    return "#7A7A7A" if number_ == SCENE else PEOPLE_COLOURS[number_ % len(PEOPLE_COLOURS)]


def people(run: Run, state: State) -> list[dict[str, Any]]:
    """Everybody in a run after the edits; who is out of view comes last.

    Returns
    -------
    list of dict
        JSON types.
    """
    table = derived_of(run, state)
    out = []
    numbers_ = sorted({int(person) for person in table.person}, key=lambda person: (person == SCENE, person))
    for person in numbers_:
        rows = table[table.person == person]
        fused = counting(rows[rows.modality == "fused"])
        readable = rows[rows.status == "ok"]
        if person == SCENE and not len(readable):
            continue
        seen = readable if len(readable) else rows
        out.append(
            {
                "id": person,
                "name": state.names.get(person, ""),
                "colour": colour_of_person(person),
                "from": sorted({int(before) for before in rows.person_before}),
                "first": number(seen.start.min()),
                "last": number(seen.end.max()),
                "segments": int((rows.modality == "fused").sum()),
                "readable": int((fused.status == "ok").sum()),
                "labels": shares(fused),
            }
        )
    return out


def labels_of(scheme: str, table: pd.DataFrame) -> list[str]:
    """Classes of a scheme in order; of one that nobody knows here, those that occur."""
    if scheme in SCHEMES:
        return list(SCHEMES[scheme].labels)
    return sorted({str(label) for label in table.label[table.scheme == scheme] if label})


def modalities_of(table: pd.DataFrame) -> list[str]:
    """Those of a run in the usual order, without the answer of all."""
    there = list(dict.fromkeys(map(str, table.modality)))
    ordered = [name for name in ORDER if name in there] + sorted(name for name in there if name not in ORDER)
    return [name for name in ordered if name != "fused"]


def lanes(run: Run, state: State, edited: bool = True) -> dict[str, Any]:
    """All lanes of a run.

    Parameters
    ----------
    run : Run
        The run.
    state : State
        The edits.
    edited : bool
        Whether they count.

    Returns
    -------
    dict
        JSON types, see docs/workbench.md.
    """
    table = derived_of(run, state) if edited else derived(run.table, State())
    reasons: dict[str, int] = {}
    made = []
    order = {name: place for place, name in enumerate(["fused", *modalities_of(table)])}
    groups = sorted(
        table.groupby(["person", "modality"], sort=False), key=lambda pair: (pair[0][0] == SCENE, pair[0][0], order[pair[0][1]])
    )
    for (person, modality), rows in groups:
        made.append(_lane(run, int(person), str(modality), rows.sort_values("start", kind="stable"), reasons))
    return {
        "revision": state.revision,
        "reasons": list(reasons),
        "lanes": made,
        "words": words(run, state if edited else State()),
        **_around(run, table, state if edited else State()),
    }


def _lane(run: Run, person: int, modality: str, rows: pd.DataFrame, reasons: dict[str, int]) -> dict[str, Any]:
    scheme = str(rows.scheme.iloc[0])
    labels = labels_of(scheme, rows)
    place = {label: number_ for number_, label in enumerate(labels)}
    named = [reasons.setdefault(str(reason), len(reasons)) if reason else None for reason in rows.reason]
    lane = {
        "person": person,
        "modality": modality,
        "scheme": scheme,
        "labels": labels,
        "start": numbers(rows.start),
        "end": numbers(rows.end),
        "label": [place.get(label) for label in rows.label],
        "confidence": numbers(rows.confidence),
        "probabilities": [numbers(rows[f"p_{label}"]) if f"p_{label}" in rows else [None] * len(rows) for label in labels],
        "set": [[place[label] for label in str(held).split("|") if label in place] for held in _column(rows, "conformal", "")],
        "conflict": [int(bool(value)) for value in _column(rows, "conflict", False)],
        "status": [STATUS.index(status) for status in rows.status],
        "reason": named,
        "excluded": [int(out or second) for out, second in zip(rows.excluded, rows.second, strict=True)],
        "faithful": [
            None if shown is None else int(shown)
            for shown in (run.faithful(who, modality, start) for who, start in zip(rows.person_before, rows.start, strict=True))
        ],
    }
    for name in ("valence", "arousal", "quality", "typical", "weight"):
        lane[name] = numbers(_column(rows, name, float("nan")))
    if modality in WORDS or rows.text.astype(str).str.len().gt(0).any():
        lane["text"] = [str(text) for text in rows.text]
        lane["language"] = [str(code) for code in _column(rows, "language", "")]
    return lane


def _column(rows: pd.DataFrame, name: str, default: Any) -> Sequence[Any]:
    return list(rows[name]) if name in rows else [default] * len(rows)


def words(run: Run, state: State) -> list[dict[str, Any]]:
    """Every word at its time, with the person whose utterance it is; empty where no times were written.

    Returns
    -------
    list of dict
        JSON types.
    """
    utterances = run.transcript.get("utterances")
    if not isinstance(utterances, list):
        return []
    spoken = derived(run.table[run.table.modality == "words"], state)
    whose = {round(float(start), 2): int(person) for start, person in zip(spoken.start, spoken.person, strict=True)}
    out = []
    for place, utterance in enumerate(utterances):
        try:
            heard = list(utterance["words"])
            person = whose.get(round(float(heard[0]["start"]), 2), SCENE)
            out += [
                {
                    "person": person,
                    "start": number(word["start"], 3),
                    "end": number(word["end"], 3),
                    "text": str(word["text"]),
                    "probability": number(word.get("probability"), 3),
                    "utterance": place,
                }
                for word in heard
            ]
        except (KeyError, IndexError, TypeError, ValueError, AffectlensError):
            continue
    return out


def _around(run: Run, table: pd.DataFrame, state: State) -> dict[str, Any]:
    """Who speaks, place and things, conflicts, and what could not be judged."""
    evidence = run.evidence
    picked = {kind: run.rows_of(evidence[evidence.kind == kind]) for kind in ("speaker", "place", "thing", "conflict")}

    def text(row: Any) -> str:
        stated = clause(row)
        return stated.text if stated else ""

    speakers = [
        {
            "person": state.person(int(row.value)),
            "start": number(row.start),
            "end": number(row.end),
            "why": row.detail_as(SpeakerDetail).reason,
        }
        for row in picked["speaker"]
    ]
    place = next(iter(picked["place"]), None)
    things = [
        {"name": row.subject, "share": number(row.value), "text": text(row), "evidence": row.id} for row in picked["thing"]
    ]
    conflicts = [
        {
            "person": state.person(row.person),
            "start": number(row.start),
            "end": number(row.end),
            "text": text(row),
            "evidence": row.id,
        }
        for row in picked["conflict"]
    ]
    unread = table[(table.status != "ok") & (table.modality != "fused") & (table.status != "missing")]
    return {
        "speakers": speakers,
        "place": None
        if place is None
        else {"kind": place.detail_as(PlaceDetail).kind, "text": text(place), "evidence": place.id},
        "things": sorted(things, key=lambda thing: -(thing["share"] or 0.0)),
        "conflicts": conflicts,
        "abstained": [
            {
                "person": int(person),
                "modality": str(modality),
                "start": number(start),
                "end": number(end),
                "reason": str(reason),
            }
            for person, modality, start, end, reason in zip(
                unread.person, unread.modality, unread.start, unread.end, unread.reason, strict=True
            )
        ],
    }


def moments(run: Run, state: State, most: int = 12) -> list[dict[str, Any]]:
    """What to look at first: the surest segment of each person and class, conflicts, and changes between sure segments.

    Parameters
    ----------
    run : Run
        The run.
    state : State
        The edits.
    most : int
        How many at most.

    Returns
    -------
    list of dict
        In order of time; ``rank`` says which matter most.
    """
    table = counting(derived_of(run, state))
    fused = table[(table.modality == "fused") & (table.status == "ok") & (table.label != "")]
    found: list[dict[str, Any]] = []

    def add(row: Any, kind: str, why: str, rank: float) -> None:
        found.append(
            {
                "time": number(row.start),
                "end": number(row.end),
                "person": int(row.person),
                "label": str(row.label),
                "kind": kind,
                "why": why,
                "rank": round(rank, 4),
            }
        )

    for (person, label), rows in fused.groupby(["person", "label"]):
        row = next(rows.sort_values("confidence", ascending=False).itertuples())
        share = len(rows) / max(int((fused.person == person).sum()), 1)
        rare = 1.0 if label != "neutral" else 0.5
        add(row, "clearest", f"the surest {label} ({float(row.confidence):.0%})", float(row.confidence) * rare * (1.5 - share))
    for row in fused[fused.conflict.astype(bool)].sort_values("confidence", ascending=False).head(4).itertuples():
        add(row, "conflict", "the modalities do not agree", 1.2 * float(row.confidence))
    for _, rows in fused.groupby("person"):
        before = rows.shift(1)
        sure = np.minimum(rows.confidence.astype(float), before.confidence.astype(float).fillna(0.0))
        changed = rows.assign(sure=sure)[(rows.label != before.label) & before.label.notna()]
        for row in changed.sort_values("sure", ascending=False).head(3).itertuples():
            add(row, "change", f"turns to {row.label}", float(row.sure))
    best: dict[tuple[int, float], dict[str, Any]] = {}
    for moment in sorted(found, key=lambda item: -item["rank"]):
        best.setdefault((moment["person"], moment["time"]), moment)
    return sorted(list(best.values())[:most], key=lambda item: item["time"])
