"""What an audit of concepts found, in sentences, and the paragraph on its methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from affectlens.audits.concepts.cav.space import method_name
from affectlens.audits.concepts.tables import CONFOUNDED

if TYPE_CHECKING:
    from affectlens.audits.concepts.result import ConceptAudit

ALPHA = 0.05
METHODS = {
    "pattern": "the covariance of activations with the concept (pattern CAV, Pahde et al. 2022; for a yes-no concept the "
    "difference of the means)",
    "ridge": "ridge regression with a covariance shrunk by Ledoit and Wolf (2004; for a yes-no concept linear discriminant "
    "analysis)",
    "svm": "a linear support vector machine",
    "sgd": "a linear classifier trained by stochastic gradient descent (Kim et al. 2018)",
}


def findings(audit: ConceptAudit, most: int = 8) -> list[str]:
    """The strongest findings, those first that hold over all tests and at layers that can tell the concept."""
    frame = audit.tests
    sure = frame[(frame.p_max_t <= ALPHA) & (frame.accuracy_p_value <= ALPHA)]
    if not len(sure):
        return [f"Of {len(frame)} tests none holds over all of them (max-T) where the layer can tell the concept at all."]
    out = [
        f"{len(sure)} of {len(frame)} tests hold over all tests (max-T, p ≤ .05) at layers that can tell the concept; "
        f"{len(set(sure.concept))} of {frame.concept.nunique()} concepts are among them."
    ]
    strongest = sure.reindex(sure.statistic.abs().sort_values(ascending=False).index)
    if frame["class"].nunique() == 2:  # each test stands twice, with opposite signs
        strongest = strongest[strongest.statistic > 0]
    groups = list(strongest.groupby(["concept", "class"], sort=False))[:most]
    return [*out, *(_finding(concept, label, rows) for (concept, label), rows in groups)]


def _finding(concept: str, label: str, rows: pd.DataFrame) -> str:
    """One concept and class, at the layer where it is strongest."""
    r, others = rows.iloc[0], len(rows) - 1
    where = f" and at {others} more layer{'s' if others > 1 else ''}" if others else ""
    if r.p_within_labels_bh <= ALPHA:
        within = " It stays within labels."
    else:
        within = "" if pd.isna(r.p_within_labels) else " With the label held fixed it is not shown."
    way = "for" if r.statistic > 0 else "against"
    return (
        f"“{concept}” speaks {way} {label} at {layer_name(r.layer)} ({r.statistic:+.2f} SD, "
        f"{r.low:+.2f} to {r.high:+.2f}; p = {r.p_max_t:.2g} over all tests){where}.{within}"
    )


def support_sentences(audit: ConceptAudit) -> tuple[str, ...]:
    """Concepts that go with the label, that go together, and that were left out."""
    out = []
    bound = audit.support[audit.support.confounded_with_label]
    if len(bound):
        parts = [f"{r.concept} ({r.label_association:.2f}, most with {r.most_with})" for r in bound.itertuples()]
        out.append(f"Bound to the label at V ≥ {CONFOUNDED}: {', '.join(parts)}.")
    if len(audit.pairs):
        parts = [f"{r.concept} and {r.other} ({r.association:.2f})" for r in audit.pairs.head(6).itertuples()]
        out.append(f"Hard to tell apart: {', '.join(parts)}.")
    grouped: dict[str, list[str]] = {}
    for name, why in audit.unsupported.items():
        grouped.setdefault(reason(why), []).append(name)
    if grouped:
        out.append("Left out: " + "; ".join(f"{', '.join(names)} ({why})" for why, names in grouped.items()) + ".")
    return tuple(out)


def reason(text: str) -> str:
    """The reason without the concept's name, which stands before it, in words where it names columns."""
    for sign, words in (
        ("needs voice_", "needs recordings, to measure the voice"),
        ("needs face_", "needs faces: video, action units or markers"),
        ("needs start", "needs times"),
        ("needs norm_", "needs affect norms"),
    ):
        if sign in text:
            return words
    return text.split("' ", 1)[1].split(", which")[0] if text.startswith("concept '") else text


def layer_name(name: str) -> str:
    """A short name of a layer: ``branches.text.context`` becomes ``text context``."""
    return name.removeprefix("branches.").replace(".", " ") if name.startswith("branches.") else f"joined {name}"


def cautions(audit: ConceptAudit) -> tuple[str, ...]:
    """What to beware of when reading the result."""
    always = (
        "A test says that the model's answer moves with the direction of the concept's examples. Whether it moves because of "
        "the concept, or of something that goes with it, a test cannot say; the sections on labels and on pairs show what is "
        "known."
    )
    return (*(f"{w[0].upper()}{w[1:]}." for w in audit.warnings), always)


def methods_paragraph(audit: ConceptAudit) -> str:
    """A paragraph ready for a paper."""
    s: dict[str, Any] = audit.provenance.settings
    d, f = audit.provenance.data, audit.tests
    layers, classes = f.layer.nunique(), f["class"].nunique()
    others = "all other utterances"
    if s["counterparts"]:
        others = f"each of {s['counterparts']} random sets of as many other utterances"
    gradient = "the gradient of an utterance's logit with respect to the layer's state at that utterance"
    if s["step"] != "own":
        gradient = "the gradient of an utterance's logit summed over the layer's states of its dialogue"
    pool = f"{d['items_examined']} utterances of {d['dialogues_examined']} dialogues"
    return (
        f"Concept activation vectors (Kim et al. 2018) were made at {layers} layers of the network from "
        f"{METHODS[method_name(s['method'])]}, each concept's examples against {others} in a pool of {pool}. For each class, "
        f"{gradient} was taken at the utterances of that class and scaled to unit length. The statistic is the difference "
        "between the concept's examples and the others along the mean gradient, in standard deviations of the pool; mean "
        "cosine sensitivity and sign count are given beside it. Two-sided p-values are (1 + #)/(K + 1) over K = "
        f"{s['draws']} pseudo-concepts, made by letting whole dialogues of like length change places, so that examples that "
        "stand together stay together; all concepts were dealt alike. They were corrected over "
        f"{f.concept.nunique()} concepts × {layers} layers × {classes} classes by step-down max-T (Westfall and Young 1993), "
        "Holm (1979) and Benjamini and Hochberg (1995). Intervals are 95 % percentile bootstraps over dialogues. Within "
        "labels, the label's means were taken from the concept first. Directions were checked by balanced accuracy in five "
        f"folds without shared dialogues against the concept dealt to random utterances. Seed {s['seed']}; affectlens."
    )
