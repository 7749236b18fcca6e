"""SubRip ``.srt``: numbered cues; the tier, the person and the rater stand in brackets before the text."""

from __future__ import annotations

import re
from pathlib import Path

from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import clock, count, seconds_of_clock, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import parts_of_name, tier_name

_NAMED = re.compile(r"\[([^\[\]\s]*@?[^\[\]]*)\] (.*)", re.DOTALL)
_TAGS = re.compile(r"</?[biu]>|</?font[^>]*>")


def read(path: Path) -> Annotations:
    """Read cues; tags of bold, italic and colour are taken away."""
    text, notes = read_text(path)
    segments: list[Segment] = []
    lines = text.split("\n")
    place = 0
    while place < len(lines):
        if "-->" not in lines[place]:
            if lines[place].strip() and not _leads_to_cue(lines, place):
                raise wrong_line(path, place + 1, f"{lines[place][:40]!r}; a number or times were expected")
            place += 1
            continue
        number = place + 1
        body = []
        place += 1
        while place < len(lines) and lines[place].strip():
            body.append(lines[place].strip())
            place += 1
        segments.append(_cue(path, number, lines[number - 1], " ".join(body)))
    count(path, segments)
    return Annotations(tuple(segments), {}, ("",), {}, notes)


def _leads_to_cue(lines: list[str], place: int) -> bool:
    """Whether a line is the number before the times of a cue."""
    return lines[place].strip().isdigit() and place + 1 < len(lines) and "-->" in lines[place + 1]


def _cue(path: Path, number: int, times: str, text: str) -> Segment:
    first, _, last = times.partition("-->")
    try:
        start, end = seconds_of_clock(first), seconds_of_clock(last.split()[0] if last.split() else "")
    except ValueError as error:
        raise wrong_line(path, number, str(error)) from None
    named = _NAMED.fullmatch(text)
    tier, person, rater = parts_of_name(named[1]) if named else ("", "", "")
    value = named[2] if named else _TAGS.sub("", text)
    return segment_of_line(path, number, start, end, value, tier=tier, person=person, rater=rater)


@register_format("srt", "SubRip (.srt)", read=read, suffix=".srt", holds=("value", "tier", "person", "rater"))
def write(annotations: Annotations, path: Path) -> None:
    """Write a cue a segment."""
    cues = []
    for number, one in enumerate(annotations.segments, 1):
        cues.append(f"{number}\n{clock(one.start, ',')} --> {clock(one.end, ',')}\n[{tier_name(*one.track)}] {one.value}\n")
    path.write_text("\n".join(cues), encoding="utf-8")
