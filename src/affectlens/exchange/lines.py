"""What readers share: times as people write them, and errors that name the file and the line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from affectlens.core.errors import MediaError
from affectlens.core.limits import within
from affectlens.exchange.annotations import Segment, wrong_times

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,9}))?")


def wrong_line(path: Path, line: int, what: str) -> MediaError:
    """An error about a line of a file."""
    return MediaError(f"{path}, line {line}: {what}")


def segment_of_line(path: Path, line: int, start: float, end: float, value: str, **more: Any) -> Segment:
    """A segment of a line of a file.

    Parameters
    ----------
    path, line : Path, int
        Where it stands.
    start, end, value, **more
        As in `Segment`; the recording's name may be among them.

    Returns
    -------
    Segment
        The segment.

    Raises
    ------
    MediaError
        The times cannot be.
    """  # noqa: DOC501
    if wrong := wrong_times(start, end):
        raise wrong_line(path, line, wrong)
    return Segment(more.pop("file", ""), start, end, value, **more)


def count(path: Path, segments: list[Segment]) -> None:
    """See that a file has no more segments than are read of one."""
    within("items", len(segments), path)


def clock(time: float, sign: str = ".") -> str:
    """A time as hours, minutes, seconds and milliseconds.

    Returns
    -------
    str
        ``HH:MM:SS.mmm``, with the decimal sign given.

    Examples
    --------
    >>> clock(3661.0005), clock(59.9996, ",")
    ('01:01:01.000', '00:01:00,000')
    """
    milliseconds = round(time * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{sign}{milliseconds:03d}"


def seconds_of_clock(text: str) -> float:
    """The inverse of `clock`; hours and fractions may be left out.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    ValueError
        No such time.

    Examples
    --------
    >>> seconds_of_clock("01:02.5"), seconds_of_clock("1:00:00,250")
    (62.5, 3600.25)
    """
    matched = _CLOCK.fullmatch(text.strip())
    if matched is None or int(matched[3]) > 59 or (matched[1] and int(matched[2]) > 59):
        raise ValueError(f"{text.strip()[:30]!r} is no time; HH:MM:SS.mmm was expected")
    hours, minutes, seconds, fraction = matched.groups()
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return whole + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)
