"""What evidence the words give, in words, and what the report shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.listing import rest
from affectlens.core.schema import Evidence
from affectlens.explainers.words import WordAttribution
from affectlens.modalities.base import Finding, FindingDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.section import ROWS_SHOWN, SECTIONS, TABLE, Material, Section, render
from affectlens.modalities.telling import ALPHA, Sentence, of_kind, sentence, way, who
from affectlens.perception.people.speaker import SpeakerChoice


@dataclass(frozen=True)
class WordDetail(Detail):
    """Steps and baseline of the integral, and how much of the change it leaves unexplained (share).

    With the change of log-odds when the word is left out.
    """

    steps: int
    baseline: str
    completeness_gap: float
    left_out: float


@dataclass(frozen=True)
class SpeakerDetail(Detail):
    """Why these words are given to this person, and the motion of the mouths in view, largest first."""

    reason: str
    motion: tuple[float, ...] = ()


@dataclass(frozen=True)
class ConceptDetail(Detail):
    """The layer that is read, and how well the concept is told apart there (accuracy).

    With how many pseudo-concepts it was ranked among.
    """

    layer: str
    accuracy: float
    pseudo_concepts: int


@dataclass(frozen=True)
class WordsDetail(FindingDetail):
    """Who was chosen as the speaker, and what each word does for the class where it was asked."""

    speaker: SpeakerChoice
    attribution: WordAttribution | None = None


@evidence_kind("word", WordDetail, unit="logit", section="words")
def word_clause(evidence: Evidence) -> str:
    """For example: “thanks” speaks for happiness (+0.81 logit)."""
    word = evidence.subject.strip(".,;:!?…\"'“”‘’«»()")
    return f"“{word}” speaks {way(evidence)} {evidence.target} ({evidence.value:+.2f} logit)"


@evidence_kind("speaker", SpeakerDetail, unit="person id", section="words")
def speaker_clause(evidence: Evidence) -> str:
    """For example: the words belong to person 0: their mouth moved most with these words."""
    reason = evidence.detail_as(SpeakerDetail).reason
    if evidence.value < 0:
        return f"it is not known who spoke: {reason}"
    return f"the words belong to {who(int(evidence.value))}: {reason}"


@evidence_kind("concept", ConceptDetail, unit="cosine", level="concept", section="words")
def concept_clause(evidence: Evidence) -> str:
    """For example: they are about “loss”, which speaks for sadness (cosine +0.31, p = 0.010)."""
    numbers = f"(cosine {evidence.value:+.2f}, p = {evidence.p_value:.3f})"
    return f"they are about “{evidence.subject}”, which speaks {way(evidence)} {evidence.target} {numbers}"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The utterance with the strongest word: who spoke, its two strongest words, its two surest concepts."""
    words = of_kind(rows, "word")
    if not words:
        return []
    strongest = max(words, key=lambda entry: abs(entry.value))
    times = (strongest.start, strongest.end)
    same = sorted((entry for entry in words if (entry.start, entry.end) == times), key=lambda entry: -abs(entry.value))
    spoke = [entry for entry in of_kind(rows, "speaker") if (entry.start, entry.end) == times]
    concepts = [entry for entry in of_kind(rows, "concept") if entry.start == strongest.start and entry.p_value <= ALPHA]
    return sentence(spoke + same[:2] + sorted(concepts, key=lambda entry: entry.p_value)[:2], timed=True)


def page(material: Material) -> str:
    """Every utterance with its words scaled by what they do for the class."""
    findings = material.of("words")
    spoken = [finding for finding in findings if finding.row.text]
    return render(
        "words.html",
        words=[_spoken(finding) for finding in spoken[:ROWS_SHOWN]],
        rest=rest(ROWS_SHOWN, len(spoken), "utterances", TABLE),
        status=next((finding.row.reason for finding in findings if not finding.row.text), ""),
    )


def _spoken(finding: Finding) -> dict[str, Any]:
    """One utterance; the scale is the largest magnitude in it."""
    row, detail = finding.row, finding.detail_as(WordsDetail)
    attribution = detail.attribution if detail else None
    words: list[dict[str, Any]] = [{"text": word, "share": 0.0, "value": None} for word in row.text.split()]
    if attribution is not None:
        top = max(float(np.abs(attribution.gradients).max()), 1e-9)
        words = [
            {"text": word, "share": float(gradient) / top, "value": float(gradient), "left_out": float(left_out)}
            for word, gradient, left_out in zip(attribution.words, attribution.gradients, attribution.left_out, strict=True)
        ]
    return {
        "row": row,
        "words": words,
        "why": detail.speaker.reason if detail else "",
        "concepts": finding.of("concept"),
        "tests": [(entry, entry.detail_as(FaithfulnessDetail)) for entry in finding.of("faithfulness")],
        "gap": attribution.completeness if attribution is not None else None,
    }


SECTIONS.add("words", Section("words", sentences, page, story_order=30, page_order=30))
