"""`affectlens measure`: frames a second with one face, and how well derived action units tell emotions apart.

No set of faces coded in FACS that may be used freely is at hand. Instead each unit is checked by the emotion in which research
with FACS expects it: how often a picture of that emotion has a higher value than one of the others (.5 is chance).
``AFFECTLENS_PICTURES`` says how many pictures are measured, 400 by default.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from affectlens.assets.store import locate
from affectlens.measures.measure import measure
from affectlens.measures.units import UNITS, action_units
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.finder import FaceFinder
from affectlens.perception.face.landmarks import FaceLandmarker

SHARED = Path(os.environ.get("AFFECTLENS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
CLIP, PICTURES = SHARED / "clips" / "pyfeat_single_face.mp4", SHARED / "face" / "muxspace_part.parquet"
LEAST = 15.0  # frames a second for one face on 2 cores


def run() -> Iterator[tuple[str, str, str, bool | None]]:
    """What is measured, its value, its limit, and whether it held."""
    if CLIP.exists():
        with tempfile.TemporaryDirectory() as folder:
            measure(CLIP, folder, what=("face",))  # loads the networks
            began, used = time.perf_counter(), time.process_time()
            made = measure(CLIP, folder, what=("face",))
            seconds, cpu = time.perf_counter() - began, time.process_time() - used
        frames = made.results[0].frames
        # By the processor's time, which other programs on the machine leave alone.
        yield (
            "frames a second of one core's time, one face",
            f"{frames / cpu:.1f}",
            f"at least {LEAST:g}",
            frames / cpu >= LEAST,
        )
        yield "frames a second by the clock on the wall", f"{frames / seconds:.1f}", "", None
    if PICTURES.exists():
        for unit, auc, spread, count in units(int(os.environ.get("AFFECTLENS_PICTURES", "400"))):
            yield (
                f"{unit.name} {unit.facs}: AUC of {unit.expected} ({count} of it)",
                f"{auc:.2f}, spread {spread:.3f}",
                "",
                None,
            )


def units(most: int) -> Iterator[tuple[object, float, float, int]]:
    """Each unit that is expected in an emotion, its AUC, its standard deviation, and how many pictures show the emotion."""
    table = pd.read_parquet(PICTURES)
    table = table.sample(min(most, len(table)), random_state=0)
    finder = FaceFinder(FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker")))
    values, labels = [], []
    for row in table.itertuples():
        found = finder.largest(np.asarray(Image.open(io.BytesIO(row.jpeg)).convert("RGB")))
        if found is not None:
            values.append(action_units(found[1].blendshapes, found[1].mouth_opening))
            labels.append(str(row.emotion))
    measured, named = np.array(values), np.array(labels)
    for place, unit in enumerate(UNITS):
        if unit.expected:
            inside = named == unit.expected
            yield (
                unit,
                auc_of(measured[inside, place], measured[~inside, place]),
                float(measured[:, place].std()),
                int(inside.sum()),
            )


def auc_of(one: np.ndarray, other: np.ndarray) -> float:
    """How often a value of the first is higher than one of the second; equal ones count half."""
    if not len(one) or not len(other):
        return float("nan")
    return float((one[:, None] > other[None]).mean() + 0.5 * (one[:, None] == other[None]).mean())
