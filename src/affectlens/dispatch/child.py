"""The life of a worker process: it opens its task, does what it is sent, and ends with the process that began it."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from multiprocessing.connection import Connection
from typing import Any

from affectlens.core.errors import AffectlensError
from affectlens.core.failures import failure_of
from affectlens.dispatch.task import Surroundings, Task

READY, BROKEN, DONE, LOG = "ready", "broken", "done", "log"
STOPPED = 130


def serve(work: Connection, alive: Connection, surroundings: Surroundings, task: Task, threads: int | None) -> None:
    """Run a worker until it is sent None, or until the other end of ``alive`` is closed.

    Parameters
    ----------
    work : Connection
        Brings items, takes what they came to.
    alive : Connection
        Nothing comes through it; its end says that whoever began the worker has ended or wants no more of it.
    surroundings : Surroundings
        What holds beside the task.
    task : Task
        What is done with every item.
    threads : int or None
        The most that the worker shall use.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; who began us decides
    threading.Thread(target=_end_with, args=(alive, task), name="alive", daemon=True).start()
    logger = logging.getLogger("affectlens")
    logger.handlers, logger.propagate = [_Sent(work)], False
    with surroundings.entered():
        try:
            handle = task.open(threads)
        except Exception as error:
            told = error if isinstance(error, AffectlensError) else AffectlensError(failure_of("a worker", error).reason)
            work.send((BROKEN, told))
            return
        work.send((READY, None))
        while (item := work.recv()) is not None:
            work.send((DONE, handle(item)))


def _end_with(alive: Connection, task: Task) -> None:
    with contextlib.suppress(EOFError, OSError):
        alive.recv()
    try:
        task.stop()
    finally:
        os._exit(STOPPED)  # a network that is at work is not waited for


class _Sent(logging.Handler):
    """What the package logs, sent to the process that shows it."""

    def __init__(self, work: Connection) -> None:
        super().__init__(logging.INFO)
        self._work = work

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record as text."""
        with contextlib.suppress(OSError, ValueError):  # nobody listens any more
            self._work.send((LOG, (record.levelno, record.getMessage())))


def told(message: tuple[str, Any]) -> bool:
    """Whether a message was something to log, and log it."""
    kind, content = message
    if kind == LOG:
        logging.getLogger("affectlens.worker").log(*content)
    return kind == LOG
