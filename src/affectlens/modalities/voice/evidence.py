"""What evidence the voice gives, in words, and what the report shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.listing import rest
from affectlens.core.schema import SCENE, Evidence
from affectlens.modalities.base import Finding, FindingDetail
from affectlens.modalities.section import ROWS_SHOWN, SECTIONS, TABLE, Material, Section, bars, render
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
class MomentDetail(Detail):
    """Where a moment of a turn begins and ends, in seconds of the recording."""

    begin: float
    end: float


@dataclass(frozen=True)
class VoiceDetail(FindingDetail):
    """The turn that was judged and who was chosen as its speaker.

    ``moments`` are what each of its equal moments adds to the log probability of its class, ``envelope`` the largest sample of
    equal parts of it; both are empty where the encoder did not hear it.
    """

    turn: Turn
    speaker: SpeakerChoice
    moments: tuple[float, ...] = ()
    envelope: tuple[float, ...] = ()


def difference(evidence: Evidence) -> str:
    """A plain difference of a voice with its number: "higher pitch by 4.1 semitones"."""
    size = abs(evidence.value)
    if evidence.unit in _DECIMALS:
        return f"{evidence.subject} by {size:.{_DECIMALS[evidence.unit]}f} {evidence.unit}"
    if evidence.unit == "1/s":
        return f"{evidence.subject} by {size:.1f} syllable-like peaks a second"
    return f"{evidence.subject} ({evidence.detail_as(VoiceDifference).deviations:+.1f} SD)"


@evidence_kind("voice", VoiceDifference, section="voice")
def voice_clause(evidence: Evidence) -> str:
    """For example: higher pitch by 4.1 semitones than person 0's other turns."""
    detail = evidence.detail_as(VoiceDifference)
    whose = f"{who(evidence.person)}'s other turns" if detail.own and evidence.person != SCENE else f"the {detail.against}"
    return f"{difference(evidence)} than {whose}"


@evidence_kind("relevance", VoiceRelevance, unit="log probability", section="voice")
def relevance_clause(evidence: Evidence) -> str:
    """For example: energy speaks for anger (+0.41 log probability)."""
    return f"{evidence.subject} speaks {way(evidence)} {evidence.target} ({evidence.value:+.2f} log probability)"


@evidence_kind("sounds like", Neighbour, unit="median distance between training clips", level="latent", section="voice")
def neighbour_clause(evidence: Evidence) -> str:
    """For example: it sounds like anger in EmoDB (German, clip 03a01Wa)."""
    neighbour = evidence.detail_as(Neighbour)
    return f"it sounds like {evidence.subject} in {neighbour.corpus} ({neighbour.language}, clip {neighbour.key})"


@evidence_kind("moment", MomentDetail, unit="log probability", section="voice")
def moment_clause(evidence: Evidence) -> str:
    """For example: what is heard from 1.25 to 1.50 s speaks for anger (+0.31 log probability)."""
    detail = evidence.detail_as(MomentDetail)
    heard = f"what is heard from {detail.begin:.2f} to {detail.end:.2f} s"
    return f"{heard} speaks {way(evidence)} {evidence.target} ({evidence.value:+.2f} log probability)"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The turn that differs most from the person's others: how it sounds, what speaks for the class, what it sounds like."""
    differences = of_kind(rows, "voice")
    if not differences:
        return []
    top = max(differences, key=lambda entry: abs(entry.detail_as(VoiceDifference).deviations))
    clauses = []
    for position, entry in enumerate([entry for entry in differences if entry.start == top.start]):
        grade = graded(entry.detail_as(VoiceDifference).probability)
        text = (
            difference(entry) if position else f"{at(entry)} the voice {grade} expresses {entry.target}: {voice_clause(entry)}"
        )
        clauses.append(Clause(text, entry.id))
    here = [entry for entry in of_kind(rows, "relevance") if entry.start == top.start]
    if here:
        best = max(here, key=lambda entry: entry.value)
        clauses.append(Clause(relevance_clause(best), best.id))
    heard = [entry for entry in of_kind(rows, "moment") if entry.start == top.start]
    if heard:
        best = max(heard, key=lambda entry: entry.value)
        clauses.append(Clause(moment_clause(best), best.id))
    near = [entry for entry in of_kind(rows, "sounds like") if entry.start == top.start]
    clauses += [Clause(neighbour_clause(entry), entry.id) for entry in near[:1]]
    return [Sentence(top.person, tuple(clauses))]


def page(material: Material) -> str:
    """Every turn with its plain differences, bars and neighbours."""
    findings = material.of("voice")
    heard = [(finding, finding.detail) for finding in findings if isinstance(finding.detail, VoiceDetail)]
    turns = [_turn(finding, detail) for finding, detail in heard[:ROWS_SHOWN]]
    status = next((finding.row.reason for finding in findings if not isinstance(finding.detail, VoiceDetail)), "")
    return render("voice.html", voice=turns, status=status, rest=rest(ROWS_SHOWN, len(heard), "turns", TABLE))


def _turn(finding: Finding, detail: VoiceDetail) -> dict[str, Any]:
    differences = finding.of("voice")
    return {
        "row": finding.row,
        "turn": detail.turn,
        "why": detail.speaker.reason,
        "differences": [difference(entry) for entry in differences],
        "against": f"against the {differences[0].detail_as(VoiceDifference).against}" if differences else "",
        "bars": bars(finding.of("relevance")),
        "wave": waveform(detail),
        "tests": finding.of("faithfulness"),
        "near": [(entry.subject, entry.detail_as(Neighbour)) for entry in finding.of("sounds like")],
    }


def waveform(detail: VoiceDetail) -> list[dict[str, float | str]]:
    """The turn's waveform as upright lines, each with what its moment speaks for.

    Returns
    -------
    list of dict
        ``x`` and ``half`` (half the height) as shares of the whole, ``share`` of the strongest moment (0 to 1), and ``way``,
        ``for`` or ``against``; empty where no moments are known.
    """
    if not detail.moments or not detail.envelope:
        return []
    top, strongest = max(detail.envelope) or 1.0, max(map(abs, detail.moments)) or 1.0
    out: list[dict[str, float | str]] = []
    for place, peak in enumerate(detail.envelope):
        value = detail.moments[min(place * len(detail.moments) // len(detail.envelope), len(detail.moments) - 1)]
        side = "for" if value >= 0 else "against"
        out.append({"x": place / len(detail.envelope), "half": 0.5 * peak / top, "share": abs(value) / strongest, "way": side})
    return out


SECTIONS.add("voice", Section("voice", sentences, page, story_order=40, page_order=40))
