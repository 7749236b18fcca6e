"""Which findings make one segment."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from affectlens.core.schema import SCENE, Row
from affectlens.modalities.base import Finding

COVERED = 0.25  # share of a window that a longer segment must cover to speak for it
TOGETHER = 0.5  # share of the shorter one that two segments without a face must have in common
WINDOWS = "face"  # the modality whose windows are segments
_FIRST = "words"  # the modality around which the others gather where no face is seen
_TURNS = "voice"  # the modality whose turns may hold several utterances


def segments(findings: Sequence[Finding]) -> list[list[int]]:
    """Positions of the findings that make each segment, person by person."""
    by_person: dict[int, list[int]] = defaultdict(list)
    for i, finding in enumerate(findings):
        by_person[finding.row.person].append(i)
    out: list[list[int]] = []
    for person in sorted(by_person):
        members = by_person[person]
        if person == SCENE and len(by_person) > 1:
            # What a whole recording lacks (speech, legs) is told by its own row; it is nobody's segment.
            members = [i for i in members if findings[i].row.status != "missing"]
        faceless = [i for i in members if findings[i].row.modality != WINDOWS]
        covered: set[int] = set()
        for window in (i for i in members if findings[i].row.modality == WINDOWS):
            within = [i for i in faceless if _covers(findings[i].row, findings[window].row)]
            covered.update(within)
            out.append([window, *within])
        out += segments_without_face([i for i in faceless if i not in covered], findings)
    return out


def segments_without_face(members: list[int], findings: Sequence[Finding]) -> list[list[int]]:
    """Each utterance with the turns of voice, stretches of gait and postures that go with it.

    Two go together when they share at least half of the shorter one's time; what is left over gathers likewise. Utterances
    that lie mostly within one turn of voice make one segment.

    Returns
    -------
    list of list of int
        Positions of the findings of each segment.
    """
    groups: list[list[int]] = []
    for i in sorted(members, key=lambda i: findings[i].row.modality != _FIRST):
        row = findings[i].row
        fitting = [group for group in groups if findings[group[0]].row.modality != row.modality]
        best = max(fitting, key=lambda group: _shared(row, findings[group[0]].row), default=None)
        first = findings[best[0]].row if best else row
        if best and _shared(row, first) >= TOGETHER * min(row.end - row.start, first.end - first.start) > 0:
            best.append(i)
        else:
            groups.append([i])
    return _joined_by_turns(groups, findings)


def _joined_by_turns(groups: list[list[int]], findings: Sequence[Finding]) -> list[list[int]]:
    for group in groups:
        for turn in [findings[i].row for i in group if findings[i].row.modality == _TURNS]:
            for other in groups:
                if other is group or not other or findings[other[0]].row.modality != _FIRST:
                    continue
                said = findings[other[0]].row
                if _shared(said, turn) > TOGETHER * (said.end - said.start):
                    group.extend(other)
                    other.clear()
    return [group for group in groups if group]


def extent(members: Sequence[Row]) -> tuple[float, float]:
    """Start and end of a segment in seconds: of its window, else of its turns of voice, else of what else made it."""
    ranked = (WINDOWS, _TURNS, _FIRST, members[0].modality)
    kind = next(name for name in ranked if any(row.modality == name for row in members))
    own = [row for row in members if row.modality == kind]
    return min(row.start for row in own), max(row.end for row in own)


def _covers(long: Row, window: Row) -> bool:
    shared = min(long.end, window.end) - max(long.start, window.start)
    return shared >= COVERED * (window.end - window.start) and shared > 0


def _shared(first: Row, second: Row) -> float:
    return max(0.0, min(first.end, second.end) - max(first.start, second.start))
