"""Figures of the audit of objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import cv2
import numpy as np
import pandas as pd

from affectlens.audits.objects.examples import Example
from affectlens.audits.objects.statistics import ALPHA
from affectlens.explainers.cam.draw import heat
from affectlens.figures.charts import finish
from affectlens.figures.page import Picture

if TYPE_CHECKING:
    pass

MOST = 30  # objects of a heat map; all are in the table
EACH = 6  # objects of an emotion
_HIGH = 180  # pixels of an example's pictures
_FEW = alt.Axis(tickCount=4, labelFlush=False)  # labels that never run into each other


def lifts(table: pd.DataFrame) -> Any:
    """Emotion × object, colour on a logarithmic scale about 1, with marks of significance; the objects of most pictures."""
    frame = table.dropna(subset=["lift"]).copy()
    most = frame.groupby("object").images.sum().sort_values(ascending=False).index[:MOST]
    frame = frame[frame.object.isin(most)]
    order = frame.groupby("object").lift.mean().sort_values(ascending=False).index.tolist()
    frame["doublings"] = np.log2(frame.lift.clip(1 / 8, 8))
    shown = frame.p_bh <= ALPHA
    above_others = (frame.p_others_bh <= ALPHA) & ((frame.over_others > 0) == (frame.lift > 1))
    frame["mark"] = np.where(shown & above_others, "●", np.where(shown, "○", ""))
    frame["text"] = [f"{lift:.2f}" if lift < 10 else f"{lift:.0f}" for lift in frame.lift]
    base = alt.Chart(frame[["emotion", "object", "doublings", "mark", "text"]]).encode(
        x=alt.X("emotion:N", title=None, axis=alt.Axis(labelAngle=-35, labelLimit=150)),
        y=alt.Y("object:N", sort=order, title=None, axis=alt.Axis(labelLimit=160)),
    )
    limit = max(1.0, float(frame.doublings.abs().max()))
    colour = alt.Color(
        "doublings:Q",
        title="lift, doublings",
        scale=alt.Scale(domain=[-limit, 0, limit], range=["#0072B2", "#F7F7F7", "#D55E00"]),
    )
    cells = base.mark_rect().encode(color=colour)
    dark = alt.condition(f"abs(datum.doublings) > {0.7 * limit:.3f}", alt.value("white"), alt.value("#222"))
    numbers = base.mark_text(fontSize=10, dx=-6).encode(text="text:N", color=dark)
    marks = base.mark_text(fontSize=11, dx=14).encode(text="mark:N", color=dark)
    return finish((cells + numbers + marks).properties(width=alt.Step(58), height=alt.Step(22)))


def ranked(table: pd.DataFrame) -> Any:
    """Largest lifts of each emotion with intervals, a panel an emotion; emotions of most pictures first."""
    frame = table.dropna(subset=["lift"]).copy()
    frame["shown"] = frame.p_bh <= ALPHA
    frame = frame.sort_values("lift", ascending=False).groupby("emotion").head(EACH)
    emotions = frame.groupby("emotion").images.max().sort_values(ascending=False).index.tolist()
    top = float(min(frame.high.max(), 2 * frame.lift.max()))
    frame["high"] = frame.high.clip(upper=top)
    panels = []
    for emotion in emotions:
        panel = frame[frame.emotion == emotion][["object", "lift", "low", "high", "shown"]]
        y = alt.Y("object:N", sort=panel.object.tolist(), title=None, axis=alt.Axis(labelLimit=110, ticks=False, domain=False))
        x = alt.X("lift:Q", title=None, axis=_FEW, scale=alt.Scale(domain=[0, top]))
        bars = (
            alt.Chart(panel)
            .mark_rule(strokeWidth=2, opacity=0.6, color="#0072B2")
            .encode(x=alt.X("low:Q", title=None, axis=_FEW), x2="high:Q", y=y)
        )
        full = alt.condition("datum.shown", alt.value("#0072B2"), alt.value("#FFFFFF"))
        dots = alt.Chart(panel).mark_point(size=60, filled=True, stroke="#0072B2", strokeWidth=1.5, opacity=1)
        unit_line = alt.Chart(pd.DataFrame({"x": [1]})).mark_rule(strokeDash=[3, 3], opacity=0.6).encode(x="x:Q")
        panels.append(
            (unit_line + bars + dots.encode(x=x, y=y, color=full)).properties(
                title=emotion, width=170, height=18 * max(len(panel), 2)
            )
        )
    rows = [alt.hconcat(*panels[i : i + 3], spacing=14) for i in range(0, len(panels), 3)]
    return finish(alt.vconcat(*rows))


def agreement(table: pd.DataFrame) -> Any:
    """Method × method."""
    frame = table[table.of == "lift"] if (table.of == "lift").any() else table
    both = pd.concat([frame, frame.rename(columns={"method": "against", "against": "method"})])
    both = both.assign(text=[f"{value:.2f}" for value in both.spearman])
    names = list(dict.fromkeys([*frame.method, *frame.against]))
    base = alt.Chart(both[["method", "against", "spearman", "text"]]).encode(
        x=alt.X("against:N", sort=names, title=None, axis=alt.Axis(labelAngle=-35)), y=alt.Y("method:N", sort=names, title=None)
    )
    scale = alt.Scale(domain=[-1, 0, 1], range=["#0072B2", "#F7F7F7", "#D55E00"])
    cells = base.mark_rect().encode(color=alt.Color("spearman:Q", title="Spearman", scale=scale))
    return finish(
        (cells + base.mark_text(fontSize=11).encode(text="text:N")).properties(width=alt.Step(64), height=alt.Step(26))
    )


def effects(table: pd.DataFrame) -> Any:
    """Mean change of the probability with interval and control, over all emotions."""
    frame = table[table.emotion == "all"].copy()
    frame["shown"] = frame.p_holm <= ALPHA
    frame["thing"] = frame.object.where(frame.object != "", frame.change)
    most = frame.groupby("thing").images.sum().sort_values(ascending=False).index[:MOST]
    frame = frame[frame.thing.isin(most)]
    order = frame.groupby("thing").effect.mean().sort_values().index.tolist()
    whole = bool((frame.object == "").all())
    panels = []
    for change in ["the picture"] if whole else list(dict.fromkeys(frame.change)):
        panel = (frame if whole else frame[frame.change == change])[["thing", "effect", "low", "high", "control", "shown"]]
        y = alt.Y("thing:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, ticks=False, domain=False))
        base = alt.Chart(panel)
        spans = base.mark_rule(strokeWidth=2, color="#0072B2", opacity=0.6).encode(
            x=alt.X("low:Q", title=None, axis=_FEW), x2="high:Q", y=y
        )
        full = alt.condition("datum.shown", alt.value("#0072B2"), alt.value("#FFFFFF"))
        dots = base.mark_point(size=60, filled=True, stroke="#0072B2", strokeWidth=1.5, opacity=1).encode(
            x="effect:Q", y=y, color=full
        )
        ticks = (
            base.transform_filter("isValid(datum.control)")
            .mark_tick(color="#D55E00", thickness=3, size=13)
            .encode(x="control:Q", y=y)
        )
        zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(strokeDash=[3, 3], opacity=0.6).encode(x="x:Q")
        title = "" if whole else change
        panels.append(
            (zero + spans + ticks + dots).properties(title=title, width=240, height=18 * max(panel.thing.nunique(), 2))
        )
    rows = [alt.hconcat(*panels[i : i + 2], spacing=16) for i in range(0, len(panels), 2)]
    return finish(alt.vconcat(*rows))


def foretold(table: pd.DataFrame) -> Any:
    """Rank correlations with intervals; grey for bare area."""
    order = table.sort_values("spearman", ascending=False).method.tolist()
    y = alt.Y("method:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False))
    colour = alt.condition("datum.method == 'area alone'", alt.value("#8C8C8C"), alt.value("#0072B2"))
    base = alt.Chart(table[["method", "spearman", "low", "high"]])
    x = alt.X("low:Q", title="Spearman correlation with the fall when removed", axis=_FEW, scale=alt.Scale(domain=[-1, 1]))
    spans = base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=x, x2="high:Q", y=y, color=colour)
    dots = base.mark_point(size=70, filled=True, opacity=1).encode(x="spearman:Q", y=y, color=colour)
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(strokeDash=[3, 3], opacity=0.6).encode(x="x:Q")
    return finish((zero + spans + dots).properties(width=360, height=22 * len(table)))


def example_pictures(examples: Sequence[Example]) -> tuple[Picture, ...]:
    """One row of pictures an emotion: each picture with boxes, and its map."""
    out = []
    for emotion in dict.fromkeys(example.emotion for example in examples):
        of_emotion = [example for example in examples if example.emotion == emotion]
        tiles = [tile for example in of_emotion for tile in (_boxed(example), _mapped(example))]
        gap = np.full((_HIGH, 6, 3), 255, np.uint8)
        strip = np.concatenate([part for tile in tiles for part in (tile, gap)][:-1], axis=1)
        names = ", ".join(example.key for example in of_emotion)
        out.append(Picture(strip, f"examples-{emotion.replace(' ', '-')}", f"{emotion}: {of_emotion[0].object} ({names})"))
    return tuple(out)


def _size(picture: np.ndarray) -> tuple[int, int]:
    return max(8, round(picture.shape[1] * _HIGH / picture.shape[0])), _HIGH


def _boxed(example: Example) -> np.ndarray:
    picture = example.picture if example.picture.ndim == 3 else cv2.cvtColor(example.picture, cv2.COLOR_GRAY2RGB)
    size, factor = _size(picture), _HIGH / picture.shape[0]
    out = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    for thing in sorted(example.things, key=lambda thing: thing.name == example.object):  # the object itself is drawn last
        left, top, right, bottom = (round(edge * factor) for edge in thing.box)
        meant = thing.name == example.object
        cv2.rectangle(
            out, (left, top), (right, bottom), (240, 138, 24) if meant else (235, 235, 235), 2 if meant else 1, cv2.LINE_AA
        )
        if meant:
            corner = (max(left, 0) + 2, max(top + 12, 12))
            for shade, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
                cv2.putText(out, thing.name, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.4, shade, thickness, cv2.LINE_AA)
    return np.asarray(out)


def _mapped(example: Example) -> np.ndarray:
    return heat(example.picture, example.relevance, _size(example.picture))
