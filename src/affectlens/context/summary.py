"""What a whole recording shows of each person: shares of time, changes, agreement of modalities. Evidence, not prose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affectlens.core.schema import Row
from affectlens.stats.resample import Estimate, wilson


@dataclass(frozen=True)
class PersonSummary:
    """One person over one recording.

    Parameters
    ----------
    person : int
        Whose it is.
    windows, readable : int
        Segments in all, and those with an answer.
    label, share : str, Estimate
        The commonest class and its part of the readable segments with Wilson's interval.
    mean_probability : float
        Of that class where it was the most probable.
    shares : tuple of (str, float)
        Every class that was the most probable, with its part of the readable segments, largest first.
    changes, conflicts : int
        How often the class changes, and segments in which modalities disagree.
    """

    person: int
    windows: int
    readable: int
    label: str
    share: Estimate
    mean_probability: float
    shares: tuple[tuple[str, float], ...]
    changes: int
    conflicts: int


def summarise(rows: list[Row]) -> list[PersonSummary]:
    """Summaries of the fused rows of each person, the longest seen first.

    The interval of the largest share is Wilson's over windows; windows of one person follow each other and are alike, so it
    is narrower than independent windows would make it and describes this recording, not the person.

    Returns
    -------
    list of PersonSummary
        One a person.
    """
    people: dict[int, list[Row]] = {}
    for row in rows:
        if row.modality == "fused":
            people.setdefault(row.person, []).append(row)
    out = []
    for person, person_rows in people.items():
        good = [row for row in person_rows if row.status == "ok" and row.probabilities is not None]
        if not good:
            out.append(PersonSummary(person, len(person_rows), 0, "", Estimate(0, 0, 0, 0, 0), float("nan"), (), 0, 0))
            continue
        labels = np.array([row.label for row in good])
        names, counts = np.unique(labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        top = str(names[order[0]])
        share = wilson(int(counts[order[0]]), len(labels))
        mean = float(np.mean([row.confidence for row in good if row.label == top]))
        shares = tuple((str(names[i]), float(counts[i] / len(labels))) for i in order)
        changes = int((labels[1:] != labels[:-1]).sum())
        conflicts = sum(row.conflict for row in good)
        out.append(PersonSummary(person, len(person_rows), len(good), top, share, mean, shares, changes, conflicts))
    return sorted(out, key=lambda summary: (summary.person < 0, -summary.windows, summary.person))
