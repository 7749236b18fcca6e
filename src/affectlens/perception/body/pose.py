"""Bodies in pictures: the networks of MediaPipe's Pose Landmarker under LiteRT, for several people in view.

The detector finds bodies in the whole frame; each gets a crop of its own, turned upright by hips and shoulders, for the
landmark
network. Crops, anchors and the way back follow the published graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from affectlens.perception.body.formats import MEDIAPIPE
from affectlens.perception.litert import LiteRtNetwork, graphs_of
from affectlens.perception.scene.objects import overlap

_DETECTOR, _CROP = 224, 256
_SCORE, _PRESENCE, _VISIBLE, _OVERLAP = 0.5, 0.5, 0.5, 0.3
_SCALE = 1.25  # of the circle around the body


@dataclass(frozen=True)
class Pose:
    """A body in one frame.

    Attributes
    ----------
    points : (33, 3) array
        Pixels of the frame; z in the same scale, smaller is nearer.
    world : (33, 3) array
        Metres about the hips: x right, y up, z towards the camera.
    visible, presence : (33,) array
        Probabilities.
    """

    points: np.ndarray
    world: np.ndarray
    visible: np.ndarray
    presence: float

    def joints(self) -> np.ndarray:
        """The common skeleton ``(18, 3)`` in metres; a joint that is not seen is missing."""
        seen = np.where((self.visible >= _VISIBLE)[:, None], self.world, np.nan)
        return np.asarray(MEDIAPIPE(seen[None])[0])

    def place(self) -> np.ndarray:
        """The common skeleton in the picture ``(18, 3)``, pixels with y up, so that the way of the pelvis can be followed."""
        seen = np.where((self.visible >= _VISIBLE)[:, None], self.points, np.nan)
        return np.asarray(MEDIAPIPE((seen * np.array([1.0, -1.0, -1.0]))[None])[0])

    @property
    def whole(self) -> float:
        """Share of the joints that are seen."""
        return float(np.isfinite(self.joints()).all(axis=1).mean())


class PoseFinder:
    """Bodies in a frame, one at a time through the networks; deterministic, frames do not depend on each other."""

    def __init__(self, task: Path, threads: int = 2) -> None:
        graphs = graphs_of(task, "pose_detector", "pose_landmarks_detector")
        self._detector, self._landmarker = (LiteRtNetwork(graph, threads) for graph in graphs)
        self._anchors = anchors()
        self._last: tuple[np.ndarray, int, list[Pose]] | None = None

    def __call__(self, image: np.ndarray, most: int = 8) -> list[Pose]:
        """The bodies in an RGB frame ``(h, w, 3)`` uint8, surest first, at most ``most``."""
        if self._last is not None and self._last[0] is image and self._last[1] == most:
            return list(self._last[2])  # another modality has just asked about this very frame
        out: list[Pose] = []
        for centre, tip, _score in self._detect(image)[:most]:
            pose = self._landmarks(image, centre, tip)
            if pose is not None and not any(_same(pose, other) for other in out):
                out.append(pose)
        self._last = (image, most, out)
        return list(out)

    def _detect(self, image: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, float]]:
        """Middle of the hips and a point on the circle around the body, in pixels, with a score."""
        height, width = image.shape[:2]
        factor = _DETECTOR / max(height, width)
        small = cv2.resize(image, (max(1, round(width * factor)), max(1, round(height * factor))), interpolation=cv2.INTER_AREA)
        left, top = (_DETECTOR - small.shape[1]) // 2, (_DETECTOR - small.shape[0]) // 2
        square = np.zeros((_DETECTOR, _DETECTOR, 3), np.float32)
        square[top : top + small.shape[0], left : left + small.shape[1]] = small / 127.5 - 1
        self._detector.run(square[None])
        raw = self._detector.tensor("Identity")[0].astype(np.float64)
        logits = np.clip(self._detector.tensor("Identity_1")[0, :, 0].astype(np.float64), -100, 100)
        score = 1 / (1 + np.exp(-logits))
        keep = np.flatnonzero(score >= _SCORE)
        keep = keep[np.argsort(-score[keep], kind="stable")]
        middle = raw[keep, :2] / _DETECTOR + self._anchors[keep]
        size = raw[keep, 2:4] / _DETECTOR
        boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
        points = raw[keep, 4:].reshape(-1, 4, 2) / _DETECTOR + self._anchors[keep][:, None]
        bodies = []
        left_over = list(range(len(keep)))
        while left_over:
            first = left_over[0]
            near = [i for i in left_over if overlap(boxes[first], boxes[i]) >= _OVERLAP]
            weight = score[keep[near]]
            mean = (points[near] * weight[:, None, None]).sum(0) / weight.sum()
            pixels = (mean * _DETECTOR - np.array([left, top])) / factor
            bodies.append((pixels[0], pixels[1], float(score[keep[first]])))
            left_over = [i for i in left_over if i not in near]
        return bodies

    def _landmarks(self, image: np.ndarray, centre: np.ndarray, tip: np.ndarray) -> Pose | None:
        side = 2 * _SCALE * float(np.linalg.norm(tip - centre))
        if side < 8:
            return None
        roll = math.pi / 2 - math.atan2(-(tip[1] - centre[1]), tip[0] - centre[0])
        cosine, sine = math.cos(roll), math.sin(roll)
        factor = _CROP / side
        matrix = np.array([[cosine * factor, sine * factor, 0.0], [-sine * factor, cosine * factor, 0.0]])
        matrix[:, 2] = _CROP / 2 - matrix[:, :2] @ centre
        crop = cv2.warpAffine(image, matrix, (_CROP, _CROP), flags=cv2.INTER_LINEAR)
        net = self._landmarker
        net.run(crop[None].astype(np.float32) / 255)
        presence = float(net.tensor("Identity_1").reshape(-1)[0])
        if presence < _PRESENCE:
            return None
        raw = net.tensor("Identity").reshape(39, 5)[:33].astype(np.float64)
        world = net.tensor("Identity_4").reshape(39, 3)[:33].astype(np.float64)
        inverse = cv2.invertAffineTransform(matrix)
        points = np.column_stack([raw[:, :2] @ inverse[:, :2].T + inverse[:, 2], raw[:, 2] / factor])
        turned = np.column_stack(
            [cosine * world[:, 0] - sine * world[:, 1], sine * world[:, 0] + cosine * world[:, 1], world[:, 2]]
        )
        visible = 1 / (1 + np.exp(-np.clip(np.minimum(raw[:, 3], raw[:, 4]), -60, 60)))
        # A joint outside the picture was guessed, not seen.
        height, width = image.shape[:2]
        inside = (points[:, 0] >= 0) & (points[:, 0] < width) & (points[:, 1] >= 0) & (points[:, 1] < height)
        return Pose(points, turned * np.array([1.0, -1.0, -1.0]), visible * inside, presence)


@cache
def pose_finder(task: Path, threads: int = 2) -> PoseFinder:
    """One finder for all that ask, so that the networks are loaded once and a frame is looked at once."""
    return PoseFinder(task, threads)


def anchors() -> np.ndarray:
    """Centres of the detector's anchors ``(2254, 2)``: two a cell at strides 8 and 16, six at stride 32."""
    out = []
    for stride, each in ((8, 2), (16, 2), (32, 6)):
        count = _DETECTOR // stride
        grid = (np.arange(count) + 0.5) / count
        rows, columns = np.meshgrid(grid, grid, indexing="ij")
        out.append(np.repeat(np.stack([columns.ravel(), rows.ravel()], axis=1), each, axis=0))
    return np.concatenate(out)


def _same(one: Pose, other: Pose) -> bool:
    """Two crops that ended on one body."""
    torso = [11, 12, 23, 24]
    size = max(float(np.linalg.norm(one.points[torso, :2].max(0) - one.points[torso, :2].min(0))), 1.0)
    return bool(np.linalg.norm(one.points[torso, :2] - other.points[torso, :2], axis=1).mean() < 0.3 * size)
