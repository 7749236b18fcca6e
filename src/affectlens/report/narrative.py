"""The narrative: sentences made from evidence rows alone. Every clause carries the id of the row it states.

Each section of the report (`affectlens.modalities.section`) says its own sentences; evidence of a kind whose section says none
is stated row by row, the strongest first.
"""

from __future__ import annotations

from collections.abc import Iterable

from affectlens.core.kinds import EVIDENCE
from affectlens.core.schema import SCENE, Evidence
from affectlens.modalities.section import SECTIONS
from affectlens.modalities.telling import Clause, Sentence, clause, graded, sentence, who

PLAIN = 3  # rows of one modality that are stated where no section says how

__all__ = ["Clause", "Sentence", "clause", "graded", "narrative", "who"]


def narrative(evidence: Iterable[Evidence]) -> list[Sentence]:
    """Sentences for each person, most important first, what is said of nobody last.

    Parameters
    ----------
    evidence : iterable of Evidence
        In the order in which it was found.

    Returns
    -------
    list of Sentence
        Empty where there is no evidence.
    """
    rows = list(evidence)
    people = sorted({e.person for e in rows}, key=lambda p: (p == SCENE, p))
    return [line for person in people for line in _about([e for e in rows if e.person == person])]


def _about(rows: list[Evidence]) -> list[Sentence]:
    by_section: dict[str, list[Evidence]] = {}
    for e in rows:
        by_section.setdefault(EVIDENCE.get(e.kind).section, []).append(e)
    out: list[Sentence] = []
    for section in sorted(SECTIONS.values(), key=lambda s: s.story_order):
        own = by_section.pop(section.name, [])
        if own:
            out += section.sentences(own) if section.sentences else plainly(own)
    return out + [line for others in by_section.values() for line in plainly(others)]


def plainly(rows: list[Evidence]) -> list[Sentence]:
    """The strongest rows of each modality, each in its own clause."""
    out: list[Sentence] = []
    for modality in dict.fromkeys(e.modality for e in rows):
        strongest = sorted((e for e in rows if e.modality == modality and clause(e)), key=lambda e: -abs(e.value))
        out += sentence(strongest[:PLAIN])
    return out
