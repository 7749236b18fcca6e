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
def usual_clause(e: Evidence) -> str:
    """For example: at an office neutral is usual (60% on average over 25 people); person 0 differs from that (p = 0.04), …."""
    d = e.detail_as(UsualDetail)
    if not d.people:
        return f"not enough recordings yet to say what is usual{'' if d.context == ANYWHERE else f' {d.context}'}"
    top = max(d.usual, key=lambda c: d.usual[c])
    where = "over all places" if d.context == ANYWHERE else d.context
    text = f"{where} {top} is usual ({d.usual[top]:.0%} on average over {_people(d.people)})"
    if not np.isfinite(e.p_value):
        return f"{text}, but that is too few to say whether {who(e.person)} differs"
    verdict = "differs from that" if e.p_value <= ALPHA else "is not shown to differ from that"
    return f"{text}; {who(e.person)} {verdict} (p = {e.p_value:.2f}), most in {d.most} ({100 * d.by:+.0f} percentage points)"


@evidence_kind("usual elsewhere", UsualDetail, unit="bit", level="situation", section="usual")
def usual_elsewhere_clause(e: Evidence) -> str:
    """For example: in photographs taken at an office people most often saw neutral (…)."""
    d = e.detail_as(UsualDetail)
    where = "of all places" if d.context == ANYWHERE else f"taken {d.context}"
    if not d.people:
        return f"there are no photographs {where} to compare with ({d.source})"
    top = max(d.usual, key=lambda c: d.usual[c])
    return (
        f"in photographs {where} people most often saw {top} ({d.usual[top]:.0%} of {d.people}; {d.source}); "
        f"{who(e.person)} is furthest from that in {d.most} ({100 * d.by:+.0f} percentage points)"
    )


def _people(n: int) -> str:
    return f"{n} {'person' if n == 1 else 'people'}"


def sentences(rows: list[Evidence]) -> list[Sentence]:
    """One sentence each."""
    return [s for e in of_kind(rows, "usual", "usual elsewhere") for s in sentence([e])]


def page(material: Material) -> str:
    """What is usual for each of the first people, as text and chart."""
    shown = []
    rows = [e for e in material.evidence if e.kind in ("usual", "usual elsewhere")]
    for e in rows[: 2 * _PEOPLE]:
        d = e.detail_as(UsualDetail)
        name = f"{e.kind.replace(' ', '-')}-person-{e.person}"
        svg = figure(usual_chart(d.usual, d.low, d.high, d.here), name, material.folder) if d.people else ""
        made = clause(e)
        compared = "all places" if d.context == ANYWHERE else d.context
        about = (
            f"Place: {d.place.replace('_', ' ')} ({d.place_from}). Time: {d.when.replace('T', ' ')} ({d.when_from}). "
            f"Compared with: {compared}, {_people(d.people)} in {times(d.recordings, 'recording')}."
        )
        if d.taken_in:
            about += " It took part in the fused answers."
        shown.append({"person": who(e.person), "text": made.text if made else "", "svg": svg, "about": about})
    return render("usual.html", people=shown) if shown else ""


SECTIONS.add("usual", Section("usual", sentences, page, story_order=10, page_order=10))
