"""Ctrl-C and SIGTERM: what was finished stays, and the last line says how to go on."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPTED, TERMINATED = 130, 143  # exit codes, 128 and the number of the signal


class Terminated(KeyboardInterrupt):
    """The system asks the program to end (SIGTERM); handled like Ctrl-C, so that everything is left as it is then."""


class Stopped(BaseException):
    """A verb was stopped; no exception, so that nothing on the way out takes it for a fault.

    Attributes
    ----------
    code : int
        Exit code.
    hint : str
        How to go on; empty where nothing was kept.
    """

    def __init__(self, code: int, hint: str) -> None:
        super().__init__(hint)
        self.code, self.hint = code, hint


@contextmanager
def stopping() -> Iterator[None]:
    """Let SIGTERM stop what runs inside as Ctrl-C does."""

    def terminate(*_: Any) -> None:
        raise Terminated

    if threading.current_thread() is not threading.main_thread():  # signals belong to the main thread
        yield
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def with_hint(hint: str) -> Iterator[None]:
    """What stops a verb inside is told with how to go on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise Stopped(TERMINATED if isinstance(stop, Terminated) else INTERRUPTED, hint) from stop
