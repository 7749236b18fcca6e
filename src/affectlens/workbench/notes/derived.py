"""The table after people's edits: people renumbered and named, excluded rows marked, and what that makes of the summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.schema import SCENE
from affectlens.workbench.notes.changes import State
from affectlens.workbench.reading.plain import number
from affectlens.workbench.reading.runs import Run


def people_after(numbers: pd.Series, times: pd.Series, state: State) -> pd.Series:
    """Whose each row is after splits and merges.

    Parameters
    ----------
    numbers, times : Series
        The person of each row and when it begins, in seconds.
    state : State
        The edits.

    Returns
    -------
    Series
        Numbers of people.
    """
    out = numbers.astype(int).copy()
    for step in state.steps:
        if "people" in step:
            out[out.isin(step["people"])] = step["into"]
            continue
        later = times >= step["at"]
        if step["end"] is not None:
            later &= times < step["end"]
        out[(out == step["person"]) & later] = step["into"]
    return out


def derived(table: pd.DataFrame, state: State) -> pd.DataFrame:
    """Rows after the edits.

    Parameters
    ----------
    table : DataFrame
        Of the run.
    state : State
        The edits.

    Returns
    -------
    DataFrame
        With ``person_before``, ``person_name``, ``excluded`` (its middle lies in an excluded range) and ``second``: of two
        rows of a merged person of one modality at one time, the less sure.
    """
    out = table.copy()
    out["person_before"] = table.person.astype(int)
    out["person"] = people_after(table.person, table.start, state) if len(table) else table.person.astype(int)
    out["person_name"] = out.person.map(lambda person: state.names.get(int(person), ""))
    middle = (out.start + out.end) / 2
    excluded = np.zeros(len(out), bool)
    for entry in state.excluded:
        inside = (middle >= entry["start"]) & (middle <= entry["end"])
        if entry["person"] is not None:
            inside &= out.person == state.person(entry["person"])
        excluded |= inside.to_numpy(bool)
    out["excluded"] = excluded
    out["second"] = _second(out)
    return out


def derived_of(run: Run, state: State) -> pd.DataFrame:
    """`derived` of a run's table; that of the state that was asked for last is kept, for pages of hundreds of segments."""
    held = run.kept_derived
    if held is None or held[0] is not state:
        held = run.kept_derived = (state, derived(run.table, state))
    return held[1]


def _second(table: pd.DataFrame) -> np.ndarray:
    """Rows that another of the same person, modality and time outdoes, where two tracks became one person."""
    out = np.zeros(len(table), bool)
    merged = table.groupby("person").person_before.nunique()
    people = set(merged.index[merged > 1]) - {SCENE}
    if not people:
        return out
    rows = table[table.person.isin(people)].reset_index(names="place")
    rows["sure"] = np.where(rows.status == "ok", rows.confidence.astype(float).fillna(0.0), -1.0)
    rows = rows.sort_values("sure", ascending=False, kind="stable")
    again = rows.duplicated(["person", "modality", "start"])
    others = rows.groupby(["person", "modality", "start"]).person_before.transform("nunique") > 1
    places = rows.place[again & others].to_numpy()
    out[table.index.get_indexer(places)] = True
    return out


def shares(fused: pd.DataFrame) -> dict[str, float]:
    """Share of readable segments by label, the largest first."""
    good = fused[(fused.status == "ok") & (fused.label != "")]
    found = good.label.value_counts(normalize=True)
    return {str(label): round(float(share), 4) for label, share in found.items()}


def counting(table: pd.DataFrame) -> pd.DataFrame:
    """The rows that count: neither excluded nor outdone."""
    return table[~table.excluded & ~table.second] if "excluded" in table else table


def summary(table: pd.DataFrame, state: State) -> dict[str, Any]:
    """What the edits make of each person, beside what the run said.

    Parameters
    ----------
    table : DataFrame
        As `derived` gives it.
    state : State
        The edits.

    Returns
    -------
    dict
        JSON types: ``people``, ``overlaps`` (rows outdone by another of a merged person) and ``excluded``.
    """
    fused = table[table.modality == "fused"]
    people = []
    for person, rows in fused.groupby("person"):
        kept = counting(rows)
        if int(person) == SCENE and not (rows.status == "ok").any():
            continue
        people.append(
            {
                "person": int(person),
                "name": state.names.get(int(person), ""),
                "segments": len(rows),
                "readable": int((kept.status == "ok").sum()),
                "excluded": int(rows.excluded.sum()),
                "labels": shares(kept),
                "was": shares(table[(table.modality == "fused") & (table.person_before == person)]),
                "valence": number(kept.valence.mean()),
                "arousal": number(kept.arousal.mean()),
            }
        )
    return {"people": people, "overlaps": int(fused.second.sum()), "excluded": int(fused.excluded.sum())}
