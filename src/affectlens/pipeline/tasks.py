"""What is done with every recording of a run, in whichever process: claim it, work, write, record what it came to."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from affectlens.core.disk.places import written
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import AffectlensError, OutputError, UsageError
from affectlens.core.failures import Failure, failure_of, log_tracebacks
from affectlens.core.options import Options
from affectlens.core.progress import Progress
from affectlens.core.tables import evidence_frame, rows_frame
from affectlens.ledger import DONE, FAILED, Claim, Holder, Item, Ledger
from affectlens.ledger.records import KILLED
from affectlens.modalities.base import Finding
from affectlens.pipeline.engine import Engine
from affectlens.pipeline.jobs import Job, abandon, ledger_root
from affectlens.pipeline.parts import has_part, read_part, write_part
from affectlens.pipeline.results import Result, load_report
from affectlens.pipeline.writer import write_recording, writing
from affectlens.report.bundle import Report

log = logging.getLogger(__name__)
TRIES = 3  # processes that may end over a recording
NEW, RESUMED, BUSY = "new", "resumed", "busy"


@dataclass(frozen=True)
class Outcome:
    """What a recording came to, without its rows, which are on disk.

    Attributes
    ----------
    path : str
        The recording as it was given.
    item : Item
        What is recorded of it.
    how : str
        ``new``, ``resumed`` where it was done before, ``busy`` where another process is at it.
    """

    path: str
    item: Item
    how: str = NEW


@dataclass
class RecordingTask(ABC):
    """Base of what is done with every recording; travels to workers as its settings alone.

    Attributes
    ----------
    out : Path
        Where results go.
    root : Path
        Where the ledger lies.
    log : Path or None
        A file for tracebacks.
    options : Options
        Of the run.
    resume : bool
        Whether what was done before counts.
    engine : Engine, optional
        Models that are loaded already; they stay in this process.
    progress : callable, optional
        Takes how far a recording is, in this process alone.
    """

    verb: ClassVar[str] = ""

    out: Path
    root: Path
    log: Path | None
    options: Options
    resume: bool
    engine: Engine | None = None
    progress: Progress | None = None
    _ledger: Ledger | None = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"engine": None, "progress": None, "_ledger": None}

    @property
    def ledger(self) -> Ledger:
        """Records and claims."""
        if self._ledger is None:
            self._ledger = Ledger(self.root)
        return self._ledger

    def open(self, threads: int | None) -> Any:
        """Load the models, with fewer threads where several processes share the machine."""
        options = self.options if threads is None else replace(self.options, threads=min(threads, self.options.threads))
        engine = self.engine or Engine(options)
        made_by = engine.made_by()
        if self.log is not None and self.engine is None:
            log_tracebacks(self.log)
        return lambda path: self.do(path, engine, made_by)

    def stop(self) -> None:
        """Give back what is claimed."""
        if self._ledger is not None:
            self._ledger.claims.release_all()

    def do(self, path: str, engine: Engine, made_by: dict[str, Any]) -> Outcome:
        """What one recording comes to; whatever it raises is its failure alone."""
        job = Job(Path(path), self.out, self.options, made_by)
        try:
            self.see_folder()
            return self._done(job) or self._claimed(job, engine)
        except Exception as error:
            return self.failed(path, failure_of(path, error))

    def see_folder(self) -> None:
        """See that the folder of results is still there, so that a share that went away is not begun anew below its name."""
        if not self.ledger.records.plans_in.is_dir():
            raise OutputError(
                f"{self.root}: the folder of results is not there any more, as where a shared folder goes away; when it is "
                "back, the same call with --resume goes on, and nothing that is done is lost"
            )

    def failed(self, path: str, failure: Failure, key: str = "", tries: int = 0) -> Outcome:
        """Record that a recording came to nothing."""
        before = self.ledger.records.item(written(path))
        count = tries or 1 + (before.tries if before is not None and before.state == FAILED else 0)
        item = Item(
            written(path), FAILED, key, what=failure.what, reason=failure.reason, tries=count, version=package_version()
        )
        try:
            self.see_folder()
            self.ledger.records.record(item)
        except AffectlensError as error:  # a full disk fails the recording, and may fail its record too
            log.warning("%s: %s", path, error)
        return Outcome(path, item)

    def _done(self, job: Job) -> Outcome | None:
        """What was done before, where it counts."""
        if not self.resume:
            return None
        before = self.ledger.records.item(written(job.path))
        if before is not None and before.what == KILLED and before.key == job.key:
            return Outcome(str(job.path), before)
        if not self.is_done(job):
            return None
        result = self.load(job.name, str(job.path))
        return Outcome(str(job.path), self._recorded(job, result), RESUMED)

    def _claimed(self, job: Job, engine: Engine) -> Outcome:
        claim = self.ledger.claims.take(job.name, written(job.path))
        if isinstance(claim, Holder):
            reason = f"{job.path} in {self.out}: another process ({claim}) is at work on it; wait until it has ended"
            return Outcome(
                str(job.path), Item(written(job.path), FAILED, job.key, job.name, what="writing", reason=reason), BUSY
            )
        with claim:
            if claim.number >= TRIES:
                reason = (
                    f"the process that worked on it ended {claim.number} times without a word, as where memory is short; "
                    "`affectlens runs retry` lets it be tried again"
                )
                return self.failed(str(job.path), Failure(str(job.path), KILLED, reason), job.key, claim.number)
            again = self._done(job)  # its last holder may have finished just now
            if again is not None:
                return again
            result = self.make(job, claim, engine)
            return Outcome(str(job.path), self._recorded(job, result))

    def _recorded(self, job: Job, result: Result) -> Item:
        seconds = float(result.seconds.get("total", 0.0))
        item = Item(written(job.path), DONE, job.key, job.name, len(result.table), seconds, version=package_version())
        self.ledger.records.record(item)
        return item

    @abstractmethod
    def is_done(self, job: Job) -> bool:
        """Whether the result of the same job is there."""

    @abstractmethod
    def load(self, name: str, path: str) -> Result:
        """A result that is there."""

    @abstractmethod
    def make(self, job: Job, claim: Claim, engine: Engine) -> Result:
        """Make a result and write it."""


@dataclass
class ExplainTask(RecordingTask):
    """A report folder a recording."""

    verb = "explain"

    def is_done(self, job: Job) -> bool:
        """Whether the report is there and whole."""
        job.recover()
        if job.is_done():
            try:
                load_report(job.target, str(job.path))
            except UsageError as error:  # a table of it was damaged since; one of another form is the user's to decide on
                log.warning("%s; it is made again", error)
                return False
            return True
        if version := job.made_before_by():
            log.info("%s: the report that is there was made by affectlens %s; it is made again", job.path, version)
        return False

    def load(self, name: str, path: str) -> Result:
        """A report."""
        return load_report(self.out / name, name if self.options.anonymous else path)

    def make(self, job: Job, claim: Claim, engine: Engine) -> Result:
        """Recognise, explain and write the report."""
        with writing(self.root):
            scratch = job.begin(claim, self.ledger, self.resume)
        try:
            _, findings, report = engine.run(
                job.path, explaining=True, scratch=scratch, progress=self.progress, called=job.called
            )
            with writing(job.target):
                write_recording(job, scratch, claim, report, findings, engine.modalities)
        except Exception:
            abandon(scratch)
            raise
        return _result(job, findings, report)  # what was just written need not be read again


@dataclass
class RecognizeTask(RecordingTask):
    """A part of a table a recording."""

    verb = "recognize"

    def is_done(self, job: Job) -> bool:
        """Whether the rows are there."""
        return has_part(job)

    def load(self, name: str, path: str) -> Result:
        """The rows."""
        return read_part(self.out, name, name if self.options.anonymous else path)

    def make(self, job: Job, claim: Claim, engine: Engine) -> Result:
        """Recognise and write the rows."""
        _, findings, report = engine.run(job.path, explaining=False, progress=self.progress, called=job.called)
        result = _result(job, findings, report)
        write_part(job, result)
        return result


def _result(job: Job, findings: list[Finding], report: Report) -> Result:
    """The rows of a recording, without its evidence."""
    rows = rows_frame([finding.row for finding in findings])
    notes = tuple(report.clip.problems.notes)
    return Result(job.called or str(job.path), rows, evidence_frame([]), None, notes, report.seconds)


def task_of(verb: str, out: Path) -> RecordingTask:
    """The task of a verb, to read what it made: without models."""
    kind, root = (ExplainTask, ledger_root(out)) if verb == "explain" else (RecognizeTask, out)
    return kind(out, root, None, Options(), True)
