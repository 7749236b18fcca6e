"""One process at a time in a folder that several may be given.

For folders of one machine, as of audits and training; runs that machines share claim their work in the ledger. The lock is
one of the operating system on a file, so it ends with its process however that ends, and a lock that was left behind by one
that was killed does not exist.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectlens.core.disk.files import not_written
from affectlens.core.errors import OutputError

try:
    import fcntl
except ImportError:  # a system without them: two processes in one folder are the user's to avoid
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone_in(file: Path, what: str) -> Iterator[None]:
    """Hold a lock file; it is removed afterwards.

    Parameters
    ----------
    file : Path
        The lock; its folder is made.
    what : str
        What is held, for the error of the process that comes second.

    Raises
    ------
    OutputError
        Another process holds it, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, alone_in(Path(folder) / ".lock", folder):
    ...     sorted(p.name for p in Path(folder).iterdir())
    ['.lock']
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = _taken(file)
    except OSError as error:
        raise OutputError(not_written(file, error)) from error
    if handle is None:
        raise OutputError(
            f"{what}: another process{_holder(file)} is at work there; wait until it has ended, or give another --out"
        )
    try:
        yield
    finally:
        file.unlink(missing_ok=True)  # while it is held, so that nobody's but our own is removed
        os.close(handle)


def _taken(file: Path) -> int | None:
    """A handle that holds the lock, or None where another process does."""
    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        try:
            same = os.path.samestat(os.fstat(handle), file.stat())
        except FileNotFoundError:
            same = False
        if same:  # else its holder removed the file between our opening and our locking it
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
            return handle
        os.close(handle)


def _holder(file: Path) -> str:
    try:
        number = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        number = ""
    return f" ({number})" if number.isdigit() else ""
