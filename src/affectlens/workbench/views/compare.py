"""Two runs of a recording side by side: what changed, segment by segment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.listing import rest
from affectlens.core.schema import SCENE
from affectlens.modalities.telling import who
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import counting, derived, shares
from affectlens.workbench.reading.plain import number, without_paths
from affectlens.workbench.reading.runs import Run

LISTED = 500
LEAST = 0.05  # total variation of probabilities from which a segment is listed
OVERLAP = 0.5  # of the shorter of two segments


def compared(first: Run, second: Run, names: tuple[str, str], states: tuple[State, State]) -> dict[str, Any]:
    """Both runs' answers of all, matched by person and time.

    Parameters
    ----------
    first, second : Run
        The runs.
    names : tuple of str
        Their ids.
    states : tuple of State
        Their edits.

    Returns
    -------
    dict
        JSON types, see docs/workbench.md.
    """
    tables = [_fused(run, state) for run, state in zip((first, second), states, strict=True)]
    pairs, lonely = matched(*tables)
    segments = [_segment(one, two) for one, two in pairs]
    differing = [entry for entry in segments if entry["changed"] or (entry["distance"] or 0.0) >= LEAST]
    differing.sort(key=lambda entry: (not entry["changed"], -(entry["distance"] or 0.0)))
    same = bool(first.sha256) and first.sha256 == second.sha256
    people = _people(pairs, tables)
    return {
        "kind": "recording",
        "first": {"id": names[0], "name": first.name},
        "second": {"id": names[1], "name": second.name},
        "same_recording": same,
        "options": _options(first, second),
        "people": people,
        "segments": differing[:LISTED],
        "matched": len(pairs),
        "only_first": lonely[0],
        "only_second": lonely[1],
        "notices": [],
        "text": _text(segments, differing, lonely, same),
    }


def matched(first: pd.DataFrame, second: pd.DataFrame) -> tuple[list[tuple[Any, Any]], tuple[int, int]]:
    """Rows of one person that share at least half of the shorter; each is in at most one pair.

    Parameters
    ----------
    first, second : DataFrame
        With person, start and end.

    Returns
    -------
    tuple
        Pairs of rows (named tuples), and how many rows of each are in none.
    """
    pairs, used = [], 0
    for person, rows in first.groupby("person"):
        others = second[second.person == person].sort_values("start", kind="stable").reset_index(drop=True)
        if not len(others):
            continue
        starts, ends = others.start.to_numpy(float), others.end.to_numpy(float)
        free = np.ones(len(others), bool)
        listed = list(others.itertuples(index=False))
        for row in rows.sort_values("start", kind="stable").itertuples(index=False):
            shared = np.minimum(ends, row.end) - np.maximum(starts, row.start)
            shorter = np.minimum(ends - starts, row.end - row.start)
            share = np.where(shorter > 0, shared / np.maximum(shorter, 1e-9), (starts == row.start).astype(float))
            share[~free] = -1.0
            best = int(share.argmax())
            if share[best] >= OVERLAP:
                free[best] = False
                pairs.append((row, listed[best]))
                used += 1
    return pairs, (len(first) - used, len(second) - used)


def _fused(run: Run, state: State) -> pd.DataFrame:
    table = counting(derived(run.table, state))
    return table[table.modality == "fused"]


def _segment(one: Any, two: Any) -> dict[str, Any]:
    old, new = _probabilities(one), _probabilities(two)
    distance = None
    if old and new and list(old) == list(new):
        distance = number(0.5 * sum(abs((old[label] or 0.0) - (new[label] or 0.0)) for label in old))
    return {
        "person": int(one.person),
        "start": number(one.start),
        "end": number(one.end),
        "first": _said(one, old),
        "second": _said(two, new),
        "changed": (str(one.label), str(one.status)) != (str(two.label), str(two.status)),
        "distance": distance,
    }


def _probabilities(row: Any) -> dict[str, float | None]:
    given = {name[2:]: number(value) for name, value in row._asdict().items() if name.startswith("p_")}
    return {} if all(value is None for value in given.values()) else given


def _said(row: Any, probabilities: dict[str, float | None]) -> dict[str, Any]:
    held = str(getattr(row, "conformal", "") or "")
    return {
        "label": str(row.label),
        "confidence": number(row.confidence),
        "set": [label for label in held.split("|") if label],
        "status": str(row.status),
        "reason": str(row.reason),
        "probabilities": probabilities,
    }


def _people(pairs: list[tuple[Any, Any]], tables: list[pd.DataFrame]) -> list[dict[str, Any]]:
    people = sorted({int(person) for table in tables for person in table.person})
    out = []
    for person in people:
        own = [(one, two) for one, two in pairs if int(one.person) == person]
        alike = sum(str(one.label) == str(two.label) for one, two in own)
        held = [shares(table[table.person == person]) for table in tables]
        if person == SCENE and not any(held):
            continue
        out.append(
            {
                "person": person,
                "segments": len(own),
                "same_label": alike,
                "share": number(alike / len(own)) if own else None,
                "labels": {"first": held[0], "second": held[1]},
            }
        )
    return out


def _options(first: Run, second: Run) -> list[dict[str, Any]]:
    names = dict.fromkeys([*first.options, *second.options])
    return [
        {"name": name, "first": without_paths(first.options.get(name)), "second": without_paths(second.options.get(name))}
        for name in names
        if first.options.get(name) != second.options.get(name)
    ]


def _text(segments: list[dict[str, Any]], differing: list[dict[str, Any]], lonely: tuple[int, int], same: bool) -> list[str]:
    changed = [entry for entry in segments if entry["changed"]]
    lines = [] if same else ["these are two different recordings; segments are matched by person and time alone"]
    lines.append(f"{len(changed)} of {len(segments)} segments have another answer")
    if changed:
        top = changed[0]
        lines.append(
            f"for example {who(top['person'])} at {top['start']:.1f} s: {top['first']['label'] or top['first']['status']}, "
            f"then {top['second']['label'] or top['second']['status']}"
        )
    if any(lonely):
        lines.append(f"{lonely[0]} segments are only in the first, {lonely[1]} only in the second")
    if left_out := rest(LISTED, len(differing), "segments that differ", "both tables"):
        lines.append(left_out)
    return lines
