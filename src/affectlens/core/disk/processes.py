"""Which processes are alive, and where their numbers mean the same."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
from pathlib import Path


@functools.cache
def machine() -> str:
    """Eight digits for where process numbers mean the same: this machine since it was started, this container."""
    marks = [platform.node()]
    for mark in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with contextlib.suppress(OSError):
            marks.append(str(Path(mark).readlink()) if mark.endswith("/pid") else Path(mark).read_text(encoding="ascii"))
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:8]


def is_alive(process: int, started: str = "") -> bool:
    """Whether a process of this machine runs.

    Parameters
    ----------
    process : int
        Its number.
    started : str
        What `start_of` gave for it: numbers are used again. Empty where that is not known.

    Returns
    -------
    bool
        True also for one that belongs to somebody else.
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    now = start_of(process)
    return now != "ended" and (not (started and now) or started == now)


def start_of(process: int) -> str:
    """When a process began, in ticks since its machine did; ``ended`` for a zombie, empty where it is not known."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "ended" if state == "Z" else fields[18]
