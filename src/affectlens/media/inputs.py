"""From what a user names (files, folders, globs, tables of paths) to the list of files to read."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from affectlens.core.disk.finding import files_below, is_hidden
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.failures import Failure, failure_of
from affectlens.media.lists import paths_in
from affectlens.media.pictures import images

VIDEO = {
    ".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".3gp", ".3g2", ".mts", ".m2ts",
    ".m2t", ".mpe", ".m2v", ".vob", ".ogv", ".asf", ".mxf", ".dv", ".qt", ".f4v", ".divx",
}  # fmt: skip
AUDIO = {
    ".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".aiff", ".aif", ".oga", ".mka", ".amr", ".caf", ".au",
    ".weba", ".m4b", ".ac3", ".w64",
}  # fmt: skip
MOTION = {".bvh"}
TABLES = {".csv", ".tsv", ".parquet", ".txt"}
MEDIA = VIDEO | AUDIO | MOTION | images.SUFFIXES
SHOWN = 3  # names of what was left out


def kind_of(path: Path) -> str:
    """``image``, ``audio``, ``motion`` or ``video`` by suffix; an unknown suffix is tried as video."""
    suffix = path.suffix.lower()
    if suffix in MOTION:
        return "motion"
    if suffix in images.SUFFIXES:
        return "image"
    return "audio" if suffix in AUDIO else "video"


@dataclass
class Inputs:
    """What was found behind the names that were given.

    Attributes
    ----------
    files : list of Path
        Every file, once, in order; one that is not there is among them, so that it fails by itself and is listed.
    failures : list of Failure
        Folders, globs and tables that gave nothing, and why.
    notes : list of str
        What was left out or read in another way than it stood there.
    """

    files: list[Path] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_inputs(given: Iterable[str | Path]) -> Inputs:
    """Every file that the arguments name; an argument that cannot be read is a failure, and the others go on.

    Parameters
    ----------
    given : iterable of str or Path
        A folder gives the media files below it, sorted, without hidden ones; a glob what it matches; a csv, tsv or parquet
        table the paths in its column ``file``, ``path`` or ``filename`` (relative ones against the table's folder), a txt file
        one path a line.

    Returns
    -------
    Inputs
        Files, failures and notes.

    Raises
    ------
    UsageError
        Nothing at all was found; the message says why.
    """
    out, files = Inputs(), dict[Path, None]()
    doubled = 0
    for item in given:
        try:
            paths = _behind(item, out.notes)
        except Exception as error:
            out.failures.append(failure_of(item, error))
            last = error
            continue
        doubled += len(paths) - len(set(paths) - files.keys())
        files.update(dict.fromkeys(paths))
    if not files:
        if not out.failures:
            raise UsageError("no input was given: name files, folders, globs or tables of paths")
        if len(out.failures) == 1 and isinstance(last, AffectlensError):
            raise last
        raise UsageError("; ".join(failure.reason for failure in out.failures))
    if doubled:
        out.notes.append(f"{_counted(doubled, 'file was', 'files were')} named before; each is read once")
    out.files = list(files)
    return out


def _behind(item: str | Path, notes: list[str]) -> list[Path]:
    """The files that one argument names."""
    path = Path(item)
    if "\0" in str(item):
        raise UsageError(f"{item}: a name of a file cannot hold a zero byte")
    if path.is_dir():
        return _from_folder(path, notes)
    if path.suffix.lower() in TABLES and path.is_file():
        return paths_in(path, notes)
    if not path.exists() and any(sign in str(item) for sign in "*?["):
        return _from_glob(str(item), notes)
    return [path]


def _from_folder(folder: Path, notes: list[str]) -> list[Path]:
    below = files_below(folder)
    files = [path for path in below.files if path.suffix.lower() in MEDIA]
    others = Counter(path.suffix.lower() or "no suffix" for path in below.files if path.suffix.lower() not in MEDIA)
    if below.hidden:
        hidden = _counted(len(below.hidden), "hidden file or folder", "hidden files or folders")
        notes.append(f"{folder}: {hidden} left out ({_first_names(below.hidden)})")
    if others:
        kinds = ", ".join(kind for kind, _ in others.most_common(SHOWN))
        notes.append(f"{folder}: {_counted(others.total(), 'file', 'files')} of other kinds left out ({kinds})")
    if below.again:
        links = _counted(len(below.again), "link", "links")
        notes.append(f"{folder}: {links} to folders that were read already left out ({_first_names(below.again)})")
    if below.closed:
        notes.append(
            f"{folder}: {_counted(len(below.closed), 'folder', 'folders')} may not be read ({_first_names(below.closed)})"
        )
    if not files:
        raise UsageError(f"{folder}: no image, audio, video or motion file in this folder")
    return files


def _from_glob(pattern: str, notes: list[str]) -> list[Path]:
    files = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if path.is_file()]
    seen = [path for path in files if not is_hidden(Path(path.name))]
    if len(seen) < len(files) and seen:
        hidden = [path for path in files if path not in set(seen)]
        notes.append(f"{pattern}: {_counted(len(hidden), 'hidden file', 'hidden files')} left out ({_first_names(hidden)})")
    if not files:
        raise UsageError(f"{pattern}: no file matches")
    return seen or files  # whoever asks for hidden files alone is given them


def _counted(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"


def _first_names(paths: list[Path]) -> str:
    return ", ".join(path.name for path in paths[:SHOWN]) + (", …" if len(paths) > SHOWN else "")
