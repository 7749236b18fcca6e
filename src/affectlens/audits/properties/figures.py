"""Figures of the audit of properties."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from affectlens.audits.properties.settings import ALPHA
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.figures.charts import finish

PANELS = 24  # properties of a chart of groups


def dependence(tests: pd.DataFrame) -> Any:
    """Property × output, colour for the effect, a dot where it is significant."""
    frame = tests.assign(significant=tests.p_holm <= ALPHA)
    largest = frame.assign(size=frame.effect.abs()).groupby("property")["size"].max()
    order = largest.sort_values(ascending=False).index.tolist()
    top = max(0.2, float(frame.effect.abs().max()))
    base = alt.Chart(frame).encode(
        x=alt.X("output:N", sort=list(dict.fromkeys(frame.output)), title=None, axis=alt.Axis(labelAngle=-35)),
        y=alt.Y("property:N", sort=order, title=None, axis=alt.Axis(labelLimit=260)),
    )
    cells = base.mark_rect().encode(
        color=alt.Color("effect:Q", title="effect", scale=alt.Scale(scheme="blueorange", domain=[-top, top], domainMid=0))
    )
    dots = base.transform_filter("datum.significant").mark_circle(color="#222", size=26)
    return finish((cells + dots).properties(width=alt.Step(46), height=alt.Step(20)))


def p_against_n(curves: pd.DataFrame) -> Any:
    """Median p-value against the number of items, a line a property."""
    frame = curves.assign(what=curves.property + " → " + curves.output, p=curves.p_value.clip(lower=1e-12))
    line = alt.Chart(frame).mark_line(point=True).encode(
        x=alt.X("n:Q", scale=alt.Scale(type="log"), title="items"),
        y=alt.Y("p:Q", scale=alt.Scale(type="log"), title="median p"), color=alt.Color("what:N", title=None),
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"p": [ALPHA]})).mark_rule(strokeDash=[4, 3], color="#555").encode(y="p:Q")
    return finish((line + rule).properties(width=420, height=220))


def groups(table: pd.DataFrame) -> Any:
    """Accuracy with intervals, a panel a property."""
    frame = table.dropna(subset=["accuracy"]) if "accuracy" in table else table.head(0)
    charts = []
    for name, panel in list(frame.groupby("property", sort=False))[:PANELS]:
        base = alt.Chart(panel, title=alt.Title(str(name), anchor="start", fontSize=11)).encode(
            y=alt.Y("group:N", sort=None, title=None, axis=alt.Axis(labelLimit=150))
        )
        scale = alt.Scale(
            domain=[max(0.0, float(frame.accuracy_low.min()) - 0.03), min(1.0, float(frame.accuracy_high.max()) + 0.03)]
        )
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("accuracy_low:Q", scale=scale, title="accuracy"), x2="accuracy_high:Q"
        )
        dots = base.mark_point(filled=True, size=45).encode(x=alt.X("accuracy:Q", scale=scale))
        charts.append((bars + dots).properties(width=190, height=alt.Step(16)))
    return finish(alt.concat(*charts, columns=3))


def dose(response: DoseResponse) -> Any:
    """Change of every class's probability by dose with its interval, and the share of changed decisions; of values alone."""
    of_values = response.flips.empty
    chart = alt.Chart(response.curve).encode(
        x=alt.X("dose:Q", title=f"{response.name}, {response.unit}"), color=alt.Color("class:N", title=None)
    )
    lines = chart.mark_line(point=True).encode(y=alt.Y("change:Q", title="change" if of_values else "change of probability"))
    bands = chart.mark_area(opacity=0.15).encode(y="low:Q", y2="high:Q")
    changes = (bands + lines).properties(width=330, height=200)
    if of_values:
        return finish(changes)
    share = alt.Y("changed_decisions:Q", title="changed decisions", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1]))
    flips = (
        alt.Chart(response.flips).mark_line(point=True, color="#555").encode(x=alt.X("dose:Q", title=response.unit), y=share)
    )
    return finish(alt.hconcat(changes, flips.properties(width=170, height=200)))


def strip(response: DoseResponse) -> np.ndarray | None:
    """One picture at every dose side by side, ``(h, w, 3)`` uint8; None where items are no pictures."""
    if not len(response.samples) or not isinstance(response.samples[0], np.ndarray) or response.samples[0].ndim not in (2, 3):
        return None
    colour = [sample if sample.ndim == 3 else np.repeat(sample[..., None], 3, 2) for sample in response.samples]
    return np.concatenate([np.pad(sample, ((0, 0), (0, 4), (0, 0)), constant_values=255) for sample in colour], axis=1)
