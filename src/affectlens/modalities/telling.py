"""Words for evidence: clauses that each state one row, sentences of them, and how numbers and people are named in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from affectlens.core.kinds import EVIDENCE
from affectlens.core.schema import SCENE, Evidence

ALPHA = 0.05
EVERYBODY = -2  # in the place of a person: what holds for all people of a recording
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
        joined = ", ".join(part.text for part in self.clauses)
        return joined[:1].upper() + joined[1:] + "."


def clause(evidence: Evidence) -> Clause | None:
    """The clause that states one evidence row, or None where no sentence is made of that kind."""
    state = EVIDENCE.get(evidence.kind).clause
    return Clause(state(evidence), evidence.id) if state else None


def sentence(rows: Iterable[Evidence], *, timed: bool = False) -> list[Sentence]:
    """One sentence of the clauses of some rows about one person; none where no clause is made of them.

    A time that several clauses begin with is said once.

    Parameters
    ----------
    rows : iterable of Evidence
        In the order in which they are stated.
    timed : bool
        Whether the first clause is to say when, also where its kind does not.

    Returns
    -------
    list of Sentence
        One, or none.
    """
    clauses: list[Clause] = []
    person, before = SCENE, ""
    for row in rows:
        stated = clause(row)
        if stated is None:
            continue
        person, when = row.person, f"{at(row)} "
        if timed and not clauses and not stated.text.startswith(when):
            stated = Clause(when + stated.text, stated.evidence)
        repeated = when if when == before else ""
        clauses.append(Clause(stated.text.removeprefix(repeated), stated.evidence))
        before = when if stated.text.startswith(when) else before
    return [Sentence(person, tuple(clauses))] if clauses else []


def of_kind(rows: Iterable[Evidence], *kinds: str) -> list[Evidence]:
    """The rows of the given kinds, in the order of the kinds."""
    listed = list(rows)
    return [row for kind in kinds for row in listed if row.kind == kind]


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
    return {SCENE: "somebody out of view", EVERYBODY: "everybody"}.get(person, f"person {person}")


def at(evidence: Evidence) -> str:
    """When: "at 3.2 s"."""
    return f"at {evidence.start:.1f} s"


def way(evidence: Evidence) -> str:
    """Whether a signed value speaks for its target: "for" or "against"."""
    return "for" if evidence.value > 0 else "against"


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


def times(count: float, noun: str) -> str:
    """A count with its noun: "1 segment", "3 segments"."""
    return f"{int(count)} {noun}{'' if int(count) == 1 else 's'}"
