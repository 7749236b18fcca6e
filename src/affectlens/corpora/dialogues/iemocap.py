"""IEMOCAP (Busso et al. 2008) in its official layout: turns, words, times, ratings, motion capture."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.labels import IEMOCAP4, IEMOCAP6, LabelScheme
from affectlens.core.untrusted.documents import read_text
from affectlens.corpora.base import CorpusInfo, check_split, register_corpus
from affectlens.corpora.dialogues.base import DialogueCorpus, DialogueSet, dialogue_set
from affectlens.corpora.speech.tables import iemocap as turns

INFO = CorpusInfo(
    "iemocap-dialogues",
    "IEMOCAP (dialogues)",
    "utterances",
    "on request, research only; cite Busso et al. 2008",
    "https://sail.usc.edu/iemocap",
    "Session1 to Session5, each with dialog/EmoEvaluation, dialog/transcriptions and sentences/wav; where present also "
    "sentences/ForcedAlignment, sentences/MOCAP_rotated and sentences/MOCAP_head",
    ("all", "four", "six", "improvised", "scripted", "session1", "session2", "session3", "session4", "session5"),
    disjoint=("session1", "session2", "session3", "session4", "session5"),
)
_SAID = re.compile(r"^(?P<key>Ses\d\d[FM]_\S+) \[(?P<start>[\d.]+)-(?P<end>[\d.]+)\]: ?(?P<text>.*)$")
_RATER = re.compile(r"^(?P<kind>[CA])-(?P<who>[EFM]\w*):\t(?P<said>[^\t]*)")
_FRAME = 0.01  # seconds of a frame of the forced alignment


@register_corpus(INFO)
class IemocapDialogues(DialogueCorpus):
    """Turns with their category, valence, arousal and dominance.

    ``all`` keeps every turn under its own label; ``four`` scores anger, happiness (with excitement), sadness and neutral,
    ``six`` the six categories of BC-LSTM; turns outside a scheme stay in their dialogue as unscored context. ``improvised``,
    ``scripted`` and ``sessionN`` are parts of ``four``; sessions share no speaker, so they are the official folds.

    Parameters
    ----------
    path : Path
        Folder of the release.
    scheme : LabelScheme
        Classes of every part but ``all`` and ``six``.

    Raises
    ------
    CorpusError
        No turn in the folder.
    """

    def __init__(self, path: Path, scheme: LabelScheme = IEMOCAP4) -> None:
        rows = turns(path)
        if not rows:
            raise CorpusError(f"{path}: no turn found; expected {INFO.layout}")
        self.scheme, self.root = scheme, path
        spoken = transcripts(path)
        frame = pd.DataFrame(rows)
        frame["dialogue"] = [key.rsplit("_", 1)[0] for key in frame.key]
        frame["text"] = [spoken.get(key, ("", np.nan, np.nan))[0] for key in frame.key]
        for column, place in (("start", 1), ("end", 2)):
            frame[column] = [spoken.get(key, ("", np.nan, np.nan))[place] for key in frame.key]
        # Turns are numbered per speaker; only their times tell the order.
        frame["turn"] = frame.groupby("dialogue").start.rank(method="first").fillna(0).astype(int)
        self._frame = frame
        present = {f"session{session[-1]}" for session in frame.session.unique()}
        self.info = replace(
            INFO, splits=tuple(split for split in INFO.splits if not split.startswith("session") or split in present)
        )

    def dialogues(self, split: str) -> DialogueSet:
        """Give the turns of a split, without features (``features.utterances`` measures them)."""
        check_split(self, split)
        frame, scheme = self._frame, self.scheme
        if split == "six":
            scheme = IEMOCAP6
        elif split == "all":
            scheme = LabelScheme("iemocap", tuple(sorted(set(frame.label))), "Busso et al. 2008")
        if scheme.name == "iemocap4":
            frame = frame.assign(label=frame.label.replace({"excitement": "happiness"}))
        if split in ("improvised", "scripted"):
            frame = frame[frame.improvised == (split == "improvised")]
        elif split.startswith("session"):
            frame = frame[frame.session == f"Session{split[-1]}"]
        return dialogue_set("iemocap", scheme.labels, frame, {})

    def words(self, key: str) -> pd.DataFrame:
        """Read the words of a turn with their times in seconds from its start, by forced alignment; empty without one."""
        return read_alignment(self._file("ForcedAlignment", key, ".wdseg"))

    def head(self, key: str) -> pd.DataFrame:
        """Read the head's rotation (pitch, roll, yaw, degrees) and place in a turn, frame by frame; empty without it."""
        return read_mocap(self._file("MOCAP_head", key, ".txt"))

    def face(self, key: str) -> pd.DataFrame:
        """Read the face markers of a turn, columns ``NAME_x``, ``NAME_y``, ``NAME_z`` (mm, head at rest); empty without."""
        return read_mocap(self._file("MOCAP_rotated", key, ".txt"))

    def _file(self, kind: str, key: str, suffix: str) -> Path:
        return self.root / f"Session{key[4]}" / "sentences" / kind / key.rsplit("_", 1)[0] / f"{key}{suffix}"


def transcripts(root: Path) -> dict[str, tuple[str, float, float]]:
    """Text, start and end in seconds of each turn, from ``dialog/transcriptions``."""
    out = {}
    for path in sorted(root.glob("Session*/dialog/transcriptions/Ses*.txt")):
        for line in read_text(path, CorpusError, "replace").splitlines():
            if match := _SAID.match(line):
                out[match["key"]] = (match["text"].strip(), float(match["start"]), float(match["end"]))
    return out


def ratings(root: Path) -> pd.DataFrame:
    """What each rater said: columns key, rater, kind (``category`` or ``dimension``), said."""
    rows, key = [], ""
    for path in sorted(root.glob("Session*/dialog/EmoEvaluation/Ses*.txt")):
        for line in read_text(path, CorpusError, "replace").splitlines():
            if line.startswith("["):
                key = line.split("\t")[1]
            elif (match := _RATER.match(line)) and key:
                kind = "category" if match["kind"] == "C" else "dimension"
                rows.append({"key": key, "rater": match["who"], "kind": kind, "said": match["said"].strip()})
    return pd.DataFrame(rows, columns=["key", "rater", "kind", "said"])


def read_alignment(path: Path) -> pd.DataFrame:
    """Columns word, start, end (seconds) of a ``.wdseg`` file; silences and noises in ``<>`` or ``++`` are left out."""
    rows = []
    if path.exists():
        for line in read_text(path, CorpusError, "replace").splitlines():
            parts = line.split()
            if len(parts) == 4 and parts[0].isdigit() and parts[3][0] not in "<+":
                word = parts[3].split("(")[0].lower()  # a number in brackets tells variants of a pronunciation apart
                rows.append({"word": word, "start": int(parts[0]) * _FRAME, "end": (int(parts[1]) + 1) * _FRAME})
    return pd.DataFrame(rows, columns=["word", "start", "end"])


def read_mocap(path: Path) -> pd.DataFrame:
    """Read a motion file: two lines of head (names, axes), then frame, time and values.

    Returns
    -------
    DataFrame
        Columns frame, time (seconds) and one a value, NaN where a marker was lost; empty without the file.

    Raises
    ------
    CorpusError
        Rows and head do not fit each other.
    """
    if not path.exists():
        return pd.DataFrame()
    lines = read_text(path, CorpusError, "replace").splitlines()
    names = lines[0].split()[2:] if lines else []
    values = [line.split() for line in lines[2:] if line.strip()]
    width = len(values[0]) - 2 if values else len(names)
    if width == 3 * len(names):
        names = [f"{name}_{axis}" for name in names for axis in "xyz"]
    elif width == len(names) and len(set(names)) * 3 == len(names):
        names = [f"{name}_{'xyz'[i % 3]}" for i, name in enumerate(names)]
    if width != len(names) or any(len(row) != width + 2 for row in values):
        raise CorpusError(f"{path}: {width} values a frame for {len(names)} names in the head")
    return pd.DataFrame(np.array(values, dtype=np.float64).reshape(len(values), width + 2), columns=["frame", "time", *names])
