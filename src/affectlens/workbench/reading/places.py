"""The folders that the server was given: what lies below them is served, and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from affectlens.core.errors import UsageError
from affectlens.workbench.reading.runs import looks_like_run

DEEPEST = 6  # folders below a given one in which runs are looked for
NOT_RUNS = {"figures", "parts", "__pycache__", "node_modules"}


class Folders:
    """The given folders, with links resolved.

    Parameters
    ----------
    given : list of Path
        Folders that are there.

    Raises
    ------
    UsageError
        One is not there, or is no folder.
    """

    def __init__(self, given: list[Path]) -> None:
        for folder in given:
            if not folder.is_dir():
                raise UsageError(f"{folder}: no such folder; give folders in which `explain --out` or audits wrote runs")
        self.roots = list(dict.fromkeys(folder.resolve() for folder in given))

    def root_of(self, path: Path) -> int | None:
        """The number of the given folder that a path lies in, links followed; None where it lies in none."""
        whole = path.resolve()
        return next((number for number, root in enumerate(self.roots) if whole.is_relative_to(root)), None)

    def runs(self) -> Iterator[tuple[int, Path]]:
        """Every folder that looks like a run, with the number of the given folder; links are not followed."""
        for number, root in enumerate(self.roots):
            for folder in _below(root, DEEPEST):
                yield number, folder


def inside(folder: Path, name: str) -> Path | None:
    """A file below a folder by its relative name; None where there is none, or where the name leads out of the folder."""
    if not name or name.startswith("/") or "\0" in name or "\\" in name:
        return None
    try:
        whole, root = (folder / name).resolve(), folder.resolve()
        fine = whole.is_relative_to(root) and whole.is_file()
    except (OSError, ValueError, RuntimeError):  # a name that is too long, a circle of links
        return None
    return whole if fine else None


def _below(folder: Path, depth: int) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            listed = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    except OSError:
        return
    if looks_like_run({name for name, is_folder in listed if not is_folder}):
        yield folder
        return  # what lies in a run belongs to it
    for name, is_folder in sorted(listed):
        if is_folder and depth and not name.startswith(".") and name not in NOT_RUNS:
            yield from _below(folder / name, depth - 1)


def id_of(folder: Path) -> str:
    """The name of a run in addresses: sixteen digits made of where it lies.

    Returns
    -------
    str
        The same for the same folder.

    Examples
    --------
    >>> len(id_of(Path("/runs/talk-0123")))
    16
    """
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def is_id(text: str) -> bool:
    """Whether a text can be the name of a run in addresses."""
    return re.fullmatch(r"[0-9a-f]{16}", text) is not None
