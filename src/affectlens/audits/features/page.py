"""The page and figures of an audit of the features' roles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from affectlens.audits.features.audit import FeatureAudit
from affectlens.figures.charts import finish
from affectlens.figures.page import Figure, Section, write_page
from affectlens.perception.voice.catalogue import catalogue

_ALPHA = 0.05
_GROUPS = {
    "F0": "#0072B2",
    "energy": "#E69F00",
    "spectral": "#009E73",
    "voice quality": "#CC79A7",
    "timing": "#8C8C8C",
    "planted": "#D55E00",
}


def write_feature_report(audit: FeatureAudit, folder: Path) -> Path:
    """Tables, figures and ``audit.html`` below ``folder``."""
    audit.save(folder)
    s, f, g = audit.settings, audit.features, audit.groups
    found = {k: int((f[f"{k}, p adjusted"] <= _ALPHA).sum()) for k in ("permuted", "conditional")}
    strongest = g.sort_values("permuted", ascending=False)
    mean = audit.agreement[audit.agreement.corpora == "mean"].set_index("of")
    agreed = (
        f"Between corpora the ranks of features agree by {mean['rank correlation']['features']:.2f} and of groups by "
        f"{mean['rank correlation']['groups']:.2f} (mean Spearman correlation)."
        if len(mean)
        else "One corpus: there is nothing to compare."
    )
    about = f"{s['model']} model, {s['folds']} folds without shared speakers, {s['clips']} clips of {s['speakers']} speakers."
    left = g[g["left out, p adjusted"] <= _ALPHA].group.tolist()
    sections = [
        Section(
            "Groups of features",
            (
                f"Shuffling the {strongest.group.iloc[0]} features harms most, then {', '.join(strongest.group.iloc[1:])}. "
                + (f"Trained again without them, the model is significantly worse without {', '.join(left)}."
                   if left else "Trained again without any one group, the model is not significantly worse: they stand in for "
                   "each other."),
                "Shuffled: the group's columns together, within a corpus. Conditional: only what the other groups do not "
                "foretell is shuffled. Left out: trained again without the group. Lines are 95 % intervals over speakers.",
            ),
            (Figure(group_chart(g), "groups", "Rise of the log loss, bit a clip."),
             Figure(shapley_chart(audit.shapley), "shapley", "Exact Shapley value of each group for the log probability of the "
                    "label, by corpus and emotion, against a mixed background."),),
            g, "All numbers",
        ),
        Section(
            "Single features",
            (
                f"{found['permuted']} of {len(f)} features matter when shuffled, {found['conditional']} when only what the "
                "other features do not foretell is shuffled (p adjusted by Benjamini and Hochberg, one-sided, over speakers). "
                "Features that say the same share their importance: the conditional value tells what a feature adds.",
            ),
            (Figure(feature_chart(f), "features", "What harms most when shuffled (dot); conditional (ring)."),),
            f, "All features",
        ),
        Section(
            "Do corpora agree?",
            (agreed, "Intervals are from resampling speakers, which adds noise and pulls rank correlations towards zero."),
            (Figure(corpus_chart(audit.by_corpus, f), "corpora", "Rise of the log loss in each corpus, top features."),),
            audit.agreement, "All pairs",
        ),
    ]  # fmt: skip
    return write_page(folder, f"What each acoustic feature does for a {s['model']} model", about, sections)


def group_chart(groups: pd.DataFrame) -> Any:
    """Three measures a group with intervals."""
    parts = []
    for name in ("permuted", "conditional", "left out"):
        parts.append(groups[["group"]].assign(measure=name, value=groups[name], low=groups[f"{name}, low"],
                                              high=groups[f"{name}, high"]))  # fmt: skip
    frame = pd.concat(parts)
    order = list(groups.sort_values("permuted", ascending=False).group)
    y = alt.Y("group:N", sort=order, title=None)
    offset = alt.YOffset("measure:N", sort=["permuted", "conditional", "left out"])
    colour = alt.Color(
        "measure:N", sort=["permuted", "conditional", "left out"], scale=alt.Scale(range=["#0072B2", "#56B4E9", "#D55E00"]),
        legend=alt.Legend(title=None, orient="top"),
    )  # fmt: skip
    bars = alt.Chart(frame).mark_bar(height=8).encode(
        x=alt.X("value:Q", title="rise of the log loss (bit)"), y=y, yOffset=offset, color=colour
    )  # fmt: skip
    lines = alt.Chart(frame).mark_rule(strokeWidth=1.5, color="grey").encode(x="low:Q", x2="high:Q", y=y, yOffset=offset)
    return finish(alt.layer(bars, lines).properties(width=540, height=alt.Step(13)))


def feature_chart(features: pd.DataFrame, top: int = 20) -> Any:
    """The most important features: marginal with interval, conditional beside it, coloured by group."""
    titles = {f.name: f.title for f in catalogue()}
    frame = features.head(top).assign(title=[titles.get(n, n) for n in features.feature.head(top)])
    y = alt.Y("title:N", sort=list(frame.title), title=None, axis=alt.Axis(labelLimit=380))
    shown = [g for g in _GROUPS if g in set(frame.group)] + sorted(set(frame.group) - set(_GROUPS))
    colour = alt.Color("group:N", scale=alt.Scale(domain=shown, range=[_GROUPS.get(g, "#7A5230") for g in shown]),
                       legend=alt.Legend(title=None, orient="top"))  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(opacity=0.4).encode(x="x:Q")
    x = alt.X("permuted:Q", title="rise of the log loss (bit)")
    line = alt.Chart(frame).mark_rule(strokeWidth=1.5).encode(
        x=alt.X("permuted, low:Q", title=""), x2="permuted, high:Q", y=y, color=colour
    )  # fmt: skip
    dot = alt.Chart(frame).mark_circle(size=60, opacity=1).encode(x=x, y=y, color=colour)
    ring = alt.Chart(frame).mark_point(size=45, strokeWidth=1.8).encode(x="conditional:Q", y=y, color=colour)
    return finish(alt.layer(zero, line, dot, ring).properties(width=380, height=alt.Step(18)))


def shapley_chart(shapley: pd.DataFrame) -> Any:
    """Mean Shapley value of each group for the right class."""
    return finish(
        alt.Chart(shapley)
        .mark_rect()
        .encode(
            x=alt.X("class:N", title=None, axis=alt.Axis(labelAngle=0), sort=list(dict.fromkeys(shapley["class"]))),
            y=alt.Y("group:N", title=None, sort=list(_GROUPS)),
            color=alt.Color("Shapley:Q", scale=alt.Scale(scheme="viridis"), legend=alt.Legend(title="log probability")),
            column=alt.Column("corpus:N", title=None, sort=list(dict.fromkeys(shapley.corpus))),
        )
        .properties(width=240, height=110)
        .resolve_scale(x="shared")
    )


def corpus_chart(by_corpus: pd.DataFrame, features: pd.DataFrame, top: int = 20) -> Any:
    """Importance of the overall top features in each corpus."""
    titles = {f.name: f.title for f in catalogue()}
    names = list(features.feature.head(top))
    frame = by_corpus[(by_corpus.kind == "feature") & by_corpus.name.isin(names)]
    frame = frame.assign(title=[titles.get(n, n) for n in frame.name])
    limit = float(frame.permuted.abs().max())
    return finish(
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("corpus:N", title=None, axis=alt.Axis(labelAngle=0), sort=list(dict.fromkeys(frame.corpus))),
            y=alt.Y("title:N", title=None, sort=[titles.get(n, n) for n in names], axis=alt.Axis(labelLimit=380)),
            color=alt.Color("permuted:Q", scale=alt.Scale(scheme="blueorange", domain=[-limit, limit]),
                            legend=alt.Legend(title="bit")),
        )
        .properties(width=340, height=alt.Step(17))
    )  # fmt: skip
