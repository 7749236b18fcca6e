"""What evidence the gait gives, in words, and what the report shows of it."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.modalities.body import RelevanceDetail, body_page, expresses, relevance_clause
from affectlens.modalities.section import ROWS_SHOWN, SECTIONS, Material, Section
from affectlens.modalities.telling import Clause, Sentence, at, of_kind

_UNITS = {
    "share": "", "correlation": "", "log10 legs/s³": "", "legs": "leg lengths", "legs/s": "leg lengths a second",
    "legs/s²": "leg lengths a second squared", "1/s": "a second",
}  # fmt: skip
_LEGEND = "Side view, walking to the right; bars of the sequence of joints and of measurements."


@dataclass(frozen=True)
class GaitMeasurement(Detail):
    """How far a measurement is from the walkers of the training corpus, in deviations, and what it means.

    ``probability`` is that of the stretch's class.
    """

    deviations: float
    baseline: float
    meaning: str
    probability: float


@evidence_kind("gait", GaitMeasurement, section="gait")
def measured(evidence: Evidence) -> str:
    """A measurement with its unit and how far it is from the training corpus: "head down 31 degrees (+2.1 SD)"."""
    unit = _UNITS.get(evidence.unit, evidence.unit)
    number = f"{evidence.value:.0f}" if evidence.unit == "degrees" else f"{evidence.value:.2f}"
    return f"{evidence.subject} {number}{' ' + unit if unit else ''} ({evidence.detail_as(GaitMeasurement).deviations:+.1f} SD)"


evidence_kind("gait relevance", RelevanceDetail, unit="log probability", section="gait")(relevance_clause)


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """The clearest stretch: what is unlike the training corpus's walkers, and what speaks for the class."""
    unusual = of_kind(rows, "gait")
    if not unusual:
        return []
    top = max(unusual, key=lambda row: row.detail_as(GaitMeasurement).probability)
    clauses = []
    for position, row in enumerate([row for row in unusual if row.start == top.start][:3]):
        probability = row.detail_as(GaitMeasurement).probability
        clauses.append(
            Clause(measured(row) if position else f"{at(row)} {expresses(row, 'gait', probability)}: {measured(row)}", row.id)
        )
    here = [row for row in of_kind(rows, "gait relevance") if row.start == top.start]
    if here:
        best = max(here, key=lambda row: row.value)
        clauses.append(Clause(relevance_clause(best), best.id))
    return [Sentence(top.person, tuple(clauses))]


def page(material: Material) -> str:
    """Every stretch of walking."""
    return body_page(material, "gait", "gait relevance", _LEGEND, ROWS_SHOWN, [measured])


SECTIONS.add("gait", Section("gait", sentences, page, story_order=50, page_order=50))
