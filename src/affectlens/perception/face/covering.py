"""Parts of the picture that are made unreadable before anything is read in it, to see what is said without them.

A part is a rectangle of the frame or a region of every face, at all times or at some. It is blurred beyond reading, as in the
tests of faithfulness, since a flat patch would itself be something to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from affectlens.core.errors import UsageError
from affectlens.media.frames import Frame
from affectlens.perception.face.crops import OVAL_RING, REGION_RINGS
from affectlens.perception.people.finder import Person

# Regions of a face by the words of an option: the landmarks around each part.
REGIONS = {
    "mouth": (REGION_RINGS["mouth"],),
    "eyes": (REGION_RINGS["right eye"], REGION_RINGS["left eye"]),
    "brows": (REGION_RINGS["right brow"], REGION_RINGS["left brow"]),
    "nose": (REGION_RINGS["nose"],),
    "face": (OVAL_RING,),
}
_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_FORM = re.compile(
    rf"(?P<region>[a-z]+)(?:#(?P<person>\d+))?(?P<times>@.*)?|(?P<box>{_NUMBER}(?::{_NUMBER}){{3}})(?P<when>@.*)?"
)
_TIMES = re.compile(rf"@(?P<start>{_NUMBER})-(?P<end>{_NUMBER})")
EXPECTED = "LEFT:TOP:WIDTH:HEIGHT (shares of the frame) or mouth, eyes, brows, nose, face, each with @START-END, was expected"
F = TypeVar("F")


@dataclass(frozen=True)
class Cover:
    """One part that is covered.

    Attributes
    ----------
    box : tuple of float or None
        Left, top, width and height as shares of the frame.
    region : str
        Of a face; empty for a rectangle.
    person : int or None
        Whose face; everybody's without.
    start, end : float
        Seconds.
    """

    box: tuple[float, float, float, float] | None = None
    region: str = ""
    person: int | None = None
    start: float = 0.0
    end: float = float("inf")

    def holds(self, time: float) -> bool:
        """Whether it is covered at a time."""
        return self.start <= time <= self.end


def parse_cover(text: str) -> Cover:
    """What an option's text stands for.

    Parameters
    ----------
    text : str
        ``0.1:0.2:0.3:0.3@2-5`` for a rectangle, ``mouth``, ``eyes#0`` (of person 0 alone) or ``face@0-3`` for a region.

    Returns
    -------
    Cover
        The part.

    Raises
    ------
    UsageError
        It stands for nothing.

    Examples
    --------
    >>> parse_cover("mouth#1@2-5")
    Cover(box=None, region='mouth', person=1, start=2.0, end=5.0)
    """
    match = _FORM.fullmatch(text.strip())
    times = _TIMES.fullmatch((match["times"] or match["when"] or "@0-0") if match else "")
    region = match["region"] if match else None
    if match is None or times is None or (region is not None and region not in REGIONS):
        raise UsageError(f"{text!r}: {EXPECTED}")
    span = (float(times["start"]), float(times["end"])) if match["times"] or match["when"] else (0.0, float("inf"))
    if span[1] < span[0]:
        raise UsageError(f"{text!r}: the end lies before the start")
    if region is not None:
        return Cover(None, region, int(match["person"]) if match["person"] else None, *span)
    left, top, width, height = (float(part) for part in match["box"].split(":"))
    if not (width > 0 and height > 0 and left < 1 and top < 1 and left + width <= 1.001 and top + height <= 1.001):
        raise UsageError(f"{text!r}: a rectangle inside the frame was expected, as shares from 0 to 1")
    return Cover((left, top, width, height), "", None, *span)


def wrong_covers(texts: Sequence[str]) -> str:
    """What is wrong with such texts, or nothing; for settings."""
    for text in texts:
        try:
            parse_cover(text)
        except UsageError as error:
            return str(error)
    return ""


def blurred(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture that is blurred beyond reading where a mask is set.

    Parameters
    ----------
    image : ndarray
        ``(h, w, 3)`` uint8.
    mask : ndarray
        ``(h, w)``, not zero where it is covered.

    Returns
    -------
    ndarray
        Another picture.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return image
    size = max(int(np.ptp(rows)), int(np.ptp(columns)), 4)
    margin = size
    top, bottom = max(0, rows.min() - margin), min(image.shape[0], rows.max() + margin + 1)
    left, right = max(0, columns.min() - margin), min(image.shape[1], columns.max() + margin + 1)
    part = image[top:bottom, left:right]
    soft = cv2.GaussianBlur(part, (0, 0), max(2.0, size / 4))
    covered = mask[top:bottom, left:right, None] > 0
    out = image.copy()
    out[top:bottom, left:right] = np.where(covered, soft, part)
    return out


class Covers:
    """All parts that are covered in a recording.

    Parameters
    ----------
    texts : iterable of str
        As `parse_cover` takes them.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._covers = [parse_cover(text) for text in texts]

    def __bool__(self) -> bool:
        return bool(self._covers)

    def over_frame(self, frame: Frame) -> Frame:
        """The frame with its rectangles covered; done before anybody is looked for in it."""
        boxes = [cover.box for cover in self._covers if cover.box is not None and cover.holds(frame.time)]
        if not boxes:
            return frame
        height, width = frame.image.shape[:2]
        image = frame.image
        for left, top, wide, high in boxes:
            mask = np.zeros((height, width), np.uint8)
            mask[int(top * height) : round((top + high) * height), int(left * width) : round((left + wide) * width)] = 1
            image = blurred(image, mask)
        return replace(frame, image=image)

    def over_faces(self, frame: Frame, people: Sequence[Person]) -> Frame:
        """The frame with regions of the faces covered that were found in it."""
        image = frame.image
        for cover in self._covers:
            if not cover.region or not cover.holds(frame.time):
                continue
            for person in people:
                if cover.person is None or cover.person == person.id:
                    image = blurred(image, face_mask(image.shape[:2], person.marks.points, cover.region))
        return frame if image is frame.image else replace(frame, image=image)


def face_mask(shape: tuple[int, ...], points: np.ndarray, region: str) -> np.ndarray:
    """Where a region of a face lies, a little larger than its landmarks.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the frame.
    points : ndarray
        Landmarks ``(478, …)`` in pixels.
    region : str
        One of ``REGIONS``.

    Returns
    -------
    ndarray
        ``(h, w)`` uint8, 1 inside.
    """
    mask = np.zeros(shape[:2], np.uint8)
    for ring in REGIONS[region]:
        cv2.fillPoly(mask, [cv2.convexHull(np.round(points[list(ring), :2]).astype(np.int32))], 1)
    wide = float(np.ptp(points[list(OVAL_RING), 0]))
    grow = max(1, round(0.08 * wide)) | 1
    return np.asarray(cv2.dilate(mask, np.ones((grow, grow), np.uint8)))
