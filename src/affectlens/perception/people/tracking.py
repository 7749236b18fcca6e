"""Who is who through a clip: stable person ids across motion, occlusion and cuts.

Detections are matched to tracks by where they are and by how they look (a colour histogram of face and shoulders and a
small grey thumbnail of the aligned face; no face-recognition network). After a cut only looks count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment

from affectlens.perception.face.crops import grey_crop
from affectlens.perception.face.detector import FaceBox, overlap
from affectlens.perception.face.landmarks import Landmarks

_COLOURS = 12 * 4 * 4  # bins of hue, saturation and value


@dataclass(frozen=True)
class TrackerSettings:
    """When two views can be one person.

    Attributes
    ----------
    near : float
        Largest move in face widths per second.
    alike : float
        Largest difference in looks, 0 to 1.
    forget : float
        Seconds after which a person gone is no longer expected back.
    cut : float
        Change of colours between frames that makes a cut.
    gallery : int
        Views that are kept of a person.
    """

    near: float = 4.0
    alike: float = 0.12
    forget: float = 600.0
    cut: float = 0.45
    gallery: int = 8


@dataclass
class _Track:
    person: int
    box: tuple[float, float, float, float]
    seen: float
    scene: int
    gallery: list[np.ndarray] = field(default_factory=list)


def appearance(image: np.ndarray, face: FaceBox, marks: Landmarks) -> np.ndarray:
    """Three unit vectors of looks, joined: colours of the face, of the clothes below it, and a thumbnail of the face.

    The patches are no wider than the face, so that what is behind the person counts little.

    Parameters
    ----------
    image : (h, w, 3) uint8 array
        RGB.
    face : FaceBox
        Where the face is.
    marks : Landmarks
        Of the same face.

    Returns
    -------
    (n,) array
        The same length for every face.
    """
    left, top, wide, tall = face.box
    colours = [
        _colours(image, left + 0.1 * wide, top, left + 0.9 * wide, top + tall),
        _colours(image, left, top + 1.35 * tall, left + wide, top + 2.3 * tall),
    ]
    thumb = cv2.resize(grey_crop(image, marks), (12, 12), interpolation=cv2.INTER_AREA).astype(np.float64)[3:-1, 2:-2].ravel()
    thumb = (thumb - thumb.mean()) / max(float(thumb.std()), 1e-6) / np.sqrt(thumb.size)
    return np.concatenate([*colours, thumb])


def _colours(image: np.ndarray, left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Root histogram of hue, saturation and value of a box, smoothed; zero where the box lies outside the frame."""
    patch = image[max(0, int(top)) : max(0, int(bottom)), max(0, int(left)) : max(0, int(right))]
    if patch.size == 0:
        return np.zeros(_COLOURS)
    hsv = cv2.cvtColor(cv2.resize(patch, (32, 32), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], None, [12, 4, 4], [0, 180, 0, 256, 0, 256])
    blurred = counts + 0.5 * (np.roll(counts, 1, axis=0) + np.roll(counts, -1, axis=0))
    return np.asarray(np.sqrt(blurred.ravel() / blurred.sum()))


def _difference(view: np.ndarray, gallery: list[np.ndarray]) -> float:
    """Difference of a view from the most similar one of a gallery.

    One minus the mean of the two best of the three similarities (face colours, clothes, thumbnail): a turned head or
    clothes out of the frame then cost little.

    Parameters
    ----------
    view : (n,) array
        From ``appearance``.
    gallery : list of (n,) array
        Views of one person.

    Returns
    -------
    float
        0 for the same view.
    """
    parts = np.stack(gallery) * view
    edges = (0, _COLOURS, 2 * _COLOURS)
    each = np.add.reduceat(parts, edges, axis=1)
    return float(1 - np.sort(each, axis=1)[:, 1:].mean(axis=1).max())


class Tracker:
    """Feed frames in order of time; each call gives the person id of each detection."""

    def __init__(self, settings: TrackerSettings | None = None) -> None:
        self.settings = settings or TrackerSettings()
        self._tracks: list[_Track] = []
        self._histogram: np.ndarray | None = None
        self.scene = 0
        self.cuts: list[float] = []

    def update(self, time: float, image: np.ndarray, faces: list[FaceBox], marks: list[Landmarks]) -> list[int]:
        """Person ids ``(n,)`` for ``n`` faces of the frame at ``time`` seconds."""
        if self._is_cut(image):
            self.scene += 1
            self.cuts.append(time)
        views = [appearance(image, face, mesh) for face, mesh in zip(faces, marks, strict=True)]
        chosen: dict[int, _Track] = {}
        for strict_place in (True, False):
            open_faces = [i for i in range(len(faces)) if i not in chosen]
            taken = {track.person for track in chosen.values()}
            tracks = [
                track for track in self._tracks if track.person not in taken and time - track.seen <= self.settings.forget
            ]
            if not open_faces or not tracks:
                break
            cost = np.array(
                [[self._cost(track, time, faces[i], views[i], strict_place) for track in tracks] for i in open_faces]
            )
            rows, columns = linear_sum_assignment(cost)
            for row, column in zip(rows, columns, strict=True):
                if cost[row, column] < 1:
                    chosen[open_faces[row]] = tracks[column]
        ids = []
        for number, face in enumerate(faces):
            track = chosen.get(number)
            if track is None:
                track = _Track(len(self._tracks), face.box, time, self.scene)
                self._tracks.append(track)
            track.box, track.seen, track.scene = face.box, time, self.scene
            if not track.gallery or _difference(views[number], track.gallery) > 0.03:
                track.gallery = [*track.gallery[-self.settings.gallery + 1 :], views[number]]
            ids.append(track.person)
        return ids

    def _cost(self, track: _Track, time: float, face: FaceBox, view: np.ndarray, by_place: bool) -> float:
        """How badly a detection fits a person.

        By place: the face moved plausibly since it was last seen in the same shot and does not look like somebody else. By
        looks: it is alike, wherever it is.

        Parameters
        ----------
        track : _Track
            The person.
        time : float
            Of the frame, seconds.
        face : FaceBox
            The detection.
        view : (n,) array
            Its looks.
        by_place : bool
            Which of the two counts.

        Returns
        -------
        float
            Below 1 where the detection can be this person.
        """
        looks = _difference(view, track.gallery)
        if not by_place:
            return 0.5 + 0.5 * looks / self.settings.alike if looks < self.settings.alike else 2.0
        gap = time - track.seen
        if track.scene != self.scene or gap > 2.0 or looks > 3 * self.settings.alike:
            return 2.0
        size = max(track.box[2], face.box[2], 1.0)
        old = (track.box[0] + track.box[2] / 2, track.box[1] + track.box[3] / 2)
        moved = float(np.hypot(face.centre[0] - old[0], face.centre[1] - old[1])) / size
        allowed = 0.6 + self.settings.near * gap
        if moved > allowed or not 0.5 < face.box[2] / max(track.box[2], 1.0) < 2.0:
            return 2.0
        return 0.5 * min(moved / allowed, 1) + 0.1 * looks / self.settings.alike + 0.1 * (1 - overlap(track.box, face.box))

    def _is_cut(self, image: np.ndarray) -> bool:
        small = cv2.resize(image, (64, 48), interpolation=cv2.INTER_AREA)
        cells = small.reshape(4, 12, 4, 16, 3).transpose(0, 2, 1, 3, 4).reshape(16, -1, 3)
        histogram = np.stack([np.histogramdd(cell, bins=(4, 4, 4), range=[(0, 256)] * 3)[0].ravel() for cell in cells])
        histogram /= histogram.sum(axis=1, keepdims=True)
        before, self._histogram = self._histogram, histogram
        if before is None:
            return False
        return float(0.5 * np.abs(histogram - before).sum(axis=1).mean()) > self.settings.cut
