"""The contract of formats of annotations: what a format says that it holds comes back, and what it loses is said."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from affectlens.checks.base import run_checks
from affectlens.core.errors import AffectlensError
from affectlens.exchange.annotations import Annotations, Segment
from affectlens.exchange.registry import FORMATS, PARTS, Format, held
from affectlens.exchange.transfer import export, import_annotations

WORDS = ("happiness", "sadness", "ärger", "neutral")
FILE = "talk 1.mp4"
BROKEN = (
    b"",
    b"\x00\xff\xfe" * 50,
    b"WEBVTT\n\n00:05.000 --> 00:01.000\nx\n",
    b"<a>" * 500,
    b"[1, 2",
    b"\xef\xbb\xbf;;;\n\t\t\n",
)


@dataclass(frozen=True)
class Subject:
    """What the checks look at."""

    form: Format

    def through(self, annotations: Annotations) -> tuple[Annotations, Annotations, tuple[str, ...]]:
        """What is to come back, what does, and what was said to be lost."""
        with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
            out = Path(folder) / f"there{self.form.suffix}"
            done = export(annotations, self.form.name, out)
            made = held(annotations, self.form)
            parts = [import_annotations(path, self.form.name) for path in done.files]
            segments = tuple(segment for part in parts for segment in part.segments)
            words = {tier: known for part in parts for tier, known in part.vocabularies.items()}
        if "recording" not in self.form.holds:
            made = replace(made, segments=tuple(replace(one, file="") for one in made.segments))
            segments = tuple(replace(one, file="") for one in segments)
        return made.ordered(), Annotations(segments, words).ordered(), done.lost


def check_exchange(name: str, leave_out: Collection[str] = ()) -> None:
    """Check that a format of annotations keeps to its contract.

    Parameters
    ----------
    name : str
        A registered format.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such format or check.
    """  # noqa: DOC502
    run_checks(f"the format of annotations {name!r}", CHECKS, Subject(FORMATS.get(name)), leave_out)


def sample() -> Annotations:
    """Segments with all that a format may hold: persons, raters, overlaps, points, confidences, signs of many writings."""
    make = Segment
    return Annotations(
        (
            make(FILE, 0.0, 1.5, "happiness", "face", "0", "affectlens", 0.75),
            make(FILE, 1.5, 2.25, "sadness", "face", "0", "affectlens", 0.5),
            make(FILE, 0.5, 2.0, "ärger", "face", "1", "Ann B."),
            make(FILE, 1.0, 3.0, "neutral", "face", "1", "Ann B."),  # overlaps the one before on its own tier
            make(FILE, 0.25, 3.125, 'Grüße, „Welt“ & <friends> -- 你好 👋 "so"', "text", "1", "affectlens"),
            make(FILE, 2.0, 2.0, "start", "marker"),
        ),
        {"face": WORDS},
        (FILE,),
    )


def described(subject: Subject) -> Iterator[str]:
    """There is a title, what it holds are known parts, and no other format has its suffix."""
    form = subject.form
    if not form.title:
        yield "title is empty"
    if form.suffix and not form.suffix.startswith((".", "_")):
        yield f"suffix {form.suffix!r}; one that begins with a dot or an underscore was expected"
    if wrong := [part for part in form.holds if part not in PARTS]:
        yield f"it holds {wrong}; some of {PARTS} were expected"
    if others := [
        other.name for other in FORMATS.values() if form.suffix and other.suffix == form.suffix and other.name != form.name
    ]:
        yield f"its suffix is also that of {', '.join(others)}"


def _differences(subject: Subject, annotations: Annotations) -> Iterator[str]:
    expected, came, _ = subject.through(annotations)
    if len(came.segments) != len(expected.segments):
        yield f"{len(expected.segments)} segments were written and {len(came.segments)} read"
    for one, other in zip(expected.segments, came.segments, strict=False):
        if not _alike(one, other):
            yield f"{one} became {other}"
    if dict(came.vocabularies) != dict(expected.vocabularies):
        yield f"the vocabularies {dict(expected.vocabularies)} became {dict(came.vocabularies)}"


def _alike(one: Segment, other: Segment) -> bool:
    sure = one.confidence == other.confidence or (one.confidence != one.confidence and other.confidence != other.confidence)
    times = abs(one.start - other.start) < 1e-6 and abs(one.end - other.end) < 1e-6
    texts = all(getattr(one, name) == getattr(other, name) for name in ("file", "value", "tier", "person", "rater"))
    return sure and times and texts


def round_trip(subject: Subject) -> Iterator[str]:
    """What it says that it holds comes back, also of several recordings, and the segments given stay as they are."""
    given = sample()
    yield from _differences(subject, given)
    other = tuple(replace(one, file="Ünder/talk 2.wav", start=one.start + 10, end=one.end + 10) for one in given.segments)
    yield from _differences(subject, Annotations((*given.segments, *other), given.vocabularies))
    if given.segments != sample().segments:
        yield "the segments were changed"


def unicode_(subject: Subject) -> Iterator[str]:
    """Letters of any writing, quotes, brackets and separators come back; line breaks become spaces, which is said."""
    values = (
        "日本語 テスト",
        "naïve; 1,5\tx",
        "[a] b",
        "<v Ann>hi</v>",
        "\"quoted\" 'text'",
        "a --> b",
        "שלום",
        "🙂",
        "x@y/z~2 %41",
        "=1+1",
        "n/a",
        "<NA>",
        "0.5",
    )
    segments = tuple(Segment(FILE, place, place + 0.5, value, "text", "Zoë@home") for place, value in enumerate(values))
    yield from _differences(subject, Annotations(segments))
    if "value" in subject.form.holds and subject.form.takes is None:
        *_, lost = subject.through(Annotations((Segment(FILE, 0, 1, "one\n\ntwo", "text"),)))
        if not any("line breaks" in text for text in lost):
            yield "a line break is lost, and nothing says so"


def overlapping(subject: Subject) -> Iterator[str]:
    """Segments that overlap others, or are the same in time, on the same tier and on others, all come back."""
    times = ((0, 4), (1, 2), (1, 2), (2, 5), (4, 6))
    segments = [Segment(FILE, *pair, f"v{place}", "voice", person) for person in "01" for place, pair in enumerate(times)]
    yield from _differences(subject, Annotations(tuple(segments)))


def empty(subject: Subject) -> Iterator[str]:
    """No segment is written and read as no segment."""
    _, came, _ = subject.through(Annotations((), {}, (FILE,)))
    if came.segments:
        yield f"nothing was written, and {len(came.segments)} segments were read"


def milliseconds(subject: Subject) -> Iterator[str]:
    """Times come back to the millisecond, also after many hours, and rounded ones are counted."""
    starts = (0.001, 1.999, 59.999, 3599.999, 3600.0, 86399.123, 100.1)
    segments = tuple(Segment(FILE, start, round(start + 0.001, 6), "x", "voice", "0") for start in starts)
    yield from _differences(subject, Annotations(segments))
    odd = Annotations((Segment(FILE, 1.00004, 2.0, "x", "voice", "0"),))
    *_, lost = subject.through(odd)
    if subject.form.step >= 0.001 and not any("rounded" in text for text in lost):
        yield "a time is rounded, and nothing says so"


def loss_told(subject: Subject) -> Iterator[str]:
    """What it does not hold is counted in words."""
    *_, lost = subject.through(sample())
    told = " ".join(lost)
    for part, word in {"confidence": "confidence", "rater": "rater", "person": "person", "vocabulary": "vocabular"}.items():
        if part not in subject.form.holds and word not in told and subject.form.takes is None:
            yield f"{part} is lost, and nothing says so ({told or 'no note'})"


def broken(subject: Subject) -> Iterator[str]:
    """A file that is damaged or of something else is one clear error that names it, or read; never another exception."""
    with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
        for number, content in enumerate(BROKEN):
            path = Path(folder) / f"broken{number}{subject.form.suffix}"
            if subject.form.is_folder:
                path.mkdir()
                (path / "db.yaml").write_bytes(content)
                (path / "ro-crate-metadata.json").write_bytes(content)
                (path / "a.annotation").write_bytes(content)
            else:
                path.write_bytes(content)
            try:
                import_annotations(path, subject.form.name)
            except AffectlensError as error:
                if path.name not in str(error):
                    yield f"the error does not name the file: {error}"


CHECKS = {
    check.__name__.rstrip("_"): check
    for check in (described, round_trip, unicode_, overlapping, empty, milliseconds, loss_told, broken)
}
