"""How an item of a corpus, or a bare picture, sound, text or motion, becomes what a model of its modality is given.

Every reader raises ``ModelError`` with the reason where there is nothing to read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from affectlens.assets.store import locate
from affectlens.core.errors import MediaError, ModelError
from affectlens.corpora.base import Item
from affectlens.models.base import data_of
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.formats import of_corpus
from affectlens.perception.body.joints import JOINTS, Motion
from affectlens.perception.body.pose import pose_finder
from affectlens.perception.body.posture import upright
from affectlens.perception.face.crops import crop_matrix, grey_crop
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.finder import FaceFinder
from affectlens.perception.face.landmarks import FaceLandmarker, Landmarks
from affectlens.perception.scene.objects import object_detector
from affectlens.perception.voice.egemaps import SHORTEST, functionals
from affectlens.perception.voice.stream import describe

RATE = 16000  # samples a second of every sound
FACE_SIDE, COLOUR_SIDE = 48, 160  # pixels of the face model's grey crop, and of the crop that other models are given


class Text(str):
    """A text that knows whether the model which is given it cuts its end.

    Examples
    --------
    >>> Text("so glad", truncated=True).truncated
    True
    """

    truncated: bool

    def __new__(cls, text: str, truncated: bool = False) -> Text:
        """A text with what is known of it."""
        made = super().__new__(cls, text)
        made.truncated = truncated
        return made


class Sound(np.ndarray):
    """A sound ``(n,)`` that knows whether the model which is given it cuts its end."""

    truncated: bool = False

    @classmethod
    def of(cls, sound: np.ndarray, truncated: bool = False) -> Sound:
        """The sound, with what is known of it."""
        made = np.asarray(sound, np.float32).view(cls)
        made.truncated = truncated
        return made


def picture_of(item: Any) -> np.ndarray:
    """A picture ``(h, w)`` grey or ``(h, w, 3)`` RGB, uint8."""
    picture = data_of(item)
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim not in (2, 3):
        raise ModelError(f"a picture (h, w) or (h, w, 3) uint8 was expected, {described(picture)} was given")
    return picture


def coloured(picture: np.ndarray) -> np.ndarray:
    """A grey or RGB picture as RGB ``(h, w, 3)``."""
    return picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)


def text_of(item: Any) -> str:
    """A text that is not empty."""
    text = data_of(item)
    if not isinstance(text, str):
        raise ModelError(f"a text was expected, {described(text)} was given")
    if not text.strip():
        raise ModelError("the text is empty")
    return text


def sound_of(item: Any) -> np.ndarray:
    """A sound ``(n,)`` float32 at 16 kHz, long enough to be measured."""
    sound = data_of(item)
    if not isinstance(sound, np.ndarray) or sound.ndim != 1 or not np.issubdtype(sound.dtype, np.floating):
        raise ModelError(f"a sound (n,) of floats at {RATE} Hz was expected, {described(sound)} was given")
    if len(sound) < SHORTEST * RATE:
        raise ModelError(f"{1000 * len(sound) / RATE:.0f} ms long; at least {1000 * SHORTEST:.0f} needed")
    return sound.astype(np.float32, copy=False)


def functionals_of(item: Any) -> np.ndarray:
    """The 88 functionals of eGeMAPS ``(88,)`` of a sound, in real units."""
    return functionals(describe(sound_of(item)))


def motion_of(item: Any) -> Motion:
    """A motion on the common skeleton: an item of a corpus of motion, a BVH file, or a ``Motion``; else a ModelError."""
    given = data_of(item)
    try:
        if isinstance(given, Motion):
            return given
        if isinstance(given, str | Path) and not isinstance(item, Item):
            return read_bvh(Path(given))
        meta = item.meta or {} if isinstance(item, Item) else {}
        if isinstance(given, Path) or "layout" in meta:
            return of_corpus(given, meta)
    except (MediaError, OSError) as error:
        raise ModelError(str(error)) from error
    raise ModelError(f"a motion (a BVH file, or joints with their layout and rate) was expected, {described(given)} was given")


def skeleton_of(item: Any) -> np.ndarray:
    """One upright skeleton in torso lengths; joints that are not seen are NaN.

    A motion gives the frame nearest its middle in which there is a posture, a picture its surest body.

    Returns
    -------
    numpy.ndarray
        ``(18, 3)`` float32.

    Raises
    ------
    ModelError
        There is no body, or neither trunk nor shoulders are seen.
    """
    given = data_of(item)
    if isinstance(given, np.ndarray) and given.dtype == np.uint8:
        bodies = pose_finder(locate("pose-landmarker"))(coloured(picture_of(given)))
        candidates = [body.joints() for body in bodies[:1]]
        if not candidates:
            raise ModelError("no body is seen in the picture")
    elif isinstance(given, np.ndarray) and given.shape == (len(JOINTS), 3):
        candidates = [given]
    else:
        points = motion_of(item).points
        order = np.argsort(np.abs(np.arange(len(points)) - len(points) // 2), kind="stable")
        candidates = [points[place] for place in order]
    for joints in candidates:
        posture = upright(joints)
        if posture is not None:
            return posture.astype(np.float32)
    raise ModelError("neither trunk nor shoulders are seen, so there is no posture")


@cache
def _face_finder() -> FaceFinder:
    return FaceFinder(FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker")))


def largest_face(picture: np.ndarray) -> tuple[np.ndarray, Landmarks]:
    """The largest face of a picture, found as the main job finds faces: whichever way up it is.

    Parameters
    ----------
    picture : numpy.ndarray
        ``(h, w)`` or ``(h, w, 3)`` uint8.

    Returns
    -------
    image : numpy.ndarray
        The picture in RGB.
    marks : Landmarks
        In pixels of ``image``.

    Raises
    ------
    ModelError
        No face is found.
    """
    face = _face_finder().largest(picture)
    if face is None:
        raise ModelError("no face found")
    return face


def is_crop(picture: np.ndarray) -> bool:
    """Whether a picture is an upright grey crop of a face already, as FER2013 gives them."""
    return picture.shape == (FACE_SIDE, FACE_SIDE)


def face_crop(item: Any) -> np.ndarray:
    """The upright grey crop ``(48, 48)`` uint8 of the largest face; a crop already is taken as it is."""
    picture = picture_of(item)
    return picture if is_crop(picture) else grey_crop(*largest_face(picture))


def colour_face_crop(item: Any) -> np.ndarray:
    """The upright RGB crop ``(160, 160, 3)`` uint8 of the largest face; a grey crop of 48 already is taken as it is."""
    picture = picture_of(item)
    if picture.shape[:2] == (FACE_SIDE, FACE_SIDE):
        return picture
    image, marks = largest_face(picture)
    matrix = crop_matrix(marks, COLOUR_SIDE)
    size = (COLOUR_SIDE, COLOUR_SIDE)
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def background_of(item: Any) -> tuple[np.ndarray, np.ndarray]:
    """The object detector's features of a picture with its people hidden.

    The person that an item's ``meta`` has a ``box`` of is hidden too.

    Returns
    -------
    grid : numpy.ndarray
        Feature map ``(10, 10, 320)`` float32.
    seen : numpy.ndarray
        Which of its cells ``(10, 10)`` are seen, bool.

    Raises
    ------
    ModelError
        It is no picture, or people fill it.
    """
    picture = coloured(picture_of(item))
    find = object_detector(locate("efficientdet-lite0"))
    meta = item.meta or {} if isinstance(item, Item) else {}
    hidden = [thing.box for thing in find(picture) if thing.name == "person"]
    box = meta.get("box")
    grid, seen = find.grid(picture, [*hidden, *([tuple(box)] if box is not None else [])])
    if not seen.any():
        raise ModelError("people fill the picture, nothing of the background is left")
    return grid, seen


# What a model that others made is given, by its modality.
READERS: dict[str, Callable[[Any], Any]] = {
    "face": colour_face_crop,
    "scene": picture_of,
    "background": picture_of,
    "words": text_of,
    "voice": sound_of,
    "gait": motion_of,
    "posture": skeleton_of,
}


def described(value: Any) -> str:
    """What a value is, for an error."""
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} {value.dtype}"
    return f"a {type(value).__name__}"
