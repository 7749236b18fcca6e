"""The recording behind a run: where it was, else a file with the same content below the given folders.

A recording may lie outside the given folders, where it was when it was explained; it is served only where its suffix is that
of a recording and its content has the sha256 that the run says. A run that says none is shown one of the given folders alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from affectlens.core.disk.files import sha256_of
from affectlens.core.disk.places import located
from affectlens.media.inputs import MEDIA
from affectlens.workbench.reading.notices import INFO, WARNING, Notice
from affectlens.workbench.reading.runs import Run

MOST_HASHED = 200  # files of another name that are read to compare, of a size that fits
MOST_FILES = 20_000


class Originals:
    """Finds recordings; what was found is remembered.

    Parameters
    ----------
    roots : iterable of Path
        Folders in which a recording is looked for that is not where it was.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._roots, self._lock = list(roots), threading.Lock()
        self._found: dict[str, Path | None] = {}

    def find(self, run: Run) -> tuple[Path | None, list[Notice]]:
        """The recording of a run.

        Parameters
        ----------
        run : Run
            Its ``provenance.json`` says the recording's name and sha256.

        Returns
        -------
        tuple
            The file, or None where there is none with that content, and what is to be told.
        """
        noted = located(str(run.facts.get("file", "")))
        candidates = [noted] if noted.is_absolute() else [Path.cwd() / noted]
        candidates += [run.folder / noted.name, run.folder.parent / noted.name, run.folder.parent / "recordings" / noted.name]
        if not noted.is_absolute():
            candidates += [root / noted for root in self._roots]
        other = False
        for place, candidate in enumerate(candidates):
            if not _is_file(candidate) or not noted.name:
                continue
            whole = candidate.resolve()
            known = self._digest(whole) == run.sha256 if run.sha256 else any(whole.is_relative_to(root) for root in self._roots)
            if known and whole.suffix.lower() in MEDIA:
                return whole, [] if place == 0 else [_moved(whole)]
            other = True
        found = self._elsewhere(run.sha256, noted.name) if run.sha256 else None
        if found is not None:
            return found, [_moved(found)]
        return None, [_gone(noted.name, other)]

    def forget(self) -> None:
        """Look again for what was not found: a file may have come."""
        with self._lock:
            self._found = {digest: file for digest, file in self._found.items() if file is not None}

    def _digest(self, file: Path) -> str:
        try:
            return sha256_of(file)
        except OSError:
            return ""

    def _elsewhere(self, digest: str, name: str) -> Path | None:
        with self._lock:
            if digest in self._found:
                known = self._found[digest]
                if known is None or _is_file(known):
                    return known
            found = self._search(digest, name)
            self._found[digest] = found
            return found

    def _search(self, digest: str, name: str) -> Path | None:
        """Files of the same name first, then others of the same kind."""
        files = [file for root in self._roots for file in _media_below(root)][:MOST_FILES]
        suffix = Path(name).suffix.lower()
        same = [file for file in files if file.name == name]
        others = [file for file in files if file.name != name and file.suffix.lower() == suffix]
        for file in [*same, *others[:MOST_HASHED]]:
            if self._digest(file) == digest:
                return file.resolve()
        return None


def _media_below(root: Path) -> Iterable[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "figures")
        for name in sorted(names):
            if Path(name).suffix.lower() in MEDIA and name != "overlay.mp4":
                yield Path(folder) / name


def _is_file(file: Path) -> bool:
    try:
        return file.is_file()
    except (OSError, ValueError):
        return False


def _moved(file: Path) -> Notice:
    return Notice(
        INFO, "moved-recording", f"the recording was moved; {file.name} with the same content was found in {file.parent.name}"
    )


def _gone(name: str, other: bool) -> Notice:
    if other:
        return Notice(
            WARNING,
            "other-recording",
            f"{name} is there but holds something else than what was explained (its sha256 differs), so it "
            "is not shown; put the recording itself into a given folder",
        )
    return Notice(
        WARNING,
        "no-recording",
        f"the recording {name or 'of this run'} was not found: tables, evidence and sentences are shown "
        "without it; put it into one of the given folders, whatever its name",
    )
