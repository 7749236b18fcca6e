"""The page of a study: design, flow of data, time courses beside the stimulus, tests, agreement, methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from affectlens.core.disk.files import write_whole
from affectlens.core.listing import rest
from affectlens.core.tables import write_csv, write_parquet
from affectlens.figures.page import Figure, Section, write_page
from affectlens.study import figures

if TYPE_CHECKING:
    from affectlens.study.result import StudyResult

LOST = 60  # rows on the page
LIMITS = (
    "What is measured is what is expressed, as a model reads it; it is not what people feel.",
    "A difference that was not found is no proof that there is none: see the effect that this number of people can find.",
    "A cluster-based test says that two courses differ somewhere; it gives no error rate for where a cluster begins or ends.",
)


def write(result: StudyResult, folder: Path) -> Path:
    """Write ``report.html``, its figures as svg and png, and the tables for R and SPSS.

    Returns
    -------
    Path
        The page.
    """
    design = result.design
    about = (
        f"{design.get('participants', 0)} participants in {design.get('groups', 1)} groups, {design.get('conditions', 1)} "
        "conditions; event: "
        f"{design.get('event') or 'start of the stimulus'}; {design.get('window', '')}"
    )
    drawn = [("courses", figures.courses(result), COURSES), ("people", figures.people(result), PEOPLE)]
    shown = {name: (Figure(chart, name, caption),) for name, chart, caption in drawn if chart is not None}
    lost = pd.DataFrame(list(result.lost.items())[:LOST], columns=["what", "why"])
    left_out = rest(LOST, len(result.lost), "losses", "lost.csv")
    sections = [
        Section("What was found", (*result.findings(), *result.notes)),
        Section("Flow of data", ("What was planned, what was used, and what was lost where.",), table=result.flow),
        Section("Time courses", (), shown.get("courses", ())),
        Section("Every participant", (), shown.get("people", ())),
        Section("Differences of means", (), table=_compact(result.tests)),
        Section("Differences over time", (CLUSTERS,), table=_or_none(result.clusters)),
        Section("Mixed models", (), table=_or_none(result.mixed)),
        Section("Agreement of raters and model", (), table=_or_none(result.agreement)),
        Section(
            "What was lost", tuple(filter(None, [left_out])), table=_or_none(lost), folded="" if len(lost) < 8 else "All losses"
        ),
        Section("Methods", (result.methods,), quiet=True),
        Section("Limits", LIMITS),
    ]
    for name in ("tidy", "people", "courses", "tests", "clusters"):
        table = getattr(result, name)
        write_whole(folder / f"{name}.csv", lambda partial, table=table: write_csv(table, partial))  # type: ignore[misc]
        write_whole(folder / f"{name}.parquet", lambda partial, table=table: write_parquet(table, partial))  # type: ignore[misc]
    whole = pd.DataFrame(list(result.lost.items()), columns=["what", "why"])
    write_whole(folder / "lost.csv", lambda partial: write_csv(whole, partial))
    kept = [one for one in sections if one.text or one.figures or one.table is not None]
    return write_page(folder, result.title, about, kept, name="report", kind="affectlens study")


def _compact(tests: pd.DataFrame) -> pd.DataFrame | None:
    """Tests as people read them, with intervals beside their values; tests.csv has every number in a column of its own."""
    if tests.empty:
        return None
    with_interval = [
        [
            f"{row[name]:+.3f} ({row[low]:+.3f} to {row[high]:+.3f})" if row[low] == row[low] else f"{row[name]:+.3f}"
            for row in rows
        ]
        for rows in [tests.to_dict("records")]
        for name, low, high in (("difference", "low", "high"), ("effect", "effect_low", "effect_high"))
    ]
    made = tests[["family", "comparison", "measure"]].copy()
    made["difference (95 %)"], made["effect (95 %)"] = with_interval
    return made.join(tests[["people", "p_value", "p_holm"]])


def _or_none(table: pd.DataFrame) -> pd.DataFrame | None:
    return table if len(table) else None


COURSES = (
    "Means over participants with 95 % intervals over participants. The dashed line is the event, dotted ones are other "
    "markers of the "
    "stimulus; yellow marks a cluster with p ≤ .05."
)
PEOPLE = "Means in the tested part of the window: a line a participant, black the mean over participants."
CLUSTERS = (
    "Cluster-based permutation tests, one error rate for all moments and measures of a comparison; p = 1 where no "
    "cluster was found."
)
