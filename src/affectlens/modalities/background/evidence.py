"""What evidence the background gives, in words."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.modalities.section import SECTIONS, Section
from affectlens.modalities.telling import Sentence, at, sentence

NO_THING = "no detected thing"


@dataclass(frozen=True)
class ObjectDetail(Detail):
    """Shares in [0, 1] of relevance and area, and the map that they come from."""

    layer: str
    method: str
    relevance_share: float
    area_share: float


@evidence_kind("object", ObjectDetail, unit="relevance share / area share", section="background")
def object_clause(evidence: Evidence) -> str:
    """For example: at 2.0 s 40 % of what the surroundings show for anger lies on the car (12 % of the area)."""
    detail = evidence.detail_as(ObjectDetail)
    place = evidence.subject if evidence.subject == NO_THING else f"the {evidence.subject}"
    return (
        f"{at(evidence)} {detail.relevance_share:.0%} of what the surroundings show for {evidence.target} lies on {place} "
        f"({detail.area_share:.0%} of the area)"
    )


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The thing with the largest share of relevance for its area."""
    return sentence([max(rows, key=lambda row: row.value)])


SECTIONS.add("background", Section("background", sentences, story_order=80))
