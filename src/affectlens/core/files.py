"""Files that appear whole or not at all, and what tells one state of a file from another."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from affectlens.core.errors import OutputError
from affectlens.core.names import fitting


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Call ``write`` with a temporary path beside ``path`` and move the result to its name.

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
    ending = f".{os.getpid()}.partial{path.suffix}"  # two runs may write the same file
    partial = path.with_name(fitting(f".{path.name}", 255 - len(os.fsencode(ending))) + ending)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        os.replace(partial, path)
    except OSError as error:
        _remove(partial)
        if error.filename is not None and Path(str(error.filename)) not in (partial, path, *path.parents):
            raise  # something else could not be read on the way
        raise OutputError(f"cannot write {path}: {error.strerror or error}; free some space or give another --out") from error
    except BaseException:
        _remove(partial)
        raise
    return path


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
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    trial = there / f".affectlens-write-test-{os.getpid()}"
    try:
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        raise OutputError(f"cannot write to {folder} ({error.strerror}); give a folder you may write with --out") from error
    return folder


def make_folder(folder: Path) -> Path:
    """Make a folder that can be written to, as ``check_folder`` sees.

    Returns
    -------
    Path
        The folder.
    """
    check_folder(folder).mkdir(parents=True, exist_ok=True)
    return folder


def _remove(partial: Path) -> None:
    with contextlib.suppress(OSError):  # its folder may be no folder at all
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8, whole or not at all; a byte of a file name that is no UTF-8 is written as an escape."""
    return write_whole(path, lambda p: p.write_text(text, encoding="utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> Path:
    """Write JSON, whole or not at all; what JSON does not know becomes text."""
    return write_text(path, json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n")


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes, or of the names and bytes of all files below a folder."""
    if not path.is_dir():
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    whole = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        whole.update(f"{file.relative_to(path).as_posix()}\0{sha256_of(file)}\n".encode())
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
    h = hashlib.sha256()
    for part in parts:
        if hasattr(part, "tobytes") and getattr(part, "shape", None) != ():
            if getattr(getattr(part, "dtype", None), "hasobject", False):
                raise TypeError("an array of objects has no fixed bytes; give a list")
            h.update(f"{getattr(part, 'dtype', '')}{getattr(part, 'shape', '')}".encode())
            h.update(part.tobytes())
        elif isinstance(part, bytes):
            h.update(part)
        else:
            h.update(json.dumps(part, sort_keys=True, default=_stable).encode())
        h.update(b"\0")
    return h.hexdigest()


def _stable(value: Any) -> Any:
    """What JSON does not know as something that is the same in every run."""
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if hasattr(value, "item"):  # a number of numpy
        return value.item()
    if str(value) == object.__repr__(value):
        raise TypeError(f"{value!r} has no text that is the same in every run; give JSON types")
    return str(value)
