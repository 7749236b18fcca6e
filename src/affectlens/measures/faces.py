"""Faces of every frame: found now and then, and followed by their mesh in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from affectlens.media.frames import Frame
from affectlens.perception.face.detector import FaceBox, overlap
from affectlens.perception.face.finder import SURE_PRESENCE
from affectlens.perception.face.landmarks import FaceLandmarker, Landmarks
from affectlens.perception.face.quality import face_quality
from affectlens.perception.people.finder import PeopleFinder, Person

EVERY = 0.25  # seconds after which all faces are searched for anew
JUMP = 0.4  # of a face's width; no face moves further from one frame to the next, so that another was taken for it
SAME = 0.6  # overlap of two meshes from which on they are of one face
CUT = 24.0  # mean difference of grey between two frames, of 255, from which on the picture is another


@dataclass(frozen=True)
class Following:
    """How often faces were searched for, and how often followed."""

    searched: int = 0
    followed: int = 0


class FaceFollower:
    """Frames in order of time to the people in each.

    Between two searches each face is looked for where it was, by the mesh alone; where one is lost, jumps, meets another or the
    picture changes, all are searched for anew.

    Parameters
    ----------
    finder : PeopleFinder
        Searches the whole picture and knows who is who.
    landmarker : FaceLandmarker
        Places a mesh.
    every : float
        Seconds between two searches.
    """

    def __init__(self, finder: PeopleFinder, landmarker: FaceLandmarker, every: float = EVERY) -> None:
        self._finder, self._landmarker, self._every = finder, landmarker, every
        self._people: list[Person] = []
        self._searched = float("-inf")
        self._small: np.ndarray | None = None
        self.counts = Following()

    def __call__(self, frame: Frame) -> list[Person]:
        """People in a frame, in order of their ids."""
        small = cv2.resize(frame.image, (48, 32), interpolation=cv2.INTER_AREA).astype(np.float32).mean(axis=2)
        cut = self._small is None or float(np.abs(small - self._small).mean()) > CUT
        self._small = small
        if not cut and frame.time - self._searched < self._every - 1e-6:
            followed = self._follow(frame)
            if followed is not None:
                self._people = followed
                self.counts = replace(self.counts, followed=self.counts.followed + 1)
                return followed
        before = {} if cut else {person.id: person for person in self._people}
        self._people = [self._same_mesh(frame, person, before.get(person.id)) for person in self._finder(frame)]
        self._searched = frame.time
        self.counts = replace(self.counts, searched=self.counts.searched + 1)
        return self._people

    def _same_mesh(self, frame: Frame, found: Person, before: Person | None) -> Person:
        """A person that was searched for, with the mesh placed as in the frames between; else it twitches at every search."""
        if before is None:
            return found
        marks = self._landmarker(frame.image, before.marks.points[[33, 263], :2], _box(before.marks))
        placed = marks.presence >= SURE_PRESENCE and np.isfinite(marks.points).all()
        if not placed or overlap(_box(marks), _box(found.marks)) < SAME:
            return found
        return replace(found, marks=marks, quality=face_quality(frame.image, marks))

    def _follow(self, frame: Frame) -> list[Person] | None:
        """The same people in the next frame; None where one of them has to be searched for."""
        out: list[Person] = []
        for person in self._people:
            marks = self._landmarker(frame.image, person.marks.points[[33, 263], :2], _box(person.marks))
            if marks.presence < SURE_PRESENCE or not np.isfinite(marks.points).all():
                return None
            moved = marks.points[:, :2].mean(axis=0) - person.marks.points[:, :2].mean(axis=0)
            if float(np.linalg.norm(moved)) > JUMP * person.face.box[2]:
                return None
            out.append(Person(person.id, _moved(person.face, person.marks, marks), marks, face_quality(frame.image, marks)))
        for number, person in enumerate(out):
            if any(overlap(person.face.box, other.face.box) > 0.3 for other in out[:number]):
                return None
        return out


def _box(marks: Landmarks) -> tuple[float, float, float, float]:
    low, high = marks.points[:, :2].min(axis=0), marks.points[:, :2].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])


def _moved(face: FaceBox, before: Landmarks, after: Landmarks) -> FaceBox:
    """The detector's box, moved and scaled as the mesh was."""
    old, new = _box(before), _box(after)
    factor = (new[2] + new[3]) / max(old[2] + old[3], 1e-6)
    shift = np.array([new[0] + new[2] / 2, new[1] + new[3] / 2]) - np.array([old[0] + old[2] / 2, old[1] + old[3] / 2])
    left, top, width, height = face.box
    middle = np.array([left + width / 2, top + height / 2]) + shift
    width, height = width * factor, height * factor
    box = (float(middle[0] - width / 2), float(middle[1] - height / 2), float(width), float(height))
    return FaceBox(box, face.points + shift, face.score)


def followed(frames: Iterator[Frame], follower: FaceFollower) -> Iterator[tuple[int, Frame, list[Person]]]:
    """Every frame with its number and its people."""
    for number, frame in enumerate(frames):
        yield number, frame, follower(frame)
