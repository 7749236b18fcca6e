"""Programs that are started end when this process does, however it ends."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
_system: Any = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded before any fork


def _end_with_parent() -> None:
    _system.prctl(_DEATH_SIGNAL, signal.SIGKILL)


@contextmanager
def child(command: Sequence[str], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A running program, ended where the block is left before it has ended by itself.

    Parameters
    ----------
    command : sequence of str
        The program and its arguments.
    **more
        As ``subprocess.Popen`` takes them.

    Yields
    ------
    subprocess.Popen
        The program. On Linux the system ends it with this process, even where that is killed.
    """
    if _system is not None:
        more["preexec_fn"] = _end_with_parent
    worker: subprocess.Popen[bytes] = subprocess.Popen(command, **more)
    try:
        yield worker
    finally:
        if worker.poll() is None:
            worker.terminate()
            with suppress(subprocess.TimeoutExpired):
                worker.wait(5)
            worker.kill()
            worker.wait()
