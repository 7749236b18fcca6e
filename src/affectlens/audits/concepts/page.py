"""The page, tables and figures of an audit of concepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd

from affectlens.audits.concepts.audit import CONFOUNDED, ConceptAudit
from affectlens.audits.concepts.library.base import concepts
from affectlens.figures.charts import finish
from affectlens.figures.page import Figure, Section, write_page

_ALPHA = 0.05
_METHODS = {
    "pattern": "the covariance of activations with the concept (pattern CAV, Pahde et al. 2022; for a yes-no concept the "
    "difference "
    "of the means)",
    "ridge": "ridge regression with a covariance shrunk by Ledoit and Wolf (2004; for a yes-no concept linear discriminant "
    "analysis)",
    "svm": "a linear support vector machine",
    "sgd": "a linear classifier trained by stochastic gradient descent (Kim et al. 2018)",
}


def write_concept_report(audit: ConceptAudit, folder: Path, meanings: dict[str, str] | None = None) -> Path:
    """``concepts``, ``support``, ``pairs``, ``agreement``, ``cosines``, ``completeness`` and ``examples`` as csv,
    ``settings.json``, figures and ``audit.html`` below ``folder``; ``meanings`` defines concepts that users made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (
        ("concepts", audit.tests.frame), ("support", audit.support), ("pairs", audit.pairs),
        ("agreement", audit.agreement),
        ("cosines", audit.cosines), ("completeness", audit.whole), ("examples", audit.examples),
    ):  # fmt: skip
        frame.to_csv(folder / f"{name}.csv", index=False)
    facts = audit.about | {"warnings": audit.tests.warnings, "unsupported": audit.unsupported}
    (folder / "settings.json").write_text(json.dumps(facts, indent=1, default=str, ensure_ascii=False), encoding="utf-8")
    a = audit.about
    accuracy = f"; it is right on {a['accuracy']:.1%} of them" if a["accuracy"] is not None else ""
    about = (
        f"A contextual LSTM reading {_and(a['modalities'])}, on {a['utterances']} utterances of {a['dialogues']} dialogues of "
        f"{a['corpus']}{accuracy}."
    )
    known = {n: c.meaning for n, c in concepts().items()} | (meanings or {})
    support = audit.support.assign(meaning=[known.get(c, "") for c in audit.support.concept])
    sections = [
        Section(
            "What was found", tuple(findings(audit)),
            (Figure(heat_map(audit.tests.frame), "heat-map",
                    "Shift of each concept's examples along the mean gradient of a class's logit, in standard deviations of "
                    "the "
                    "pool: orange speaks for the class, blue against it. ● p ≤ .05 over all tests (step-down max-T); ○ false "
                    "discovery rate ≤ .05 (Benjamini and Hochberg)."),),
            audit.tests.frame, f"All {len(audit.tests.frame)} tests",
        ),
        Section(
            "Within labels",
            ("A concept that goes with a label will show whatever else goes with that label. Here the label is held fixed: "
             "what "
             "is left of the concept's examples against others of the same label, and its own pseudo-concepts.",),
            (Figure(heat_map(audit.tests.frame, "shift within labels", "p within labels BH"), "within-labels",
                    "The same, with the label held fixed. ○ false discovery rate ≤ .05."),)
            if audit.tests.frame["shift within labels"].notna().any() else (),
        ),
        Section("Can the layers tell the concepts?",
                ("Balanced accuracy of each direction on dialogues that it was not made from; half is chance. Where the "
                 "network "
                 "does not hold a concept, nothing it says about it counts.",),
                (Figure(accuracy_chart(audit.tests.frame), "accuracy", "● better than the same concept dealt to random "
                        "utterances (p ≤ .05)."),)),
        Section("What the corpus supports", _support_text(audit),
                table=support, folded=f"{len(support)} concepts with definitions"),
        Section("How much of the prediction the concepts explain",
                ("Only what lies in the span of all concepts' directions is let through a layer; completeness is the share of "
                 "the network's answers that stay, above those that its mean state gives. As many pseudo-concepts are the "
                 "yardstick: in a layer of few dimensions any directions span what matters.",), table=audit.whole),
        Section("How alike are the directions?",
                ("Cosine of two concepts' directions at the layer that tells the concepts best. Alike directions cannot be "
                 "told "
                 "apart by any test, whatever the concepts are called.",),
                (Figure(cosine_chart(audit), "cosines", "Orange: the same way; blue: opposite ways."),)
                if len(audit.cosines) else (),
                audit.cosines, "All pairs at all layers"),
        Section("Do layers agree?",
                ("Correlation over utterances of what a concept's directions say at two layers.",),
                table=audit.agreement, folded="All pairs of layers"),
        Section("Examples", ("The examples that the last layer finds most typical of each concept, and utterances that it "
                             "takes "
                             "for one. Look here first when a result surprises.",),
                table=audit.examples, folded="Examples of every concept"),
        Section("Methods", (methods_paragraph(audit),)),
        Section("What to beware of", (*_beware(audit),)),
    ]  # fmt: skip
    return write_page(folder, "What concepts do for a model of expressed emotion", about, [s for s in sections if s.title])


def _and(names: Any) -> str:
    held = [str(n) for n in names]
    return held[0] if len(held) == 1 else f"{', '.join(held[:-1])} and {held[-1]}"


def findings(audit: ConceptAudit, most: int = 8) -> list[str]:
    """The strongest findings in words, those first that hold over all tests."""
    frame = audit.tests.frame
    sure = frame[(frame["p max-T"] <= _ALPHA) & (frame["accuracy p"] <= _ALPHA)]
    if not len(sure):
        return [f"Of {len(frame)} tests none holds over all of them (max-T) where the layer can tell the concept at all."]
    out = [
        f"{len(sure)} of {len(frame)} tests hold over all tests (max-T, p ≤ .05) at layers that can tell the concept; "
        f"{len(set(sure.concept))} of {frame.concept.nunique()} concepts are among them."
    ]
    strongest = sure.reindex(sure["shift"].abs().sort_values(ascending=False).index)
    # With two classes each test stands twice, with opposite signs.
    if frame["class"].nunique() == 2:
        strongest = strongest[strongest["shift"] > 0]
    for (concept, label), mine in list(strongest.groupby(["concept", "class"], sort=False))[:most]:
        r = mine.iloc[0]
        way = "for" if r["shift"] > 0 else "against"
        left = " It stays within labels." if r["p within labels BH"] <= _ALPHA else (
            "" if pd.isna(r["p within labels"]) else " With the label held fixed it is not shown."
        )  # fmt: skip
        where = f" and at {len(mine) - 1} more layer{'s' if len(mine) > 2 else ''}" if len(mine) > 1 else ""
        out.append(
            f"“{concept}” speaks {way} {label} at {_layer(r.layer)} ({r['shift']:+.2f} SD, {r.low:+.2f} to {r.high:+.2f}; p = "
            f"{r['p max-T']:.2g} over all tests){where}.{left}"
        )
    return out


def _support_text(audit: ConceptAudit) -> tuple[str, ...]:
    bound = audit.support[audit.support["confounded with the label"]]
    out = []
    if len(bound):
        said = [
            f"{r['concept']} ({r['bound to the label (V)']:.2f}, most with {r['most with']})" for r in bound.to_dict("records")
        ]
        out.append(f"Bound to the label at V ≥ {CONFOUNDED}: {', '.join(said)}.")
    if len(audit.pairs):
        pairs = [f"{r['concept']} and {r['with']} ({r['association (V)']:.2f})" for r in audit.pairs.to_dict("records")[:6]]
        out.append(f"Hard to tell apart: {', '.join(pairs)}.")
    grouped: dict[str, list[str]] = {}
    for name, why in audit.unsupported.items():
        grouped.setdefault(_reason(why), []).append(name)
    if grouped:
        out.append("Left out: " + "; ".join(f"{', '.join(names)} ({why})" for why, names in grouped.items()) + ".")
    return tuple(out)


def _reason(text: str) -> str:
    """The reason without the concept's name, which stands before it, in words where it names columns."""
    for sign, plain in (
        ("needs voice_", "needs recordings, to measure the voice"),
        ("needs face_", "needs faces: video, action units or markers"),
        ("needs start", "needs times"),
        ("needs norm_", "needs affect norms"),
    ):
        if sign in text:
            return plain
    return text.split("' ", 1)[1].split(", which")[0] if text.startswith("concept '") else text


def methods_paragraph(audit: ConceptAudit) -> str:
    """A paragraph ready for a paper."""
    a: dict[str, Any] = audit.about
    f = audit.tests.frame
    others = (
        "all other utterances"
        if not a["counterparts"]
        else f"each of {a['counterparts']} random sets of as many other utterances"
    )
    own = (
        "the gradient of an utterance's logit with respect to the layer's state at that utterance"
        if a["step"] == "own"
        else "the gradient of an utterance's logit summed over the layer's states of its dialogue"
    )
    return (
        f"Concept activation vectors (Kim et al. 2018) were made at {len(a['layers'])} layers of the network from "
        f"{_METHODS[a['method']]}, each concept's examples against {others} in a pool of {a['utterances']} utterances of "
        f"{a['dialogues']} dialogues. For each class, {own} was taken at the utterances of that class and scaled to unit "
        f"length. "
        "The statistic is the difference between the concept's examples and the others along the mean gradient, in standard "
        "deviations of the pool; mean cosine sensitivity and sign count are given beside it. Two-sided p-values are (1 + "
        "#)/(K + 1) "
        f"over K = {a['draws']} pseudo-concepts, made by letting whole dialogues of like length change places, so that "
        "examples that stand together stay together; all concepts were dealt alike. They were corrected over "
        f"{f.concept.nunique()} concepts × {f.layer.nunique()} layers × {f['class'].nunique()} classes by step-down max-T "
        f"(Westfall "
        "and Young 1993), Holm (1979) and Benjamini and Hochberg (1995). Intervals are 95 % percentile bootstraps over "
        "dialogues. "
        "Within labels, the label's means were taken from the concept first. Directions were checked by balanced accuracy in "
        f"five folds without shared dialogues against the concept dealt to random utterances. Seed {a['seed']}; affectlens."
    )


def _beware(audit: ConceptAudit) -> list[str]:
    return [
        *(f"{w[0].upper()}{w[1:]}." for w in audit.tests.warnings),
        "A test says that the model's answer moves with the direction of the concept's examples. Whether it moves because "
        "of the "
        "concept, or of something that goes with it, a test cannot say; the sections on labels and on pairs show what is "
        "known.",
    ]


def _ordered(frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Concepts by their largest shift, layers from input to output under their short names."""
    size = frame.assign(size=frame["shift"].abs()).groupby("concept")["size"].max()
    return list(size.sort_values(ascending=False).index), [_layer(m) for m in dict.fromkeys(frame.layer)]


def _layer(name: str) -> str:
    """A short name of a layer: ``branches.text.context`` becomes ``text context``."""
    return name.removeprefix("branches.").replace(".", " ") if name.startswith("branches.") else f"joined {name}"


def heat_map(frame: pd.DataFrame, value: str = "shift", p: str = "") -> Any:
    """Concept × layer, one panel a class (one of two, since they mirror each other), with marks of significance."""
    order, layers = _ordered(frame)
    labels = list(dict.fromkeys(frame["class"]))
    shown = labels[1:] if len(labels) == 2 else labels
    f = frame[frame["class"].isin(shown)].rename(columns={"class": "label"}).copy()
    f["layer"] = [_layer(m) for m in f.layer]
    f["value"] = f[value]
    f["mark"] = ""
    f.loc[f[p or "p BH"] <= _ALPHA, "mark"] = "○"
    if not p:
        f.loc[f["p max-T"] <= _ALPHA, "mark"] = "●"
    f = f[["concept", "layer", "label", "value", "mark"]]
    limit = float(max(f.value.abs().max(), 0.1))
    x = alt.X("layer:N", sort=layers, title=None, axis=alt.Axis(labelAngle=-90, labelLimit=160))
    y = alt.Y("concept:N", sort=order, title=None, axis=alt.Axis(labelLimit=220))
    colour = alt.Color(
        "value:Q", title="SD", scale=alt.Scale(domain=[-limit, 0, limit], range=["#0072B2", "#F7F7F7", "#D55E00"])
    )
    wide = max(18 * len(layers), 90)
    panels = []
    for i, label in enumerate(shown):
        mine = alt.Chart(f[f.label == label])
        cells = mine.mark_rect().encode(x=x, y=y if i % 4 == 0 else y.axis(None), color=colour)
        marks = mine.mark_text(fontSize=11, color="#111").encode(x=x, y=y if i % 4 == 0 else y.axis(None), text="mark:N")
        panels.append((cells + marks).properties(width=wide, height=15 * len(order), title=label))
    rows = [alt.hconcat(*panels[i : i + 4], spacing=8) for i in range(0, len(panels), 4)]
    return finish(alt.vconcat(*rows).resolve_scale(color="shared"))


def accuracy_chart(frame: pd.DataFrame) -> Any:
    """Balanced accuracy concept × layer."""
    order, layers = _ordered(frame)
    f = frame.drop_duplicates(["concept", "layer"])[["concept", "layer", "accuracy", "accuracy p"]].copy()
    f["layer"] = [_layer(m) for m in f.layer]
    f["mark"] = ["●" if p <= _ALPHA else "" for p in f["accuracy p"]]
    base = alt.Chart(f).encode(
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
    order, _ = _ordered(audit.tests.frame)
    layer = audit.tests.frame.groupby("layer").accuracy.mean().idxmax()
    mine = audit.cosines[audit.cosines.layer == layer]
    both = pd.concat([mine, mine.rename(columns={"concept": "other", "other": "concept"})])[["concept", "other", "cosine"]]
    scale = alt.Scale(domain=[-1, 0, 1], range=["#0072B2", "#F7F7F7", "#D55E00"])
    chart = (
        alt.Chart(both, title=alt.Title(_layer(str(layer)), fontSize=12))
        .mark_rect()
        .encode(
            x=alt.X("other:N", sort=order, title=None, axis=alt.Axis(labelAngle=-90, labelLimit=160)),
            y=alt.Y("concept:N", sort=order, title=None, axis=alt.Axis(labelLimit=220)),
            color=alt.Color("cosine:Q", title="cosine", scale=scale),
        )
    )
    return finish(chart.properties(width=16 * len(order), height=16 * len(order)))
