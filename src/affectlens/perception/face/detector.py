"""Find faces in a frame: YuNet through OpenCV (Wu et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from affectlens.perception.quiet import quiet_stderr


@dataclass(frozen=True)
class FaceBox:
    """One detection in pixels of the frame.

    Attributes
    ----------
    box : tuple of float
        Left, top, width, height.
    points : (5, 2) array
        The right eye, left eye, nose tip, right and left mouth corner, right and left being the person's own.
    score : float
        In [0, 1].
    """

    box: tuple[float, float, float, float]
    points: np.ndarray
    score: float

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box."""
        return self.box[0] + self.box[2] / 2, self.box[1] + self.box[3] / 2


class FaceDetector:
    """YuNet on frames of any size; the search is done at most ``long_side`` pixels wide or high."""

    def __init__(self, weights: Path, score: float = 0.75, long_side: int = 960, limit: int = 64) -> None:
        with quiet_stderr():
            self._net = cv2.FaceDetectorYN.create(str(weights), "", (320, 320), score, 0.3, 500)
        self.long_side, self.limit = long_side, limit
        self._size = (0, 0)

    def __call__(self, image: np.ndarray) -> list[FaceBox]:
        """Faces in an RGB frame ``(h, w, 3)``, most certain first, at most ``limit``."""
        height, width = image.shape[:2]
        if min(height, width) < 16:
            return []
        factor = min(1.0, self.long_side / max(height, width))
        size = (max(16, round(width * factor)), max(16, round(height * factor)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if factor < 1 else image
        if factor == 1:
            size = (width, height)
        if size != self._size:
            self._net.setInputSize(size)
            self._size = size
        _, faces = self._net.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        if faces is None:
            return []
        rows = np.asarray(faces, dtype=np.float64)
        rows = rows[np.isfinite(rows).all(axis=1)]
        scale = np.array([width / size[0], height / size[1]])
        out = []
        for row in rows[np.argsort(-rows[:, 14], kind="stable")][: self.limit]:
            corner, extent = row[0:2] * scale, row[2:4] * scale
            if min(extent) < 8:
                continue
            box = (float(corner[0]), float(corner[1]), float(extent[0]), float(extent[1]))
            out.append(FaceBox(box, row[4:14].reshape(5, 2) * scale, float(row[14])))
        return out


def overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes (left, top, width, height)."""
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    tall = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    shared = wide * tall
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
