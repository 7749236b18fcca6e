"""What was seen in each sampled frame, and where each map lies in it: files beside the table, from which pictures are redrawn.

They hold geometry and numbers alone, no picture, so an hour costs some tens of megabytes and nobody's face is stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.disk.files import write_json
from affectlens.core.schema import Row
from affectlens.core.tables import TableWriter
from affectlens.media.frames import Frame
from affectlens.modalities.base import Finding, Modality, RelevanceMap
from affectlens.perception.face.landmarks import BLENDSHAPES
from affectlens.perception.people.finder import Person

FRAMES, MAPS, TRANSCRIPT = "frames.parquet", "maps.parquet", "transcript.json"
SCALE = 16384  # a point's fraction of the frame is kept as a whole number of this many parts
# Landmarks that are kept, in the order of the lines that are drawn through them.
LINES = {
    "outline": "10 297 284 389 454 361 397 379 400 152 176 150 172 132 234 162 54 67",
    "right eye": "33 161 159 157 133 154 145 163",
    "left eye": "263 388 386 384 362 381 374 390",
    "right brow": "70 63 105 66 107",
    "left brow": "300 293 334 296 336",
    "nose": "168 6 195 4",
    "nostrils": "98 97 2 326 327",
    "lips": "61 40 37 0 267 270 291 321 314 17 84 91",
    "mouth": "78 81 13 311 308 402 14 178",
}
CLOSED = ("outline", "right eye", "left eye", "lips", "mouth")
POINTS = tuple(int(point) for line in LINES.values() for point in line.split())


def lines() -> list[list[int]]:
    """The lines to draw through the kept points: indices into them, the first again at the end where a line is closed.

    Returns
    -------
    list of list of int
        One a line.

    Examples
    --------
    >>> lines()[0][0] == lines()[0][-1], len(lines()) == len(LINES)
    (True, True)
    """
    out, first = [], 0
    for name, points in LINES.items():
        indices = list(range(first, first + len(points.split())))
        out.append([*indices, first] if name in CLOSED else indices)
        first += len(indices)
    return out


def seen_frame(frame: Frame, people: Sequence[Person]) -> pd.DataFrame:
    """One row a person: the frame's time, box and landmarks as shares of the frame, quality, and the 52 blendshapes.

    Parameters
    ----------
    frame : Frame
        As it was sampled.
    people : sequence of Person
        Found in it.

    Returns
    -------
    DataFrame
        ``marks`` holds x and y of each of ``POINTS`` in turn, int16, in parts of ``SCALE``.
    """
    height, width = frame.image.shape[:2]
    records = []
    for person in people:
        left, top, wide, high = person.face.box
        marks = person.marks.points[list(POINTS), :2] / (width, height) * SCALE
        record: dict[str, Any] = {"time": float(frame.time), "person": int(person.id)}
        record |= {"left": left / width, "top": top / height, "width": wide / width, "height": high / height}
        record |= {"quality": np.float32(person.quality.score)}
        record |= {"marks": np.clip(np.round(marks), -32768, 32767).astype(np.int16).ravel()}
        record |= {name: np.float32(value) for name, value in zip(BLENDSHAPES, person.marks.blendshapes, strict=True)}
        records.append(record)
    return pd.DataFrame.from_records(records)


def maps_frame(pairs: Iterable[tuple[Row, RelevanceMap]]) -> pd.DataFrame:
    """One row a map: its segment, the moment that it explains, its cells, and the corners of the picture in the frame."""
    records = [
        {
            "start": float(row.start), "end": float(row.end), "person": int(row.person), "modality": row.modality,
            "name": drawn.name, "method": drawn.method, "target": row.label, "time": float(drawn.time),
            "rows": int(drawn.cells.shape[0]), "columns": int(drawn.cells.shape[1]),
            "cells": drawn.cells.astype(np.float32).ravel(), "corners": np.asarray(drawn.corners, dtype=float).ravel(),
        }
        for row, drawn in pairs
    ]  # fmt: skip
    return pd.DataFrame.from_records(records)


class SeenFiles:
    """Writes both tables while a recording is worked on; each takes its name only when ``close`` is called."""

    def __init__(self, folder: Path) -> None:
        self._frames, self._maps = TableWriter(folder / FRAMES), TableWriter(folder / MAPS)
        self._any = {FRAMES: False, MAPS: False}

    def saw(self, frame: Frame, people: Sequence[Person]) -> None:
        """Add the people of a frame."""
        if people:
            self._any[FRAMES] = True
            self._frames.append(seen_frame(frame, people))

    def took(self, findings: Sequence[Finding]) -> None:
        """Add the maps of findings."""
        table = maps_frame((finding.row, drawn) for finding in findings for drawn in finding.maps)
        if len(table):
            self._any[MAPS] = True
            self._maps.append(table)

    def close(self) -> None:
        """Give the files that hold something their names."""
        for name, file in ((FRAMES, self._frames), (MAPS, self._maps)):
            if self._any[name]:
                file.close()

    def discard(self) -> None:
        """Leave nothing behind."""
        self._frames.discard()
        self._maps.discard()


def write_transcript(modalities: Sequence[Modality], folder: Path) -> None:
    """Write down what was heard as words, so that it can be corrected and read again (``--transcript``)."""
    for modality in modalities:
        state = modality.heard()
        if isinstance(state, dict) and state.get("utterances"):
            plain = json.loads(json.dumps(state))
            write_json(folder / TRANSCRIPT, {"format": "affectlens-transcript", "version": 1, **plain})
            return
