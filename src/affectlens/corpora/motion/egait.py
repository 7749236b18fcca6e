"""Emotion-Gait, the corpus of STEP (Bhattacharya et al. 2020), and gaits of EWalk and GroupWalk in the same arrays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.disk.finding import files_below, is_hidden
from affectlens.core.disk.places import located, written
from affectlens.core.errors import CorpusError, LimitError
from affectlens.core.labels import GROUPWALK4, canonical
from affectlens.core.untrusted.h5 import h5_arrays, h5_names
from affectlens.corpora.account import coded, count_found, drop
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus

_LAYOUT = "features*.h5 and labels*.h5 with like keys: (frames, 48) coordinates of 16 joints, and a class of 0 to 3"
EGAIT = CorpusInfo(
    "e-gait", "Emotion-Gait (STEP)", "gait", "research only", "https://go.umd.edu/emotion-gait",
    "features.h5, labels.h5; features_ELMD.h5, labels_ELMD.h5; featuresCVAEGCN_*.h5 whose keys end in their class",
    ("real", "elmd", "synthetic"), disjoint=("real", "elmd", "synthetic"),
)  # fmt: skip
EWALK = CorpusInfo("ewalk", "EWalk", "gait", "research only", "http://gamma.cs.unc.edu/GAIT/#EWalk", _LAYOUT, ("all",))
GROUPWALK = CorpusInfo(
    "groupwalk", "GroupWalk", "gait", "research only", "https://gamma.umd.edu/researchdirections/affectivecomputing/emoticon/",
    f"{_LAYOUT}; train/ and test/ apart where the folder has them (poses made from its videos: the release's own files were "
    "not at hand to check)", ("all",), disjoint=("train", "test"),
)  # fmt: skip
_CODES = ("anger", "neutral", "happiness", "sadness")  # 0 to 3 in STEP's files
RATE = 30.0  # frames a second; the files do not say


class _StepArrays:
    """Gaits as ``(frames, 16, 3)`` arrays in STEP's order of joints, y up.

    Nobody's identity is known, so every gait is its own group.
    """

    info: CorpusInfo
    scheme = GROUPWALK4

    def _read(self, features: Path, labels: Path | None, split: str) -> None:
        keys = h5_names(features, CorpusError)
        if labels is None:
            codes = [canonical(key.rsplit("_", 1)[-1]) for key in keys]
        else:
            labelled = set(h5_names(labels, CorpusError))
            missing = [key for key in keys if key not in labelled]
            if missing:
                raise CorpusError(f"{labels}: no label for {missing[0]!r} and {len(missing) - 1} others of {features}")
            codes = [coded(code.reshape(-1)[0], _CODES) for code in h5_arrays(labels, keys, CorpusError)]
        count_found(len(keys), "gaits")
        for key, label in zip(keys, codes, strict=True):
            if label not in self.scheme.labels:
                drop(f"{features.stem}/{key}", f"its label {label!r} is none of the classes")
                continue
            where = {"split": split, "path": written(features), "inside": key}
            name = f"{split}/{features.stem}/{key}" if split in ("train", "test") else f"{features.stem}/{key}"
            self._rows.append({"key": name, "label": label, "group": name, **where})

    def _start(self) -> None:
        self._rows: list[dict[str, str]] = []

    def _finish(self, path: Path) -> None:
        if not self._rows:
            raise CorpusError(f"{path}: no gait found; expected {self.info.layout}")
        self._frame = pd.DataFrame(self._rows)

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label, group, path, inside (the key in the file)."""
        frame = self._frame[(self._frame.split == check_split(self, split)) | (split == "all")]
        return frame.reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Arrays of joints; ``meta`` names their layout and rate."""
        for row in self.table(split).to_dict("records"):
            meta = {str(column): value for column, value in row.items()} | {"layout": "step", "rate": RATE}
            try:
                joints = h5_arrays(located(row["path"]), [row["inside"]], CorpusError)[0].astype(np.float64)
            except (CorpusError, LimitError) as error:
                yield Item(row["key"], None, (row["label"],), row["group"], meta, str(error))
                continue
            good = joints.ndim == 2 and joints.shape[1] == 48 and len(joints) > 0
            problem = "" if good else f"{row['key']}: {joints.shape}; (frames, 48) was expected"
            yield Item(row["key"], None if problem else joints.reshape(-1, 16, 3), (row["label"],), row["group"], meta, problem)


@register_corpus(EGAIT)
class EmotionGait(_StepArrays):
    """342 recorded gaits, 1,835 of ELMD, and synthetic ones; only the splits whose files are there are offered.

    Raises
    ------
    CorpusError
        No gait in the folder, or one without a label.
    """

    info = EGAIT

    def __init__(self, path: Path) -> None:
        self._start()
        for features, labels, split in (("features", "labels", "real"), ("features_ELMD", "labels_ELMD", "elmd")):
            if (path / f"{features}.h5").exists():
                self._read(path / f"{features}.h5", path / f"{labels}.h5", split)
        for file in sorted(file for file in path.glob("features*CVAEGCN*.h5") if not is_hidden(file, path)):
            self._read(file, None, "synthetic")
        self._finish(path)
        self.info = replace(EGAIT, splits=tuple(split for split in EGAIT.splits if (self._frame.split == split).any()))


class _Walks(_StepArrays):
    def __init__(self, path: Path) -> None:
        self._start()
        for file in files_below(path).files:
            if not (file.name.startswith("features") and file.suffix == ".h5"):
                continue
            labels = file.with_name(file.name.replace("features", "labels", 1))
            part = file.parent.name if file.parent.name in ("train", "test") else "all"
            self._read(file, labels if labels.exists() else None, part)
        self._finish(path)
        splits = ("all", *sorted(set(self._frame.split) - {"all"}))
        self.info = replace(type(self).info, splits=splits)


@register_corpus(EWALK)
class EWalk(_Walks):
    """Walks of 24 people in videos, as arrays."""

    info = EWALK


@register_corpus(GROUPWALK)
class GroupWalk(_Walks):
    """People in groups walking, as arrays."""

    info = GROUPWALK
