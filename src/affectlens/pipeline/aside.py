"""Work that goes on in a second thread, and whose error is raised where it is waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context

PAUSE = 0.5  # seconds between two looks whether it has ended


class StoppedAsideError(Exception):
    """What goes on aside is no longer wanted."""


class Aside:
    """Something done in a thread of its own, with torch on one thread there.

    Parameters
    ----------
    work : callable
        What is done; it shares nothing with its caller that either of them changes.

    Examples
    --------
    >>> done = []
    >>> Aside(lambda: done.append(1)).wait()
    >>> done
    [1]
    """

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._error: Exception | None = None
        # No daemon: a process that ends while a network is at work in another thread of it is killed by the system.
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name="aside")
        self._thread.start()

    def _run(self) -> None:
        import torch

        torch.set_num_threads(1)  # torch counts threads by thread; this one ends with the work, so nothing is put back
        try:
            self._work()
        except Exception as error:
            self._error = error

    def wait(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Wait until it has ended, and raise what it raised; ``meanwhile`` is called now and then."""
        while self._thread.is_alive():
            self._thread.join(PAUSE)
            if meanwhile is not None:
                meanwhile()
        if self._error is not None:
            raise self._error
