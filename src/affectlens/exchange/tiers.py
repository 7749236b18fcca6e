"""Names of tiers where a format has a name and nothing else, and layers where a tier must not overlap itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from affectlens.exchange.annotations import Annotations, Segment

_LAYER = re.compile(r"~(\d+)$")
_ENCODED = re.compile(r"%(?:25|40|2F|7E|5B|5D)")


def tier_name(tier: str, person: str = "", rater: str = "") -> str:
    """A name that holds tier, person and rater.

    Returns
    -------
    str
        ``tier@person/rater``; signs of these three that stand inside of a part are written as in addresses.

    Examples
    --------
    >>> tier_name("face", "0"), tier_name("face", "", "Ann"), tier_name("text")
    ('face@0', 'face@/Ann', 'text')
    """
    name = _safe(tier)
    if person or rater:
        name += f"@{_safe(person)}"
    return f"{name}/{_safe(rater)}" if rater else name


def _safe(part: str) -> str:
    return "".join(quote(sign, safe="") if sign in "%@/~[]" else sign for sign in part)


def parts_of_name(name: str) -> tuple[str, str, str]:
    """The inverse of `tier_name`; a name that somebody else gave is a tier.

    Returns
    -------
    tuple of str
        Tier, person and rater.

    Examples
    --------
    >>> parts_of_name("face@0/Ann"), parts_of_name("Gestures/left hand"), parts_of_name("words@Ben")
    (('face', '0', 'Ann'), ('Gestures/left hand', '', ''), ('words', 'Ben', ''))
    """
    tier, at, rest = name.partition("@")
    if not at:
        return _plain(name), "", ""
    person, _, rater = rest.partition("/")
    return _plain(tier), _plain(person), _plain(rater)


def _plain(part: str) -> str:
    return _ENCODED.sub(lambda found: unquote(found[0]), part)


def layers(annotations: Annotations, apart: bool = True) -> dict[str, list[Segment]]:
    """Segments by the name of their tier, so that none overlaps another of its tier; points stand apart from the others.

    Parameters
    ----------
    annotations : Annotations
        Of one recording.
    apart : bool
        Whether points need a tier of their own.

    Returns
    -------
    dict of str to list of Segment
        In order of time; the second layer of a tier has ``~2`` at the end of its name.
    """
    out: dict[str, list[Segment]] = {}
    for track, segments in annotations.tracks().items():
        kinds: list[Iterable[Segment]] = [segments]
        if apart:
            kinds = [[one for one in segments if not one.is_point], [one for one in segments if one.is_point]]
        name = tier_name(*track)
        number = 0
        for kind in kinds:
            for layer in _without_overlap(kind):
                number += 1
                out[name if number == 1 else f"{name}~{number}"] = layer
    return out


def _without_overlap(segments: Iterable[Segment]) -> list[list[Segment]]:
    made: list[list[Segment]] = []
    for segment in segments:
        for layer in made:
            last = layer[-1]
            if segment.start >= last.end and not (segment.is_point and last.start == segment.start):
                layer.append(segment)
                break
        else:
            made.append([segment])
    return made


def without_layers(names: Iterable[str]) -> dict[str, str]:
    """Names of tiers without the number of their layer, where the tier itself is there too.

    Returns
    -------
    dict of str to str
        By the name as it is written.

    Examples
    --------
    >>> without_layers(["face@0", "face@0~2", "wave~3"])
    {'face@0': 'face@0', 'face@0~2': 'face@0', 'wave~3': 'wave~3'}
    """
    listed = list(names)
    known = set(listed)
    out = {}
    for name in listed:
        base = _LAYER.sub("", name)
        out[name] = base if base in known else name
    return out
