"""The study file: what may stand in it, and errors that name its lines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from affectlens.core.barrier import reading
from affectlens.core.environment.extras import helpful
from affectlens.core.errors import UsageError
from affectlens.core.limits import within
from affectlens.core.untrusted.documents import read_text

DAY = 86_400.0  # seconds; no two clocks of one study are further apart
LONGEST = 20_000_000  # letters of a study file
DEEPEST = 20
SHOWN = 30  # errors that one message lists
Name = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(ge=-DAY, le=DAY, allow_inf_nan=False)]


class Part(BaseModel):
    """Base of everything in a study file: a name that is not known is an error."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class Marker(Part):
    """A moment with a name; in a stimulus from its start on, in a recording on the recording's own clock."""

    name: Name
    time: Seconds


class Stimulus(Part):
    """What was shown or played."""

    name: Name
    duration: Annotated[float, Field(gt=0, le=DAY, allow_inf_nan=False)] | None = None
    markers: list[Marker] = []

    @model_validator(mode="after")
    def _inside(self) -> Stimulus:
        late = [one for one in self.markers if one.time < 0 or (self.duration is not None and one.time > self.duration)]
        if late:
            raise ValueError(
                f"the marker {late[0].name} at {late[0].time:g} s lies outside of the stimulus, which is {self.duration} s long"
            )
        return self


class Recording(Part):
    """A recording of a participant, or what was measured of it earlier."""

    file: str = ""
    table: str = ""
    condition: str = ""
    source: str = ""
    offset: Seconds = 0.0
    stimulus: str = ""
    stimulus_start: Seconds = 0.0
    person: str = ""
    markers: list[Marker] = []
    events: str = ""
    events_as: str = ""

    @model_validator(mode="after")
    def _named(self) -> Recording:
        if not self.file and not self.table:
            raise ValueError("give file, a recording, or table, what was measured of one")
        return self

    @property
    def name(self) -> str:
        """What tells it apart."""
        return self.file or self.table


class Baseline(Recording):
    """A recording, or a part of one, that a person's own values are compared with."""

    start: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    end: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Baseline:
        if self.end is not None and self.end <= self.start:
            raise ValueError(f"the baseline ends at {self.end:g} s, before its start at {self.start:g} s")
        return self


class Participant(Part):
    """A person who takes part."""

    id: Name
    group: str = ""
    recordings: list[Recording] = []
    baseline: Baseline | None = None


class Rater(Part):
    """Somebody who annotated recordings."""

    name: Name
    files: list[str]
    read_as: str = ""


class Exclusion(Part):
    """A participant, or one recording of theirs, that is left out, and why."""

    participant: Name
    recording: str = ""
    reason: Name


class Analysis(Part):
    """What is compared, and when."""

    measures: Annotated[list[Name], Field(min_length=1)] = ["happiness", "anger", "sadness"]
    event: str = ""
    window: tuple[Seconds, Seconds] = (-1.0, 5.0)
    bin: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 0.5
    test: tuple[Seconds, Seconds] | None = None
    baseline: tuple[Seconds, Seconds] | Literal["person", "none"] = "none"
    draws: Annotated[int, Field(ge=99, le=1_000_000)] = 2000
    seed: Annotated[int, Field(ge=0)] = 0

    @field_validator("window", "test")
    @classmethod
    def _ordered(cls, given: tuple[float, float] | None) -> tuple[float, float] | None:
        if given is not None and given[1] <= given[0]:
            raise ValueError(f"the end, {given[1]:g} s, does not lie after the start, {given[0]:g} s")
        return given

    @property
    def bins(self) -> list[float]:
        """Edges of the bins, seconds from the event."""
        count = max(1, math.floor((self.window[1] - self.window[0]) / self.bin + 1e-9))
        return [self.window[0] + number * self.bin for number in range(count + 1)]

    @property
    def tested(self) -> tuple[float, float]:
        """The part of the window whose mean is tested: all from the event on where nothing is said."""
        return self.test or (max(0.0, self.window[0]), self.window[1])


class Study(Part):
    """A study, as its file says it.

    Attributes
    ----------
    title, modality : str
        Its name, and whose answers count.
    participants, stimuli, raters, exclusions, analysis
        As the file lists them.
    recognition : dict
        Settings of ``affectlens.recognize``.
    """

    title: str = "A study"
    modality: Name = "fused"
    participants: Annotated[list[Participant], Field(min_length=1)]
    stimuli: list[Stimulus] = []
    raters: list[Rater] = []
    exclusions: list[Exclusion] = []
    recognition: dict[str, Any] = {}
    analysis: Analysis = Analysis()
    _path: Path = PrivateAttr(Path("study.yaml"))
    _lines: dict[tuple[Any, ...], int] = PrivateAttr(default_factory=dict)

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return self._path

    def place(self, name: str) -> Path:
        """A path of the file, which is meant from the file's own folder."""
        return self._path.parent / name

    def where(self, *place: Any) -> str:
        """The file and the line of a part, for messages."""
        for length in range(len(place), 0, -1):
            if place[:length] in self._lines:
                return f"{self._path}, line {self._lines[place[:length]]}"
        return str(self._path)


def read_study(path: str | Path) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : path
        YAML, as ``affectlens study init`` writes it.

    Returns
    -------
    Study
        Checked in itself; whether its files are there is for `affectlens.study.check`.

    Raises
    ------
    UsageError
        What is wrong, each with its line.
    """  # noqa: DOC501
    path = Path(path)
    with helpful():
        import yaml
    with reading(path, "a study file", UsageError):
        text = read_text(path, UsageError)
        if len(text) > LONGEST:
            raise UsageError(f"{path}: {len(text):,} letters; a study file has no more than {LONGEST:,}")
        _refuse_aliases(yaml, text, path)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    lines: dict[tuple[Any, ...], int] = {}
    doubles: list[str] = []
    if root is not None:
        _collect(root, (), lines, doubles, path)
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a study with participants was expected; `affectlens study init` writes an example")
    wrong = list(doubles)
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        wrong += [f"{path}, line {_line(lines, one['loc'])}: {_told(dict(one))}" for one in error.errors()]
        raise _together(wrong) from error
    study._path, study._lines = path, lines
    wrong += _contradictions(study)
    if wrong:
        raise _together(wrong)
    return study


def _together(wrong: list[str]) -> UsageError:
    more = f"\n…and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return UsageError("\n".join(wrong[:SHOWN]) + more)


def _refuse_aliases(yaml: Any, text: str, path: Path) -> None:
    """Aliases make a small file as large as one likes."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.SafeLoader)):
        within("items", count, path)
        if isinstance(event, yaml.AliasEvent):
            raise UsageError(f"{path}, line {event.start_mark.line + 1}: an alias (*{event.anchor}); write it out")
        opens = isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent)
        closes = isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent)
        depth += opens - closes
        if depth > DEEPEST:
            raise UsageError(f"{path}, line {event.start_mark.line + 1}: more than {DEEPEST} levels inside each other")


def _collect(node: Any, place: tuple[Any, ...], lines: dict[tuple[Any, ...], int], doubles: list[str], path: Path) -> None:
    """The line of every part; names that stand twice in one mapping."""
    lines[place] = node.start_mark.line + 1
    if node.id == "mapping":
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                doubles.append(f"{path}, line {line}: {key.value} stands at line {seen[key.value]} already")
            seen[str(key.value)] = line
            _collect(value, (*place, key.value), lines, doubles, path)
            lines[(*place, key.value)] = line
    elif node.id == "sequence":
        for number, value in enumerate(node.value):
            _collect(value, (*place, number), lines, doubles, path)


def _line(lines: dict[tuple[Any, ...], int], place: tuple[Any, ...]) -> int:
    """The line of the nearest part that stands in the file."""
    for length in range(len(place), -1, -1):
        if place[:length] in lines:
            return lines[place[:length]]
    return 1


def _told(error: dict[str, Any]) -> str:
    """What pydantic found, as this package says it."""
    place = ".".join(str(part) for part in error["loc"] if not str(part).startswith(("tuple", "literal", "constrained")))
    told = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        told = "is not known"
    elif error["type"] == "missing":
        told = "is missing"
    elif error["type"] != "value_error":
        told = f"{error.get('input')!r} was given: {told[0].lower()}{told[1:]}"
    return f"{place} {told}" if told.startswith("is ") else f"{place}: {told}"


def _contradictions(study: Study) -> list[str]:
    """What parts say against each other."""
    wrong: list[str] = []
    wrong += _twice(study, "participants", "id", "the participant")
    wrong += _twice(study, "raters", "name", "the rater")
    wrong += _twice(study, "stimuli", "name", "the stimulus")
    known = {one.name for one in study.stimuli}
    people = {one.id for one in study.participants}
    owners: dict[str, tuple[str, str]] = {}
    for number, person in enumerate(study.participants):
        for place, recording in enumerate(person.recordings):
            where = study.where("participants", number, "recordings", place)
            if recording.stimulus and recording.stimulus not in known:
                wrong.append(
                    f"{where}: the stimulus {recording.stimulus!r} is not among the stimuli "
                    f"({', '.join(sorted(known)) or 'none'})"
                )
            owner = owners.setdefault(recording.name, (person.id, where))
            if owner[0] != person.id:
                wrong.append(
                    f"{where}: {recording.name} is of {person.id} here and of {owner[0]} at {owner[1]}: one recording is of "
                    "one participant"
                )
            elif owner[1] != where and not recording.person:
                wrong.append(f"{where}: {recording.name} stands at {owner[1]} already")
    for number, exclusion in enumerate(study.exclusions):
        if exclusion.participant not in people:
            wrong.append(f"{study.where('exclusions', number)}: {exclusion.participant!r} is no participant")
    wrong += _of_analysis(study)
    return wrong


def _twice(study: Study, part: str, name: str, what: str) -> list[str]:
    first: dict[str, str] = {}
    wrong = []
    for number, one in enumerate(getattr(study, part)):
        where = study.where(part, number)
        own = getattr(one, name)
        if own in first:
            wrong.append(f"{where}: {what} {own!r} stands at {first[own]} already")
        first.setdefault(own, where)
    return wrong


def _of_analysis(study: Study) -> list[str]:
    analysis = study.analysis
    where = study.where("analysis")
    wrong = []
    low, high = analysis.tested
    if low < analysis.window[0] - 1e-9 or high > analysis.window[1] + 1e-9:
        wrong.append(
            f"{where}: test {low:g} to {high:g} s does not lie in the window {analysis.window[0]:g} to {analysis.window[1]:g} s"
        )
    if isinstance(analysis.baseline, tuple):
        begin, end = analysis.baseline
        if end <= begin:
            wrong.append(f"{where}: the baseline ends at {end:g} s, before its start at {begin:g} s")
    if analysis.bin > analysis.window[1] - analysis.window[0]:
        wrong.append(f"{where}: bin {analysis.bin:g} s is longer than the window")
    if analysis.event:
        named = {marker.name for one in study.stimuli for marker in one.markers}
        named |= {marker.name for one in study.participants for recording in one.recordings for marker in recording.markers}
        from_files = any(recording.events for one in study.participants for recording in one.recordings)
        if analysis.event not in named and not from_files:
            wrong.append(f"{where}: no marker is named {analysis.event!r}; there are {', '.join(sorted(named)) or 'none'}")
    return wrong
