"""FER2013 (Goodfellow et al. 2013): the official csv, or a parquet table of JPEG bytes with the same splits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from affectlens.core.errors import CorpusError
from affectlens.core.labels import EKMAN7, canonical
from affectlens.core.untrusted.frames import read_csv, read_parquet
from affectlens.corpora.account import coded, count_found
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus

INFO = CorpusInfo(
    "fer2013",
    "FER2013",
    "face",
    "research only (Kaggle challenge data)",
    "https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
    "fer2013.csv or icml_face_data.csv with columns emotion, Usage, pixels; or a parquet with split, emotion, jpeg",
    ("train", "val", "test"),
    disjoint=("train", "val", "test"),
)
_CODES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_USAGE = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}


@register_corpus(INFO)
class Fer2013:
    """48 x 48 grey faces with one of seven labels. No person ids: pictures of one person may be in several splits.

    Raises
    ------
    CorpusError
        No such file in the folder, or one with other columns, classes or parts.
    """

    info = INFO
    scheme = EKMAN7

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            files = [path / name for name in ("fer2013.csv", "icml_face_data.csv", "fer2013.parquet")]
            present = [file for file in files if file.exists()]
            if not present:
                raise CorpusError(f"{path}: no FER2013 file in this folder; expected {INFO.layout}")
            path = present[0]
        frame = read_parquet(path) if path.suffix == ".parquet" else read_csv(path)
        frame = frame.rename(columns={name: name.strip() for name in frame.columns})
        if {"emotion", "Usage", "pixels"} <= set(frame.columns):
            unknown_parts = set(frame.Usage) - set(_USAGE)
            if unknown_parts:
                raise CorpusError(f"{path}: unknown Usage {sorted(map(str, unknown_parts))}; expected {sorted(_USAGE)}")
            frame = frame.assign(split=frame.Usage.map(_USAGE), label=[coded(code, _CODES) for code in frame.emotion])
        elif {"split", "emotion", "jpeg"} <= set(frame.columns):
            frame = frame.assign(label=frame.emotion.map(canonical))
        else:
            raise CorpusError(f"{path}: columns {list(frame.columns)[:8]}; expected {INFO.layout}")
        unknown_labels = set(frame.label) - set(self.scheme.labels)
        if unknown_labels:
            raise CorpusError(f"{path}: unknown labels {sorted(unknown_labels)}; expected {self.scheme.labels}")
        count_found(len(frame), "rows")
        name = frame["name"] if "name" in frame else pd.Series(frame.index.astype(str), index=frame.index)
        self._frame = frame.assign(key=name)

    def table(self, split: str) -> pd.DataFrame:
        """Columns key and label."""
        rows = self._frame[self._frame.split == check_split(self, split)]
        return rows[["key", "label"]].reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Grey crops ``(48, 48)`` uint8."""
        rows = self._frame[self._frame.split == check_split(self, split)]
        column = "jpeg" if "jpeg" in rows else "pixels"
        for key, label, raw in zip(rows.key, rows.label, rows[column], strict=True):
            try:
                yield Item(str(key), _decode(raw), (label,))
            except (OSError, ValueError, OverflowError) as error:
                yield Item(str(key), None, (label,), problem=f"the picture cannot be read ({error})")


def _decode(raw: bytes | str) -> np.ndarray:
    if isinstance(raw, bytes):
        return np.asarray(Image.open(io.BytesIO(raw)).convert("L"))
    return np.array(raw.split(), dtype=np.uint8).reshape(48, 48)
