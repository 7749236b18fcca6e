"""Charts, by Altair; rendered to svg and png without a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from affectlens.core.disk.files import write_text, write_whole
from affectlens.core.labels import EKMAN7
from affectlens.perception.face.regions import RegionShare

# Okabe & Ito's palette: told apart by people with any colour vision; neutral is grey.
COLOURS = {
    "anger": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happiness": "#E69F00",
    "sadness": "#0072B2",
    "surprise": "#56B4E9",
    "neutral": "#8C8C8C",
}
_OTHERS = ("#7A5195", "#A05D00", "#4C9A8A", "#B5485D", "#5C6BC0", "#8D8741")  # classes of other schemes, in turn
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"


def colour(label: str) -> str:
    """The colour of a class: of the seven as in ``COLOURS``, of others always the same one of a few."""
    return COLOURS.get(label) or _OTHERS[sum(map(ord, label)) % len(_OTHERS)]


def finish(chart: Any) -> Any:
    """A chart in the house's style."""
    return (
        chart.configure(background="transparent", font=FONT, padding={"left": 34, "top": 6, "right": 26, "bottom": 14})
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12, gridOpacity=0.25, domainOpacity=0.4, tickOpacity=0.4)
        .configure_header(labelFontSize=13)
        .configure_legend(labelFontSize=12)
    )


def timeline(rows: pd.DataFrame, width: int = 620) -> Any:
    """Probability of each class over time for one person: a heat strip a class, the winner of each segment dotted."""
    classes = list(EKMAN7.labels)
    good = rows[rows.status == "ok"]
    long = good.melt(
        id_vars=["start", "end", "label"],
        value_vars=[f"p_{label}" for label in classes],
        var_name="class",
        value_name="probability",
    )
    long["class"] = long["class"].str.removeprefix("p_")
    long["middle"] = (long.start + long.end) / 2
    x = alt.X(
        "start:Q",
        title="seconds",
        scale=alt.Scale(domain=[float(rows.start.min()), float(max(rows.end.max(), rows.start.min() + 1))], nice=False),
    )
    y = alt.Y("class:N", sort=classes, title=None, axis=alt.Axis(grid=False, ticks=False, domain=False))
    strips = (
        alt.Chart(long)
        .mark_rect(stroke="white", strokeOpacity=0.15)
        .encode(
            x=x,
            x2="end:Q",
            y=y,
            color=alt.Color(
                "probability:Q",
                scale=alt.Scale(scheme="viridis", domain=[0, 1]),
                legend=alt.Legend(title="probability", orient="right", gradientLength=110),
            ),
        )
    )
    winners = (
        alt.Chart(long[long["class"] == long.label])
        .mark_point(shape="circle", filled=True, size=42, color="white", stroke="black", strokeWidth=1.2, opacity=1)
        .encode(x=alt.X("middle:Q"), y=alt.Y("class:N", sort=classes))
    )
    layers = [strips, winners]
    lost = rows[rows.status != "ok"]
    if len(lost):
        marks = lost.assign(middle=(lost.start + lost.end) / 2, word="not read")
        layers.append(alt.Chart(marks).mark_rule(strokeDash=[3, 3], opacity=0.5, color="grey").encode(x="middle:Q"))
    return finish(alt.layer(*layers).properties(width=width, height=22 * len(classes)))


def regions(shares: list[RegionShare], width: int = 250) -> Any:
    """Share of relevance (bar) against share of area (tick) of each region of one face."""
    frame = pd.DataFrame(
        [{"region": share.region, "relevance": share.relevance, "area": share.area} for share in shares if share.area > 0.004]
    ).sort_values("relevance", ascending=False)
    order = list(frame.region)
    top = max(0.1, float(frame[["relevance", "area"]].to_numpy().max()) * 1.05)
    x = alt.X(
        "relevance:Q",
        title="share of relevance (bar), of area (tick)",
        axis=alt.Axis(format="%", tickCount=4),
        scale=alt.Scale(domain=[0, top]),
    )
    y = alt.Y("region:N", sort=order, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=130))
    bars = alt.Chart(frame).mark_bar(color="#E69F00", height=11).encode(x=x, y=y)
    ticks = alt.Chart(frame).mark_tick(color="#56B4E9", thickness=3, size=15).encode(x="area:Q", y=y)
    return finish(alt.layer(bars, ticks).properties(width=width, height=17 * len(frame)))


def modality_shares(weights: pd.DataFrame, width: int = 620) -> Any:
    """Shapley value of each modality in each segment where several spoke (columns start, modality, value)."""
    zero = alt.Chart(pd.DataFrame({"y": [0]})).mark_rule(opacity=0.5).encode(y="y:Q")
    bars = (
        alt.Chart(weights)
        .mark_bar(width=9)
        .encode(
            x=alt.X("start:Q", title="seconds"),
            xOffset=alt.XOffset("modality:N"),
            y=alt.Y("value:Q", title="log-odds for the fused class"),
            color=alt.Color(
                "modality:N",
                scale=alt.Scale(range=["#E69F00", "#0072B2", "#009E73", "#CC79A7"]),
                legend=alt.Legend(title=None, orient="top"),
            ),
        )
    )
    return finish(alt.layer(bars, zero).properties(width=width, height=140))


def svg(chart: Any) -> str:
    """The chart as an svg element for a page; text takes the page's colour by css."""
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(chart.to_json(validate=False))
    return text[text.index("<svg") :]


def save(chart: Any, path: Path) -> str:
    """Write ``path``.svg and ``path``.png; gives the svg, so that nothing is drawn twice."""
    drawn = save_svg(chart, path)
    save_png(path.with_name(f"{path.name}.svg"))
    return drawn


def save_svg(chart: Any, path: Path) -> str:
    """Write ``path``.svg; gives what was written."""
    drawn = svg(chart)
    write_text(path.with_name(f"{path.name}.svg"), drawn)
    return drawn


def save_png(file: Path) -> Path:
    """Write the picture of an svg file beside it, on white and twice the size; gives the picture's path."""
    import vl_convert

    begin, end, rest = file.read_text(encoding="utf-8").partition(">")
    white = f'{begin}{end}<rect width="100%" height="100%" fill="white"/>{rest}'
    png = vl_convert.svg_to_png(white, scale=2.0)
    return write_whole(file.with_suffix(".png"), lambda partial: partial.write_bytes(png))
