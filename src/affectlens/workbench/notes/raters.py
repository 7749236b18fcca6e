"""How far raters agree with each other and with the model, on the segments that they labelled."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pandas as pd

from affectlens.stats.agreement import cohen_kappa_interval, krippendorff_alpha_interval
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import Estimate
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import counting, derived
from affectlens.workbench.reading.plain import number
from affectlens.workbench.reading.runs import Run

FEWEST = 2  # items without which nothing is said
LISTED = 2000


def agreement(run: Run, state: State, modality: str = "fused", level: float = 0.95, rng: Rng = 0) -> dict[str, Any]:
    """Krippendorff's alpha of all raters, Cohen's kappa of every two, and of each with the model.

    Parameters
    ----------
    run : Run
        The run.
    state : State
        The edits, with the labels.
    modality : str
        Whose answer is compared; ``fused`` is that of all.
    level : float
        Of the intervals.
    rng : int or numpy.random.Generator
        Draws the items for the intervals.

    Returns
    -------
    dict
        JSON types; a value is None with ``why`` where there is too little.
    """
    source = generator(rng)
    table = _items(state)
    raters = state.raters
    answers = _answers(run, state, modality, table)
    out: dict[str, Any] = {"raters": raters, "items": len(table), "modality": modality, "level": level}
    rated = table[raters] if raters else pd.DataFrame(index=table.index)
    both = int((rated.notna().sum(axis=1) > 1).sum()) if raters else 0
    out["alpha"] = _told(
        lambda: krippendorff_alpha_interval(rated.to_numpy(object).T, "nominal", rng=source, level=level), both,
        "two raters and two segments that both labelled are needed",
    )  # fmt: skip
    out["kappas"] = [
        {"first": one, "second": two, **_pair(table[one], table[two], source, level)} for one, two in combinations(raters, 2)
    ]
    out["model"] = []
    out["confusions"] = []
    for rater in raters:
        fine = table[rater].notna() & answers.notna()
        same = float((table[rater][fine] == answers[fine]).mean()) if fine.any() else None
        out["model"].append({"rater": rater, **_pair(table[rater], answers, source, level), "agreement": number(same)})
        labels = sorted(set(table[rater][fine]) | set(answers[fine]))
        counts = pd.crosstab(table[rater][fine], answers[fine]).reindex(index=labels, columns=labels, fill_value=0)
        out["confusions"].append({"rater": rater, "labels": labels, "counts": counts.to_numpy(int).tolist()})
    out["items_listed"] = [
        {
            "person": int(person), "start": number(start), "end": number(end),
            "labels": {rater: row[rater] for rater in raters if isinstance(row[rater], str)},
            "model": answer if isinstance(answer, str) else None,
        }
        for (person, start, end), (_, row), answer in zip(
            table.index[:LISTED], table.head(LISTED).iterrows(), answers.head(LISTED), strict=True
        )
    ]  # fmt: skip
    return out


def _items(state: State) -> pd.DataFrame:
    """One row a labelled segment, one column a rater; None where a rater gave none or could not tell."""
    records = [
        {
            "person": state.person(label["person"]), "start": round(label["start"], 3), "end": round(label["end"], 3),
            "rater": str(label["rater"]), "label": label["label"],
        }
        for label in state.labels
    ]  # fmt: skip
    if not records:
        return pd.DataFrame(columns=[], index=pd.MultiIndex.from_tuples([], names=["person", "start", "end"]))
    frame = pd.DataFrame(records).drop_duplicates(["person", "start", "end", "rater"], keep="last")
    wide = frame.pivot(index=["person", "start", "end"], columns="rater", values="label").astype(object)
    return wide.where(wide.notna(), None).sort_index(level=["start", "person"])


def _answers(run: Run, state: State, modality: str, table: pd.DataFrame) -> pd.Series:
    """What the model says of each labelled segment: its surest answer among the rows that cover most of it."""
    rows = counting(derived(run.table, state))
    rows = rows[(rows.modality == modality) & (rows.status == "ok")]
    out: list[str | None] = []
    for person, start, end in table.index:
        own = rows[(rows.person == person) & (rows.start < max(end, start + 1e-6)) & (rows.end > start)]
        if not len(own):
            own = rows[(rows.person == person) & (rows.start == start)]
        if not len(own):
            out.append(None)
            continue
        shared = own.end.clip(upper=end) - own.start.clip(lower=start)
        best = own.assign(shared=shared).groupby("label").shared.sum().idxmax()
        out.append(str(best))
    return pd.Series(out, index=table.index, dtype=object)


def _pair(first: pd.Series, second: pd.Series, rng: Any, level: float) -> dict[str, Any]:
    both = int((first.notna() & second.notna()).sum())
    return _told(
        lambda: cohen_kappa_interval(first.to_numpy(object), second.to_numpy(object), rng=rng, level=level), both,
        "two segments that both labelled are needed",
    )  # fmt: skip


def _told(compute: Callable[[], Estimate], items: int, needed: str) -> dict[str, Any]:
    if items < FEWEST:
        return {"value": None, "low": None, "high": None, "items": items, "why": needed}
    made = compute()
    value = number(made.value)
    why = "" if value is not None else "all labels are the same, so chance alone would agree"
    return {"value": value, "low": number(made.low), "high": number(made.high), "items": items, "why": why}
