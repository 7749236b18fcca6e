"""The sha256 of files, read once: what was computed is remembered by the state in which the file was.

The state is the file's path, size, inode and the nanoseconds of its last change of content and of metadata. The last of these
cannot be set back by ordinary means, so a file that was changed and given its old time again is read again. A file that changed
within the last seconds is not remembered, since the clock of a file system may be too coarse to tell two changes apart.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import time
from pathlib import Path

from affectlens.core.disk.places import cache_dir

SMALLEST = 1 << 20  # bytes; anything smaller is read as quickly as it is looked up
SETTLED = 3.0  # seconds after its last change from which a file's state is believed
State = tuple[str, int, int, int, int]

_here: dict[State, str] = {}  # of this process


def sha256_of_file(path: Path, fresh: bool = False) -> str:
    """Hex digest of a file's bytes.

    Parameters
    ----------
    path : Path
        The file.
    fresh : bool
        Read the file whatever is remembered.

    Returns
    -------
    str
        64 digits.
    """
    before = _state(path)
    if before[1] < SMALLEST:
        return _read(path)
    known = "" if fresh else _here.get(before) or _recalled(before)
    if known:
        _here[before] = known
        return known
    made = _read(path)
    settled = time.time() - max(before[3], before[4]) / 1e9 > SETTLED
    if settled and _state(path) == before:
        _here[before] = made
        _remember(before, made)
    return made


def _read(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _state(path: Path) -> State:
    stat = path.stat()
    return os.fsencode(path.absolute()).hex(), stat.st_size, stat.st_ino, stat.st_mtime_ns, stat.st_ctime_ns


def _memory() -> sqlite3.Connection:
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(folder / "digests.db", timeout=1.0, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # a loss of power may cost what was remembered last, never its truth
    db.execute(
        "CREATE TABLE IF NOT EXISTS digest (path TEXT PRIMARY KEY, size INTEGER, inode INTEGER, modified INTEGER, "
        "changed INTEGER, sha256 TEXT) WITHOUT ROWID"
    )
    return db


def _recalled(state: State) -> str:
    """What is remembered of a state; empty where nothing is, or where the memory cannot be read."""
    if not (cache_dir() / "digests.db").exists():
        return ""
    with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(_memory()) as db:
        wanted = "SELECT sha256 FROM digest WHERE path = ? AND size = ? AND inode = ? AND modified = ? AND changed = ?"
        row = db.execute(wanted, state).fetchone()
        if row and re.fullmatch("[0-9a-f]{64}", str(row[0])):
            return str(row[0])
    return ""


def _remember(state: State, digest: str) -> None:
    """Keep a digest for other processes; one that cannot be kept is computed again."""
    with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(_memory()) as db:
        db.execute("INSERT OR REPLACE INTO digest VALUES (?, ?, ?, ?, ?, ?)", (*state, digest))
