"""What is usual, as charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from affectlens.figures.charts import colour, finish


def usual_chart(usual: Mapping[str, float], low: Sequence[float], high: Sequence[float], here: Mapping[str, float]) -> Any:
    """The person's shares by class (dots) on the context's smoothed average (bars) with its interval."""
    labels = list(usual)
    frame = pd.DataFrame(
        {
            "label": labels,
            "usual": list(usual.values()),
            "low": list(low),
            "high": list(high),
            "here": [here[label] for label in labels],
        }
    )
    base = alt.Chart(frame).encode(y=alt.Y("label:N", sort=labels, title=None))
    scale = alt.Scale(domain=[0, max(0.5, float(frame[["here", "high"]].max().max()) * 1.05)])
    bars = base.mark_bar(height=12, opacity=0.55).encode(
        x=alt.X("usual:Q", title="share; bar: usual here, dot: this person", axis=alt.Axis(format="%"), scale=scale),
        color=alt.Color("label:N", scale=alt.Scale(domain=labels, range=[colour(label) for label in labels]), legend=None),
    )
    lines = base.mark_rule(color="#555").encode(x=alt.X("low:Q", scale=scale), x2="high:Q")
    dots = base.mark_point(filled=True, size=70, color="#111").encode(x=alt.X("here:Q", scale=scale))
    return finish((bars + lines + dots).properties(width=330, height=alt.Step(20)))


def averages_chart(frame: pd.DataFrame, labels: tuple[str, ...]) -> Any:
    """Stacked smoothed averages, one bar a context, those of few people faint."""
    long = frame[frame.by != "all"].melt(["by", "value", "people"], list(labels), "label", "share")
    long["context"] = long.value.str.replace("_", " ") + " (" + long.people.astype(str) + ")"
    order = [f"{value} ({people})".replace("_", " ") for value, people in zip(frame.value, frame.people, strict=True)]
    charts = []
    for by in dict.fromkeys(long.by):
        part = alt.Chart(long[long.by == by], title=alt.Title(by, anchor="start", fontSize=12))
        charts.append(
            part.mark_bar().encode(
                y=alt.Y("context:N", sort=order, title=None, axis=alt.Axis(labelLimit=200)),
                x=alt.X("share:Q", title="smoothed average share", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
                color=alt.Color("label:N", sort=list(labels), title=None,
                                scale=alt.Scale(domain=list(labels), range=[colour(label) for label in labels])),
                opacity=alt.condition(alt.datum.people >= 5, alt.value(1.0), alt.value(0.45)),
            ).properties(width=420, height=alt.Step(18))
        )  # fmt: skip
    return finish(alt.vconcat(*charts))
