"""The people in a frame: faces with their landmarks, and who is who."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from affectlens.media.frames import Frame
from affectlens.perception.face.detector import FaceBox, FaceDetector
from affectlens.perception.face.finder import PRESENCE, FaceFinder, needs_turning
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

    def __init__(self, detector: FaceDetector, landmarker: FaceLandmarker, presence: float = PRESENCE) -> None:
        self._faces = FaceFinder(detector, landmarker, presence)
        self._turn_from = 0.0  # seconds before which frames are not turned again, since it was of no use
        self.tracker = Tracker()

    def __call__(self, frame: Frame) -> list[Person]:
        """People in a frame, in order of their ids. A detection in which no face mesh is placed is left out."""
        faces = self._faces.standing(frame.image)
        if frame.time >= self._turn_from and needs_turning(faces):
            turned = self._faces.turned(frame.image, faces)
            if [id(face) for face in turned] == [id(face) for face in faces]:
                self._turn_from = frame.time + TURN_EVERY
            faces = turned
        boxes, meshes = [box for box, _ in faces], [marks for _, marks in faces]
        ids = self.tracker.update(frame.time, frame.image, boxes, meshes)
        people = [
            Person(number, box, marks, face_quality(frame.image, marks))
            for number, box, marks in zip(ids, boxes, meshes, strict=True)
        ]
        return sorted(people, key=lambda person: person.id)


def windows(times: Iterator[Frame], length: float) -> Iterator[tuple[Frame, float, bool]]:
    """Frames with the start of the window each lies in and whether it is the first of that window."""
    current = -1
    for frame in times:
        index = int((frame.time + 1e-9) / length)
        yield frame, index * length, index != current
        current = index
