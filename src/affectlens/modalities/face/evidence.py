"""What evidence the face gives, in words, and what the report shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from affectlens.core.kinds import EVIDENCE, Detail, EvidenceKind, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.figures import charts
from affectlens.modalities.base import Finding, FindingDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.section import SECTIONS, Section, figure, render
from affectlens.modalities.telling import Sentence, at, of_kind, sentence, who
from affectlens.perception.face.regions import RegionShare


@dataclass(frozen=True)
class RegionDetail(Detail):
    """Shares in [0, 1] of relevance and area, and the map that they come from."""

    layer: str
    method: str
    relevance_share: float
    area_share: float


@dataclass(frozen=True)
class AttentionDetail(Detail):
    """The layer whose attention is looked at."""

    layer: str


@dataclass(frozen=True)
class MovementDetail(Detail):
    """A blendshape's value and the person's median of it, both 0 to 1."""

    value: float
    baseline: float


@dataclass(frozen=True)
class FaceDetail(FindingDetail):
    """Number of the window among the person's own, and the regions' shares of relevance and attention."""

    window: int
    regions: tuple[RegionShare, ...] = ()
    attended: tuple[RegionShare, ...] = ()

    def slim(self) -> FaceDetail:
        """What stays once the evidence is written."""
        return FaceDetail(self.window)


@evidence_kind("region", RegionDetail, unit="relevance share / area share", section="face")
def region_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s 40 % of what the face shows for anger lies on the brows (12 % of the area)."""
    detail = evidence.detail_as(RegionDetail)
    place = evidence.subject if evidence.subject == "outside the face" else f"on the {evidence.subject}"
    return (
        f"{at(evidence)} {detail.relevance_share:.0%} of what the face shows for {evidence.target} lies {place} "
        f"({detail.area_share:.0%} of the area)"
    )


@evidence_kind("movement", MovementDetail, unit="robust SD from own median", section="face")
def movement_clause(evidence: Evidence) -> str:
    """For example: jaw open more than usual for person 0 (+2.4 SD)."""
    amount = "more" if evidence.value > 0 else "less"
    return f"{evidence.subject} {amount} than usual for {who(evidence.person)} ({evidence.value:+.1f} SD)"


EVIDENCE.add("attention", EvidenceKind("attention", AttentionDetail, "attention share / area share", section="face"))


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The region with the largest share of relevance, and the largest movement with its time."""
    out: list[Sentence] = []
    regions, moves = of_kind(rows, "region"), of_kind(rows, "movement")
    if regions:
        out += sentence([max(regions, key=lambda row: row.detail_as(RegionDetail).relevance_share)])
    if moves:
        out += sentence([max(moves, key=lambda row: abs(row.value))], timed=True)
    return out


def view(finding: Finding, evidence: Sequence[Evidence], folder: Path | None) -> str:
    """Beside the pictures of one face: shares of regions, attention, movements and tests."""
    row, detail = finding.row, finding.detail_as(FaceDetail)
    chart = ""
    if detail and detail.regions:
        chart = figure(charts.regions(list(detail.regions)), f"regions-person-{row.person}-{row.start:.0f}s", folder)
    return render(
        "face.html",
        chart=chart,
        attention=of_kind(evidence, "attention"),
        moves=of_kind(evidence, "movement"),
        tests=[(entry, entry.detail_as(FaithfulnessDetail)) for entry in of_kind(evidence, "faithfulness")],
    )


SECTIONS.add("face", Section("face", sentences, view=view, story_order=70))
