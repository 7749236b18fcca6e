"""What evidence the words give, in words, and what the report shows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.explainers.words import WordAttribution
from affectlens.modalities.base import Finding, FindingDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.section import ROWS_SHOWN, SECTIONS, Material, Section, render
from affectlens.modalities.telling import ALPHA, Sentence, of_kind, sentence, way, who
from affectlens.perception.people.speaker import SpeakerChoice


@dataclass(frozen=True)
class WordDetail(Detail):
    """Steps and baseline of the integral, how much of the change it leaves unexplained (share), and the change of log-odds
    when the word is left out."""

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
    """Layer that is read, how well the concept is told apart there (accuracy), and how many pseudo-concepts it was ranked
    among."""

    layer: str
    accuracy: float
    pseudo_concepts: int


@dataclass(frozen=True)
class WordsDetail(FindingDetail):
    """Who was chosen as the speaker, and what each word does for the class where it was asked."""

    speaker: SpeakerChoice
    attribution: WordAttribution | None = None


@evidence_kind("word", WordDetail, unit="logit", section="words")
def word_clause(e: Evidence) -> str:
    """ "“thanks” speaks for happiness (+0.81 logit)"."""
    word = e.subject.strip(".,;:!?…\"'“”‘’«»()")
    return f"“{word}” speaks {way(e)} {e.target} ({e.value:+.2f} logit)"


@evidence_kind("speaker", SpeakerDetail, unit="person id", section="words")
def speaker_clause(e: Evidence) -> str:
    """ "the words belong to person 0 (…)"."""
    reason = e.detail_as(SpeakerDetail).reason
    if e.value < 0:
        return f"it is not known who spoke ({reason})"
    return f"the words belong to {who(int(e.value))} ({reason})"


@evidence_kind("concept", ConceptDetail, unit="cosine", level="concept", section="words")
def concept_clause(e: Evidence) -> str:
    """ "they are about “loss”, which speaks for sadness (cosine +0.31, p = 0.010)"."""
    return f"they are about “{e.subject}”, which speaks {way(e)} {e.target} (cosine {e.value:+.2f}, p = {e.p_value:.3f})"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The utterance with the strongest word: who spoke, its two strongest words, its two surest concepts."""
    words = of_kind(rows, "word")
    if not words:
        return []
    strongest = max(words, key=lambda e: abs(e.value))
    times = (strongest.start, strongest.end)
    same = sorted((e for e in words if (e.start, e.end) == times), key=lambda e: -abs(e.value))
    spoke = [e for e in of_kind(rows, "speaker") if (e.start, e.end) == times]
    concepts = [e for e in of_kind(rows, "concept") if e.start == strongest.start and e.p_value <= ALPHA]
    return sentence(spoke + same[:2] + sorted(concepts, key=lambda e: e.p_value)[:2])


def page(material: Material) -> str:
    """Every utterance with its words scaled by what they do for the class."""
    findings = material.of("words")
    return render(
        "words.html",
        words=[_spoken(f) for f in findings if f.row.text][:ROWS_SHOWN],
        status=next((f.row.reason for f in findings if not f.row.text), ""),
    )


def _spoken(finding: Finding) -> dict[str, Any]:
    """One utterance; the scale is the largest magnitude in it."""
    row, detail = finding.row, finding.detail_as(WordsDetail)
    attribution = detail.attribution if detail else None
    words: list[dict[str, Any]] = [{"text": w, "share": 0.0, "value": None} for w in row.text.split()]
    if attribution is not None:
        top = max(float(np.abs(attribution.gradients).max()), 1e-9)
        words = [
            {"text": w, "share": float(g) / top, "value": float(g), "left_out": float(o)}
            for w, g, o in zip(attribution.words, attribution.gradients, attribution.left_out, strict=True)
        ]
    return {
        "row": row,
        "words": words,
        "why": detail.speaker.reason if detail else "",
        "concepts": finding.of("concept"),
        "tests": [(e, e.detail_as(FaithfulnessDetail)) for e in finding.of("faithfulness")],
        "gap": attribution.completeness if attribution is not None else None,
    }


SECTIONS.add("words", Section("words", sentences, page, story_order=30, page_order=30))
