"""The contract of concepts: 1, 0 or NaN an utterance, from the columns alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import CONCEPTS, LABELS, Concept, values
from affectlens.checks.base import gap, run_checks


@dataclass(frozen=True)
class Subject:
    """A concept with utterances to try it on."""

    concept: Concept
    rows: pd.DataFrame


def check_concept(concept: str | Concept, rows: pd.DataFrame | None = None, *, leave_out: Collection[str] = ()) -> None:
    """Check that a concept keeps to its contract.

    Parameters
    ----------
    concept : str or Concept
        A registered name, or a concept.
    rows : DataFrame, optional
        Utterances in order of dialogue and turn with the columns that the concept needs; some made up when absent.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such concept or check.
    """
    if isinstance(concept, str):
        concept = CONCEPTS.get(concept)
    run_checks(
        f"the concept {concept.name!r}", CHECKS, Subject(concept, some_rows(concept) if rows is None else rows), leave_out
    )


def some_rows(concept: Concept, count: int = 24) -> pd.DataFrame:
    """Make up utterances of three dialogues; columns that a concept needs and that are not there are drawn numbers."""
    rng = np.random.default_rng(0)
    texts = ("Oh no, that is terrible!", "Great, thank you.", "Why?", "I do not know what you mean by that", "Yes.", "hm")
    rows = pd.DataFrame(
        {
            "key": [f"u{i}" for i in range(count)],
            "dialogue": [f"d{i * 3 // count}" for i in range(count)],
            "turn": [i % (count // 3) for i in range(count)],
            "speaker": [("Anna", "Ben")[i % 2] for i in range(count)],
            "text": [texts[i % len(texts)] for i in range(count)],
            "start": np.arange(count) * 2.0,
            "end": np.arange(count) * 2.0 + rng.uniform(0.5, 1.8, count),
            "label": [("anger", "happiness", "neutral")[i % 3] for i in range(count)],
        }
    )
    return rows.assign(**{name: rng.normal(size=count) for name in concept.needs if name not in rows})


def described(subject: Subject) -> Iterator[str]:
    """It says what it means, and needs no column that tells the label."""
    if not subject.concept.meaning:
        yield "meaning is empty"
    seen = [name for name in subject.concept.needs if name in LABELS]
    if seen:
        yield f"it needs {', '.join(seen)}, which tells the label"


def given(subject: Subject) -> Iterator[str]:
    """Each utterance has 1, 0 or NaN."""
    out = values(subject.concept, subject.rows)
    wrong = out[np.isfinite(out) & (out != 0) & (out != 1)]
    if len(wrong) or np.isinf(out).any():
        yield f"values such as {wrong[:3].tolist() or 'infinity'}; 1, 0 or NaN was expected"


def repeated(subject: Subject) -> Iterator[str]:
    """The same utterances have the same values, which do not depend on labels; the rows stay as they are."""
    rows = subject.rows.copy(deep=True)
    first = values(subject.concept, subject.rows)
    if gap(first, values(subject.concept, subject.rows)) > 0:
        yield "the same utterances have other values the second time"
    other = subject.rows.assign(label=subject.rows.label.to_numpy()[::-1]) if "label" in subject.rows else subject.rows
    if gap(first, values(subject.concept, other)) > 0:
        yield "the values change with the labels"
    if not rows.equals(subject.rows):
        yield "the utterances are changed"


CHECKS = {check.__name__: check for check in (described, given, repeated)}
