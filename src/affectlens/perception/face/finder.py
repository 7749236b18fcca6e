"""Faces of a picture with their landmarks, whichever way up: the detector knows upright faces alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from affectlens.perception.face.detector import FaceBox, FaceDetector, overlap
from affectlens.perception.face.landmarks import FaceLandmarker, Landmarks, face_patch

# Measured on ordinary faces (two in a hundred are doubted and looked at again) and on the same turned by 90 to 180 degrees,
# where what the detector still finds is wrong (98 in a hundred are doubted).
DOUBTED_SCORE = 0.91
DOUBTED_DISTANCE = 0.065  # between the detector's and the mesh's eyes, nose and mouth, over the extent of these points
LARGE_ROLL = 60.0  # degrees
SURE_PRESENCE = 0.5
SURE_SCORE = 0.88  # that the detector gives a face once it is turned upright
PRESENCE = 0.3  # probability from which on a face mesh counts as one
SMALL = 160  # pixels; the detector misses the faces of smaller pictures, which are enlarged for it
ENLARGED = 4  # times
MARGIN = 0.02  # by which a turned reading has to be better than the one it replaces

Face = tuple[FaceBox, Landmarks]


class FaceFinder:
    """Detector and landmarks together; where no face is detected or one is doubtful, the picture is turned upright first.

    Parameters
    ----------
    detector, landmarker
        What finds boxes and places the mesh.
    presence : float
        Least probability of a face that the mesh must give.
    """

    def __init__(self, detector: FaceDetector, landmarker: FaceLandmarker, presence: float = PRESENCE) -> None:
        self._detector, self._landmarker, self._presence = detector, landmarker, presence

    def __call__(self, image: np.ndarray) -> list[Face]:
        """Faces of an RGB picture ``(h, w, 3)`` whichever way up they are, most certain first."""
        faces = self.standing(image)
        return self.turned(image, faces) if needs_turning(faces) else faces

    def largest(self, picture: np.ndarray) -> tuple[np.ndarray, Landmarks] | None:
        """The face whose eyes lie furthest apart.

        Parameters
        ----------
        picture : ndarray
            Grey ``(h, w)`` or RGB ``(h, w, 3)``, uint8.

        Returns
        -------
        tuple of ndarray and Landmarks, or None
            The picture in RGB, and the landmarks in its pixels; None where there is no face.
        """
        image = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        meshes = [marks for _, marks in self(image)]
        if not meshes:
            return None
        return image, max(meshes, key=lambda marks: float(np.linalg.norm(marks.eyes[1] - marks.eyes[0])))

    def standing(self, image: np.ndarray) -> list[Face]:
        """Faces as the picture stands, most certain first; a detection in which no mesh is placed is left out.

        A small picture is enlarged for it, whoever asks; faces are in pixels of the picture as it was given.

        Returns
        -------
        list
            Boxes and landmarks.
        """
        searched, factor = _enlarged(image)
        marked = (self._marked(searched, box, self._presence) for box in self._detector(searched))
        return [_scaled(face, 1 / factor) for face in marked if face is not None]

    def turned(self, image: np.ndarray, faces: list[Face]) -> list[Face]:
        """Look again with the picture turned by quarters.

        Parameters
        ----------
        image : (h, w, 3) uint8 array
            RGB.
        faces : list
            Its faces as it stands.

        Returns
        -------
        list
            Faces in pixels of the picture as it stands: the given, of which a doubtful one is replaced by a turned reading of
            the same place that is better; where none were given, those that look like a face once they are upright.
        """
        searched, factor = _enlarged(image)
        others = self._in_turned(searched)
        if not faces:
            scored = [(face, self._upright_score(searched, face)) for face in others]
            found = _once([(face, score) for face, score in scored if score >= SURE_SCORE])
        else:
            large = [_scaled(face, factor) for face in faces]
            found = [self._better(searched, face, others) if doubtful(face) else face for face in large]
        return [_scaled(face, 1 / factor) for face in found]

    def _marked(self, image: np.ndarray, box: FaceBox, presence: float) -> Face | None:
        marks = self._landmarker(image, box.points[:2], box.box)
        return (box, marks) if marks.presence >= presence and np.isfinite(marks.points).all() else None

    def _in_turned(self, image: np.ndarray) -> list[Face]:
        faces = []
        for quarters in (1, 2, 3):
            for box in self._detector(np.ascontiguousarray(np.rot90(image, quarters))):
                face = self._marked(image, turned_back(box, quarters, image.shape[:2]), SURE_PRESENCE)
                if face:
                    faces.append(face)
        return faces

    def _better(self, image: np.ndarray, face: Face, others: list[Face]) -> Face:
        rivals = [(other, self._upright_score(image, other)) for other in others if overlap(other[0].box, face[0].box) > 0.3]
        if not rivals:
            return face
        best, score = max(rivals, key=lambda rival: rival[1])
        return best if score >= SURE_SCORE and score > self._upright_score(image, face) + MARGIN else face

    def _upright_score(self, image: np.ndarray, face: Face) -> float:
        """The detector's score of the face once it is turned upright by its mesh."""
        scores = [box.score for box in self._detector(face_patch(image, face[1])) if abs(_roll(box.points)) < 25]
        return max(scores, default=0.0)


def _enlarged(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture in which faces are looked for, and how many times as large it is."""
    if max(image.shape[:2]) >= SMALL:
        return image, 1.0
    return cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC), float(ENLARGED)


def _scaled(face: Face, factor: float) -> Face:
    """A face in pixels of a picture that is so many times as large."""
    if factor == 1.0:
        return face
    box, marks = face
    left, top, wide, high = (factor * side for side in box.box)
    return replace(box, box=(left, top, wide, high), points=box.points * factor), replace(marks, points=marks.points * factor)


def needs_turning(faces: list[Face]) -> bool:
    """Whether a picture is to be looked at from its other sides too: no face was detected in it, or a doubtful one."""
    return not faces or any(doubtful(face) for face in faces)


def doubtful(face: Face) -> bool:
    """Whether a face may stand on its head, though the detector took it for upright."""
    box, marks = face
    if abs(marks.head_pose()[2]) > LARGE_ROLL:
        return True
    extent = float(np.linalg.norm(np.ptp(box.points, axis=0)))
    mesh = np.vstack([marks.eyes, marks.points[[4, 61, 291], :2]])
    apart = float(np.linalg.norm(mesh - box.points, axis=1).mean()) / max(extent, 1e-6)
    return box.score < DOUBTED_SCORE and apart > DOUBTED_DISTANCE


def turned_back(face: FaceBox, quarters: int, shape: tuple[int, ...]) -> FaceBox:
    """A detection in a picture that ``numpy.rot90`` turned, in pixels of the picture as it stood.

    Parameters
    ----------
    face : FaceBox
        In the turned picture.
    quarters : int
        Turns by 90 degrees, anticlockwise.
    shape : tuple of int
        Height and width of the picture as it stood.

    Returns
    -------
    FaceBox
        The points keep their names: the right eye stays the person's right eye.
    """
    height, width = shape[:2]
    left, top, wide, high = face.box

    def back(points: np.ndarray) -> np.ndarray:
        across, down = points[:, 0], points[:, 1]
        pairs = {1: (width - down, across), 2: (width - across, height - down), 3: (down, height - across)}
        return np.column_stack(pairs[quarters])

    corners = back(np.array([[left, top], [left + wide, top + high]]))
    low, extent = corners.min(axis=0), np.ptp(corners, axis=0)
    return FaceBox((float(low[0]), float(low[1]), float(extent[0]), float(extent[1])), back(face.points), face.score)


def _once(scored: list[tuple[Face, float]]) -> list[Face]:
    """Of readings of one place the best."""
    best: list[Face] = []
    for face, _ in sorted(scored, key=lambda item: -item[1]):
        if all(overlap(face[0].box, other[0].box) < 0.3 for other in best):
            best.append(face)
    return best


def _roll(points: np.ndarray) -> float:
    across = points[1] - points[0]
    return float(np.degrees(np.arctan2(across[1], across[0])))
