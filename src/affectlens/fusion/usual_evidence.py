"""What evidence the comparison with what is usual gives, in words, and how the report shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.context.usual import Context
from affectlens.core.kinds import Detail, evidence_kind
from affectlens.core.schema import Evidence
from affectlens.figures.usual import usual_chart
from affectlens.modalities.section import SECTIONS, Material, Section, figure, render
from affectlens.modalities.telling import ALPHA, Sentence, clause, of_kind, sentence, times, who

ANYWHERE = str(Context())
_PEOPLE = 8  # people that the page shows


@dataclass(frozen=True)
class UsualDetail(Detail):
    """Where and when, and who says so; the context that was compared with and how many people and recordings are known there.

    Per class what is ``usual`` with its interval and what is ``here``; the class that differs ``most`` and ``by`` how much;
    the ``source`` of a prior; whether what is usual took part in the fused answers (``taken_in``).
    """

    place: str
    place_from: str
    when: str
    when_from: str
    context: str
    people: int
    recordings: int
    usual: dict[str, float]
    low: tuple[float, ...]
    high: tuple[float, ...]
    here: dict[str, float]
    most: str
    by: float
    source: str
    taken_in: bool


@evidence_kind("usual", UsualDetail, unit="bit", level="situation", section="usual")
def usual_clause(evidence: Evidence) -> str:
    """For example: at an office neutral is usual (60% on average over 25 people); person 0 differs from that (p = 0.04), …."""
    detail = evidence.detail_as(UsualDetail)
    if not detail.people:
        return f"not enough recordings yet to say what is usual{'' if detail.context == ANYWHERE else f' {detail.context}'}"
    top = max(detail.usual, key=lambda label: detail.usual[label])
    place = "over all places" if detail.context == ANYWHERE else detail.context
    text = f"{place} {top} is usual ({detail.usual[top]:.0%} on average over {_people(detail.people)})"
    if not np.isfinite(evidence.p_value):
        return f"{text}, but that is too few to say whether {who(evidence.person)} differs"
    verdict = "differs from that" if evidence.p_value <= ALPHA else "is not shown to differ from that"
    most = f"most in {detail.most} ({100 * detail.by:+.0f} percentage points)"
    return f"{text}; {who(evidence.person)} {verdict} (p = {evidence.p_value:.2f}), {most}"


@evidence_kind("usual elsewhere", UsualDetail, unit="bit", level="situation", section="usual")
def usual_elsewhere_clause(evidence: Evidence) -> str:
    """For example: in photographs taken at an office people most often saw neutral (…)."""
    detail = evidence.detail_as(UsualDetail)
    place = "of all places" if detail.context == ANYWHERE else f"taken {detail.context}"
    if not detail.people:
        return f"there are no photographs {place} to compare with ({detail.source})"
    top = max(detail.usual, key=lambda label: detail.usual[label])
    return (
        f"in photographs {place} people most often saw {top} ({detail.usual[top]:.0%} of {detail.people:,}; {detail.source}); "
        f"{who(evidence.person)} is furthest from that in {detail.most} ({100 * detail.by:+.0f} percentage points)"
    )


def _people(count: int) -> str:
    return f"{count} {'person' if count == 1 else 'people'}"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """One sentence each."""
    return [text for entry in of_kind(rows, "usual", "usual elsewhere") for text in sentence([entry])]


def page(material: Material) -> str:
    """What is usual for each of the first people, as text and chart; where and when, and what holds for all, once."""
    rows = [entry for entry in material.evidence if entry.kind in ("usual", "usual elsewhere")]
    if not rows:
        return ""
    people = list(dict.fromkeys(entry.person for entry in rows))
    compared = {person: [_row(entry, material) for entry in rows if entry.person == person] for person in people[:_PEOPLE]}
    first, *others = compared.values()
    shared = [row for row in first if others and all(row in other for other in others)]
    own = {who(person): [row for row in comparisons if row not in shared] for person, comparisons in compared.items()}
    return render(
        "usual.html",
        here=_here(rows[0].detail_as(UsualDetail)),
        shared=shared,
        people={name: comparisons for name, comparisons in own.items() if comparisons},
        more=max(0, len(people) - _PEOPLE),
    )


def _here(detail: UsualDetail) -> str:
    """Where and when the recording was made, and who says so."""
    place, when = detail.place.replace("_", " "), detail.when.replace("T", " ")
    taken_in = " What is usual took part in the fused answers." if detail.taken_in else ""
    return f"Place: {place} ({detail.place_from}). Time: {when} ({detail.when_from}).{taken_in}"


def _row(entry: Evidence, material: Material) -> dict[str, str]:
    """One comparison: its sentence, its chart, and with what and how many it compares."""
    detail, described = entry.detail_as(UsualDetail), clause(entry)
    name = f"{entry.kind.replace(' ', '-')}-person-{entry.person}"
    chart = usual_chart(detail.usual, detail.low, detail.high, detail.here) if detail.people else None
    places = "all places" if detail.context == ANYWHERE else detail.context
    compared = f"{_people(detail.people)} in {times(detail.recordings, 'recording')}"
    if entry.kind == "usual elsewhere":
        compared = f"{detail.people:,} {'photograph' if detail.people == 1 else 'photographs'}"
    return {
        "text": described.text if described else "",
        "svg": figure(chart, name, material.folder) if chart is not None else "",
        "compared": f"Compared with: {places}, {compared}." if detail.people else "",
    }


SECTIONS.add("usual", Section("usual", sentences, page, story_order=10, page_order=10))
