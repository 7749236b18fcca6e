"""ELAN's tab-delimited export: a line an annotation, with or without headings, times in any of its three forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from affectlens.core.errors import MediaError
from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import count, seconds_of_clock, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import parts_of_name, tier_name

HEADINGS = ("Tier", "Participant", "Begin Time - ss.msec", "End Time - ss.msec", "Duration - ss.msec", "Annotation")
_TIMES: dict[str, Callable[[str], float]] = {  # by how a heading ends, the most exact that is easy to read first
    "ss.msec": float,
    "msec": lambda text: int(text) / 1000,
    "hh:mm:ss.ms": seconds_of_clock,
}
_CLOCK = re.compile(r"\d+:\d\d:\d\d\.\d{3}")


def read(path: Path) -> Annotations:
    """Read annotations; the columns are told by their headings, or where there are none by their form."""
    text, notes = read_text(path)
    lines = [(number, line.split("\t")) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    lines = [(number, cells) for number, cells in lines if not (len(cells) == 1 and cells[0].startswith("#"))]
    if not lines:
        return Annotations((), {}, ("",), {}, notes)
    columns = _by_headings(lines[0][1])
    if columns:
        lines = lines[1:]
    else:
        columns = _by_form(lines[0][1], path)
    segments: list[Segment] = []
    for number, cells in lines:
        segments.append(_segment(path, number, cells, columns))
    count(path, segments)
    return Annotations(tuple(segments), {}, ("",), {}, notes)


def _segment(path: Path, number: int, cells: list[str], columns: dict[str, int]) -> Segment:
    def cell(name: str) -> str:
        place = columns.get(name, -1)
        return cells[place].strip() if 0 <= place < len(cells) else ""

    try:
        start, end = (_time(name, cell, columns) for name in ("Begin Time", "End Time"))
    except ValueError as error:
        raise wrong_line(path, number, f"{error}; a begin and an end time were expected") from None
    tier, person, rater = parts_of_name(cell("Tier"))
    return segment_of_line(
        path, number, start, end, cell("Annotation"), tier=tier, person=cell("Participant") or person, rater=rater
    )


def _time(name: str, cell: Callable[[str], str], columns: dict[str, int]) -> float:
    for form, seconds in _TIMES.items():
        if f"{name} - {form}" in columns:
            return seconds(cell(f"{name} - {form}"))
    raise ValueError(f"there is no column {name}")


def _by_headings(cells: list[str]) -> dict[str, int]:
    """Columns by heading; nothing where the first line is none of headings."""
    known = {cell.strip(): place for place, cell in enumerate(cells)}
    if not any(name.startswith("Begin Time") for name in known):
        return {}
    value = next(
        (place for name, place in known.items() if name in ("Annotation", "Value", "Annotation value")), len(cells) - 1
    )
    return {**known, "Annotation": value}


def _by_form(cells: list[str], path: Path) -> dict[str, int]:
    """Columns of a line without headings: tier, participant, then begin, end and duration, last the annotation."""
    for form, pattern in (("hh:mm:ss.ms", _CLOCK), ("ss.msec", re.compile(r"\d+\.\d{1,3}")), ("msec", re.compile(r"\d+"))):
        places = [place for place, cell in enumerate(cells) if pattern.fullmatch(cell.strip())]
        if len(places) >= 2:
            value = next((place for place in range(len(cells) - 1, places[-1], -1)), -1)
            first = min(place for place, cell in enumerate(cells) if re.fullmatch(r"[\d:.]+", cell.strip()))
            out = {f"Begin Time - {form}": places[0], f"End Time - {form}": places[1], "Annotation": value}
            if first > 0:
                out["Tier"] = 0
            return out | ({"Participant": 1} if first > 1 else {})
    raise MediaError(f"{path}, line 1: no two times; a table that ELAN exported (tab-delimited text) was expected")


@register_format("elan-tab", "ELAN, tab-delimited text", read=read, suffix=".elan.txt",
                 holds=("value", "tier", "person", "rater", "point", "empty value"))  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write a line an annotation, with headings."""
    lines = ["\t".join(HEADINGS)]
    for one in annotations.segments:
        times = f"{one.start:.3f}\t{one.end:.3f}\t{one.end - one.start:.3f}"
        lines.append("\t".join([tier_name(*one.track), one.person, times, one.value]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
