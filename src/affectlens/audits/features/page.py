"""The page and figures of an audit of the features' roles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from affectlens.audits.features.findings import agreement_sentence, features_sentence, groups_sentence
from affectlens.audits.features.roles import FOLDS
from affectlens.core.listing import rest
from affectlens.figures.charts import finish
from affectlens.figures.page import Figure, Section, write_page
from affectlens.perception.voice.catalogue import catalogue

if TYPE_CHECKING:
    from affectlens.audits.features.result import FeatureAudit

HEADINGS = {
    **{f"{name}_p_{end}": f"{name.replace('_', ' ')}, p{word}" for name in ("permuted", "conditional", "left_out")
       for end, word in (("value", ""), ("bh", " (BH)"), ("holm", " (Holm)"))},
    "recall_lost_permuted": "recall lost, permuted",
    "recall_lost_left_out": "recall lost, left out",
    "shap_logistic": "SHAP of logistic regression",
    "shapley_label": "Shapley for the label",
}  # fmt: skip
TOP = 20  # features of a chart
_GROUPS = {
    "F0": "#0072B2",
    "energy": "#E69F00",
    "spectral": "#009E73",
    "voice quality": "#CC79A7",
    "timing": "#8C8C8C",
    "planted": "#D55E00",
}


def write(audit: FeatureAudit, folder: Path) -> Path:
    """Figures and ``audit.html`` below ``folder``; gives the page's path."""
    model, data = audit.provenance.settings["kind"], audit.provenance.data
    about = f"{model} model, {FOLDS} folds without shared speakers, {data['items']} clips of {data['speakers']} speakers."
    sections = [_groups(audit), _features(audit), _corpora(audit)]
    if data.get("notes"):
        sections.append(Section("How the corpora were read", tuple(data["notes"])))
    return write_page(folder, f"What each acoustic feature does for a {model} model", about, sections, glance=audit.glance())


def charts(audit: FeatureAudit) -> dict[str, Callable[[], Any]]:
    """What draws each chart, by name."""
    return {
        "features": lambda: feature_chart(audit.features),
        "groups": lambda: group_chart(audit.groups),
        "shapley": lambda: shapley_chart(audit.shapley),
        "corpora": lambda: corpus_chart(audit.by_corpus, audit.features),
    }


def _groups(audit: FeatureAudit) -> Section:
    measures = (
        "Shuffled: the group's columns together, within a corpus. Conditional: only what the other groups do not foretell is "
        "shuffled. Left out: trained again without the group. Lines are 95 % intervals over speakers."
    )
    shapley = (
        "Exact Shapley value of each group for the log probability of the label, by corpus and emotion, against a mixed "
        "background."
    )
    figures = (
        Figure(group_chart(audit.groups), "groups", "Rise of the log loss, bit a clip."),
        Figure(shapley_chart(audit.shapley), "shapley", shapley),
    )
    table = audit.groups.rename(columns=HEADINGS)
    return Section("Groups of features", (groups_sentence(audit), measures), figures, table, "All numbers")


def _features(audit: FeatureAudit) -> Section:
    caption = f"What harms most when shuffled (dot); conditional (ring). {_rest(audit)}".rstrip()
    figure = Figure(feature_chart(audit.features), "features", caption)
    table = audit.features.drop(columns="statistic").rename(columns=HEADINGS)
    return Section("Single features", (features_sentence(audit),), (figure,), table, "All features")


def _rest(audit: FeatureAudit) -> str:
    return rest(TOP, len(audit.features), "features", "the table of all features")


def _corpora(audit: FeatureAudit) -> Section:
    text = [agreement_sentence(audit)]
    if len(audit.agreement):
        text.append("Intervals are from resampling speakers, which adds noise and pulls rank correlations towards zero.")
    caption = f"Rise of the log loss in each corpus, top features. {_rest(audit)}".rstrip()
    figure = Figure(corpus_chart(audit.by_corpus, audit.features), "corpora", caption)
    return Section("Do corpora agree?", tuple(text), (figure,), audit.agreement, "All pairs")


def group_chart(groups: pd.DataFrame) -> Any:
    """Three measures a group with intervals."""
    measures = {"permuted": "permuted", "conditional": "conditional", "left_out": "left out"}
    frame = pd.concat(
        groups[["group"]].assign(measure=word, value=groups[c], low=groups[f"{c}_low"], high=groups[f"{c}_high"])
        for c, word in measures.items()
    )
    words = list(measures.values())
    y = alt.Y("group:N", sort=list(groups.sort_values("permuted", ascending=False).group), title=None)
    offset = alt.YOffset("measure:N", sort=words)
    scale = alt.Scale(range=["#0072B2", "#56B4E9", "#D55E00"])
    colour = alt.Color("measure:N", sort=words, scale=scale, legend=alt.Legend(title=None, orient="top"))
    x = alt.X("value:Q", title="rise of the log loss (bit)")
    bars = alt.Chart(frame).mark_bar(height=8).encode(x=x, y=y, yOffset=offset, color=colour)
    lines = alt.Chart(frame).mark_rule(strokeWidth=1.5, color="grey").encode(x="low:Q", x2="high:Q", y=y, yOffset=offset)
    return finish(alt.layer(bars, lines).properties(width=540, height=alt.Step(13)))


def feature_chart(features: pd.DataFrame, top: int = TOP) -> Any:
    """The most important features: marginal with interval, conditional beside it, coloured by group."""
    titles = {entry.name: entry.title for entry in catalogue()}
    frame = features.head(top).assign(title=[titles.get(name, name) for name in features.feature.head(top)])
    y = alt.Y("title:N", sort=list(frame.title), title=None, axis=alt.Axis(labelLimit=380))
    shown = [group for group in _GROUPS if group in set(frame.group)] + sorted(set(frame.group) - set(_GROUPS))
    colour = alt.Color("group:N", scale=alt.Scale(domain=shown, range=[_GROUPS.get(group, "#7A5230") for group in shown]),
                       legend=alt.Legend(title=None, orient="top"))  # fmt: skip
    zero = alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(opacity=0.4).encode(x="x:Q")
    x = alt.X("permuted:Q", title="rise of the log loss (bit)")
    line = alt.Chart(frame).mark_rule(strokeWidth=1.5).encode(
        x=alt.X("permuted_low:Q", title=""), x2="permuted_high:Q", y=y, color=colour
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
            color=alt.Color("shapley:Q", scale=alt.Scale(scheme="viridis"), legend=alt.Legend(title="log probability")),
            column=alt.Column("corpus:N", title=None, sort=list(dict.fromkeys(shapley.corpus))),
        )
        .properties(width=240, height=110)
        .resolve_scale(x="shared")
    )


def corpus_chart(by_corpus: pd.DataFrame, features: pd.DataFrame, top: int = TOP) -> Any:
    """Importance of the overall top features in each corpus."""
    titles = {entry.name: entry.title for entry in catalogue()}
    names = list(features.feature.head(top))
    frame = by_corpus[(by_corpus.kind == "feature") & by_corpus.name.isin(names)]
    frame = frame.assign(title=[titles.get(name, name) for name in frame.name])
    limit = float(frame.permuted.abs().max())
    return finish(
        alt.Chart(frame)
        .mark_rect()
        .encode(
            x=alt.X("corpus:N", title=None, axis=alt.Axis(labelAngle=0), sort=list(dict.fromkeys(frame.corpus))),
            y=alt.Y("title:N", title=None, sort=[titles.get(name, name) for name in names], axis=alt.Axis(labelLimit=380)),
            color=alt.Color("permuted:Q", scale=alt.Scale(scheme="blueorange", domain=[-limit, limit]),
                            legend=alt.Legend(title="bit")),
        )
        .properties(width=340, height=alt.Step(17))
    )  # fmt: skip
