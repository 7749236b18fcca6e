"""From what a user names (files, folders, globs, tables of paths) to the list of files to read."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.media import images

VIDEO = {".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".ts", ".3gp"}
AUDIO = {".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".aiff", ".aif"}
MOTION = {".bvh"}
TABLES = {".csv", ".tsv", ".parquet", ".txt"}
MEDIA = VIDEO | AUDIO | MOTION | images.SUFFIXES


def kind_of(path: Path) -> str:
    """``image``, ``audio``, ``motion`` or ``video`` by suffix; an unknown suffix is tried as video."""
    suffix = path.suffix.lower()
    if suffix in MOTION:
        return "motion"
    return "image" if suffix in images.SUFFIXES else "audio" if suffix in AUDIO else "video"


def find_inputs(given: Iterable[str | Path]) -> list[Path]:
    """Every file that the arguments name, once each, in order.

    Parameters
    ----------
    given : iterable of str or Path
        A folder gives the media files below it, sorted; a glob what it matches; a csv, tsv or parquet table the paths in its
        column ``file`` or ``path`` (relative ones against the table's folder), a txt file one path a line.

    Returns
    -------
    list of Path
        A name that matches nothing is kept, so that it fails by itself and is listed.

    Raises
    ------
    UsageError
        A folder without media, a glob that matches nothing, or a table without a column of paths.
    """
    out: dict[Path, None] = {}
    for item in given:
        path = Path(item)
        if path.is_dir():
            files = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in MEDIA and p.is_file()]
            if not files:
                raise UsageError(f"{path}: no image, audio, video or motion file in this folder")
        elif path.suffix.lower() in TABLES and path.is_file():
            files = _from_table(path)
        elif not path.exists() and any(c in str(item) for c in "*?["):
            files = [Path(p) for p in sorted(glob.glob(str(item), recursive=True)) if Path(p).is_file()]
            if not files:
                raise UsageError(f"{item}: no file matches")
        else:
            files = [path]
        out.update(dict.fromkeys(files))
    return list(out)


def _from_table(path: Path) -> list[Path]:
    suffix = path.suffix.lower()
    if suffix == ".txt":
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        names = [line for line in lines if line and not line.startswith("#")]
    else:
        frame = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",")
        column = next((c for c in ("file", "path", "filename") if c in frame.columns), None)
        if column is None:
            raise UsageError(f"{path}: a table of inputs needs a column 'file' or 'path', got {list(frame.columns)[:8]}")
        names = [str(v) for v in frame[column].dropna().unique()]
    return [p if p.is_absolute() else path.parent / p for p in map(Path, names)]
