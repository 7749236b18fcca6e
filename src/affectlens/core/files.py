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
    """
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(partial)
        os.replace(partial, path)
    except OSError as error:
        _remove(partial)
        raise OutputError(f"cannot write {path}: {error.strerror or error}; free some space or give another --out") from error
    except BaseException:
        _remove(partial)
        raise
    return path


def _remove(partial: Path) -> None:
    with contextlib.suppress(OSError):  # its folder may be no folder at all
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write text as UTF-8, whole or not at all."""
    return write_whole(path, lambda p: p.write_text(text, encoding="utf-8"))


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
    """A short name for everything that a result depends on: settings, contents, weights (as JSON types or arrays)."""
    return digest_of(*parts)[:20]


def digest_of(*parts: Any) -> str:
    """Hex digest (sha256) of contents in memory: JSON types, bytes or arrays."""
    h = hashlib.sha256()
    for part in parts:
        if hasattr(part, "tobytes"):
            h.update(f"{getattr(part, 'dtype', '')}{getattr(part, 'shape', '')}".encode())
            h.update(part.tobytes())
        elif isinstance(part, bytes):
            h.update(part)
        else:
            h.update(json.dumps(part, sort_keys=True, default=str).encode())
        h.update(b"\0")
    return h.hexdigest()
