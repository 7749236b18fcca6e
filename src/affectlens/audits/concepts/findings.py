"""What an audit of concepts found, in sentences, and the paragraph on its methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from affectlens.audits.concepts.cav.space import method_name
from affectlens.audits.concepts.tables import CONFOUNDED
from affectlens.core.listing import rest, some

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


def glance(audit: ConceptAudit) -> dict[str, str]:
    """What was asked and found in plain words, without a number that needs explaining."""
    frame = audit.tests
    sure = frame[(frame.p_max_t <= ALPHA) & (frame.accuracy_p_value <= ALPHA)]
    strongest = sure.reindex(sure.statistic.abs().sort_values(ascending=False).index)
    if frame["class"].nunique() == 2:  # each test stands twice, with opposite signs
        strongest = strongest[strongest.statistic > 0]
    pairs = strongest.drop_duplicates(["concept", "class"])
    named = [
        f"“{row.concept}” {'for' if row.statistic > 0 else 'against'} {label}"
        for label, row in zip(pairs["class"], pairs.itertuples(), strict=True)
    ]
    blind = "smallest_p" in frame and float(frame.smallest_p.min()) > ALPHA
    none = "Nothing: with so few draws nothing can be shown." if blind else "No concept is shown to move it."
    unknown = [f"{some(list(audit.unsupported), 4)}: could not be asked of these data"] if audit.unsupported else []
    unknown.append("whether the concept itself moves the answer, or something that goes with it")
    return {
        "Asked": f"Which of {frame.concept.nunique()} human concepts move the network's answer?",
        "Found": f"{some(named, 5)}." if named else none,
        "How sure": "Where no concept matters, a page like this names one of them one time in twenty at most.",
        "Not known": f"{'; '.join(unknown)}.",
    }


def findings(audit: ConceptAudit, most: int = 8) -> list[str]:
    """The strongest findings, those first that hold over all tests and at layers that can tell the concept."""
    frame = audit.tests
    sure = frame[(frame.p_max_t <= ALPHA) & (frame.accuracy_p_value <= ALPHA)]
    if frame.p_max_t.isna().all():
        return ["No concept could be tested."]
    smallest = float(frame.smallest_p.min()) if "smallest_p" in frame else 0.0
    reach = f" With as many pseudo-concepts the smallest p is {smallest:.2g}, over all tests too." if smallest else ""
    if not len(sure) and smallest > ALPHA:
        return [f"Whether any concept matters cannot be shown.{reach}"]
    if not len(sure):
        return [
            f"Of {len(frame)} tests none holds over all of them (max-T) where the layer can tell the concept at all.{reach}"
        ]
    out = [
        f"{len(sure)} of {len(frame)} tests hold over all tests (max-T, p ≤ .05) at layers that can tell the concept; "
        f"{len(set(sure.concept))} of {frame.concept.nunique()} concepts are among them.{reach}"
    ]
    strongest = sure.reindex(sure.statistic.abs().sort_values(ascending=False).index)
    if frame["class"].nunique() == 2:  # each test stands twice, with opposite signs
        strongest = strongest[strongest.statistic > 0]
    groups = list(strongest.groupby(["concept", "class"], sort=False))
    out += [_finding(concept, label, rows) for (concept, label), rows in groups[:most]]
    left_out = rest(most, len(groups), "pairs of concept and class", "tests.csv")
    return [*out, left_out] if left_out else out


def _finding(concept: str, label: str, rows: pd.DataFrame) -> str:
    """One concept and class, at the layer where it is strongest."""
    row, more = rows.iloc[0], len(rows) - 1
    elsewhere = f" and at {more} more layer{'s' if more > 1 else ''}" if more else ""
    if row.p_within_labels_bh <= ALPHA:
        within = " It stays within labels."
    else:
        within = "" if pd.isna(row.p_within_labels) else " With the label held fixed it is not shown."
    way = "for" if row.statistic > 0 else "against"
    return (
        f"“{concept}” speaks {way} {label} at {layer_name(row.layer)} ({row.statistic:+.2f} SD, "
        f"{row.low:+.2f} to {row.high:+.2f}; p = {row.p_max_t:.2g} over all tests){elsewhere}.{within}"
    )


def support_sentences(audit: ConceptAudit) -> tuple[str, ...]:
    """Concepts that go with the label, that go together, and that were left out."""
    out = []
    bound = audit.support[audit.support.confounded_with_label]
    if len(bound):
        parts = [f"{row.concept} ({row.label_association:.2f}, most with {row.most_with})" for row in bound.itertuples()]
        out.append(f"Bound to the label at V ≥ {CONFOUNDED}: {', '.join(parts)}.")
    if len(audit.pairs):
        parts = [f"{row.concept} and {row.other} ({row.association:.2f})" for row in audit.pairs.itertuples()]
        out.append(f"Hard to tell apart: {some(parts, 6)}.")
    grouped: dict[str, list[str]] = {}
    for name, text in audit.unsupported.items():
        grouped.setdefault(reason(text), []).append(name)
    if grouped:
        out.append("Left out: " + "; ".join(f"{', '.join(names)} ({text})" for text, names in grouped.items()) + ".")
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
    return (*(f"{warning[0].upper()}{warning[1:]}." for warning in audit.warnings), always)


def methods_paragraph(audit: ConceptAudit) -> str:
    """A paragraph ready for a paper."""
    settings: dict[str, Any] = audit.provenance.settings
    data, tests = audit.provenance.data, audit.tests
    method, draws = METHODS[method_name(settings["method"])], settings["draws"]
    layers, classes = tests.layer.nunique(), tests["class"].nunique()
    counterexamples = "all other utterances"
    if settings["counterparts"]:
        counterexamples = f"each of {settings['counterparts']} random sets of as many other utterances"
    gradient = "the gradient of an utterance's logit with respect to the layer's state at that utterance"
    if settings["step"] != "own":
        gradient = "the gradient of an utterance's logit summed over the layer's states of its dialogue"
    pool = f"{data['items_examined']} utterances of {data['dialogues_examined']} dialogues"
    return (
        f"Concept activation vectors (Kim et al. 2018) were made at {layers} layers of the network from "
        f"{method}, each concept's examples against {counterexamples} in a pool of {pool}. For each class, "
        f"{gradient} was taken at the utterances of that class and scaled to unit length. The statistic is the difference "
        "between the concept's examples and the others along the mean gradient, in standard deviations of the pool; mean "
        "cosine sensitivity and sign count are given beside it. Two-sided p-values are (1 + #)/(K + 1) over K = "
        f"{draws} pseudo-concepts, made by letting whole dialogues of like length change places, so that examples that "
        "stand together stay together; all concepts were dealt alike. They were corrected over "
        f"{tests.concept.nunique()} concepts × {layers} layers × {classes} classes by step-down max-T (Westfall and Young "
        "1993), Holm (1979) and Benjamini and Hochberg (1995). Intervals are 95 % percentile bootstraps over dialogues. Within "
        "labels, the label's means were taken from the concept first. Directions were checked by balanced accuracy in five "
        f"folds without shared dialogues against the concept dealt to random utterances. Seed {settings['seed']}; affectlens."
    )
