"""WebVTT: cues of the web's own subtitles; tier, person and rater are the voice of a cue. Files are written by webvtt-py."""

from __future__ import annotations

import html
import re
from pathlib import Path

from affectlens.core.environment.extras import helpful
from affectlens.core.errors import MediaError
from affectlens.core.untrusted.sheets import read_text
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.lines import clock, count, seconds_of_clock, segment_of_line, wrong_line
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import parts_of_name, tier_name

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>")
_TAG = re.compile(r"<[^>]*>")


def read(path: Path) -> Annotations:
    """Read cues; comments, styles and regions are passed over, tags inside of texts taken away."""
    text, notes = read_text(path)
    lines = text.removeprefix("\ufeff").split("\n")
    if not re.match(r"WEBVTT(\s|$)", lines[0]):
        raise MediaError(f"{path}, line 1: {lines[0][:40]!r}; WEBVTT was expected")
    segments: list[Segment] = []
    place = 1
    while place < len(lines):
        if "-->" not in lines[place]:
            place += 1
            continue
        number = place + 1
        body = []
        place += 1
        while place < len(lines) and lines[place].strip() and "-->" not in lines[place]:
            body.append(lines[place].strip())
            place += 1
        segments += _cues(path, number, lines[number - 1], " ".join(body))
    count(path, segments)
    return Annotations(tuple(segments), {}, ("",), {}, notes)


def _cues(path: Path, number: int, times: str, text: str) -> list[Segment]:
    """A segment for each voice of a cue, or one where nobody is named."""
    first, _, last = times.partition("-->")
    try:
        start, end = seconds_of_clock(first), seconds_of_clock(last.split()[0] if last.split() else "")
    except ValueError as error:
        raise wrong_line(path, number, str(error)) from None
    parts = _VOICE.split(text)
    said = [("", parts[0])] if len(parts) == 1 or parts[0].strip() else []
    said += list(zip(parts[1::2], parts[2::2], strict=True))
    made = []
    for voice, words in said:
        tier, person, rater = _who(html.unescape(voice).strip())
        value = html.unescape(_TAG.sub("", words)).strip()
        made.append(segment_of_line(path, number, start, end, value, tier=tier, person=person, rater=rater))
    return made


def _who(voice: str) -> tuple[str, str, str]:
    """Tier, person and rater of a voice; one that somebody else wrote is a person."""
    return parts_of_name(voice) if "@" in voice or not voice else ("", voice, "")


@register_format("webvtt", "WebVTT (.vtt)", read=read, suffix=".vtt", holds=("value", "tier", "person", "rater"))
def write(annotations: Annotations, path: Path) -> None:
    """Write a cue a segment."""
    with helpful():
        import webvtt
    made = webvtt.WebVTT()
    for one in annotations.segments:
        name = tier_name(*one.track)
        voice = html.escape(name if "@" in name else f"{name}@", quote=False)
        text = f"<v {voice}>{html.escape(one.value, quote=False)}"
        made.captions.append(webvtt.Caption(start=clock(one.start), end=clock(one.end), text=text))
    path.write_text(made.content + "\n", encoding="utf-8")
