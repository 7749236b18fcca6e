"""Files that appear whole or not at all, and what tells one state of a file from another."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from affectlens.core.disk.digests import sha256_of_file
from affectlens.core.disk.processes import is_alive, machine
from affectlens.core.errors import OutputError

TEMPORARY = re.compile(r"\.affectlens-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.partial")
FORGOTTEN = 7 * 86400.0  # seconds after which a temporary file of another machine is nobody's

# What to do about what the system says; whatever is not here is said in the system's own words.
ADVICE = {
    errno.ENOSPC: "free some space or give another --out",
    errno.EDQUOT: "your share of the disk is used up: remove something of yours, or give another --out",
    errno.EACCES: "you may not write there: change who may, or give another --out",
    errno.EPERM: "you may not write there: change who may, or give another --out",
    errno.EROFS: "nothing can be written on that file system: give another --out",
    errno.ENAMETOOLONG: "give a shorter --out",
    errno.EISDIR: "a folder of that name is there: move it away, or give another --out",
    errno.ENOTEMPTY: "a folder of that name is there: move it away, or give another --out",
    errno.ENOTDIR: "a file stands where a folder was expected: give another --out",
    errno.EEXIST: "a file stands where a folder was expected: give another --out",
    errno.ENOENT: "its folder was taken away meanwhile: make it again, or give another --out",
    errno.EMFILE: "this process has too many files open: raise the limit (ulimit -n)",
    errno.EFBIG: "the file is larger than the file system, or your limit (ulimit -f), allows: give another --out",
}


def not_written(path: str | Path, error: OSError) -> str:
    """Why a file or folder cannot be written, in the system's words, and what to do about that.

    Returns
    -------
    str
        What an `OutputError` shall say.

    Examples
    --------
    >>> print(not_written("out/table.csv", OSError(errno.ENOSPC, "No space left on device")))
    cannot write out/table.csv: No space left on device; free some space or give another --out
    >>> print(not_written("out/table.csv", OSError("the writer was closed")))
    cannot write out/table.csv: the writer was closed
    """
    advice = ADVICE.get(error.errno or 0, "")
    return f"cannot write {path}: {error.strerror or error}" + (f"; {advice}" if advice else "")


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Call ``write`` with a temporary path beside ``path`` and move the result to its name, once it is on the disk.

    Parameters
    ----------
    path : Path
        Where the file shall be; folders are made.
    write : callable
        Takes the temporary path and writes the file there.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    OutputError
        The file cannot be written; nothing is left behind.
    OSError
        What ``write`` could not read from elsewhere.
    """
    partial = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_temporaries(path.parent)
        write(partial)
        sync(partial)
        os.replace(partial, path)
        sync(path.parent)
    except OSError as error:
        _remove(partial)
        if error.filename is not None and Path(os.fsdecode(error.filename)) not in (partial, path, *path.parents):
            raise  # something else could not be read on the way
        raise OutputError(not_written(path, error)) from error
    except BaseException:
        _remove(partial)
        raise
    return path


def temporary_beside(path: Path) -> Path:
    """A name in the same folder that no other process, thread or call takes, with the same ending where that is short."""
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= 20 else ""
    return path.with_name(f".affectlens-{machine()}-{os.getpid()}-{secrets.token_hex(4)}.partial{suffix}")


def remove_temporaries(folder: Path) -> None:
    """Remove what processes that were killed left in a folder; looked for once a process and folder."""
    _remove_once(str(folder.absolute()), os.getpid())


@functools.lru_cache(maxsize=1024)
def _remove_once(folder: str, _process: int) -> None:
    try:
        names = [file.name for file in Path(folder).iterdir()]
    except OSError:  # a folder may be written to and not be listed
        return
    for name in names:
        match = TEMPORARY.match(name)
        if match and _is_left_behind(Path(folder) / name, match[1], int(match[2])):
            _remove(Path(folder) / name)


def _is_left_behind(file: Path, origin: str, process: int) -> bool:
    if origin == machine():
        return not is_alive(process)
    try:
        return time.time() - file.stat().st_mtime > FORGOTTEN
    except OSError:
        return False


def sync(path: Path) -> None:
    """See that a file, or the names in a folder, are on the disk and not only on their way there."""
    flags = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) if path.is_dir() else os.O_RDWR
    with contextlib.suppress(PermissionError):  # systems that open no folders, files that were made read-only
        handle = os.open(path, flags)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):  # file systems that cannot
                raise
        finally:
            os.close(handle)


def check_folder(folder: Path) -> Path:
    """See that a folder can be made and written to, before any work is done; nothing is left behind if work never begins.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        It cannot.
    """
    try:
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        trial = temporary_beside(there / "trial")
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise OutputError(not_written(folder, error)) from error
    return folder


def make_folder(folder: Path) -> Path:
    """Make a folder that can be written to, as ``check_folder`` sees.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        check_folder(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(not_written(folder, error)) from error
    return folder


def _remove(partial: Path) -> None:
    with contextlib.suppress(OSError):  # its folder may be no folder at all
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8, whole or not at all; a byte of a file name that is no UTF-8 is written as an escape."""
    return write_whole(path, lambda file: file.write_text(text, encoding="utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> Path:
    """Write JSON, whole or not at all; what JSON does not know becomes text."""
    return write_text(path, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def sha256_of(path: Path, fresh: bool = False) -> str:
    """Hex digest of a file's bytes, or of the names and bytes of all files below a folder.

    Parameters
    ----------
    path : Path
        A file or folder.
    fresh : bool
        Read every byte, whatever is remembered of files in the same state (`digests`).

    Returns
    -------
    str
        64 digits.
    """
    if not path.is_dir():
        return sha256_of_file(path, fresh)
    whole = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        whole.update(os.fsencode(f"{file.relative_to(path).as_posix()}\0{sha256_of_file(file, fresh)}\n"))
    return whole.hexdigest()


def key_of(*parts: Any) -> str:
    """A short name for everything that a result depends on: settings, contents, weights.

    Parameters
    ----------
    *parts : JSON types, sets, paths, bytes or arrays
        As ``digest_of`` takes them.

    Returns
    -------
    str
        Twenty digits.

    Examples
    --------
    >>> key_of({"seed": 0, "modalities": ["face"]}) == key_of({"modalities": ["face"], "seed": 0})
    True
    >>> key_of("face", 1) == key_of("face", 2)
    False
    """
    return digest_of(*parts)[:20]


def digest_of(*parts: Any) -> str:
    """Hex digest of contents in memory.

    Parameters
    ----------
    *parts : JSON types, sets, paths, bytes or arrays
        Their order counts, that of the keys of a dictionary does not.

    Returns
    -------
    str
        sha256, 64 digits.

    Raises
    ------
    TypeError
        Something that would be another text in the next run (an object without a text of its own, an array of objects).
    """
    digest = hashlib.sha256()
    for part in parts:
        if hasattr(part, "tobytes") and getattr(part, "shape", None) != ():
            if getattr(getattr(part, "dtype", None), "hasobject", False):
                raise TypeError("an array of objects has no fixed bytes; give a list")
            digest.update(f"{getattr(part, 'dtype', '')}{getattr(part, 'shape', '')}".encode())
            digest.update(part.tobytes())
        elif isinstance(part, bytes):
            digest.update(part)
        else:
            digest.update(json.dumps(part, sort_keys=True, default=_stable).encode())
        digest.update(b"\0")
    return digest.hexdigest()


def _stable(value: Any) -> Any:
    """What JSON does not know as something that is the same in every run."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if hasattr(value, "item"):  # a number of numpy
        return value.item()
    if str(value) == object.__repr__(value):
        raise TypeError(f"{value!r} has no text that is the same in every run; give JSON types")
    return str(value)
