"""Windows of gait and single postures of every recording of a corpus of motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import MediaError, UsageError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Item, items_of, open_corpus
from affectlens.learning.trainers.motion import GaitWindows, Postures
from affectlens.models.shipped.gait import FRAMES, window
from affectlens.perception.body.formats import of_corpus
from affectlens.perception.body.gait import RATE
from affectlens.perception.body.joints import Motion, resampled
from affectlens.perception.body.posture import upright

HOP = 15  # frames between windows
POSTURE_RATE = 5.0  # skeletons a second that are taken


def gait_windows(path: Path, corpus: str = "bandai", split: str = "four", progress: Progress = silent) -> GaitWindows:
    """Windows of two seconds, half a second apart, of every recording.

    Parameters
    ----------
    path : Path
        Where the corpus lies.
    corpus : str
        A corpus of motion.
    split : str
        One of its splits.
    progress : Progress
        Told of recordings.

    Returns
    -------
    GaitWindows

    Raises
    ------
    UsageError
        No recording could be read.
    """  # noqa: DOC501
    joints, features, rows = [], [], []

    def read(item: Item, motion: Motion) -> None:
        motion = resampled(motion, RATE)
        for start in range(0, max(1, len(motion) - FRAMES + 1), HOP):
            points, values = window(motion.part(start, start + FRAMES))
            joints.append(points)
            features.append(values)
            rows.append(_row(item, start / RATE))

    missed = _each_recording(path, corpus, split, "gait", progress, read)
    if not rows:
        raise _nothing(path, missed)
    return GaitWindows(np.array(joints), np.array(features), pd.DataFrame(rows), missed)


def postures(path: Path, corpus: str = "bandai", split: str = "all", progress: Progress = silent) -> Postures:
    """Five skeletons a second of every recording; parameters and errors as of ``gait_windows``."""
    joints, rows = [], []

    def read(item: Item, motion: Motion) -> None:
        for i, points in enumerate(resampled(motion, POSTURE_RATE).points):
            body = upright(points)
            if body is not None:
                joints.append(body)
                rows.append(_row(item, i / POSTURE_RATE))

    missed = _each_recording(path, corpus, split, "posture", progress, read)
    if not rows:
        raise _nothing(path, missed)
    return Postures(np.array(joints, dtype=np.float32), pd.DataFrame(rows), missed)


def _each_recording(
    path: Path, corpus: str, split: str, stage: str, progress: Progress, read: Callable[[Item, Motion], None]
) -> dict[str, str]:
    """Call ``read`` with every recording; gives those that could not be read and why."""
    source = open_corpus(corpus, path)
    total, missed = len(source.table(split)), {}
    for i, item in enumerate(items_of(source, split)):
        try:
            if item.data is None:
                raise MediaError(item.problem)
            read(item, of_corpus(item.data, item.meta or {}))
        except MediaError as error:
            missed[item.key] = str(error)
        progress(stage, i + 1, total)
    return missed


def _row(item: Item, start: float) -> dict[str, Any]:
    # What is left out whole: the type of motion, or the people where a corpus tells them.
    motion = (item.meta or {}).get("motion", item.group)
    return {"key": item.key, "label": item.labels[0], "motion": motion, "start": start}


def _nothing(path: Path, missed: dict[str, str]) -> UsageError:
    return UsageError(f"{path}: none of {len(missed)} recordings could be read; first: {next(iter(missed.values()), '')}")
