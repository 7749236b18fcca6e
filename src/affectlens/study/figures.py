"""Figures of a study: time courses beside the stimulus, and every participant's means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from affectlens.figures.charts import finish

if TYPE_CHECKING:
    from affectlens.study.result import StudyResult

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito's, told apart by everybody
LEVEL = 0.05
WIDTH, HEIGHT = 560, 150


def courses(result: StudyResult) -> Any:
    """Means over people with intervals, a panel a measure, groups side by side; None where there is nothing to draw."""
    table = result.courses
    if table.empty:
        return None
    groups = sorted(set(table.group))
    conditions = sorted(set(table.condition))
    colour = alt.Color(
        "condition:N", title="condition", scale=alt.Scale(domain=conditions, range=list(COLOURS[: len(conditions)]))
    )
    panels = []
    for measure in [name for name in result.people if name in set(table.measure)]:
        row = []
        for group in groups:
            part = table[(table.measure == measure) & (table.group == group)]
            row.append(_panel(result, part, measure, colour, WIDTH // len(groups), group if len(groups) > 1 or group else ""))
        panels.append(alt.hconcat(*row).resolve_scale(y="shared"))
    return finish(alt.vconcat(*panels))


def _panel(result: StudyResult, part: pd.DataFrame, measure: str, colour: Any, width: int, group: str) -> Any:
    x = alt.X("time:Q", title="seconds from the event")
    base = alt.Chart(part)
    layers = []
    clusters = result.clusters
    if len(clusters):
        found = clusters[(clusters.measure == measure) & (clusters.p_value <= LEVEL)]
        if len(found):
            shown = found[["start", "end", "comparison", "p_value"]]
            layers.append(alt.Chart(shown).mark_rect(color="#E0B000", opacity=0.18).encode(x="start:Q", x2="end:Q"))
    zero = pd.DataFrame({"time": [0.0]})
    layers.append(alt.Chart(zero).mark_rule(strokeDash=[4, 3], color="#777777").encode(x="time:Q"))
    if len(result.others):
        rules = alt.Chart(result.others).mark_rule(strokeDash=[2, 4], color="#999999").encode(x="time:Q")
        names = alt.Chart(result.others).mark_text(align="left", dx=3, dy=4, baseline="top", color="#777777", fontSize=10)
        layers += [rules, names.encode(x="time:Q", y=alt.value(0), text="name:N")]
    layers.append(base.mark_area(opacity=0.2).encode(x=x, y=alt.Y("low:Q", title=measure), y2="high:Q", color=colour))
    layers.append(
        base.mark_line(strokeWidth=2).encode(x=x, y=alt.Y("mean:Q", title=measure, scale=alt.Scale(zero=False)), color=colour)
    )
    return alt.layer(*layers).properties(width=width, height=HEIGHT, title=f"{measure}{', ' + group if group else ''}")


def people(result: StudyResult) -> Any:
    """Each participant's mean by condition, a line a person; None where there is nothing to draw."""
    table = result.people
    measures = [name for name in table if name not in ("participant", "group", "condition")]
    if table.empty or not measures:
        return None
    long = table.melt(["participant", "group", "condition"], measures, var_name="measure", value_name="value").dropna()
    if long.empty:
        return None
    panels = []
    for measure in measures:
        part = long[long.measure == measure]
        base = alt.Chart(part)
        x = alt.X("condition:N", title=None, axis=alt.Axis(labelAngle=0))
        y = alt.Y("value:Q", title=measure, scale=alt.Scale(zero=False))
        lines = base.mark_line(color="#999999", opacity=0.6, strokeWidth=1).encode(x=x, y=y, detail="participant:N")
        dots = base.mark_circle(size=36).encode(
            x=x, y=y, color=alt.Color("group:N", title="group", scale=alt.Scale(range=list(COLOURS)))
        )
        mean = base.mark_tick(color="black", thickness=2, size=26).encode(x=x, y="mean(value):Q")
        panels.append(alt.layer(lines, dots, mean).properties(width=170, height=190, title=measure))
    return finish(alt.concat(*panels, columns=3))
