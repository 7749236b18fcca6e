"""RTTM: who speaks when, as the evaluations of speaker diarisation exchange it; ten fields a line.

The format is described in https://catalog.ldc.upenn.edu/docs/LDC2004T12/RTTM-format-v13.pdf.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import NAN, Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format

SPEECH = ("speech", "voice", "words", "text")  # tiers that tell who speaks; the first that is there is written
NONE = "<NA>"


def read(path: Path) -> Annotations:
    """Read the lines that say who speaks; lines of other types are counted."""
    text, notes = read_text(path)
    segments: list[Segment] = []
    others = 0
    for number, line in enumerate(text.split("\n"), 1):
        cells = line.split()
        if not cells or line.lstrip().startswith(";;"):
            continue
        if cells[0] != "SPEAKER":
            others += 1
            continue
        if len(cells) < 8:
            raise wrong_line(path, number, f"{len(cells)} fields; ten were expected, of which the eighth is the speaker")
        try:
            start, length = float(cells[3]), float(cells[4])
            sure = NAN if len(cells) < 9 or cells[8] == NONE else float(cells[8])
        except ValueError:
            raise wrong_line(path, number, f"{cells[3]} and {cells[4]}; seconds were expected") from None
        segments.append(
            segment_of_line(
                path, number, start, round(start + length, 9), "speech", file=_named(cells[1]), tier="speech",
                person=_named(cells[7]), confidence=sure,
            )
        )  # fmt: skip
    count(path, segments)
    if others:
        notes = (*notes, f"{path.name}: {others} lines are not of the type SPEAKER and are left out")
    return Annotations(tuple(segments), {}, (), {}, notes)


def _named(cell: str) -> str:
    return "" if cell == NONE else cell


def who_speaks(annotations: Annotations) -> Annotations:
    """Segments that tell who speaks, each once, with a note on all others."""
    tier = next((name for name in SPEECH if any(one.tier == name for one in annotations.segments)), "")
    chosen = [one for one in annotations.segments if tier and one.tier == tier and one.person]
    made = dict.fromkeys(
        replace(
            one, value="speech", tier="speech", rater="", person="_".join(one.person.split()), file="_".join(one.file.split())
        )
        for one in chosen
    )
    notes = list(annotations.notes)
    if left := len(annotations.segments) - len(made):
        notes.append(
            f"RTTM holds who speaks when: {left} segments of {len(annotations.segments)} say something else and are left out"
        )
    if chosen and any(one.value != "speech" for one in chosen):
        notes.append(f"RTTM: {len(made)} segments lose their value, of the tier {tier}")
    if raters := sum(bool(one.rater) for one in chosen):
        notes.append(f"RTTM: {raters} segments lose their rater")
    spaced = sum(one.person.split() != [one.person] or one.file.split() not in ([one.file], []) for one in chosen)
    if spaced:
        notes.append(f"RTTM: spaces in names of {spaced} segments become underscores")
    files = tuple("_".join(file.split()) for file in annotations.files)
    return replace(annotations, segments=tuple(made), notes=tuple(notes), files=files)


@register_format(
    "rttm", "RTTM", read=read, suffix=".rttm", several=True, takes=who_speaks,
    holds=("value", "recording", "tier", "person", "confidence", "point"),
)  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write a line a segment."""
    lines = []
    for one in annotations.segments:
        sure = NONE if one.confidence != one.confidence else repr(float(one.confidence))
        lines.append(
            f"SPEAKER {one.file or NONE} 1 {one.start:.3f} {one.end - one.start:.3f} {NONE} {NONE} {one.person} {sure} {NONE}\n"
        )
    path.write_text("".join(lines), encoding="utf-8")
