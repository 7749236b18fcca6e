"""BoLD (Luo et al. 2020): clips of bodies in films with 26 categories, dimensions and joints; one item a person and clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError, LimitError
from affectlens.core.labels import EMOTIC26
from affectlens.core.untrusted.arrays import load_array
from affectlens.core.untrusted.frames import read_csv
from affectlens.corpora.account import count_found, drop
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus

INFO = CorpusInfo(
    "bold", "BoLD (Body Language Dataset)", "gait", "research only, on request",
    "https://cydar.ist.psu.edu/emotionchallenge/dataset.php",
    "annotations/train.csv and val.csv, joints/FOLDER/CLIP/NUMBER.npy, videos/FOLDER/CLIP/NUMBER.mp4", ("train", "val"),
    disjoint=("train", "val"),
)  # fmt: skip
_ORDER = (
    "peace", "affection", "esteem", "anticipation", "engagement", "confidence", "happiness", "pleasure", "excitement",
    "surprise", "sympathy", "doubt/confusion", "disconnection", "fatigue", "embarrassment", "yearning", "disapproval",
    "aversion", "annoyance", "anger", "sensitivity", "sadness", "disquietment", "fear", "pain", "suffering",
)  # fmt: skip
_PERSON = ("valence", "arousal", "dominance", "gender", "age", "ethnicity", "trust")
_COLUMNS = ("video", "person", "first", "last", *_ORDER, *_PERSON)
_SURE = 0.5  # a category is a label from this share of raters on, as in the paper's evaluation


@register_corpus(INFO)
class Bold:
    """Joints of a person as ``(frames, 18, 3)`` in pixels with scores (OpenPose's 18 points).

    Labels are the categories that half of the raters or more gave, or the strongest one. ``group`` is the film.

    Raises
    ------
    CorpusError
        No annotations, or too few columns in them.
    """

    info = INFO
    scheme = EMOTIC26

    def __init__(self, path: Path) -> None:
        frames = []
        for split in INFO.splits:
            file = path / "annotations" / f"{split}.csv"
            if file.exists():
                frame = read_csv(file, header=None)
                if frame.shape[1] < len(_COLUMNS):
                    raise CorpusError(
                        f"{file}: {frame.shape[1]} columns; {len(_COLUMNS)} were expected: {', '.join(_COLUMNS[:5])}, …"
                    )
                frames.append(frame.iloc[:, : len(_COLUMNS)].set_axis(list(_COLUMNS), axis=1).assign(split=split))
        if not frames:
            raise CorpusError(f"{path}: no annotations; expected {INFO.layout}")
        self._path = path
        frame = pd.concat(frames, ignore_index=True)
        shares = frame[list(_ORDER)].to_numpy(dtype=float)
        frame["labels"] = [
            tuple(_ORDER[i] for i in np.flatnonzero(row >= _SURE)) or (_ORDER[int(row.argmax())],) for row in shares
        ]
        frame["label"] = [labels[0] for labels in frame.labels]
        frame["key"] = [f"{video}#{person}" for video, person in zip(frame.video, frame.person, strict=True)]
        frame["group"] = [str(Path(video).parent.name) for video in frame.video]
        count_found(len(frame), "people")
        same = frame.duplicated(["split", "key"])
        for key in frame.key[same]:
            drop(key, "a duplicate of another item")
        self._frame = frame[~same].reset_index(drop=True)

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label, labels, group, the frames, dimensions and what is known of the person."""
        return self._frame[self._frame.split == check_split(self, split)].reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Joints of the labelled frames; ``meta`` names their layout."""
        for row in self.table(split).to_dict("records"):
            file = (self._path / "joints" / row["video"]).with_suffix(".npy")
            meta = {str(column): value for column, value in row.items()} | {"layout": "openpose18", "rate": 24.0}
            try:
                joints = _labelled(load_array(file, CorpusError), row)
            except (CorpusError, LimitError, ValueError, IndexError, TypeError) as error:
                yield Item(row["key"], None, row["labels"], row["group"], meta, f"{file}: no joints ({error})")
            else:
                yield Item(row["key"], joints, row["labels"], row["group"], meta)


def _labelled(points: np.ndarray, row: dict[Any, Any]) -> np.ndarray:
    """Joints ``(frames, 18, 3)`` of the row's person in its frames; columns are frame, person, 18 points of x, y, score."""
    rows = points[(points[:, 1] == row["person"]) & (points[:, 0] >= row["first"]) & (points[:, 0] <= row["last"])]
    if not len(rows):
        raise ValueError("the person is in none of the labelled frames")
    return np.asarray(rows[:, 2:56].reshape(-1, 18, 3))
