"""The page and charts of an audit of concepts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from affectlens.audits.concepts.findings import (
    ALPHA,
    cautions,
    findings,
    layer_name,
    methods_paragraph,
    support_sentences,
)
from affectlens.figures.charts import finish
from affectlens.figures.page import Figure, Section, write_page

if TYPE_CHECKING:
    from affectlens.audits.concepts.result import ConceptAudit

HEADINGS = {
    "p_max_t": "p (max-T)", "p_within_labels": "p within labels",
    "shift": "shift (SD)", "cosine_p_value": "cosine p", "sign_count_p_value": "sign count p", "accuracy_p_value": "accuracy p",
    "p_within_labels_bh": "p within labels (BH)", "label_association": "bound to the label (V)",
    "confounded_with_label": "confounded with the label", "association": "association (V)",
    "pseudo_concepts": "pseudo-concepts", "typicality": "typical (SD)",
}  # fmt: skip


def write(audit: ConceptAudit, folder: Path) -> Path:
    """Figures and ``audit.html`` below ``folder``; gives the page's path."""
    sections = [
        _found(audit),
        _within_labels(audit),
        _accuracy(audit),
        _support(audit),
        _completeness(audit),
        _cosines(audit),
        _layers(audit),
        _examples(audit),
        Section("Methods", (methods_paragraph(audit),), quiet=True),
        Section("What to beware of", cautions(audit)),
    ]
    return write_page(
        folder, "What concepts do for a model of expressed emotion", _about(audit), sections, glance=audit.glance()
    )


def charts(audit: ConceptAudit) -> dict[str, Callable[[], Any]]:
    """What draws each chart, by name."""
    return {
        "heat-map": lambda: heat_map(audit.tests),
        "within-labels": lambda: heat_map(audit.tests, "shift_within_labels", "p_within_labels_bh"),
        "accuracy": lambda: accuracy_chart(audit.tests),
        "cosines": lambda: cosine_chart(audit),
    }


def _about(audit: ConceptAudit) -> str:
    data, model = audit.provenance.data, audit.provenance.model
    accuracy = f"; it is right on {model['accuracy']:.1%} of them" if model["accuracy"] is not None else ""
    pool = f"{data['items_examined']} utterances of {data['dialogues_examined']} dialogues of {data['corpus']}"
    return f"A contextual LSTM reading {_and(model['modalities'])}, on {pool}{accuracy}."


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _found(audit: ConceptAudit) -> Section:
    caption = (
        "Shift of each concept's examples along the mean gradient of a class's logit, in standard deviations of the pool: "
        "orange speaks for the class, blue against it. ● p ≤ .05 over all tests (step-down max-T); ○ false discovery rate ≤ "
        ".05 (Benjamini and Hochberg)."
    )
    figure = Figure(heat_map(audit.tests), "heat-map", caption)
    table = audit.tests.drop(columns="statistic").rename(columns=HEADINGS)
    return Section("What was found", tuple(findings(audit)), (figure,), table, f"All {len(audit.tests)} tests")


def _within_labels(audit: ConceptAudit) -> Section:
    text = (
        "A concept that goes with a label will show whatever else goes with that label. Here the label is held fixed: what is "
        "left of the concept's examples against others of the same label, and its own pseudo-concepts."
    )
    if audit.tests.shift_within_labels.isna().all():
        return Section("Within labels", (f"{text} It can only be asked of the methods pattern and ridge.",))
    figure = Figure(
        heat_map(audit.tests, "shift_within_labels", "p_within_labels_bh"),
        "within-labels",
        "The same, with the label held fixed. ○ false discovery rate ≤ .05.",
    )
    return Section("Within labels", (text,), (figure,))


def _accuracy(audit: ConceptAudit) -> Section:
    text = (
        "Balanced accuracy of each direction on dialogues that it was not made from; half is chance. Where the network does "
        "not hold a concept, nothing it says about it counts."
    )
    caption = "● better than the same concept dealt to random utterances (p ≤ .05)."
    return Section("Can the layers tell the concepts?", (text,), (Figure(accuracy_chart(audit.tests), "accuracy", caption),))


def _support(audit: ConceptAudit) -> Section:
    folded = f"{len(audit.support)} concepts with definitions"
    table = audit.support.rename(columns=HEADINGS)
    return Section("What the corpus supports", support_sentences(audit), table=table, folded=folded)


def _completeness(audit: ConceptAudit) -> Section:
    text = (
        "Only what lies in the span of all concepts' directions is let through a layer; completeness is the share of the "
        "network's answers that stay, above those that its mean state gives. As many pseudo-concepts are the yardstick: in a "
        "layer of few dimensions any directions span what matters."
    )
    title = "How much of the prediction the concepts explain"
    return Section(title, (text,), table=audit.completeness.rename(columns=HEADINGS))


def _cosines(audit: ConceptAudit) -> Section:
    text = (
        "Cosine of two concepts' directions at the layer that tells the concepts best. Alike directions cannot be told apart "
        "by any test, whatever the concepts are called."
    )
    figures = (Figure(cosine_chart(audit), "cosines", "Orange: the same way; blue: opposite ways."),)
    return Section(
        "How alike are the directions?",
        (text,),
        figures if len(audit.cosines) else (),
        audit.cosines.rename(columns=HEADINGS),
        "All pairs at all layers",
    )


def _layers(audit: ConceptAudit) -> Section:
    text = "Correlation over utterances of what a concept's directions say at two layers."
    table = audit.agreement.rename(columns=HEADINGS)
    return Section("Do layers agree?", (text,), table=table, folded="All pairs of layers")


def _examples(audit: ConceptAudit) -> Section:
    text = (
        "The examples that the last layer finds most typical of each concept, and utterances that it takes for one. Look here "
        "first when a result surprises."
    )
    table = audit.examples.rename(columns=HEADINGS)
    return Section("Examples", (text,), table=table, folded="Examples of every concept")


def _ordered(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Concepts by their largest shift, layers from input to output under their short names."""
    size = frame.assign(size=frame["shift"].abs()).groupby("concept")["size"].max()
    return list(size.sort_values(ascending=False).index), [layer_name(layer) for layer in dict.fromkeys(frame.layer)]


def heat_map(frame: pd.DataFrame, value: str = "shift", p_column: str = "") -> Any:
    """Concept × layer, one panel a class (one of two, since they mirror each other), with marks of significance."""
    order, layers = _ordered(frame)
    labels = list(dict.fromkeys(frame["class"]))
    shown = labels[1:] if len(labels) == 2 else labels
    cells = frame[frame["class"].isin(shown)].rename(columns={"class": "label"})
    marks = pd.Series("", index=cells.index).mask(cells[p_column or "p_bh"] <= ALPHA, "○")
    if not p_column:
        marks = marks.mask(cells.p_max_t <= ALPHA, "●")
    cells = cells.assign(layer=[layer_name(layer) for layer in cells.layer], value=cells[value], mark=marks)
    cells = cells[["concept", "layer", "label", "value", "mark"]]
    limit = float(max(cells.value.abs().max(), 0.1))
    scale = alt.Scale(domain=[-limit, 0, limit], range=["#0072B2", "#F7F7F7", "#D55E00"])
    panels = [_heat_panel(cells, label, order, layers, scale, i % 4 == 0) for i, label in enumerate(shown)]
    rows = [alt.hconcat(*panels[i : i + 4], spacing=8) for i in range(0, len(panels), 4)]
    return finish(alt.vconcat(*rows).resolve_scale(color="shared"))


def _heat_panel(cells: pd.DataFrame, label: str, order: list[str], layers: list[str], scale: Any, named: bool) -> Any:
    """One class; ``named`` for one that stands first in its row and has the names of the concepts beside it."""
    axis = alt.Axis(labelLimit=220) if named else None
    x = alt.X("layer:N", sort=layers, title=None, axis=alt.Axis(labelAngle=-90, labelLimit=160))
    y = alt.Y("concept:N", sort=order, title=None, axis=axis)
    base = alt.Chart(cells[cells.label == label]).encode(x=x, y=y)
    squares = base.mark_rect().encode(color=alt.Color("value:Q", title="SD", scale=scale))
    marks = base.mark_text(fontSize=11, color="#111").encode(text="mark:N")
    return (squares + marks).properties(width=max(18 * len(layers), 90), height=15 * len(order), title=label)


def accuracy_chart(frame: pd.DataFrame) -> Any:
    """Balanced accuracy concept × layer."""
    order, layers = _ordered(frame)
    best = frame.drop_duplicates(["concept", "layer"])[["concept", "layer", "accuracy", "accuracy_p_value"]].copy()
    best["layer"] = [layer_name(layer) for layer in best.layer]
    best["mark"] = ["●" if p_value <= ALPHA else "" for p_value in best["accuracy_p_value"]]
    base = alt.Chart(best).encode(
        x=alt.X("layer:N", sort=layers, title=None, axis=alt.Axis(labelAngle=-90, labelLimit=160)),
        y=alt.Y("concept:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
    )
    greens = alt.Scale(domain=[0.4, 0.5, 0.9], range=["#B8B8B8", "#F7F7F7", "#009E73"], clamp=True)
    cells = base.mark_rect().encode(
        color=alt.Color("accuracy:Q", title="accuracy", scale=greens)
    )  # fmt: skip
    marks = base.mark_text(fontSize=11, color="#111").encode(text="mark:N")
    return finish((cells + marks).properties(width=max(26 * len(layers), 160), height=15 * len(order)))


def cosine_chart(audit: ConceptAudit) -> Any:
    """Concept × concept at the layer with the best mean accuracy."""
    order, _ = _ordered(audit.tests)
    layer = audit.best_layer
    above = audit.cosines[audit.cosines.layer == layer]
    both = pd.concat([above, above.rename(columns={"concept": "other", "other": "concept"})])[["concept", "other", "cosine"]]
    scale = alt.Scale(domain=[-1, 0, 1], range=["#0072B2", "#F7F7F7", "#D55E00"])
    chart = (
        alt.Chart(both, title=alt.Title(layer_name(layer), fontSize=12))
        .mark_rect()
        .encode(
            x=alt.X("other:N", sort=order, title=None, axis=alt.Axis(labelAngle=-90, labelLimit=160)),
            y=alt.Y("concept:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
            color=alt.Color("cosine:Q", title="cosine", scale=scale),
        )
    )
    return finish(chart.properties(width=16 * len(order), height=16 * len(order)))
