"""What every format of annotations is read into and written from: segments of recordings, with who, what and who said so."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.errors import UsageError

NAN = float("nan")


@dataclass(frozen=True)
class Segment:
    """One annotation.

    Parameters
    ----------
    file : str
        The recording; empty where a format does not name it.
    start, end : float
        Seconds; both are the same for a point in time.
    value : str
        The label, or what was said.
    tier : str
        What it speaks of: ``face``, ``voice``, ``fused``, ``text`` or any name that an annotator chose.
    person : str
        Whose it is; empty for nobody in particular.
    rater : str
        Who says so; empty where that is not known.
    confidence : float
        0 to 1; NaN where none is given.

    Raises
    ------
    UsageError
        A time that is no number or before 0, or an end before its start.

    Examples
    --------
    >>> Segment("talk.mp4", 0.5, 1.25, "happiness", "face", "0").length
    0.75
    """

    file: str
    start: float
    end: float
    value: str
    tier: str = ""
    person: str = ""
    rater: str = ""
    confidence: float = NAN

    def __post_init__(self) -> None:
        if wrong := wrong_times(self.start, self.end):
            raise UsageError(wrong)

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start

    @property
    def is_point(self) -> bool:
        """Whether it has no length."""
        return self.end <= self.start

    @property
    def track(self) -> tuple[str, str, str]:
        """Tier, person and rater: what stands in one row of an annotation program."""
        return self.tier, self.person, self.rater


def wrong_times(start: float, end: float) -> str:
    """What is wrong with two times in seconds; empty where nothing is.

    Returns
    -------
    str
        For people.

    Examples
    --------
    >>> wrong_times(2.0, 1.5)
    'the end, 1.5 s, lies before the start, 2 s'
    """
    if not (math.isfinite(start) and math.isfinite(end)):
        return f"the times {start} and {end} were given; numbers of seconds were expected"
    if start < 0:
        return f"the start, {start:g} s, lies before 0"
    if end < start:
        return f"the end, {end:g} s, lies before the start, {start:g} s"
    return ""


COLUMNS = tuple(entry.name for entry in fields(Segment))


@dataclass(frozen=True)
class Annotations:
    """Segments of one recording or of several.

    Parameters
    ----------
    segments : tuple of Segment
        In any order; `ordered` sorts them.
    vocabularies : mapping of str to tuple of str
        The words that a tier may hold, where it may hold no others.
    files : tuple of str
        Recordings, also those without a segment; those of the segments where not given.
    durations : mapping of str to float
        Seconds of recordings, where known.
    notes : tuple of str
        What was left out or changed on the way, counted.
    folders : tuple of Path
        Folders of reports that the segments come from.

    Examples
    --------
    >>> made = Annotations((Segment("a.mp4", 1, 2, "joy", "face"), Segment("a.mp4", 0, 1, "calm", "face")))
    >>> made.to_frame().value.tolist(), made.files
    (['calm', 'joy'], ('a.mp4',))
    """

    segments: tuple[Segment, ...] = ()
    vocabularies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not self.files:
            object.__setattr__(self, "files", tuple(dict.fromkeys(segment.file for segment in self.segments)))

    def ordered(self) -> Annotations:
        """The same, sorted by recording, time, tier, person, rater and value."""
        return replace(self, segments=tuple(sorted(self.segments, key=_order)))

    def of(self, file: str) -> Annotations:
        """Those of one recording."""
        return replace(self, segments=tuple(one for one in self.segments if one.file == file), files=(file,))

    def tracks(self) -> dict[tuple[str, str, str], list[Segment]]:
        """Segments by tier, person and rater, in the order of their first."""
        out: dict[tuple[str, str, str], list[Segment]] = {}
        for segment in self.ordered().segments:
            out.setdefault(segment.track, []).append(segment)
        return out

    def to_frame(self) -> pd.DataFrame:
        """One row a segment: file, start and end in seconds, value, tier, person, rater, confidence."""
        rows = [{name: getattr(segment, name) for name in COLUMNS} for segment in self.ordered().segments]
        frame = pd.DataFrame(rows, columns=list(COLUMNS))
        return frame.astype({"start": float, "end": float, "confidence": float})

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, **more: Any) -> Annotations:
        """The inverse of ``to_frame``; columns that are not there take their defaults.

        Parameters
        ----------
        frame : DataFrame
            At least with columns file, start, end and value.
        **more
            Other fields.

        Returns
        -------
        Annotations
            One segment a row.
        """
        known = [name for name in COLUMNS if name in frame]
        rows: Iterable[dict[str, Any]] = frame[known].to_dict("records")
        return cls(tuple(Segment(**{str(name): value for name, value in row.items()}) for row in rows), **more)


def _order(segment: Segment) -> tuple[Any, ...]:
    sure = segment.confidence
    return (segment.file, segment.start, segment.end, *segment.track, segment.value, -1.0 if sure != sure else sure)
