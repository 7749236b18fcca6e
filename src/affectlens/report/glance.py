"""What a reader has to know first: who expressed what, how sure that is, why, what is not known, and where to look."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from affectlens.context.summary import PersonSummary
from affectlens.core.listing import some
from affectlens.core.schema import SCENE, Evidence
from affectlens.modalities.faithfulness import passed
from affectlens.modalities.telling import graded, named, speaks, times, who

FEW = 3  # readable segments below which a share of time says little
TIMES = 3  # moments of disagreement that are named
OTHERS = 2  # expressions beside the commonest that are named
SURE = {"clearly": "sure", "probably": "fairly sure", "perhaps": "unsure", "only weakly": "hardly better than guessing"}


@dataclass(frozen=True)
class Glance:
    """One person in a few plain sentences.

    Attributes
    ----------
    person : int
        Whose they are.
    name : str
        As the page calls them.
    label : str
        The commonest class; empty where nothing could be read.
    what, sure, why : str
        What was expressed for how much of the time, how sure the models are, and what that rests on; the last two may be empty.
    unknown : tuple of str
        What is not known, or not shown.
    """

    person: int
    name: str
    label: str
    what: str
    sure: str
    why: str
    unknown: tuple[str, ...]


def glance(summary: PersonSummary, fused: pd.DataFrame, evidence: Iterable[Evidence]) -> Glance:
    """The first sentences about a person.

    Parameters
    ----------
    summary : PersonSummary
        Of the person.
    fused : DataFrame
        Their fused rows.
    evidence : iterable of Evidence
        All that the page may cite; that of the person is taken.

    Returns
    -------
    Glance
        Sentences without a number that needs a statistician.
    """
    name = "the scene and voices out of view" if summary.person == SCENE else who(summary.person)
    own = [row for row in evidence if row.person == summary.person]
    if not summary.readable:
        reason = f"; the commonest reason: {fused.reason.mode().iloc[0]}" if len(fused) else ""
        return Glance(
            summary.person,
            name,
            "",
            "Nothing could be read",
            "",
            "",
            (f"{times(summary.windows, 'segment')} not judged{reason}",),
        )
    return Glance(
        summary.person, name, summary.label, _what(summary), _sure(summary), _why(own), tuple(_unknown(summary, fused, own))
    )


def _what(summary: PersonSummary) -> str:
    counts = [(label, round(share * summary.readable)) for label, share in summary.shares]
    first, count = counts[0]
    if len(counts) == 1:
        return f"Expresses {first} throughout ({times(count, 'segment')})"
    others = some([f"{label} ({number})" for label, number in counts[1:]], OTHERS)
    most = "mostly" if count > summary.readable / 2 else "most often"
    return f"Expresses {most} {first} ({count} of {times(summary.readable, 'segment')}), also {others}"


def _sure(summary: PersonSummary) -> str:
    word = SURE[graded(summary.mean_probability)]
    few = "; there are few segments" if summary.readable < FEW else ""
    return f"The models are {word} (mean probability {summary.mean_probability:.2f}){few}"


def _why(own: Sequence[Evidence]) -> str:
    """The modality that speaks most for the answers, by the mean of its shares."""
    shares: dict[str, list[float]] = {}
    for row in own:
        if row.kind == "share":
            shares.setdefault(row.subject, []).append(row.value)
    if not shares:
        return ""
    means = sorted(((sum(values) / len(values), name) for name, values in shares.items()), reverse=True)
    if len(means) == 1:
        return f"Rests on {named(means[0][1])} alone"
    against = [name for mean, name in means if mean < 0]
    rest = f"; {named(against[-1])} {speaks(against[-1])} against it" if against else ""
    return f"Rests most on {named(means[0][1])}{rest}"


def _unknown(summary: PersonSummary, fused: pd.DataFrame, own: Sequence[Evidence]) -> Iterable[str]:
    if summary.readable < summary.windows:
        yield f"{summary.windows - summary.readable} of {times(summary.windows, 'segment')} could not be judged"
    clashes = fused[(fused.status == "ok") & fused.conflict.astype(bool)]
    if len(clashes):
        moments = some([f"{start:.1f} s" for start in clashes.start], TIMES)
        yield f"The modalities disagree at {moments}"
    tests: dict[str, list[bool]] = {}
    for row in own:
        if row.kind == "faithfulness":
            tests.setdefault(row.modality, []).append(passed(row))
    failed = [
        f"{modality} ({results.count(False)} of {len(results)})"
        for modality, results in sorted(tests.items())
        if not all(results)
    ]
    if failed:
        yield f"Explanations that did not pass tests of their faithfulness: {', '.join(failed)}"
    if not tests:
        yield "Whether the explanations are faithful was not tested"
