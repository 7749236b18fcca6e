"""What evidence the posture gives, in words, and what the report shows of it."""

from __future__ import annotations

from affectlens.core.kinds import evidence_kind
from affectlens.core.schema import Evidence
from affectlens.modalities.body import RelevanceDetail, body_page, expresses, relevance_clause
from affectlens.modalities.section import SECTIONS, Material, Section
from affectlens.modalities.telling import Clause, Sentence, at

_LEGEND = "Front view; bars of parts of the body."
_SHOWN = 6  # windows on the page

evidence_kind("posture relevance", RelevanceDetail, unit="log probability", section="posture")(relevance_clause)


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The clearest posture and the part of the body that speaks for it most."""
    top = max(rows, key=lambda row: row.detail_as(RelevanceDetail).probability)
    best = max((row for row in rows if row.start == top.start), key=lambda row: row.value)
    text = f"{at(best)} {expresses(best, 'posture', best.detail_as(RelevanceDetail).probability)}: {relevance_clause(best)}"
    return [Sentence(best.person, (Clause(text, best.id),))]


def page(material: Material) -> str:
    """The first postures."""
    return body_page(material, "posture", "posture relevance", _LEGEND, _SHOWN, [])


SECTIONS.add("posture", Section("posture", sentences, page, story_order=60, page_order=60))
