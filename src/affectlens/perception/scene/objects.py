"""Things in a picture: EfficientDet-Lite0 (COCO) under LiteRT, with the features of its convolutional backbone.

Anchors and decoding follow the published network (Tan et al. 2020): levels 3 to 7, three octave scales, three aspect ratios.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from affectlens.core.errors import ModelError
from affectlens.perception.litert import LiteRtNetwork

_SIDE, _ANCHOR_SCALE, _LEVELS = 320, 3.0, range(3, 8)
_FEATURES = "efficientnet-lite0/blocks_15/conv2d_1/Conv2D"  # (10, 10, 320), the backbone's last feature map
FEATURES = 320
GREY = 127  # what hidden parts of a frame are painted with: zero after the network's scaling
SCORE, OVERLAP, MOST = 0.4, 0.5, 25


@dataclass(frozen=True)
class Thing:
    """An object: COCO's name, score in [0, 1], and ``box`` left, top, right, bottom in pixels, inside the picture."""

    name: str
    score: float
    box: tuple[float, float, float, float]

    def area(self, shape: tuple[int, ...]) -> float:
        """Share of the picture ``(h, w, …)`` that the box takes."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top) / (shape[0] * shape[1])


class ObjectDetector:
    """Detections and features of RGB frames, one at a time; deterministic, frames do not depend on each other."""

    def __init__(self, model: Path, threads: int = 2) -> None:
        with zipfile.ZipFile(model) as archive:
            self.names = archive.read("labels.txt").decode().split("\n")
        # Inner tensors are kept, since the backbone's features are read beside the detections.
        self._net = LiteRtNetwork(model, threads, keep_inner=True)
        tensors = self._net.details()
        outputs = {tensor["shape"][-1]: tensor["index"] for tensor in tensors if tensor["index"] in self._net.outputs.values()}
        self._boxes, self._scores = outputs[4], outputs[90]
        layers = [
            tensor
            for tensor in tensors
            if tensor["name"].endswith(_FEATURES) and tuple(tensor["shape"]) == (1, 10, 10, FEATURES)
        ]
        if len(layers) != 1:
            raise ModelError(f"{model}: no feature map {_FEATURES}; the published efficientdet_lite0.tflite was expected")
        self._features, (self._scale, self._zero) = layers[0]["index"], layers[0]["quantization"]
        self._anchors = anchors()
        self._last: tuple[np.ndarray, list[Thing]] | None = None

    def __call__(self, image: np.ndarray, least: float = SCORE, most: int = MOST) -> list[Thing]:
        """Objects with a score of at least ``least``, surest first; of overlapping boxes of one class the surest stays."""
        if self._last is not None and self._last[0] is image and (least, most) == (SCORE, MOST):
            return list(self._last[1])  # another modality has just asked about this very frame
        if image.ndim == 3 and float(image.std()) < 1.0:
            return []  # the network finds a bed in a grey wall
        self._run(image)
        scores = self._net.tensor(self._scores)[0]
        best = scores.max(axis=1)
        keep = np.flatnonzero(best >= least)
        boxes = decode(self._net.tensor(self._boxes)[0][keep].astype(np.float64), self._anchors[keep])
        kinds = scores[keep].argmax(axis=1)
        height, width = image.shape[:2]
        boxes = np.clip(boxes, 0, 1) * np.array([width, height, width, height])
        out: list[Thing] = []
        for place in np.argsort(-best[keep], kind="stable"):
            name = self.names[int(kinds[place])].strip()
            left, top, right, bottom = (float(edge) for edge in boxes[place])
            thing = Thing(name, float(best[keep[place]]), (left, top, right, bottom))
            if right - left < 2 or bottom - top < 2 or name in ("", "???"):
                continue
            if not any(other.name == name and overlap(other.box, thing.box) > OVERLAP for other in out):
                out.append(thing)
            if len(out) == most:
                break
        if (least, most) == (SCORE, MOST):
            self._last = (image, out)
        return list(out)

    def features(self, image: np.ndarray, hidden: Sequence[tuple[float, float, float, float]] = ()) -> np.ndarray:
        """Mean of the backbone's last feature map over what is not hidden.

        Parameters
        ----------
        image : (h, w, 3) uint8 array
            RGB.
        hidden : sequence of tuple of float
            Boxes (left, top, right, bottom in pixels) that do not count.

        Returns
        -------
        (320,) float32 array
            Missing (NaN) where nothing is left.
        """
        grid, seen = self.grid(image, hidden)
        return np.asarray(grid[seen].mean(axis=0) if seen.any() else np.full(FEATURES, np.nan), dtype=np.float32)

    def grid(
        self, image: np.ndarray, hidden: Sequence[tuple[float, float, float, float]] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """The backbone's last feature map, and which of its cells are seen.

        Parameters
        ----------
        image : (h, w, 3) uint8 array
            RGB.
        hidden : sequence of tuple of float
            Boxes (left, top, right, bottom in pixels) that are painted grey before the network sees the frame; cells of the map
            that lie half or more in one are not seen.

        Returns
        -------
        map : (10, 10, 320) float32 array
            The features.
        seen : (10, 10) bool array
            Which cells count.
        """
        height, width = image.shape[:2]
        seen = np.ones((height, width), np.float32)
        shown = image.copy()
        for left, top, right, bottom in hidden:
            part = np.s_[max(0, int(top)) : max(0, math.ceil(bottom)), max(0, int(left)) : max(0, math.ceil(right))]
            seen[part] = 0
            shown[part] = GREY
        self._run(shown)
        raw = self._net.tensor(self._features)[0].astype(np.float32)
        return (raw - self._zero) * self._scale, cv2.resize(seen, (10, 10), interpolation=cv2.INTER_AREA) > 0.5

    def _run(self, image: np.ndarray) -> None:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ModelError(f"a picture {image.shape} {image.dtype}; (h, w, 3) uint8 was expected")
        small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        self._net.run(small[None])


@cache
def object_detector(model: Path, threads: int = 2) -> ObjectDetector:
    """One detector for all that ask, so that the network is loaded once and a frame is looked at once."""
    return ObjectDetector(model, threads)


@cache
def anchors() -> np.ndarray:
    """Centre and size ``(19206, 4)``: y, x, height, width as shares of the picture."""
    out = []
    for level in _LEVELS:
        count = math.ceil(_SIDE / 2**level)
        stride = _SIDE / count
        sizes = []
        for octave in range(3):
            side = _ANCHOR_SCALE * stride * 2 ** (octave / 3)
            sizes += [(side / math.sqrt(aspect), side * math.sqrt(aspect)) for aspect in (1.0, 2.0, 0.5)]
        at = (np.arange(count) + 0.5) * stride
        rows, columns = np.meshgrid(at, at, indexing="ij")
        centre = np.stack([rows, columns], axis=-1).reshape(-1, 1, 2).repeat(len(sizes), axis=1)
        size = np.broadcast_to(np.array(sizes), (count * count, len(sizes), 2))
        out.append(np.concatenate([centre, size], axis=2).reshape(-1, 4))
    return np.concatenate(out) / _SIDE


def decode(raw: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Boxes from the network's offsets about its anchors.

    Parameters
    ----------
    raw : array
        Offsets ``(n, 4)``: y, x, height, width.
    at : array
        Anchors ``(n, 4)`` in the same order, as shares of the picture.

    Returns
    -------
    array
        ``(n, 4)``: left, top, right, bottom as shares of the picture.
    """
    centre = raw[:, :2] * at[:, 2:] + at[:, :2]
    half = np.exp(np.clip(raw[:, 2:], -10, 10)) * at[:, 2:] / 2
    low, high = centre - half, centre + half
    return np.stack([low[:, 1], low[:, 0], high[:, 1], high[:, 0]], axis=1)


def overlap(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """Intersection over union of two boxes (left, top, right, bottom)."""
    wide, tall = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, wide) * max(0.0, tall)
    either = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1]) - both
    return float(both / either) if either > 0 else 0.0
