"""Formats by name: what each can hold, so that what it cannot is counted and said before a file is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from affectlens.core.errors import UsageError
from affectlens.core.registry import Registry
from affectlens.exchange.annotations import NAN, Annotations, Segment

# What a format may hold of a segment beside its times; each name is what messages say.
PARTS = ("value", "recording", "tier", "person", "rater", "confidence", "point", "empty value", "vocabulary")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ud800-\udfff\ufffe\uffff]")
Write = Callable[[Annotations, Path], object]
Read = Callable[[Path], Annotations]


@dataclass(frozen=True)
class Format:
    """A format of annotations.

    Attributes
    ----------
    name, title : str
        As ``--to`` and ``--as`` take it, and what it is called in the literature.
    write : callable
        Takes annotations that the format can hold (see `held`) and a path.
    read : callable
        Takes a path; errors name file and line.
    suffix : str
        How names of its files end, with the dot; empty for a folder.
    holds : tuple of str
        Those of `PARTS` that come back when what was written is read.
    several : bool
        Whether one file holds several recordings.
    step : float
        Seconds that times are rounded to.
    plain : callable, optional
        Takes a text and gives one without the characters that the format cannot hold.
    takes : callable, optional
        Takes annotations and gives those that the format is made for, with a note on the others.
    beside : callable, optional
        Takes annotations and the path that was written, and writes what belongs beside it.
    """

    name: str
    title: str
    write: Write
    read: Read
    suffix: str
    holds: tuple[str, ...]
    several: bool = False
    step: float = 0.001
    plain: Callable[[str], str] | None = None
    takes: Callable[[Annotations], Annotations] | None = None
    beside: Callable[[Annotations, Path], object] | None = None

    @property
    def is_folder(self) -> bool:
        """Whether it is written as a folder."""
        return not self.suffix

    @property
    def ending(self) -> str:
        """The last part of the suffix, with its dot, in small letters."""
        return f".{self.suffix.rpartition('.')[2]}".lower()

    @property
    def home(self) -> str:
        """Where it was defined, for the registry."""
        return f"{self.write.__module__}.{self.write.__qualname__}"


FORMATS: Registry[Format] = Registry("format of annotations", "affectlens.exchange.formats")


def register_format(
    name: str,
    title: str,
    *,
    read: Read,
    suffix: str,
    holds: tuple[str, ...] = ("value",),
    several: bool = False,
    step: float = 0.001,
    plain: Callable[[str], str] | None = None,
    takes: Callable[[Annotations], Annotations] | None = None,
    beside: Callable[[Annotations, Path], object] | None = None,
) -> Callable[[Write], Write]:
    r"""Make a format available under ``name``; a decorator of the function that writes it.

    Parameters
    ----------
    name, title, read, suffix, holds, several, step, plain, takes, beside
        As in `Format`.

    Returns
    -------
    callable
        Takes the function that writes annotations to a path, and gives it back.

    Raises
    ------
    UsageError
        ``holds`` names a part that there is not.

    Examples
    --------
    >>> def read_lines(path):
    ...     return Annotations(tuple(Segment("", i, i + 1, line) for i, line in enumerate(path.read_text().splitlines())))
    >>> @register_format("lines", "one word a second", read=read_lines, suffix=".lines", step=1.0)
    ... def write_lines(annotations, path):
    ...     path.write_text("".join(f"{segment.value}\n" for segment in annotations.segments))
    >>> "lines" in FORMATS
    True
    >>> _ = FORMATS.remove("lines")
    """
    if wrong := [part for part in holds if part not in PARTS]:
        raise UsageError(f"holds: {', '.join(wrong)}; some of {', '.join(PARTS)} were expected")

    def add(write: Write) -> Write:
        FORMATS.add(name, Format(name, title, write, read, suffix, holds, several, step, plain, takes, beside))
        return write

    return add


def chosen(name: str, path: Path | None = None) -> Format:
    """The format of a name, or where none is given of a file's suffix.

    Parameters
    ----------
    name : str
        As registered, or nothing.
    path : Path, optional
        The file.

    Returns
    -------
    Format
        The format.

    Raises
    ------
    UsageError
        No such format, or a suffix that belongs to none or to several.

    Examples
    --------
    >>> chosen("", Path("talk.eaf")).name
    'elan'
    """
    if name:
        return FORMATS.get(name)
    fitting = [
        one for one in FORMATS.values() if path is not None and one.suffix and path.name.lower().endswith(one.suffix.lower())
    ]
    if fitting:
        longest = max(len(one.suffix) for one in fitting)
        fitting = [one for one in fitting if len(one.suffix) == longest]
    if len(fitting) != 1:
        known = ", ".join(FORMATS.names())
        raise UsageError(f"{path}: its name does not tell the format; give --as, one of {known}")
    return fitting[0]


def held(annotations: Annotations, form: Format) -> Annotations:
    """What of annotations a format can hold; the notes count the rest.

    Parameters
    ----------
    annotations : Annotations
        Of any recordings.
    form : Format
        The format.

    Returns
    -------
    Annotations
        Ordered. Written and read again, they are the same, but for a recording's name that the format does not hold.
    """
    notes: list[str] = list(annotations.notes)
    if form.takes is not None:
        annotations = form.takes(annotations)
        notes = list(annotations.notes)
    lost: Counter[str] = Counter()
    segments = [made for segment in annotations.segments if (made := _held(segment, form, lost)) is not None]
    notes += [f"{form.title}: {count} {what}" for what, count in lost.items()]
    vocabularies = annotations.vocabularies
    if "vocabulary" not in form.holds:
        if vocabularies:
            notes.append(
                f"{form.title}: {_counted(len(vocabularies), 'closed vocabulary', 'closed vocabularies')} cannot be held"
            )
        vocabularies = {}
    else:
        vocabularies = {_clean(tier, form): tuple(_clean(word, form) for word in words) for tier, words in vocabularies.items()}
    whole = Annotations(
        tuple(segments), vocabularies, annotations.files, annotations.durations, tuple(notes), annotations.folders
    )
    return whole.ordered()


def _held(segment: Segment, form: Format, lost: Counter[str]) -> Segment | None:
    """The segment as the format holds it, or None; what is lost is counted."""
    texts = {name: _clean(getattr(segment, name), form) for name in ("value", "tier", "person", "rater")}
    lost["texts with line breaks or characters that it cannot hold, changed"] += sum(
        texts[name] != getattr(segment, name) for name in texts
    )
    for part in ("tier", "person", "rater", "value"):
        if part not in form.holds and texts[part]:
            lost[f"segments lose their {part}"] += 1
            texts[part] = ""
    confidence = segment.confidence
    if "confidence" not in form.holds and confidence == confidence:
        lost["segments lose their confidence"] += 1
        confidence = NAN
    if "empty value" not in form.holds and "value" in form.holds and not texts["value"]:
        lost["segments with an empty value left out"] += 1
        return None
    start, end = _rounded(segment.start, form.step), _rounded(segment.end, form.step)
    lost[f"segments with times rounded to {form.step:g} s"] += (
        abs(start - segment.start) > 1e-9 or abs(end - segment.end) > 1e-9
    )
    if "point" not in form.holds and end <= start:
        lost[f"points in time become segments of {form.step:g} s"] += 1
        end = _rounded(start + form.step, form.step)
    for name in [name for name, count in lost.items() if not count]:
        del lost[name]
    return replace(segment, start=start, end=end, confidence=confidence, **texts)


def _rounded(time: float, step: float) -> float:
    """A time on the format's grid, as the decimal number that it will be written as."""
    return round(round(time / step) * step, 9) if step else time


def _clean(text: str, form: Format) -> str:
    """A text of one line without control characters, as the format holds it."""
    plain = " ".join(_CONTROL.sub(" ", text).split())
    return form.plain(plain) if form.plain is not None else plain


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
