"""Figures of the comparison of classifiers."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from affectlens.audits.compare.families import DEPENDENCE
from affectlens.audits.properties.settings import ALPHA
from affectlens.figures.charts import finish

SHOWN = {"accuracy": "accuracy", "mean_recall": "UAR", "calibration_error": "ECE", "brier": "Brier score"}


def scores(table: pd.DataFrame) -> Any:
    """Scores with intervals, a panel a measure, a line a model; None where there is nothing to draw."""
    panels = []
    for measure, title in SHOWN.items():
        part = table[table.measure == measure]
        if part.empty:
            continue
        base = alt.Chart(part, title=alt.Title(title, anchor="start", fontSize=12)).encode(
            y=alt.Y("model:N", sort=list(dict.fromkeys(table.model)), title=None, axis=alt.Axis(labelLimit=180))
        )
        scale = alt.Scale(zero=False, nice=True)
        lines = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", scale=scale, title=None), x2="high:Q")
        panels.append(
            (lines + base.mark_point(filled=True, size=50).encode(x="value:Q")).properties(width=250, height=alt.Step(20))
        )
    return finish(alt.concat(*panels, columns=2)) if panels else None


def ranks(table: pd.DataFrame) -> Any:
    """From which to which place each model's rank by accuracy is shown to lie."""
    order = list(table.model)
    base = alt.Chart(table[["model", "best_rank", "worst_rank"]]).encode(
        y=alt.Y("model:N", sort=order, title=None, axis=alt.Axis(labelLimit=180))
    )
    ticks = alt.Axis(values=list(range(1, len(table) + 1)), format="d")
    scale = alt.Scale(domain=[1, max(2, len(table))])
    line = base.mark_rule(strokeWidth=5, opacity=0.5).encode(
        x=alt.X("best_rank:Q", title="rank by accuracy", axis=ticks, scale=scale), x2="worst_rank:Q"
    )
    dots = [base.mark_point(filled=True, size=60).encode(x=f"{name}:Q") for name in ("best_rank", "worst_rank")]
    return finish(alt.layer(line, *dots).properties(width=300, height=alt.Step(22)))


def dependence(tests: pd.DataFrame) -> Any:
    """Property × model, colour for the strength of the dependence, a dot where it is shown; None without such tests."""
    frame = tests[tests.family == DEPENDENCE]
    if frame.empty:
        return None
    frame = frame.assign(strength=frame.effect.abs(), shown=frame.p_holm <= ALPHA)[["property", "model", "strength", "shown"]]
    order = frame.groupby("property").strength.max().sort_values(ascending=False).index.tolist()
    base = alt.Chart(frame).encode(
        x=alt.X("model:N", sort=list(dict.fromkeys(frame.model)), title=None, axis=alt.Axis(labelAngle=-35, labelLimit=140)),
        y=alt.Y("property:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("strength:Q", title="strength", scale=alt.Scale(scheme="oranges", domainMin=0))
    )
    dots = base.transform_filter("datum.shown").mark_circle(color="#222", size=26)
    return finish((cells + dots).properties(width=alt.Step(54), height=alt.Step(20)))


def responses(table: pd.DataFrame) -> Any:
    """Share of changed decisions by dose, a panel an intervention, a line a model; None where nothing was changed."""
    panels = []
    for name, part in table.groupby("intervention", sort=False):
        base = alt.Chart(part, title=alt.Title(str(name), anchor="start", fontSize=12)).encode(
            x=alt.X("dose:Q", title=str(part.unit.iloc[0])), color=alt.Color("model:N", title=None)
        )
        bands = base.mark_area(opacity=0.12).encode(
            y=alt.Y("low:Q", title="changed decisions", axis=alt.Axis(format="%")), y2="high:Q"
        )
        panels.append((bands + base.mark_line(point=True).encode(y="changed_decisions:Q")).properties(width=230, height=150))
    return finish(alt.concat(*panels, columns=3)) if panels else None
