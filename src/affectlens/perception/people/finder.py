"""The people in a frame: faces faces, landmarks placed, identities kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from affectlens.media.frames import Frame
from affectlens.perception.face.detector import FaceBox, FaceDetector
from affectlens.perception.face.finder import FaceFinder, doubtful
from affectlens.perception.face.landmarks import FaceLandmarker, Landmarks
from affectlens.perception.face.quality import FaceQuality, face_quality
from affectlens.perception.people.tracking import Tracker

TURN_EVERY = 1.0  # seconds until frames are turned again after that brought nothing


@dataclass(frozen=True)
class Person:
    """One person in one frame."""

    id: int
    face: FaceBox
    marks: Landmarks
    quality: FaceQuality


@dataclass(frozen=True)
class Sighting:
    """Where one person was in one sampled frame; ``box`` as fractions of the frame's width and height."""

    time: float
    person: int
    box: tuple[float, float, float, float]


class PeopleFinder:
    """Frames in order of time to the people in each; one per recording, since it remembers who was seen."""

    def __init__(self, detector: FaceDetector, landmarker: FaceLandmarker, presence: float = 0.3) -> None:
        self._faces = FaceFinder(detector, landmarker, presence)
        self._turn_from = 0.0  # seconds before which frames are not turned again, since it was of no use
        self.tracker = Tracker()

    def __call__(self, frame: Frame) -> list[Person]:
        """People in a frame, in order of their ids. A detection in which no face mesh is faces is left out."""
        faces = self._faces(frame.image)
        if frame.time >= self._turn_from and (not faces or any(doubtful(f) for f in faces)):
            turned = self._faces.turned(frame.image, faces)
            if [id(f) for f in turned] == [id(f) for f in faces]:
                self._turn_from = frame.time + TURN_EVERY
            faces = turned
        ids = self.tracker.update(frame.time, frame.image, [f for f, _ in faces], [m for _, m in faces])
        people = [Person(i, f, m, face_quality(frame.image, m)) for i, (f, m) in zip(ids, faces, strict=True)]
        return sorted(people, key=lambda p: p.id)


def windows(times: Iterator[Frame], length: float) -> Iterator[tuple[Frame, float, bool]]:
    """Frames with the start of the window each lies in and whether it is the first of that window."""
    current = -1
    for frame in times:
        index = int((frame.time + 1e-9) / length)
        yield frame, index * length, index != current
        current = index
