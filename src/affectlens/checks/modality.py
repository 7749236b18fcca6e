"""The contract of modalities: rows and evidence of every recording, whatever it holds, and nothing of the last one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.checks.base import RandomStates, raised, run_checks, same
from affectlens.checks.recordings import Finder, Outcome, lead, make_recordings
from affectlens.core.errors import AffectlensError
from affectlens.core.options import Options
from affectlens.core.schema import STATUS, Evidence, Row
from affectlens.modalities.base import Modality, build
from affectlens.modalities.telling import clause


@dataclass(frozen=True, eq=False)
class Subject:
    """A modality with recordings by what they are."""

    modality: Modality
    recordings: Mapping[str, Path]
    finder: Callable[[], Finder] | None

    def lead(self, path: Path, **more: Any) -> Outcome:
        """One recording from begin to finish."""
        return lead(self.modality, path, finder=self.finder, **more)

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """Every recording once, explained, one after the other."""
        return {name: self.lead(path) for name, path in self.recordings.items()}


def check_modality(
    modality: str | Modality | type[Modality],
    recordings: Mapping[str, str | Path] | None = None,
    *,
    options: Options | None = None,
    finder: Callable[[], Finder] | None = None,
    leave_out: Collection[str] = (),
) -> None:
    """Check that a modality keeps to the contract of ``affectlens.modalities.base.Modality``.

    Parameters
    ----------
    modality : str, class or Modality
        A registered name, a class, or an instance.
    recordings : mapping of str or Path, optional
        By what they are; besides these a picture, films, a sound and silence are made, in which nobody is to be seen or heard.
    options : Options, optional
        What the modality is made with.
    finder : callable, optional
        Makes what finds people in the frames of a recording; nobody is in view when absent.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such modality or check.
    """
    if isinstance(modality, str):
        made = build(options or Options(modalities=(modality,)))[0]
    else:
        made = modality if isinstance(modality, Modality) else modality(options or Options())
    with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
        given = {name: Path(path) for name, path in (recordings or {}).items()}
        subject = Subject(made, make_recordings(Path(folder)) | given, finder)
        run_checks(f"the modality {made.name!r}", CHECKS, subject, leave_out)


def described(subject: Subject) -> Iterator[str]:
    """It has a name; its assets are in the manifest; its models have ``name`` and ``meta``."""
    from affectlens.assets.manifest import asset

    if not subject.modality.name or not subject.modality.name.replace("-", "").isalnum():
        yield f"name {subject.modality.name!r}; letters, digits and dashes were expected, as --modalities takes them"
    for name in subject.modality.assets:
        try:
            asset(name)
        except AffectlensError as error:
            yield str(error)
    for model in subject.modality.models:
        if not getattr(model, "name", "") or not isinstance(getattr(model, "meta", None), dict):
            yield f"the model {model!r} has no name or no meta, which provenance needs"


def recordings(subject: Subject) -> Iterator[str]:
    """Every recording is gone through without an exception, also one that has nothing for this modality."""
    for name, path in subject.recordings.items():
        try:
            subject.lead(path)
        except Exception as error:
            yield f"{name}: {raised(error)}"


def nothing(subject: Subject) -> Iterator[str]:
    """A recording of which nothing was given (begin, finish) has findings or none, but no exception."""
    path = next(iter(subject.recordings.values()))
    outcome = subject.lead(path)
    subject.modality.begin(outcome.clip)
    new, more = subject.modality.finish(outcome.clip, [])
    if not isinstance(new, list) or not isinstance(more, list):
        yield f"finish gives {type(new).__name__} and {type(more).__name__}; two lists were expected"


def rows(subject: Subject) -> Iterator[str]:
    """Rows are of the recording and of this modality, in it, with a distribution and a weight, or a reason."""
    for name, outcome in subject.outcomes.items():
        for finding in outcome.findings:
            yield from (f"{name}: {text}" for text in _wrong(finding.row, finding.weight, subject.modality.name, outcome))


def _wrong(row: Row, weight: float, modality: str, outcome: Outcome) -> Iterator[str]:
    where = f"row {row.start:g} to {row.end:g} s of person {row.person}"
    if row.file != outcome.clip.file or row.modality != modality:
        yield f"{where} is of {row.file}, {row.modality}; {outcome.clip.file}, {modality} was expected"
    if not 0 <= row.start <= row.end:
        yield f"{where}: it ends before it starts"
    if row.status not in STATUS or (row.status == "ok" and row.probabilities is None):
        yield f"{where} has status {row.status!r} and probabilities {row.probabilities}"
    if not np.isfinite(weight) or weight < 0:
        yield f"{where} has the weight {weight}; a number of at least 0 was expected"
    if set(row.conformal) - set(row.scheme.labels):
        yield f"{where} has the set {row.conformal}; its scheme has {', '.join(row.scheme.labels)}"


def evidence(subject: Subject) -> Iterator[str]:
    """Each piece of evidence has its own id and speaks of a row that there is, or of the situation in this recording."""
    for name, outcome in subject.outcomes.items():
        given = [row for finding in outcome.findings for row in finding.evidence] + outcome.evidence
        ids = [row.id for row in given]
        doubled = [number for number in ids if ids.count(number) > 1]
        if doubled:
            yield f"{name}: two pieces of evidence have the id {doubled[0]}"
        known = {
            (finding.row.file, finding.row.start, finding.row.end, finding.row.person, finding.row.modality)
            for finding in outcome.findings
        }
        for row in given:
            if row.level == "situation" and (row.file, row.modality) == (outcome.clip.file, subject.modality.name):
                continue
            if (row.file, row.start, row.end, row.person, row.modality) not in known:
                about = f"{row.start:g} to {row.end:g} s of person {row.person}"
                yield f"{name}: evidence {row.id} speaks of {about}: there is no such row"


def telling(subject: Subject) -> Iterator[str]:
    """Evidence has words where its kind has any, and comes back from a record as it was."""
    for name, outcome in subject.outcomes.items():
        for row in [row for finding in outcome.findings for row in finding.evidence] + outcome.evidence:
            stated = clause(row)
            if stated is not None and not stated.text:
                yield f"{name}: the clause of evidence {row.id} ({row.kind}) has no text"
            if not same(Evidence.from_record(row.to_record()).to_record(), row.to_record()):
                yield f"{name}: evidence {row.id} ({row.kind}) comes back from its record changed"


def forgetting(subject: Subject) -> Iterator[str]:
    """A recording has the same rows whatever was gone through before; global random numbers are not moved."""
    with RandomStates() as random:
        first = {name: _numbers(subject.lead(path)) for name, path in subject.recordings.items()}
    yield from random.problems()
    for before, name in pairwise(list(subject.recordings)[::-1]):
        if not same(first[name], _numbers(subject.lead(subject.recordings[name]))):
            yield f"{name} has other rows after {before} than before it; begin has to forget the last recording"


def explaining(subject: Subject) -> Iterator[str]:
    """The rows are the same whether they are explained or not."""
    for name, path in subject.recordings.items():
        if not same(_numbers(subject.outcomes[name]), _numbers(subject.lead(path, explaining=False))):
            yield f"{name} has other rows when nothing is explained"


def hearing(subject: Subject) -> Iterator[str]:
    """What was heard survives JSON, and restored gives the same rows."""
    for name, outcome in subject.outcomes.items():
        if outcome.heard is None:
            continue
        again = subject.lead(subject.recordings[name], heard=json.loads(json.dumps(outcome.heard)))
        if not same(_numbers(outcome), _numbers(again)):
            yield f"{name} has other rows when what was heard is restored"


def _numbers(outcome: Outcome) -> list[dict[str, Any]]:
    return [finding.row.to_record() for finding in outcome.findings]


_ALL = (described, recordings, nothing, rows, evidence, telling, forgetting, explaining, hearing)
CHECKS: dict[str, Callable[[Any], Iterator[str]]] = {check.__name__: check for check in _ALL}
