"""What evidence the voice gives, in words, and what the report shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import SCENE, Evidence
from affectlens.modalities.base import Finding, FindingDetail
from affectlens.modalities.section import ROWS_SHOWN, SECTIONS, Material, Section, bars, render
from affectlens.modalities.telling import Clause, Sentence, at, graded, of_kind, way, who
from affectlens.perception.people.speaker import SpeakerChoice
from affectlens.perception.words.turns import Turn

_DECIMALS = {"semitones": 1, "dB": 1, "s": 2, "Hz": 0}


@dataclass(frozen=True)
class VoiceDifference(Detail):
    """A functional of eGeMAPS (``feature``), its value, and what it is compared with (``against``), in deviations.

    The deviations are those of the training corpora; ``own`` where it is compared with the person's own turns; the probability
    is that of the turn's class.
    """

    feature: str
    against: str
    own: bool
    probability: float
    value: float
    baseline: float
    deviations: float


@dataclass(frozen=True)
class VoiceRelevance(Detail):
    """What a group's absence is filled with, and how many groups share the answer."""

    baseline: str
    groups: int


@dataclass(frozen=True)
class Neighbour(Detail):
    """A training clip."""

    corpus: str
    key: str
    language: str
    gender: str


@dataclass(frozen=True)
class VoiceDetail(FindingDetail):
    """The turn that was judged and who was chosen as its speaker."""

    turn: Turn
    speaker: SpeakerChoice


def difference(e: Evidence) -> str:
    """A plain difference of a voice with its number: "higher pitch by 4.1 semitones"."""
    size = abs(e.value)
    if e.unit in _DECIMALS:
        return f"{e.subject} by {size:.{_DECIMALS[e.unit]}f} {e.unit}"
    if e.unit == "1/s":
        return f"{e.subject} by {size:.1f} syllable-like peaks a second"
    return f"{e.subject} ({e.detail_as(VoiceDifference).deviations:+.1f} SD)"


@evidence_kind("voice", VoiceDifference, section="voice")
def voice_clause(e: Evidence) -> str:
    """For example: higher pitch by 4.1 semitones than person 0's other turns."""
    detail = e.detail_as(VoiceDifference)
    whose = f"{who(e.person)}'s other turns" if detail.own and e.person != SCENE else f"the {detail.against}"
    return f"{difference(e)} than {whose}"


@evidence_kind("relevance", VoiceRelevance, unit="log probability", section="voice")
def relevance_clause(e: Evidence) -> str:
    """For example: energy speaks for anger (+0.41 log probability)."""
    return f"{e.subject} speaks {way(e)} {e.target} ({e.value:+.2f} log probability)"


@evidence_kind("sounds like", Neighbour, unit="median distance between training clips", level="latent", section="voice")
def neighbour_clause(e: Evidence) -> str:
    """For example: it sounds like anger in EmoDB (German, clip 03a01Wa)."""
    n = e.detail_as(Neighbour)
    return f"it sounds like {e.subject} in {n.corpus} ({n.language}, clip {n.key})"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The turn that differs most from the person's others: how it sounds, what speaks for the class, what it sounds like."""
    differences = of_kind(rows, "voice")
    if not differences:
        return []
    top = max(differences, key=lambda e: abs(e.detail_as(VoiceDifference).deviations))
    clauses = []
    for i, e in enumerate([e for e in differences if e.start == top.start]):
        grade = graded(e.detail_as(VoiceDifference).probability)
        text = difference(e) if i else f"{at(e)} the voice {grade} expresses {e.target}: {voice_clause(e)}"
        clauses.append(Clause(text, e.id))
    here = [e for e in of_kind(rows, "relevance") if e.start == top.start]
    if here:
        best = max(here, key=lambda e: e.value)
        clauses.append(Clause(relevance_clause(best), best.id))
    near = [e for e in of_kind(rows, "sounds like") if e.start == top.start]
    clauses += [Clause(neighbour_clause(e), e.id) for e in near[:1]]
    return [Sentence(top.person, tuple(clauses))]


def page(material: Material) -> str:
    """Every turn with its plain differences, bars and neighbours."""
    findings = material.of("voice")
    turns = [_turn(f, f.detail) for f in findings if isinstance(f.detail, VoiceDetail)]
    status = next((f.row.reason for f in findings if not isinstance(f.detail, VoiceDetail)), "")
    return render("voice.html", voice=turns[:ROWS_SHOWN], status=status)


def _turn(finding: Finding, detail: VoiceDetail) -> dict[str, Any]:
    differences = finding.of("voice")
    return {
        "row": finding.row,
        "turn": detail.turn,
        "why": detail.speaker.reason,
        "said": [difference(e) for e in differences],
        "against": f"against the {differences[0].detail_as(VoiceDifference).against}" if differences else "",
        "bars": bars(finding.of("relevance")),
        "near": [(e.subject, e.detail_as(Neighbour)) for e in finding.of("sounds like")],
    }


SECTIONS.add("voice", Section("voice", sentences, page, story_order=40, page_order=40))
