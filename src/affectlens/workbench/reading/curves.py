"""Any column of a run over time, with so many points as a screen has: mean, least and most of each bin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.errors import unknown as unknown_error
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import derived, people_after
from affectlens.workbench.reading.plain import numbers
from affectlens.workbench.reading.runs import Run

MOST_POINTS = 5000
UNITS = {"start": "s", "end": "s", "valence": "-1 to 1", "arousal": "-1 to 1", "confidence": "probability", "weight": "share"}
_KEYS = ("start", "end", "time", "person", "marks", "person_before")


def columns(run: Run) -> list[dict[str, Any]]:
    """What can be drawn: numbers of the table and of the frames.

    Returns
    -------
    list of dict
        By table its columns with their units and what they are given by.
    """
    out = []
    for name, table, by in (("segments", run.table, ["person", "modality"]), ("frames", run.frames, ["person"])):
        drawn = [column for column in table.columns if _is_drawn(table, column)]
        unit = {column: "probability" if str(column).startswith("p_") else UNITS.get(str(column), "") for column in drawn}
        if drawn:
            out.append({"name": name, "columns": [{"name": str(column), "unit": unit[column], "by": by} for column in drawn]})
    return out


def _is_drawn(table: pd.DataFrame, column: str) -> bool:
    return column not in _KEYS and (pd.api.types.is_numeric_dtype(table[column]) or pd.api.types.is_bool_dtype(table[column]))


def curve(
    run: Run, state: State, table: str, column: str, *, person: int | None = None, modality: str = "fused",
    start: float = 0.0, end: float = float("inf"), points: int = 1500,
) -> dict[str, Any]:  # fmt: skip
    """One column over time for one person or for all.

    Parameters
    ----------
    run, state
        The run and its edits.
    table : str
        ``segments`` or ``frames``.
    column : str
        A column of numbers.
    person : int, optional
        Whose; everybody's without.
    modality : str
        Of segments.
    start, end : float
        Seconds.
    points : int
        Most points a person.

    Returns
    -------
    dict
        JSON types.

    Raises
    ------
    UsageError
        No such table or column, or bounds that cannot be.
    """  # noqa: DOC501
    if table not in ("segments", "frames"):
        raise UsageError(f"table {table!r}; segments or frames was expected")
    if not 2 <= points <= MOST_POINTS:
        raise UsageError(f"points {points}; a number from 2 to {MOST_POINTS} was expected")
    whole = run.table if table == "segments" else run.frames
    if column not in whole or not _is_drawn(whole, column):
        raise unknown_error("column", column, [str(name) for name in whole.columns if _is_drawn(whole, name)])
    rows = derived(whole[whole.modality == modality], state) if table == "segments" else _frames_after(whole, state)
    times = (rows.start + rows.end) / 2 if table == "segments" else rows.time
    inside = (times >= start) & (times <= end)
    rows, times = rows[inside], times[inside]
    made, drawn = [], 0
    wanted = sorted({int(one) for one in rows.person}) if person is None else [person]
    rows, times = rows[rows.person.isin(wanted)], times[rows.person.isin(wanted)]
    for one in wanted:
        own = (rows.person == one).to_numpy()
        binned = thinned(times[own].to_numpy(float), pd.to_numeric(rows[column][own]).to_numpy(float), points)
        made.append({"person": one, **{name: numbers(values, 5) for name, values in binned.items()}})
        drawn += len(binned["time"])
    unit = "probability" if column.startswith("p_") else UNITS.get(column, "")
    return {"table": table, "column": column, "unit": unit, "people": made, "rows": len(rows), "drawn": drawn}


def _frames_after(frames: pd.DataFrame, state: State) -> pd.DataFrame:
    return frames.assign(person=people_after(frames.person, frames.time, state)) if len(frames) else frames


def thinned(times: np.ndarray, values: np.ndarray, points: int) -> dict[str, np.ndarray]:
    """Values in at most so many bins of equal length.

    Parameters
    ----------
    times, values : (n,) array
        In order of time; a value may be NaN.
    points : int
        Bins.

    Returns
    -------
    dict
        ``time``, ``value`` (the mean), ``low`` and ``high`` of each bin with rows; as they are where they fit.

    Examples
    --------
    >>> thinned(np.arange(4.0), np.array([0.0, 1.0, 5.0, 7.0]), 2)["value"].tolist()
    [0.5, 6.0]
    """
    if len(times) <= points:
        return {"time": times, "value": values, "low": values, "high": values}
    width = (times[-1] - times[0]) / points or 1.0
    bins = np.minimum(((times - times[0]) / width).astype(int), points - 1)
    grouped = pd.DataFrame({"time": times, "value": values, "bin": bins}).groupby("bin")
    return {
        "time": grouped.time.mean().to_numpy(), "value": grouped.value.mean().to_numpy(),
        "low": grouped.value.min().to_numpy(), "high": grouped.value.max().to_numpy(),
    }  # fmt: skip
