"""Work that takes long: recordings to explain, reruns and copies, done one after the other in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import write_json
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.untrusted.documents import json_of

QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = "queued", "running", "done", "failed", "cancelled", "interrupted"
OPEN = (QUEUED, RUNNING)
AGAIN = (FAILED, CANCELLED, INTERRUPTED)
MOST_OPEN = 500
KEPT = 200  # ended jobs that are listed


@dataclass
class Job:
    """One piece of work.

    Attributes
    ----------
    id, kind, name : str
        ``kind`` is ``upload``, ``rerun`` or ``copy``; the name is for people.
    state : str
        ``queued``, ``running``, ``done``, ``failed``, ``cancelled`` or ``interrupted`` (the server ended).
    stage : str
        What is being done; ``done`` of ``of`` (0 where that is not known).
    order : dict
        What the worker is sent.
    run : str or None
        The id of the run that it made.
    folder : str
        Where that lies.
    """

    id: str
    kind: str
    name: str
    order: dict[str, Any]
    state: str = QUEUED
    stage: str = ""
    done: float = 0.0
    of: float = 0.0
    queued: str = ""
    started: str | None = None
    ended: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    run: str | None = None
    of_run: str | None = None
    folder: str = ""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    saved: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As the page sees it: without paths of this machine."""
        shown = {name: value for name, value in asdict(self).items() if name not in ("order", "folder")}
        share = min(1.0, self.done / self.of) if self.of > 0 else None
        return shown | {"share": share if self.state == RUNNING else (1.0 if self.state == DONE else None)}


def now() -> str:
    """The time in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Worker:
    """The process that works; started with the first order, and again after it was ended."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def do(self, order: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        """Send an order and wait for what it comes to.

        Parameters
        ----------
        order : dict
            See ``affectlens.workbench.work.worker``.
        tell : callable
            Takes the progress.

        Returns
        -------
        dict
            With ``error`` where it failed, or where the process ended.
        """
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
            for line in process.stdout:
                with contextlib.suppress(ValueError):
                    facts = json.loads(line)
                    if facts.get("kind") == "done":
                        return dict(facts)
                    tell(facts)
        except OSError:
            pass
        code = process.wait()
        self._process = None
        return {
            "error": f"the process that worked on it ended without a word ({code}), as where memory is short",
            "ended": True,
        }

    def end(self, patience: float = 3.0) -> None:
        """End the process, whatever it is at."""
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "affectlens.workbench.work.worker"]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
            )
        return self._process


class Queue:
    """Jobs in order; one is worked on at a time.

    Parameters
    ----------
    file : Path
        Keeps them between starts.
    opened : callable
        From the folder of a new run to its id; takes the job too.
    worker : Worker, optional
        What works.
    """

    def __init__(self, file: Path, opened: Callable[[Path, Job], str], worker: Worker | None = None) -> None:
        self._file, self._opened, self._worker = file, opened, worker or Worker()
        self._jobs: dict[str, Job] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._calling_off: set[str] = set()
        self.revision = 0
        self._restore()

    def add(self, job: Job) -> Job:
        """Put a job at the end.

        Raises
        ------
        UsageError
            Too many are waiting.
        """  # noqa: DOC201
        with self._changed:
            if sum(other.state in OPEN for other in self._jobs.values()) >= MOST_OPEN:
                raise UsageError(f"{MOST_OPEN} jobs are waiting, which is the most; wait until some are done")
            job.queued = now()
            self._jobs[job.id] = job
            self._told()
        return job

    def new_id(self) -> str:
        """An id that no job has."""
        with self._changed:
            return f"j{1 + max((int(name[1:]) for name in self._jobs if name[1:].isdigit()), default=0)}"

    def jobs(self) -> list[Job]:
        """All, the newest first."""
        with self._changed:
            return sorted(self._jobs.values(), key=lambda job: -int(job.id[1:]))

    def get(self, name: str) -> Job | None:
        """One by its id."""
        with self._changed:
            return self._jobs.get(name)

    def cancel(self, name: str) -> Job:
        """Call a job off; the process of one that is being worked on is ended.

        Raises
        ------
        UsageError
            There is none, or it has ended.
        """  # noqa: DOC201
        with self._changed:
            job = self._known(name)
            if job.state not in OPEN:
                raise UsageError(f"job {name} has ended ({job.state})")
            if job.state == RUNNING:
                self._calling_off.add(name)
                self._worker.end(0.5)
            else:
                self._end(job, CANCELLED)
        return job

    def retry(self, name: str) -> Job:
        """Do a job again that failed, was called off or was interrupted; what was heard before is used.

        Raises
        ------
        UsageError
            There is none, or it is none of these.
        """  # noqa: DOC201
        with self._changed:
            job = self._known(name)
            if job.state not in AGAIN:
                raise UsageError(f"job {name} is {job.state}; failed, cancelled and interrupted ones can be done again")
            job.state, job.error, job.ended, job.done, job.of, job.stage = QUEUED, "", None, 0.0, 0.0, ""
            job.queued = now()
            self._told()
        return job

    def remove(self, name: str) -> Job:
        """Take an ended job off the list.

        Raises
        ------
        UsageError
            There is none, or it has not ended.
        """  # noqa: DOC201
        with self._changed:
            job = self._known(name)
            if job.state in OPEN:
                raise UsageError(f"job {name} is {job.state}; cancel it first")
            del self._jobs[name]
            self._told()
        return job

    def touched(self) -> None:
        """Keep what somebody else changed of a job."""
        with self._changed:
            self._told()

    def close(self) -> None:
        """End what is being worked on; it is kept as interrupted."""
        with self._changed:
            self._closing = True
            self._worker.end(1.0)
            for job in self._jobs.values():
                if job.state == RUNNING:
                    job.state, job.ended = INTERRUPTED, now()
            self._keep()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(5.0)

    def _known(self, name: str) -> Job:
        job = self._jobs.get(name)
        if job is None:
            raise UsageError(f"job {name!r}: there is none")
        return job

    def _told(self) -> None:
        self.revision += 1
        self._keep()
        idle = self._thread is None or not self._thread.is_alive()
        if idle and not self._closing and any(job.state == QUEUED for job in self._jobs.values()):
            self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                waiting = [job for job in self._jobs.values() if job.state == QUEUED]
                if self._closing or not waiting:
                    self._thread = None
                    return
                job = waiting[0]
                job.state, job.started, job.stage = RUNNING, now(), "starting"
                self._told()
            self._finish(job, self._worker.do(job.order, lambda facts, job=job: self._progress(job, facts)))  # type: ignore[misc]

    def _progress(self, job: Job, facts: dict[str, Any]) -> None:
        with self._changed:
            job.stage, job.done, job.of = str(facts.get("stage", "")), float(facts.get("done", 0)), float(facts.get("of", 0))
            self.revision += 1

    def _finish(self, job: Job, came: dict[str, Any]) -> None:
        folder = str(came.get("folder", ""))
        run = None
        if folder and job.kind != "copy":
            try:
                run = self._opened(Path(folder), job)
            except Exception as error:  # a run that vanished meanwhile
                came = {"error": f"the run that was made cannot be opened ({error})"}
        with self._changed:
            if self._closing:
                return
            job.notes = list(dict.fromkeys([*job.notes, *(str(note) for note in came.get("notes", []))]))
            if job.id in self._calling_off:
                self._calling_off.discard(job.id)
                self._end(job, CANCELLED)
            elif came.get("error"):
                job.error = str(came["error"])
                self._end(job, FAILED)
            else:
                job.folder, job.run = folder, run
                self._end(job, DONE)

    def _end(self, job: Job, state: str) -> None:
        job.state, job.ended, job.stage = state, now(), ""
        ended = [name for name, other in self._jobs.items() if other.state not in OPEN]
        for name in ended[: max(0, len(ended) - KEPT)]:
            del self._jobs[name]
        self._told()

    def _keep(self) -> None:
        with contextlib.suppress(AffectlensError):  # a full disk ends no job
            write_json(self._file, {"jobs": [asdict(job) for job in self._jobs.values()]})

    def _restore(self) -> None:
        try:
            for entry in json_of(self._file)["jobs"]:
                job = Job(**entry)
                if job.state in OPEN:
                    job.state, job.ended = INTERRUPTED, job.ended or now()
                self._jobs[job.id] = job
        except (OSError, ValueError, KeyError, TypeError, AttributeError, AffectlensError):
            self._jobs.clear()
