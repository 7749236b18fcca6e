"""Praat TextGrid: a tier of intervals or of points for each person and modality. Files are written by praatio.

The format is described at https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from affectlens.core.environment.extras import helpful
from affectlens.core.errors import MediaError
from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import count, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import layers, parts_of_name, without_layers

# What Praat reads of either form, long or short: texts, numbers that stand alone, flags; all else is for people.
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(?<![^\s])(-?\d[\d.eE+-]*)(?![^\s])|<(exists|absent)>|![^\n]*|\n|[^\s"]+|[^\S\n]+')
Token = tuple[int, str, bool]  # line, content, whether it is a text


def read(path: Path) -> Annotations:
    """Read tiers of intervals and points, of the long and the short form; intervals without a text are silences."""
    text, notes = read_text(path)
    if "ooTextFile" not in text[:200] or "TextGrid" not in text[:200]:
        raise MediaError(f'{path}, line 1: a TextGrid of Praat (File type = "ooTextFile") was expected')
    tokens = _tokens(text, path)
    for _ in range(2):  # the type of the file and of the object
        _text(tokens, path)
    _number(tokens, path), _number(tokens, path)
    raw: list[tuple[str, int, float, float, str]] = []
    names: list[str] = []
    for _ in range(_count_of(tokens, path)):
        kind, line = _text(tokens, path)
        name, _ = _text(tokens, path)
        if kind not in ("IntervalTier", "TextTier"):
            raise wrong_line(path, line, f"a tier of the class {kind[:30]!r}; IntervalTier or TextTier was expected")
        names.append(name)
        _number(tokens, path), _number(tokens, path)
        for _ in range(_count_of(tokens, path)):
            start, line = _number(tokens, path)
            end = _number(tokens, path)[0] if kind == "IntervalTier" else start
            value, _ = _text(tokens, path)
            if value.strip():
                raw.append((name, line, start, end, value))
    known = without_layers(names)
    segments: list[Segment] = []
    for name, line, start, end, value in raw:
        tier, person, rater = parts_of_name(known[name])
        segments.append(segment_of_line(path, line, start, end, value, tier=tier, person=person, rater=rater))
    count(path, segments)
    return Annotations(tuple(segments), {}, ("",), {}, notes)


def _tokens(text: str, path: Path) -> Iterator[Token]:
    line, place = 1, 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise wrong_line(path, line, "a text that is not closed")
        place = found.end()
        if found[1] is not None:
            yield line, found[1].replace('""', '"'), True
        elif found[2] is not None:
            yield line, found[2], False
        line += found[0].count("\n")
    yield line, "", False


def _text(tokens: Iterator[Token], path: Path) -> tuple[str, int]:
    line, content, is_text = next(tokens, (0, "", False))
    if not is_text:
        raise wrong_line(path, line, f"{content or 'the end of the file'} where a text in quotes was expected")
    return content, line


def _number(tokens: Iterator[Token], path: Path) -> tuple[float, int]:
    line, content, is_text = next(tokens, (0, "", False))
    try:
        if is_text:
            raise ValueError
        return float(content), line
    except ValueError:
        raise wrong_line(path, line, f"{content[:30]!r} where a number was expected") from None


def _count_of(tokens: Iterator[Token], path: Path) -> int:
    number, line = _number(tokens, path)
    if number < 0 or number != int(number):
        raise wrong_line(path, line, f"{number:g} where how many there are was expected")
    return int(number)


@register_format("textgrid", "Praat TextGrid", read=read, suffix=".TextGrid",
                 holds=("value", "tier", "person", "rater", "point"))  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write one recording's annotations in the long form."""
    with helpful():
        from praatio import textgrid
    last = max([one.end for one in annotations.segments], default=0.0)
    length = max([last, *(annotations.durations.get(file, 0.0) for file in annotations.files)]) or 1.0
    made = textgrid.Textgrid(0, length)
    by_name = layers(annotations)
    for name, segments in by_name.items():
        if segments[0].is_point:
            points = [(one.start, one.value) for one in segments]
            made.addTier(textgrid.PointTier(name, points, 0, length))
        else:
            spans = [(one.start, one.end, one.value) for one in segments]
            made.addTier(textgrid.IntervalTier(name, spans, 0, length))
    if not by_name:  # Praat does not open one without a tier
        made.addTier(textgrid.IntervalTier("annotations", [], 0, length))
    made.save(str(path), format="long_textgrid", includeBlankSpaces=True, minimumIntervalLength=0.0)
