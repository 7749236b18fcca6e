"""The time of a folder: what its own file system says now, since the clocks of machines may differ by hours."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectlens.core.disk.files import temporary_beside


def touched(file: Path) -> float:
    """Let the file system give a file the time it has now; gives that time in seconds."""
    os.utime(file)  # without a time of ours, so that a server uses its own clock
    return modified(file)


def modified(file: Path) -> float:
    """When a file was changed last, in seconds of its file system; asked of the server where a copy may be remembered."""
    handle = os.open(file, os.O_RDONLY)  # NFS looks at the file again when it is opened
    try:
        return os.fstat(handle).st_mtime
    finally:
        os.close(handle)


@contextmanager
def probe(folder: Path) -> Iterator[Path]:
    """A file whose time is that of the folder's file system."""
    file = temporary_beside(folder / "clock")
    try:
        file.write_bytes(b"")
        yield file
    finally:
        with contextlib.suppress(OSError):
            file.unlink()
