"""Files below a folder as a person means them: without what systems and programs hide there, links followed once."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

# Folders and files that systems leave beside a person's own; names that begin with a dot are hidden everywhere.
HIDDEN = {
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "desktop.ini",
}


def is_hidden(path: Path, root: Path | None = None) -> bool:
    """Whether a file is not a person's own: hidden, a resource fork of macOS, a thumbnail of a NAS, a checkpoint of a notebook.

    Parameters
    ----------
    path : Path
        The file.
    root : Path, optional
        The folder that was given; only the names below it count, since it may lie in a hidden folder itself.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_hidden(Path("clips/._a.mp4")), is_hidden(Path("clips/__MACOSX/a.mp4")), is_hidden(Path("clips/a.mp4"))
    (True, True, False)
    >>> is_hidden(Path(".cache/clips/a.mp4"), Path(".cache/clips"))
    False
    """
    below = path.relative_to(root) if root is not None and path.is_relative_to(root) else path
    return any(name not in (".", "..") and (name.startswith(".") or name.lower() in HIDDEN) for name in below.parts)


@dataclass
class Found:
    """What lies below a folder.

    Attributes
    ----------
    files : list of Path
        Files that are not hidden, sorted.
    hidden : list of Path
        Hidden files and folders.
    again : list of Path
        Links to folders that were walked already, or that lead in a circle.
    closed : list of Path
        Folders that the system does not let us read.
    """

    files: list[Path] = field(default_factory=list)
    hidden: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    closed: list[Path] = field(default_factory=list)


def files_below(folder: Path) -> Found:
    """Every file below a folder; linked folders are followed, each folder is walked once.

    Parameters
    ----------
    folder : Path
        Where to begin.

    Returns
    -------
    Found
        Files, and what was left out.
    """
    below, walked = Found(), set()
    waiting, links = deque([folder]), deque[Path]()  # links wait, so that a folder is met under its own name first
    while waiting or links:
        here = waiting.popleft() if waiting else links.popleft()
        try:
            stat = here.stat()
            if (stat.st_dev, stat.st_ino) in walked:
                below.again.append(here)
                continue
            walked.add((stat.st_dev, stat.st_ino))
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:
            below.closed.append(here)
            continue
        for entry in entries:
            path = here / entry.name
            if is_hidden(Path(entry.name)):
                below.hidden.append(path)
            elif entry.is_dir():
                (links if entry.is_symlink() else waiting).append(path)
            elif entry.is_file():
                below.files.append(path)
    below.files.sort()
    return below
