"""What evidence fused segments give, in words, and how the report shows what each modality weighed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.listing import rest
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
def share_of_time_clause(evidence: Evidence) -> str:
    """For example: person 0 probably expresses anger in 40% of 10 readable segments (…)."""
    detail = evidence.detail_as(ShareOfTimeDetail)
    mean = detail.mean_probability
    text = f"{who(evidence.person)} {graded(mean)} expresses {evidence.target}"
    if detail.readable == 1:
        return f"{text} (mean probability {mean:.2f})"
    return (
        f"{text} in {evidence.value:.0%} of {detail.readable} readable segments "
        f"(95 % interval {evidence.low:.0%} to {evidence.high:.0%}; mean probability there {mean:.2f})"
    )


@evidence_kind("changes", unit="changes of the most probable class", level="situation", section="summary")
def changes_clause(evidence: Evidence) -> str:
    """For example: the most probable class changes 3 times."""
    return f"the most probable class changes {times(evidence.value, 'time')}"


@evidence_kind("not read", NotReadDetail, unit="windows", level="situation", section="summary")
def not_read_clause(evidence: Evidence) -> str:
    """For example: 2 segments could not be read (face: the face is small)."""
    return f"{times(evidence.value, 'segment')} could not be read ({evidence.detail_as(NotReadDetail).reason})"


@evidence_kind("share", ShareDetail, unit="log-odds", section="fusion")
def share_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s the face speaks for anger (+1.20 log-odds, weight 60%)."""
    modality, weight = evidence.subject, evidence.detail_as(ShareDetail).weight
    text = f"{at(evidence)} {named(modality)} {speaks(modality)} {way(evidence)} {evidence.target}"
    return f"{text} ({evidence.value:+.2f} log-odds, weight {weight:.0%})"


@evidence_kind("conflict", ConflictDetail, unit="bit", section="fusion")
def conflict_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s the face says anger but the words say happiness."""
    parts = [f"{says(modality)} {label}" for modality, label in evidence.detail_as(ConflictDetail).says.items()]
    return f"{at(evidence)} {', '.join(parts[:-1])} but {parts[-1]}"


@evidence_kind("what if", WhatIfDetail, unit="change of probability", section="fusion")
def what_if_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s without the words it would still be anger (0.60 instead of 0.80)."""
    detail = evidence.detail_as(WhatIfDetail)
    target, before, now = evidence.target, f"{detail.before:.2f}", f"{detail.probability:.2f}"
    text = f"{at(evidence)} without {named(evidence.subject)} it would"
    if detail.answer == target:
        return f"{text} still be {target} ({now} instead of {before})"
    return f"{text} be {detail.answer} ({now}) instead of {target} ({before}, then {detail.of_target:.2f})"


@evidence_kind("no counterpart", NoCounterpartDetail, unit="probability", section="fusion")
def no_counterpart_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s 40% of what the words say is none of the classes of the fused answer and takes no part."""
    classes = ", ".join(f"{label} {share:.0%}" for label, share in evidence.detail_as(NoCounterpartDetail).classes.items())
    part = f"what {says(evidence.subject)} ({classes})"
    return f"{at(evidence)} {evidence.value:.0%} of {part} is none of the classes of the fused answer and takes no part"


def summary_sentences(rows: list[Evidence]) -> list[Sentence]:
    """The class of most of the time, how often it changes, what was not read."""
    return sentence(of_kind(rows, "share of time", "changes", "not read"))


def fusion_sentences(rows: list[Evidence]) -> list[Sentence]:
    """The strongest conflict, the segment with the strongest share, and the largest part that has no counterpart."""
    out: list[Sentence] = []
    conflicts, shares, lost = (of_kind(rows, kind) for kind in ("conflict", "share", "no counterpart"))
    if conflicts:
        out += sentence([max(conflicts, key=lambda entry: entry.value)])
    if shares:
        strongest = max(shares, key=lambda entry: abs(entry.value))
        out += sentence([entry for entry in shares if entry.start == strongest.start])
        out += sentence([entry for entry in of_kind(rows, "what if") if entry.start == strongest.start][:1])
    if lost:
        out += sentence([max(lost, key=lambda entry: entry.value)])
    return out


def weights_page(material: Material) -> str:
    """Mean share of each modality in the fused answer, over the segments in which it spoke, and Shapley values over time."""
    weights = []
    for modality in dict.fromkeys(finding.row.modality for finding in material.findings if finding.row.modality != "fused"):
        known_weights = [finding.row.weight for finding in material.of(modality) if np.isfinite(finding.row.weight)]
        if known_weights:
            weights.append({"modality": modality, "mean": float(np.mean(known_weights)), "segments": len(known_weights)})
    every = of_kind(material.evidence, "share")
    shares = every[:_CHARTED]
    frame = pd.DataFrame(
        [{"start": round(entry.start, 1), "modality": entry.subject, "value": entry.value} for entry in shares]
    )
    chart = figure(charts.modality_shares(frame), "modality-shares", material.folder) if shares else ""
    left_out = rest(len(shares), len(every), "values", "evidence.parquet")
    return render("weights.html", weights=weights, chart=chart, rest=left_out)


SECTIONS.add("summary", Section("summary", summary_sentences, story_order=0))
SECTIONS.add("fusion", Section("fusion", fusion_sentences, weights_page, story_order=90, page_order=90))
