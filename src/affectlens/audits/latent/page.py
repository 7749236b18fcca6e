"""The page and figures of an audit of a speech latent."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from affectlens.audits.latent.clusters import ITSELF
from affectlens.audits.latent.directions import most_moved
from affectlens.audits.latent.findings import ALPHA, agreement_sentence, corpus_sentence
from affectlens.audits.latent.stability import over_seeds
from affectlens.figures.charts import COLOURS, finish
from affectlens.figures.page import Figure, Section, write_page
from affectlens.perception.voice.catalogue import catalogue

if TYPE_CHECKING:
    from affectlens.audits.latent.result import LatentAudit

_CYCLE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8C8C8C", "#5B3A91", "#7A5230"]
PANEL, PANELS = 7, 4  # associations of a direction, and directions, of a chart
_STRONGEST = (
    f"The {PANEL} features that go most with each direction and the label's dimensions, of no more than {PANELS} directions. "
    "All significant ones are in the table."
)
_MOST = 1500  # points drawn


def write(audit: LatentAudit, folder: Path) -> Path:
    """Figures and ``audit.html`` below ``folder``; gives the page's path."""
    kind = audit.provenance.settings["kind"]
    sections = [_space(audit), _agreement(audit), _clusters(audit), _corpora(audit), _directions(audit), _repeats(audit)]
    notes = audit.provenance.data.get("notes")
    if notes:
        sections.append(Section("How the corpora were read", tuple(notes)))
    return write_page(folder, f"Latent of a {kind} speech autoencoder", _about(audit), sections, glance=audit.glance())


def charts(audit: LatentAudit) -> dict[str, Callable[[], Any]]:
    """What draws each chart, by name."""
    return {
        "agreement": lambda: agreement_chart(audit.agreement),
        "projection": lambda: projection(audit.points),
        "associations": lambda: association_chart(audit.associations),
        "traversals": lambda: traversal_chart(audit.traversals),
    }


def _about(audit: LatentAudit) -> str:
    settings, data = audit.provenance.settings, audit.provenance.data
    return (
        f"{settings['kind']} autoencoder; trained on half of the speakers, examined on the {data['items_examined']} clips of "
        f"the other {data['speakers_examined']}; {settings['seeds']} seeds, {settings['draws']} permutations."
    )


def _space(audit: LatentAudit) -> Section:
    clusters = [
        f"{clustering.method} {clustering.count} clusters ({clustering.how}), {clustering.unclustered:.0%} in none"
        for clustering in audit.clusterings
    ]
    caption = (
        "t-SNE of the latents of clips whose speakers were not heard in training, coloured by what they are. Distances between "
        "far groups mean little."
    ) + (f" {_MOST} of {len(audit.points)} clips are drawn." if len(audit.points) > _MOST else "")
    return Section(
        "The latent space",
        (f"Clusters were found in the latent itself, not in this projection. {'; '.join(clusters)}.",),
        (Figure(projection(audit.points), "projection", caption),),
    )


def _agreement(audit: LatentAudit) -> Section:
    text = (
        "ARI and AMI are 0 for chance agreement and 1 for identity. Labels were permuted within speakers (emotion) or dealt to "
        "whole speakers (corpus, language, gender): clips of one voice are alike. p is adjusted by Holm."
    )
    caption = f"ARI of each clustering with each factor; pale where p adjusted is over {ALPHA}."
    return Section(
        "Are the clusters emotions, corpora or voices?",
        (text, agreement_sentence(audit)),
        (Figure(agreement_chart(audit.agreement), "agreement", caption),),
        audit.agreement.drop(columns="statistic").rename(columns={"ari": "ARI", "ami": "AMI"}),
        "All numbers",
    )


def _clusters(audit: LatentAudit) -> Section:
    table = audit.clusters.rename(columns={"most_unlike": "most unlike the rest in"})
    return Section("What each k-means cluster holds", (), (), table)


def _corpora(audit: LatentAudit) -> Section:
    title = "How much of it is the corpus"
    if audit.shift.empty:
        return Section(title, (corpus_sentence(audit),))
    text = (
        f"{corpus_sentence(audit)} Values under chance come from scaling a corpus by itself: the people left out then lie on "
        "the other side of the mean.",
        "MMD: its null deals whole speakers to corpora and is the value that different voices alone would give.",
    )
    headings = {"mmd_squared": "MMD squared", "mmd_squared_null": "MMD squared, null"}
    return Section(title, text, (), audit.shift.rename(columns=headings))


def _directions(audit: LatentAudit) -> Section:
    shares = ", ".join(f"{share:.0%}" for share in audit.directions.share)
    text = (
        f"Principal directions hold {shares} of the latent's variance. Each correlation is within speakers, averaged over "
        f"them; filled where p adjusted (Benjamini and Hochberg over all {len(audit.associations)} tests) is at most {ALPHA}. "
        "Valence and arousal are the published values of the label."
    )
    rebuilt = (
        "What the decoder rebuilds from two standard deviations below to two above the mean of each direction, in real units: "
        f"the features that move most, of no more than {PANELS} directions."
    )
    significant = audit.associations[audit.associations.p_bh <= ALPHA].sort_values(["direction", "p_value"])
    return Section(
        "What its directions mean",
        (text,),
        (
            Figure(association_chart(audit.associations), "associations", _STRONGEST),
            Figure(traversal_chart(audit.traversals), "traversals", rebuilt),
        ),
        significant,
        "All significant associations",
    )


def _repeats(audit: LatentAudit) -> Section:
    text = "Other seeds against the first, on the same clips: linear CKA and matched directions are 1 where they agree."
    return Section("Does it come out the same again?", (text,), (), over_seeds(audit.stability))


def projection(points: pd.DataFrame) -> Any:
    """Small multiples of the projection, one a factor and one of the k-means clusters."""
    if len(points) > _MOST:
        points = points.sample(_MOST, random_state=0)
    factors = {"emotion": "label", "corpus": "corpus", "language": "language", "gender": "gender", "speaker": "speaker",
               "k-means cluster": "k_means"}  # fmt: skip
    parts = [
        _projection_panel(points[["x", "y"]].assign(value=points[column].astype(str)), name) for name, column in factors.items()
    ]
    return finish(alt.concat(*parts, columns=3).resolve_scale(color="independent"))


def _projection_panel(frame: pd.DataFrame, name: str) -> Any:
    values = sorted(set(frame.value))
    many = len(values) > 10
    colours = (
        [COLOURS[value] for value in values] if name == "emotion" else [_CYCLE[i % len(_CYCLE)] for i in range(len(values))]
    )
    legend = None if many else alt.Legend(title=None, orient="bottom", columns=4, symbolOpacity=1)
    colour = alt.Color("value:N", scale=alt.Scale(domain=values, range=colours), legend=legend)
    title = f"{name} ({len(values)})" if many else name
    return (
        alt.Chart(frame, title=alt.Title(title, anchor="start", fontSize=13))
        .mark_circle(size=16, opacity=0.7)
        .encode(x=alt.X("x:Q", axis=None), y=alt.Y("y:Q", axis=None), color=colour)
        .properties(width=250, height=210)
    )


def agreement_chart(agreement: pd.DataFrame) -> Any:
    """ARI of each clustering (colour) with each factor."""
    frame = agreement[agreement.clusters != ITSELF].copy()
    frame["significant"] = frame.p_holm <= ALPHA
    return finish(
        alt.Chart(frame)
        .mark_bar(height=9)
        .encode(
            x=alt.X("ari:Q", title="adjusted Rand index"),
            y=alt.Y("factor:N", sort=list(dict.fromkeys(frame.factor)), title=None),
            yOffset=alt.YOffset("clusters:N"),
            color=alt.Color("clusters:N", scale=alt.Scale(range=_CYCLE[:3]), legend=alt.Legend(title=None, orient="top")),
            opacity=alt.condition("datum.significant", alt.value(1), alt.value(0.3)),
        )
        .properties(width=520, height=alt.Step(12))
    )


def association_chart(associations: pd.DataFrame, top: int = PANEL, most: int = PANELS) -> Any:
    """The strongest associations of the first directions with their intervals."""
    parts = [_association_panel(associations[associations.direction == k], k, top) for k in sorted(set(associations.direction))]
    return finish(alt.vconcat(*parts[:most]))


def _association_panel(rows: pd.DataFrame, direction: int, top: int) -> Any:
    titles = {entry.name: entry.title for entry in catalogue()}
    rows = rows.assign(strength=rows.correlation.abs())
    affect = rows[rows.feature.str.contains("of the label")]
    rows = pd.concat([rows[~rows.feature.isin(affect.feature)].nlargest(top, "strength"), affect])
    rows = rows.assign(
        title=[titles.get(feature, feature) for feature in rows.feature], significant=rows.p_bh <= ALPHA
    ).drop_duplicates("title")
    y = alt.Y("title:N", sort=list(rows.title), title=None, axis=alt.Axis(labelLimit=330))
    x = alt.X("correlation:Q", scale=alt.Scale(domain=[-1, 1]), title="Spearman correlation within speakers")
    fill = alt.condition("datum.significant", alt.value("#0072B2"), alt.value("white"))
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(opacity=0.4).encode(x="x:Q")
    line = alt.Chart(rows).mark_rule(strokeWidth=2, color="#0072B2").encode(x="low:Q", x2="high:Q", y=y)
    dot = alt.Chart(rows).mark_point(size=55, strokeWidth=2, color="#0072B2").encode(x=x, y=y, fill=fill)
    title = alt.Title(f"direction {direction}", anchor="start", fontSize=13)
    return alt.layer(zero, line, dot).properties(width=330, height=alt.Step(17), title=title)


def traversal_chart(traversals: pd.DataFrame, most: int = PANELS) -> Any:
    """Curves in real units: for each of the first directions the features that the decoder moves most."""
    entries = {entry.name: entry for entry in catalogue()}
    rows = []
    for k, names in list(most_moved(traversals, {entry.name: entry.group for entry in catalogue()}).items())[:most]:
        curves = traversals[traversals.direction == k]
        x = alt.X("score:Q", title=f"direction {k} (SD)", axis=alt.Axis(values=[-2, 0, 2]))
        panels = [_curve(curves[curves.feature == name], entries[name].title, entries[name].unit, x) for name in names]
        rows.append(alt.hconcat(*panels, spacing=40))
    return finish(alt.vconcat(*rows))


def _curve(curve: pd.DataFrame, title: str, unit: str, x: Any) -> Any:
    axis = alt.Axis(tickCount=4, format=".3~r")
    return (
        alt.Chart(curve, title=alt.Title(textwrap.wrap(title, 28), anchor="start", fontSize=10, limit=0))
        .mark_line(point=alt.OverlayMarkDef(size=18), color="#D55E00")
        .encode(x=x, y=alt.Y("value:Q", title=_short(unit), scale=alt.Scale(zero=False), axis=axis))
        .properties(width=150, height=105)
    )


def _short(unit: str) -> str:
    """A unit that fits beside a small chart."""
    short = unit.replace("semitones over 27.5 Hz", "semitones").replace("auditory units", "loudness")
    short = short.replace(" per second", "/s")
    return "no unit" if short == "1" else short
