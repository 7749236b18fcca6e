"""What finds objects in a picture: a detector, a table made elsewhere, a function, or the regions of a face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from affectlens.assets.store import locate
from affectlens.core.disk.fingerprints import fingerprint
from affectlens.core.errors import ModelError
from affectlens.explainers.overlap import grid_shape
from affectlens.models.adapters.blackbox import faults_of
from affectlens.models.open import imported
from affectlens.perception.face.crops import REGIONS, crop_matrix, region_map
from affectlens.perception.scene.detections import Detections, read_detections
from affectlens.perception.scene.objects import SCORE, Thing, object_detector

LEAST_SIDE = 96  # pixels; in smaller pictures nothing is detected
ASSETS = {"regions": ["yunet", "face-landmarker"], "detector": ["efficientdet-lite0", "yunet", "face-landmarker"]}


class Finder:
    """Base: finds nothing. ``notes`` say what the reader should know of the source, ``code`` is a digest of its own code."""

    notes: tuple[str, ...] = ()
    code: str = ""

    def things(self, key: str, picture: np.ndarray) -> list[Thing]:
        """Objects of a picture ``(h, w, 3)`` or ``(h, w)`` uint8 with boxes in pixels."""
        return []

    def regions(self, picture: np.ndarray) -> dict[str, np.ndarray] | None:
        """Masks on the grid where they come from no boxes, else None.

        Returns
        -------
        dict of str to ndarray
            By region, on the grid.
        """
        return None

    def absent(self, keys: list[str]) -> list[str]:
        """Pictures of which the source knows nothing."""
        return []


def finder_of(spec: str, least: float = SCORE) -> Finder:
    """The finder that ``spec`` names (see ``Pictures``).

    Returns
    -------
    Finder
        Ready to look.

    Raises
    ------
    UsageError
        A file or function that cannot be read.
    """
    if spec == "regions":
        return FaceRegions()
    if spec == "detector":
        return Detector(least)
    if ":" in spec and not Path(spec).exists():
        return FromFunction(imported(spec, "--objects"), least, spec)
    return FromTable(read_detections(Path(spec)), least)


class Detector(Finder):
    """COCO's objects of EfficientDet-Lite0 and faces, whichever way up they are, as everywhere in this package."""

    def __init__(self, least: float = SCORE) -> None:
        from affectlens.perception.face.detector import FaceDetector
        from affectlens.perception.face.finder import FaceFinder
        from affectlens.perception.face.landmarks import FaceLandmarker

        self._objects = object_detector(locate("efficientdet-lite0"))
        self._faces = FaceFinder(FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker")))
        self.least = least

    def things(self, key: str, picture: np.ndarray) -> list[Thing]:
        """Objects and faces; none in very small pictures."""
        image = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        if min(image.shape[:2]) < LEAST_SIDE:
            return []
        things = list(self._objects(image, self.least))
        for face, _ in self._faces(image):
            left, top, wide, high = (float(value) for value in face.box)
            things.append(_clipped("face", face.score, (left, top, left + wide, top + high), image.shape))
        return things


class FromTable(Finder):
    """Detections made elsewhere."""

    def __init__(self, table: Detections, least: float) -> None:
        self._table, self.least, self.notes = table, least, table.notes

    def things(self, key: str, picture: np.ndarray) -> list[Thing]:
        """Objects of the picture of that name."""
        return self._table.of(key, picture.shape, self.least)

    def absent(self, keys: list[str]) -> list[str]:
        """Pictures that the table does not have."""
        return [key for key in keys if key not in self._table]


class FromFunction(Finder):
    """A function of the user's own."""

    def __init__(self, function: Callable[[np.ndarray], Any], least: float, name: str = "the function") -> None:
        self._function, self.least, self.name = function, least, name
        self.code = fingerprint(function)

    def things(self, key: str, picture: np.ndarray) -> list[Thing]:
        """What the function finds, clipped to the picture; boxes of no size are left out."""
        with faults_of(f"--objects {self.name}", picture):
            clipped = [_clipped(str(name), score, box, picture.shape) for name, score, box in self._function(picture)]
        sure = [thing for thing in clipped if thing.score >= self.least]
        return [thing for thing in sure if thing.box[2] - thing.box[0] >= 1 and thing.box[3] - thing.box[1] >= 1]


class FaceRegions(Finder):
    """Masks of the regions of the largest face."""

    def __init__(self) -> None:
        from affectlens.features.properties.face import FaceViewer

        self._view = FaceViewer()

    def regions(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """A mask for each region of the face that the grid shows.

        Returns
        -------
        dict of str to ndarray
            By region, on the grid.

        Raises
        ------
        ModelError
            No face was found.
        """
        view = self._view(picture)
        if view is None:
            raise ModelError("no face found")
        wide = cv2.warpAffine(
            region_map(view.marks, 160).astype(np.uint8),
            crop_matrix(view.marks, 160),
            view.picture.shape[1::-1],
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
            borderValue=REGIONS.index("outside the face"),
        )
        rows, columns = grid_shape(picture.shape)
        masks = {
            name: cv2.resize((wide == i).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
            for i, name in enumerate(REGIONS)
        }
        return {name: mask for name, mask in masks.items() if mask.any()}


def _clipped(name: str, score: float, box: Any, shape: tuple[int, ...]) -> Thing:
    height, width = shape[:2]
    left, top, right, bottom = (float(edge) for edge in box)
    return Thing(name, float(score), (max(0.0, left), max(0.0, top), min(float(width), right), min(float(height), bottom)))
