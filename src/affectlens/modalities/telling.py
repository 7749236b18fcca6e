"""Words for evidence: clauses that each state one row, sentences of them, and how numbers and people are named in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from affectlens.core.kinds import EVIDENCE
from affectlens.core.schema import SCENE, Evidence

ALPHA = 0.05
GRADES = ((0.85, "clearly"), (0.65, "probably"), (0.45, "perhaps"))
_PLURALS = ("words", "joints", "legs", "arms", "surroundings")


@dataclass(frozen=True)
class Clause:
    """A piece of a sentence and the id of the evidence that it states."""

    text: str
    evidence: str


@dataclass(frozen=True)
class Sentence:
    """Clauses that are read together, about one person."""

    person: int
    clauses: tuple[Clause, ...]

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        joined = ", ".join(c.text for c in self.clauses)
        return joined[:1].upper() + joined[1:] + "."


def clause(e: Evidence) -> Clause | None:
    """The clause that states one evidence row, or None where no sentence is made of that kind."""
    made = EVIDENCE.get(e.kind).clause
    return Clause(made(e), e.id) if made else None


def sentence(rows: Iterable[Evidence]) -> list[Sentence]:
    """One sentence of the clauses of some rows about one person; none where no clause is made of them."""
    given = list(rows)
    clauses = [c for c in map(clause, given) if c is not None]
    return [Sentence(given[0].person, tuple(clauses))] if clauses else []


def of_kind(rows: Iterable[Evidence], *kinds: str) -> list[Evidence]:
    """The rows of the given kinds, in the order of the kinds."""
    given = list(rows)
    return [e for kind in kinds for e in given if e.kind == kind]


def graded(probability: float) -> str:
    """A word for a calibrated probability; the steps are fixed so that the same number always reads the same.

    Returns
    -------
    str
        One of four words.

    Examples
    --------
    >>> graded(0.9), graded(0.7), graded(0.5), graded(0.2)
    ('clearly', 'probably', 'perhaps', 'only weakly')
    """
    return next((word for bound, word in GRADES if probability >= bound), "only weakly")


def who(person: int) -> str:
    """How a person is named in the report."""
    return "somebody out of view" if person == SCENE else f"person {person}"


def at(e: Evidence) -> str:
    """When: "at 3.2 s"."""
    return f"at {e.start:.1f} s"


def way(e: Evidence) -> str:
    """Whether a signed value speaks for its target: "for" or "against"."""
    return "for" if e.value > 0 else "against"


def speaks(noun: str) -> str:
    """The verb that fits a noun: "speak" for several, else "speaks"."""
    return "speak" if noun in _PLURALS or " and " in noun else "speaks"


def named(source: str) -> str:
    """A source of an opinion as a noun: "the face", "what is usual elsewhere"."""
    return f"what is {source}" if source.startswith("usual") else f"the {source}"


def says(source: str) -> str:
    """A source of an opinion with its verb: "the face says", "the words say"."""
    return f"{named(source)} {'say' if speaks(source) == 'speak' else 'says'}"


def article(noun: str) -> str:
    """The noun with "a" or "an"."""
    return f"{'an' if noun[:1] in 'aeiou' else 'a'} {noun}"


def times(n: float, noun: str) -> str:
    """A count with its noun: "1 segment", "3 segments"."""
    return f"{int(n)} {noun}{'' if int(n) == 1 else 's'}"
