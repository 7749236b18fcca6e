"""Speech corpora: what they share. A layout says where clips lie and how their names are to be read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.barrier import reads
from affectlens.core.disk.files import sha256_of
from affectlens.core.disk.names import encodable
from affectlens.core.disk.places import located
from affectlens.core.errors import CorpusError, MediaError
from affectlens.core.labels import IEMOCAP4, LabelScheme, canonical
from affectlens.corpora.account import drop, each_once, list_files, remark, spelling
from affectlens.corpora.base import SPLITS, CorpusInfo, Item, check_split, parts_of, read_item, register_corpus
from affectlens.media.clock import Note
from affectlens.media.frames import Problems
from affectlens.media.sound.audio import audio_blocks

SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a", ".aiff")
RATE = 16000
_NO_CLASS = ("excited", "other", "undecided")  # words of the readers here that are no label of a scheme
SILENCE = 1e-4  # of full scale, -80 dB: what a recorder writes without a microphone

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Layout:
    """A corpus's official layout.

    Attributes
    ----------
    info : CorpusInfo
        What the corpus is.
    language : str
        Code of its language, empty where clips differ.
    rows : callable
        Takes the corpus's folder and lists its clips as dicts with key, path, label (the corpus's own word), speaker and
        whatever else is known: gender, age, text, intensity, start and end in seconds.
    """

    info: CorpusInfo
    language: str
    rows: Callable[[Path], Rows]


class SpeechCorpus:
    """Clips as float32 signals ``(n,)`` at 16 kHz.

    Split ``four`` has the clips whose label is anger, happiness, sadness or neutral (excitement counts as happiness), ``all``
    every clip under its own label. Parts such as ``train`` and ``test``, where they are, hold clips of the four classes.

    Raises
    ------
    CorpusError
        No clip in the folder.
    """

    scheme: LabelScheme = IEMOCAP4

    def __init__(self, layout: Layout, path: Path) -> None:
        self.info, self.language = layout.info, layout.language
        given = layout.rows(path)
        rows = [{**row, "label": canonical(str(row["label"]))} for row in given]
        odd = spelling((str(row["label"]) for row in given), _NO_CLASS)
        if odd:
            remark(f"labels that are no known word for an emotion, in the split all only: {odd}")
        rows = each_once(rows)
        if not rows:
            raise CorpusError(f"{path}: no clip of {self.info.title} found; expected {self.info.layout}")
        frame = pd.DataFrame(rows)
        for column, empty in (("speaker", ""), ("gender", ""), ("start", np.nan), ("end", np.nan)):
            if column not in frame:
                frame[column] = empty
        if "language" not in frame:
            frame["language"] = self.language
        self._parts: tuple[str, ...] = ()
        if "split" in frame:
            frame["split"] = [SPLITS.get(str(name).lower(), str(name)) for name in frame.split.fillna("")]
            self._parts = parts_of(frame.split, layout.info.splits)
            self.info = replace(layout.info, splits=(*layout.info.splits, *self._parts))
        self._frame = frame.sort_values("key", kind="stable").reset_index(drop=True)

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label, group (the speaker), gender, language and the corpus's own."""
        check_split(self, split)
        frame = self._frame.assign(group=self._frame.speaker)
        if split in self._parts:
            frame = frame[frame.split == split]
        if split != "all":
            label = frame.label.replace({"excitement": "happiness", "excited": "happiness"})
            frame = frame.assign(label=label)[label.isin(self.scheme.labels)]
        return frame.reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Signals ``(n,)`` float32; a clip that cannot be read keeps its place with its problem."""
        for row in self.table(split).to_dict("records"):
            meta = {str(column): value for column, value in row.items()}
            read = partial(_audible_clip, row["path"], row["start"], row["end"])
            yield read_item(row["key"], (row["label"],), str(row["group"]), meta, read)


def _audible_clip(path: str, start: float, end: float, note: Note) -> np.ndarray:
    signal = read_clip(located(path), start, end, note)
    if not (np.abs(signal) > SILENCE).any():
        raise MediaError(f"{path}: nothing but silence in this clip")
    return signal


@reads("a clip of sound")
def read_clip(path: Path, start: float = np.nan, end: float = np.nan, note: Note = lambda text: None) -> np.ndarray:
    """Read a clip, or a part of it.

    Parameters
    ----------
    path : Path
        An audio file.
    start, end : float
        Seconds; NaN for the file's own.
    note : callable
        Takes a sentence on what of the recording was left out, filled in or mixed.

    Returns
    -------
    ndarray
        ``(n,)`` float32 at 16 kHz.

    Raises
    ------
    MediaError
        The file is not there, is empty or has no audio.
    """
    if not path.exists():
        raise MediaError(f"{path}: not there; the corpus may be half copied")
    first = 0 if np.isnan(start) else round(start * RATE)
    last = None if np.isnan(end) else round(end * RATE)
    parts, problems = [], Problems()
    for block in audio_blocks(path, RATE, problems=problems):
        at = round(block.start * RATE)
        parts.append(block.samples[max(0, first - at) : None if last is None else max(0, last - at)])
        if last is not None and at + len(block.samples) >= last:
            break
    signal = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
    if not len(signal):
        raise MediaError(f"{path}: no audio in this file or part")
    for text in problems.notes:
        note(text)
    return signal


def clips(root: Path, pattern: str) -> list[tuple[Path, re.Match[str]]]:
    """List the audio files below a folder whose relative path, without its suffix, ends as a pattern says.

    A clip that is there twice under one name, as in archives that hold their own content again, is listed once.

    Parameters
    ----------
    root : Path
        The corpus's folder.
    pattern : str
        A regular expression; upper and lower case are alike.

    Returns
    -------
    list of (Path, Match)
        In alphabetical order, with the groups of the pattern.

    Raises
    ------
    CorpusError
        ``root`` is no folder.
    """
    if not root.is_dir():
        raise CorpusError(f"{root}: a file; the corpus's folder was expected")
    compiled = re.compile(rf"(?:^|/)(?:{pattern})$", re.IGNORECASE)
    matches: list[tuple[Path, re.Match[str]]] = []
    named: dict[str, list[Path]] = {}
    for path in list_files(root, SUFFIXES, "clips"):
        name = path.relative_to(root).with_suffix("").as_posix()
        match = compiled.search(name)
        if match is None:
            drop(path.relative_to(root).as_posix(), "its name is not of the layout")
            continue
        twins = named.setdefault(match[0].strip("/").lower(), [])
        if any(_same(path, twin) for twin in twins):
            drop(path.relative_to(root).as_posix(), "a duplicate of another clip, in another folder or kind of file")
            continue
        twins.append(path)
        matches.append((path, match))
    return matches


def _same(one: Path, other: Path) -> bool:
    """Whether two files of one name are one clip: byte by byte, or beside each other in two kinds of file."""
    if one.with_suffix("") == other.with_suffix(""):
        return True
    return one.stat().st_size == other.stat().st_size and sha256_of(one) == sha256_of(other)


def key_of(root: Path, path: Path) -> str:
    """A clip's name within its corpus, whatever its audio format."""
    return encodable(path.relative_to(root).with_suffix("").as_posix())


def register_speech(name: str, title: str, language: str, licence: str, home: str, layout: str) -> Callable[[Any], Any]:
    """Register the reader of a layout; a decorator for the function that lists a corpus's clips, see ``Layout.rows``."""
    info = CorpusInfo(name, title, "voice", licence, home, layout, ("four", "all"))

    def add(rows: Callable[[Path], Rows]) -> Callable[[Path], Rows]:
        @wraps(rows)  # so that the registry knows whose the reader is
        def reader(path: Path) -> SpeechCorpus:
            return SpeechCorpus(Layout(info, language, rows), path)

        register_corpus(info)(reader)
        return rows

    return add
