"""Stretches of time in which one voice speaks, and what lies in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class VoiceSpan:
    """One voice speaks from ``start`` to ``end`` seconds; ``voice`` is its number from 0 in order of first speech."""

    start: float
    end: float
    voice: int


def voice_at(spans: Sequence[VoiceSpan], start: float, end: float) -> int | None:
    """The voice that speaks for most of a time.

    Parameters
    ----------
    spans : sequence of VoiceSpan
        Of the recording.
    start, end : float
        Seconds.

    Returns
    -------
    int or None
        None where no voice speaks then.

    Examples
    --------
    >>> voice_at([VoiceSpan(0.0, 2.0, 0), VoiceSpan(2.0, 5.0, 1)], 1.5, 3.0)
    1
    """
    seconds: dict[int, float] = {}
    for span in spans:
        shared = min(end, span.end) - max(start, span.start)
        if shared > 0:
            seconds[span.voice] = seconds.get(span.voice, 0.0) + shared
    return max(seconds, key=lambda voice: seconds[voice]) if seconds else None


def borders(spans: Sequence[VoiceSpan]) -> list[float]:
    """Seconds at which one voice gives way to another."""
    changes = [(before, after) for before, after in pairwise(spans) if before.voice != after.voice]
    return [(before.end + after.start) / 2 for before, after in changes]
