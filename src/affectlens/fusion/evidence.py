"""What evidence fused segments give, in words, and how the report shows what each modality weighed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.figures import charts
from affectlens.modalities.section import SECTIONS, Material, Section, figure, render
from affectlens.modalities.telling import Sentence, at, graded, named, of_kind, says, sentence, speaks, times, way, who

_CHARTED = 120  # Shapley values in the chart


@dataclass(frozen=True)
class ShareDetail(Detail):
    """The modality's weight in [0, 1], what stands for no modality, and how the answer was fused (early or pool)."""

    weight: float
    prior: str
    fusion: str


@dataclass(frozen=True)
class ConflictDetail(Detail):
    """The most probable class of each modality."""

    says: dict[str, str]


@dataclass(frozen=True)
class WhatIfDetail(Detail):
    """The answer without the modality and its probability; the probability of the class before and after."""

    answer: str
    probability: float
    before: float
    of_target: float


@dataclass(frozen=True)
class NoCounterpartDetail(Detail):
    """The modality's label scheme and the probability of each of its classes that the fused answer has no class for."""

    scheme: str
    classes: dict[str, float]


@dataclass(frozen=True)
class ShareOfTimeDetail(Detail):
    """Segments in all and readable ones, and how probable the class was.

    ``mean_probability`` is that of the class where it was the most probable; ``shares`` are of readable segments, by class.
    """

    windows: int
    readable: int
    mean_probability: float
    shares: dict[str, float]


@dataclass(frozen=True)
class NotReadDetail(Detail):
    """Segments in all, and the commonest reason."""

    windows: int
    reason: str


@evidence_kind("share of time", ShareOfTimeDetail, unit="share of readable windows", level="situation", section="summary")
def share_of_time_clause(e: Evidence) -> str:
    """For example: person 0 probably expresses anger in 40% of 10 readable segments (…)."""
    detail = e.detail_as(ShareOfTimeDetail)
    mean = detail.mean_probability
    text = f"{who(e.person)} {graded(mean)} expresses {e.target}"
    if detail.readable == 1:
        return f"{text} (mean probability {mean:.2f})"
    return (
        f"{text} in {e.value:.0%} of {detail.readable} readable segments "
        f"(95 % interval {e.low:.0%} to {e.high:.0%}; mean probability there {mean:.2f})"
    )


@evidence_kind("changes", unit="changes of the most probable class", level="situation", section="summary")
def changes_clause(e: Evidence) -> str:
    """For example: the most probable class changes 3 times."""
    return f"the most probable class changes {times(e.value, 'time')}"


@evidence_kind("not read", NotReadDetail, unit="windows", level="situation", section="summary")
def not_read_clause(e: Evidence) -> str:
    """For example: 2 segments could not be read (face: the face is small)."""
    return f"{times(e.value, 'segment')} could not be read ({e.detail_as(NotReadDetail).reason})"


@evidence_kind("share", ShareDetail, unit="log-odds", section="fusion")
def share_clause(e: Evidence) -> str:
    """For example: at 2.0 s the face speaks for anger (+1.20 log-odds, weight 60%)."""
    weight = e.detail_as(ShareDetail).weight
    return f"{at(e)} {named(e.subject)} {speaks(e.subject)} {way(e)} {e.target} ({e.value:+.2f} log-odds, weight {weight:.0%})"


@evidence_kind("conflict", ConflictDetail, unit="bit", section="fusion")
def conflict_clause(e: Evidence) -> str:
    """For example: at 2.0 s the face says anger but the words say happiness."""
    parts = [f"{says(modality)} {label}" for modality, label in e.detail_as(ConflictDetail).says.items()]
    return f"{at(e)} {', '.join(parts[:-1])} but {parts[-1]}"


@evidence_kind("what if", WhatIfDetail, unit="change of probability", section="fusion")
def what_if_clause(e: Evidence) -> str:
    """For example: at 2.0 s without the words it would still be anger (0.60 instead of 0.80)."""
    d = e.detail_as(WhatIfDetail)
    noun = named(e.subject)
    if d.answer == e.target:
        return f"{at(e)} without {noun} it would still be {e.target} ({d.probability:.2f} instead of {d.before:.2f})"
    return (
        f"{at(e)} without {noun} it would be {d.answer} ({d.probability:.2f}) instead of {e.target} "
        f"({d.before:.2f}, then {d.of_target:.2f})"
    )


@evidence_kind("no counterpart", NoCounterpartDetail, unit="probability", section="fusion")
def no_counterpart_clause(e: Evidence) -> str:
    """For example: at 2.0 s 40% of what the words say is none of the classes of the fused answer and takes no part."""
    classes = ", ".join(f"{c} {p:.0%}" for c, p in e.detail_as(NoCounterpartDetail).classes.items())
    part = f"what {says(e.subject)} ({classes})"
    return f"{at(e)} {e.value:.0%} of {part} is none of the classes of the fused answer and takes no part"


def summary_sentences(rows: list[Evidence]) -> list[Sentence]:
    """The class of most of the time, how often it changes, what was not read."""
    return sentence(of_kind(rows, "share of time", "changes", "not read"))


def fusion_sentences(rows: list[Evidence]) -> list[Sentence]:
    """The strongest conflict, the segment with the strongest share, and the largest part that has no counterpart."""
    out: list[Sentence] = []
    conflicts, shares, lost = (of_kind(rows, kind) for kind in ("conflict", "share", "no counterpart"))
    if conflicts:
        out += sentence([max(conflicts, key=lambda e: e.value)])
    if shares:
        strongest = max(shares, key=lambda e: abs(e.value))
        out += sentence([e for e in shares if e.start == strongest.start])
        out += sentence([e for e in of_kind(rows, "what if") if e.start == strongest.start][:1])
    if lost:
        out += sentence([max(lost, key=lambda e: e.value)])
    return out


def weights_page(material: Material) -> str:
    """Mean share of each modality in the fused answer, over the segments in which it spoke, and Shapley values over time."""
    weights = []
    for modality in dict.fromkeys(f.row.modality for f in material.findings if f.row.modality != "fused"):
        given = [f.row.weight for f in material.of(modality) if np.isfinite(f.row.weight)]
        if given:
            weights.append({"modality": modality, "mean": float(np.mean(given)), "segments": len(given)})
    shares = of_kind(material.evidence, "share")[:_CHARTED]
    frame = pd.DataFrame([{"start": round(e.start, 1), "modality": e.subject, "value": e.value} for e in shares])
    chart = figure(charts.modality_shares(frame), "modality-shares", material.folder) if shares else ""
    return render("weights.html", weights=weights, chart=chart)


SECTIONS.add("summary", Section("summary", summary_sentences, story_order=0))
SECTIONS.add("fusion", Section("fusion", fusion_sentences, weights_page, story_order=90, page_order=90))
