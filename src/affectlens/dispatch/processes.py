"""Worker processes: each opens its task once; one that the system kills is replaced, and its item is tried again."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from affectlens.core.errors import AffectlensError
from affectlens.dispatch.child import BROKEN, DONE, READY, serve, told
from affectlens.dispatch.task import Crash, Surroundings, Task

START = "spawn"  # a process that is forked inherits threads and locks that networks do not survive
TRIES = 3  # of an item whose worker ends
log = logging.getLogger(__name__)


@dataclass
class _Worker:
    """A process and what it is at."""

    process: Any
    work: Connection
    alive: Connection
    item: str | None = None
    is_ready: bool = False


@dataclass
class _Pool:
    """Workers of one run."""

    task: Task
    wanted: int
    threads: int | None
    waiting: deque[str]
    tries: dict[str, int] = field(default_factory=dict)
    workers: list[_Worker] = field(default_factory=list)
    ended_early: int = 0  # workers that ended before they were ready, one after the other

    def start(self) -> None:
        """Begin a worker."""
        context: Any = multiprocessing.get_context(START)
        work, theirs = context.Pipe()
        alive, end = context.Pipe()
        given = (theirs, end, Surroundings(), self.task, self.threads)
        process = context.Process(target=serve, args=given, daemon=True)
        process.start()
        theirs.close()
        end.close()
        self.workers.append(_Worker(process, work, alive))

    def give(self, worker: _Worker) -> None:
        """Send a worker its next item, or send it home."""
        worker.item = self.waiting.popleft() if self.waiting else None
        with contextlib.suppress(OSError):  # it has just ended, which is met where its messages are read
            worker.work.send(worker.item)

    def results(self) -> Iterator[Any]:
        """What items came to, as they come to it."""
        while len(self.workers) < min(self.wanted, len(self.waiting)):
            self.start()
        while self.workers:
            ready = wait([worker.work for worker in self.workers])
            for worker in [worker for worker in self.workers if worker.work in ready]:
                yield from self.met(worker)

    def met(self, worker: _Worker) -> Iterator[Any]:
        """Take a message of a worker, or its end."""
        try:
            message = worker.work.recv()
        except (EOFError, OSError):
            yield from self.ended(worker)
            return
        if told(message):
            return
        kind, content = message
        if kind == BROKEN:
            raise content
        if kind == READY:
            worker.is_ready, self.ended_early = True, 0
        if kind == DONE:
            worker.item = None
            yield content
        self.give(worker)

    def ended(self, worker: _Worker) -> Iterator[Crash]:
        """Replace a worker that ended in the midst of its work."""
        self.workers.remove(worker)
        worker.process.join()
        reason = how_it_ended(worker.process.exitcode)
        _close(worker)
        if worker.item is not None:
            tries = self.tries[worker.item] = self.tries.get(worker.item, 0) + 1
            log.warning("%s: the worker that was at it ended (%s)", worker.item, reason)
            if tries < TRIES:
                self.waiting.appendleft(worker.item)
            else:
                yield Crash(worker.item, reason, tries)
        elif not worker.is_ready:
            self.ended_early += 1
            if self.ended_early >= TRIES:
                raise AffectlensError(f"workers end before they begin ({reason}); try fewer --workers, or more memory")
        while len(self.workers) < min(self.wanted, len(self.waiting) + sum(w.item is not None for w in self.workers)):
            self.start()

    def end(self) -> None:
        """End all workers; those at work give back what others wait for."""
        for worker in self.workers:
            worker.alive.close()
        for worker in self.workers:
            worker.process.join(5.0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            _close(worker)
        self.workers.clear()


def from_processes(task: Task, items: Sequence[str], workers: int, threads: int | None) -> Iterator[Any]:
    """What each item comes to, from worker processes.

    Parameters
    ----------
    task : Task
        Opened once in every worker.
    items : sequence of str
        In the order in which they are begun.
    workers : int
        Processes.
    threads : int or None
        The most of each.

    Yields
    ------
    Any or Crash
        What the task gives, in the order in which items are finished; a `Crash` for one whose worker ended every time.

    Raises
    ------
    AffectlensError
        What the task cannot be opened for, or workers that end before they begin.
    """
    pool = _Pool(task, workers, threads, deque(items))
    try:
        yield from pool.results()
    finally:
        pool.end()


def how_it_ended(code: int | None) -> str:
    """An exit code in words.

    Returns
    -------
    str
        The signal, where it was one.

    Examples
    --------
    >>> how_it_ended(-9), how_it_ended(3)
    ('killed by SIGKILL, as the system does where memory is short', 'exit code 3')
    """
    if code is None or code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"killed by {name}" + (", as the system does where memory is short" if -code == signal.SIGKILL else "")


def _close(worker: _Worker) -> None:
    for connection in (worker.work, worker.alive):
        with contextlib.suppress(OSError):
            connection.close()
