"""The narrative: sentences made from evidence rows alone. Every clause carries the id of the row it states.

Each section of the report (`affectlens.modalities.section`) says its own sentences; evidence of a kind whose section says none
is stated row by row, the strongest first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from affectlens.core.kinds import EVIDENCE
from affectlens.core.schema import SCENE, Evidence
from affectlens.modalities.section import SECTIONS
from affectlens.modalities.telling import EVERYBODY, Clause, Sentence, clause, graded, sentence, who

PLAIN = 3  # rows of one modality that are stated where no section says how

__all__ = ["Clause", "Sentence", "clause", "graded", "narrative", "who"]


def narrative(evidence: Iterable[Evidence]) -> list[Sentence]:
    """Sentences for each person: what holds of the whole recording first, then what holds of single times, in their order.

    What is stated of every person in the same words is said once, of everybody; what is said of nobody comes last.

    Parameters
    ----------
    evidence : iterable of Evidence
        In any order of people; that of a person in the order in which it was found.

    Returns
    -------
    list of Sentence
        Empty where there is no evidence.
    """
    rows = list(evidence)
    by_id = {row.id: row for row in rows}
    people = sorted({row.person for row in rows}, key=lambda person: (person == SCENE, person))
    sentences: list[Sentence] = []
    for person in people:
        stated = _about([row for row in rows if row.person == person])
        sentences += sorted(stated, key=lambda line: _time(by_id[line.clauses[0].evidence]))
    return _once(sentences)


def _time(row: Evidence) -> float:
    """When a row is told: what holds of the whole recording before everything else."""
    return -math.inf if row.level == "situation" else row.start


def _once(sentences: list[Sentence]) -> list[Sentence]:
    """What is said of all people in the same words, where there are several, once, before what is said of nobody."""
    named = [line for line in sentences if line.person != SCENE]
    people = {line.person for line in named}
    counts = Counter(text for _, text in {(line.person, line.text) for line in named})
    rest: list[Sentence] = []
    everybody: dict[str, Sentence] = {}
    for line in named:
        if len(people) > 1 and counts[line.text] == len(people):
            everybody.setdefault(line.text, replace(line, person=EVERYBODY))
        else:
            rest.append(line)
    return [*rest, *everybody.values(), *(line for line in sentences if line.person == SCENE)]


def _about(rows: list[Evidence]) -> list[Sentence]:
    by_section: dict[str, list[Evidence]] = {}
    for row in rows:
        by_section.setdefault(EVIDENCE.get(row.kind).section, []).append(row)
    out: list[Sentence] = []
    for section in sorted(SECTIONS.values(), key=lambda part: part.story_order):
        own = by_section.pop(section.name, [])
        if own:
            out += section.sentences(own) if section.sentences else plainly(own)
    return out + [line for others in by_section.values() for line in plainly(others)]


def plainly(rows: list[Evidence]) -> list[Sentence]:
    """The strongest rows of each modality, each in its own clause."""
    out: list[Sentence] = []
    for modality in dict.fromkeys(row.modality for row in rows):
        strongest = sorted((row for row in rows if row.modality == modality and clause(row)), key=lambda row: -abs(row.value))
        out += sentence(strongest[:PLAIN])
    return out
