"""Folders of the user that this package keeps things in, and how paths are written down."""

from __future__ import annotations

import os
from pathlib import Path

from affectlens.core.disk.names import decoded, encodable


def cache_dir() -> Path:
    """``$AFFECTLENS_CACHE``, else ``affectlens`` under the user's cache folder."""
    given = os.environ.get("AFFECTLENS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(base) / "affectlens"


def written(path: str | Path) -> str:
    r"""A path as text that any file can hold: bytes of a name that are no UTF-8 become escapes.

    Returns
    -------
    str
        Valid UTF-8.

    Examples
    --------
    >>> written("talks/talk.mp4")
    'talks/talk.mp4'
    >>> print(written(os.fsdecode(b"caf\xe9.mp4")))
    caf\udce9.mp4
    """
    return encodable(os.fspath(path))


def located(text: str | Path) -> Path:
    """The path that stands in a table as `written`."""
    return Path(decoded(os.fspath(text)))


def relative(path: str | Path) -> str:
    """A path as `written`, from the folder in which the run was started where it lies below that."""
    whole, here = Path(path).absolute(), Path.cwd()
    return written(whole.relative_to(here).as_posix() if whole.is_relative_to(here) else path)
