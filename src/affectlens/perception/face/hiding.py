"""Faces made unrecognisable: nothing of the pixels under them is left but a few averages, or their landmarks in their place.

Hidden are the faces that were tracked, between their sightings too, and those that the finder sees in the frame at hand. No
finder sees every face, which whoever passes a picture on has to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from affectlens.core.errors import UsageError
from affectlens.media.frames import Frame

WAYS = ("blur", "landmarks")
GROWN = 0.35  # of a box's size, added on every side: hair, chin and ears are of the face too
CELLS = 5  # averages a side that are left of a face
_INK, _PAPER = (235, 235, 235), (70, 70, 70)
Box = tuple[float, float, float, float]


@dataclass
class Track:
    """Where one person was seen.

    Attributes
    ----------
    times : ndarray
        Seconds, in order.
    boxes : ndarray
        ``(n, 4)``: left, top, width, height as shares of the frame.
    marks : list of ndarray
        Landmarks ``(points, 2)`` as shares of the frame; empty where there are none.
    """

    times: np.ndarray
    boxes: np.ndarray
    marks: list[np.ndarray] = field(default_factory=list)

    def around(self, time: float, gap: float) -> list[int]:
        """The sightings just before and just after a time, not further off than ``gap`` seconds."""
        after = int(np.searchsorted(self.times, time))
        return [place for place in (after - 1, after) if 0 <= place < len(self.times) and abs(self.times[place] - time) <= gap]


def hidden(
    frames: Iterable[Frame],
    tracks: Sequence[Track],
    gap: float,
    find: Callable[[np.ndarray], Iterable[Box]],
    way: str = "blur",
    lines: Sequence[Sequence[int]] = (),
) -> Iterator[Frame]:
    """Frames with their faces hidden.

    Parameters
    ----------
    frames : iterable of Frame
        In order of time.
    tracks : sequence of Track
        Who was seen where.
    gap : float
        Seconds from a sighting in which its place is hidden.
    find : callable
        From a picture to the boxes of faces in it, in pixels.
    way : str
        ``blur``, or ``landmarks`` for lines in the place of a face.
    lines : sequence of sequence of int
        Which landmarks a line goes through.

    Yields
    ------
    Frame
        At the same times.

    Raises
    ------
    UsageError
        Another way.
    """
    if way not in WAYS:
        raise UsageError(f"faces {way!r}; one of {', '.join(WAYS)} was expected")
    for frame in frames:
        height, width = frame.image.shape[:2]
        image = frame.image.copy()
        drawn: list[np.ndarray] = []
        boxes = [_pixels(box, width, height) for box in _tracked(tracks, frame.time, gap)]
        boxes += [(float(box[0]), float(box[1]), float(box[2]), float(box[3])) for box in find(frame.image)]
        for box in boxes:
            cover(image, box, way)
        if way == "landmarks":
            for track in tracks:
                near = track.around(frame.time, gap)
                if near and track.marks:
                    closest = min(near, key=lambda place: abs(track.times[place] - frame.time))
                    drawn.append(track.marks[closest] * (width, height))
            _draw(image, drawn, lines)
        yield replace(frame, image=image)


def _tracked(tracks: Sequence[Track], time: float, gap: float) -> Iterator[Box]:
    """For each person the box that holds the sightings around a time."""
    for track in tracks:
        near = track.around(time, gap)
        if near:
            boxes = track.boxes[near]
            left, top = boxes[:, 0].min(), boxes[:, 1].min()
            yield left, top, (boxes[:, 0] + boxes[:, 2]).max() - left, (boxes[:, 1] + boxes[:, 3]).max() - top


def _pixels(box: Box, width: int, height: int) -> Box:
    return box[0] * width, box[1] * height, box[2] * width, box[3] * height


def cover(image: np.ndarray, box: Box, way: str = "blur") -> None:
    """Cover a face and what is around it, in place.

    Parameters
    ----------
    image : ndarray
        ``(h, w, 3)`` uint8.
    box : tuple of float
        Left, top, width and height of the face in pixels.
    way : str
        ``blur`` leaves a few averages, ``landmarks`` nothing.
    """
    height, width = image.shape[:2]
    more_x, more_y = GROWN * box[2], GROWN * box[3]
    left, right = max(0, int(box[0] - more_x)), min(width, int(np.ceil(box[0] + box[2] + more_x)))
    top, bottom = max(0, int(box[1] - more_y)), min(height, int(np.ceil(box[1] + box[3] + more_y)))
    if right <= left or bottom <= top:
        return
    part = image[top:bottom, left:right]
    if way == "landmarks":
        part[:] = _PAPER
        return
    few = cv2.resize(part, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    part[:] = cv2.resize(few, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)


def _draw(image: np.ndarray, faces: list[np.ndarray], lines: Sequence[Sequence[int]]) -> None:
    for points in faces:
        for line in lines:
            way = np.round(points[list(line)]).astype(np.int32).reshape(-1, 1, 2)
            cv2.polylines(image, [way], False, _INK, 1, cv2.LINE_AA)
