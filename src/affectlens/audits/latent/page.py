"""The page and figures of an audit of a speech latent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from affectlens.audits.latent.audit import LatentAudit
from affectlens.figures.charts import COLOURS, finish
from affectlens.figures.page import Figure, Section, write_page
from affectlens.perception.voice.catalogue import catalogue

_CYCLE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#8C8C8C", "#5B3A91", "#7A5230"]
_MOST = 1500  # points drawn
_ALPHA = 0.05


def write_latent_report(audit: LatentAudit, folder: Path) -> Path:
    """Tables, figures and ``audit.html`` below ``folder``."""
    audit.save(folder)
    s = audit.settings
    about = (
        f"{s['kind']} autoencoder; trained on half of the speakers, examined on the {s['clips examined']} clips of the other "
        f"{s['speakers examined']}; {s['seeds']} seeds, {s['draws']} permutations."
    )
    chosen = "; ".join(f"{c.method} {c.count} clusters ({c.how}), {c.unclustered:.0%} in none" for c in audit.found)
    shift = audit.shift.set_index("representation")
    sections = [
        Section(
            "The latent space",
            (f"Clusters were found in the latent itself, not in this projection. {chosen}.",),
            (Figure(projection(audit.points), "projection", "t-SNE of the latents of clips whose speakers were not heard "
                    "in training, coloured by what they are. Distances between far groups mean little."),),
        ),
        Section(
            "Are the clusters emotions, corpora or voices?",
            (
                "ARI and AMI are 0 for chance agreement and 1 for identity. Labels were permuted within speakers (emotion) or "
                "dealt to whole speakers (corpus, language, gender): clips of one voice are alike. p is adjusted by Holm.",
                _verdict(audit.agreement),
            ),
            (Figure(agreement_chart(audit.agreement), "agreement", "ARI of each clustering with each factor; pale where p "
                    f"adjusted is over {_ALPHA}."),),
            audit.agreement,
            "All numbers",
        ),
        Section("What each k-means cluster holds", (), (), audit.clusters),
        Section(
            "How much of it is the corpus",
            (
                f"A probe tells the corpus of unheard speakers with mean recall {shift['corpus probe'].iloc[0]:.2f} from the "
                f"features as measured and {shift['corpus probe'].iloc[-1]:.2f} from the latent; chance is "
                f"{shift['chance'].iloc[0]:.2f}. Values under chance come from scaling a corpus by itself: the people left out "
                "then lie on the other side of the mean.",
                "MMD: its null deals whole speakers to corpora and is the value that different voices alone would give.",
            ),
            (),
            audit.shift,
        ),
        Section(
            "What its directions mean",
            (
                f"Principal directions hold {', '.join(f'{v:.0%}' for v in audit.directions.share)} of the latent's variance. "
                "Each correlation is within speakers, averaged over them; filled where p adjusted (Benjamini and Hochberg "
                f"over all {len(audit.associations)} tests) is at most {_ALPHA}. Valence and arousal are the published "
                "values of the label.",
            ),
            (
                Figure(association_chart(audit.associations), "associations", "The features that go most with each direction."),
                Figure(traversal_chart(audit), "traversals", "What the decoder rebuilds from two standard deviations below to "
                       "two above the mean of each direction, in real units."),
            ),
            audit.associations[audit.associations["p adjusted"] <= _ALPHA].sort_values(["direction", "p"]),
            "All significant associations",
        ),
        Section(
            "Does it come out the same again?",
            ("Other seeds against the first, on the same clips: linear CKA and matched directions are 1 where they agree.",),
            (),
            _stability_table(audit.stability),
        ),
    ]  # fmt: skip
    return write_page(folder, f"Latent of a {s['kind']} speech autoencoder", about, sections)


def _verdict(agreement: pd.DataFrame) -> str:
    own = agreement[(agreement.clusters != "(the factor itself)") & (agreement["p adjusted"] <= _ALPHA)]
    if own.empty:
        return "No clustering agrees with any factor beyond chance."
    best = own.sort_values("ARI", ascending=False).drop_duplicates("factor")
    parts = [f"{r.factor} (ARI {r.ARI:.2f}, {r.clusters})" for r in best.itertuples()]
    return f"Beyond chance the clusters agree with {', '.join(parts)}."


def projection(points: pd.DataFrame) -> Any:
    """Small multiples of the projection, one a factor and one of the k-means clusters."""
    if len(points) > _MOST:
        points = points.sample(_MOST, random_state=0)
    parts = []
    for name, column in (("emotion", "label"), ("corpus", "corpus"), ("language", "language"), ("gender", "gender"),
                         ("speaker", "speaker"), ("k-means cluster", "k-means")):  # fmt: skip
        frame = points[["x", "y"]].assign(value=points[column].astype(str))
        values = sorted(set(frame.value))
        many = len(values) > 10
        colours = [COLOURS[v] for v in values] if name == "emotion" else [_CYCLE[i % len(_CYCLE)] for i in range(len(values))]
        legend = None if many else alt.Legend(title=None, orient="bottom", columns=4, symbolOpacity=1)
        title = f"{name} ({len(values)})" if many else name
        parts.append(
            alt.Chart(frame, title=alt.Title(title, anchor="start", fontSize=13))
            .mark_circle(size=16, opacity=0.7)
            .encode(
                x=alt.X("x:Q", axis=None), y=alt.Y("y:Q", axis=None),
                color=alt.Color("value:N", scale=alt.Scale(domain=values, range=colours), legend=legend),
            )
            .properties(width=250, height=210)
        )  # fmt: skip
    return finish(alt.concat(*parts, columns=3).resolve_scale(color="independent"))


def agreement_chart(agreement: pd.DataFrame) -> Any:
    """ARI of each clustering (colour) with each factor."""
    frame = agreement[agreement.clusters != "(the factor itself)"].copy()
    frame["significant"] = frame["p adjusted"] <= _ALPHA
    return finish(
        alt.Chart(frame)
        .mark_bar(height=9)
        .encode(
            x=alt.X("ARI:Q", title="adjusted Rand index"),
            y=alt.Y("factor:N", sort=list(dict.fromkeys(frame.factor)), title=None),
            yOffset=alt.YOffset("clusters:N"),
            color=alt.Color("clusters:N", scale=alt.Scale(range=_CYCLE[:3]), legend=alt.Legend(title=None, orient="top")),
            opacity=alt.condition("datum.significant", alt.value(1), alt.value(0.3)),
        )
        .properties(width=520, height=alt.Step(12))
    )


def association_chart(associations: pd.DataFrame, top: int = 7, most: int = 4) -> Any:
    """The strongest associations of the first directions with their intervals."""
    titles = {f.name: f.title for f in catalogue()}
    parts = []
    for k in sorted(set(associations.direction))[:most]:
        mine = associations[associations.direction == k].assign(strength=lambda d: d.correlation.abs())
        affect = mine[mine.feature.str.contains("of the label")]
        mine = pd.concat([mine[~mine.feature.isin(affect.feature)].nlargest(top, "strength"), affect])
        mine = mine.assign(title=[titles.get(f, f) for f in mine.feature], significant=mine["p adjusted"] <= _ALPHA)
        mine = mine.drop_duplicates("title")
        y = alt.Y("title:N", sort=list(mine.title), title=None, axis=alt.Axis(labelLimit=330))
        zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(opacity=0.4).encode(x="x:Q")
        line = alt.Chart(mine).mark_rule(strokeWidth=2, color="#0072B2").encode(x="low:Q", x2="high:Q", y=y)
        dot = (
            alt.Chart(mine)
            .mark_point(size=55, strokeWidth=2, color="#0072B2")
            .encode(
                x=alt.X("correlation:Q", scale=alt.Scale(domain=[-1, 1]), title="Spearman correlation within speakers"),
                y=y,
                fill=alt.condition("datum.significant", alt.value("#0072B2"), alt.value("white")),
            )
        )
        chart = alt.layer(zero, line, dot).properties(
            width=330, height=alt.Step(17), title=alt.Title(f"direction {k}", anchor="start", fontSize=13)
        )
        parts.append(chart)
    return finish(alt.vconcat(*parts))


def traversal_chart(audit: LatentAudit, most: int = 4, top: int = 4) -> Any:
    """Curves in real units: for each direction the features that the decoder moves most, one of a group at most twice."""
    entries = {f.name: f for f in catalogue()}
    rows = []
    for k in sorted(set(audit.traversals.direction))[:most]:
        mine = audit.traversals[audit.traversals.direction == k]
        reach = mine.groupby("feature").normalised.agg(lambda v: float(np.ptp(v))).sort_values(ascending=False)
        chosen: list[str] = []
        for name in reach.index:
            group = [entries[c].group for c in chosen]
            if group.count(entries[name].group) < 2 and len(chosen) < top:
                chosen.append(str(name))
        charts = []
        for name in chosen:
            f = entries[name]
            curve = mine[mine.feature == name]
            charts.append(
                alt.Chart(curve, title=alt.Title(f.title, anchor="start", fontSize=10, limit=190))
                .mark_line(point=alt.OverlayMarkDef(size=18), color="#D55E00")
                .encode(
                    x=alt.X("score:Q", title=f"direction {k} (SD)", axis=alt.Axis(values=[-2, 0, 2])),
                    y=alt.Y(
                        "value:Q", title=_short(f.unit), scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4, format=".3~r")
                    ),
                )
                .properties(width=150, height=105)
            )
        rows.append(alt.hconcat(*charts))
    return finish(alt.vconcat(*rows))


def _short(unit: str) -> str:
    """A unit that fits beside a small chart."""
    short = unit.replace("semitones over 27.5 Hz", "semitones").replace("auditory units", "loudness")
    short = short.replace(" per second", "/s")
    return "no unit" if short == "1" else short


def _stability_table(stability: pd.DataFrame) -> pd.DataFrame:
    """Mean over seeds of each measure, with the lowest and highest seed; the bootstrap's row as it is."""
    seeds = stability[stability.compared.str.startswith("seed")]
    grouped = seeds.groupby("measure", sort=False).value.agg(["mean", "min", "max"]).reset_index()
    grouped.columns = pd.Index(["measure", "mean", "lowest", "highest"])
    boot = stability[stability.compared == "resampled speakers"]
    more = pd.DataFrame({"measure": "ARI of k-means, resampled speakers (95 %)", "mean": boot.value, "lowest": boot.low,
                         "highest": boot.high})  # fmt: skip
    return pd.concat([grouped, more], ignore_index=True)
