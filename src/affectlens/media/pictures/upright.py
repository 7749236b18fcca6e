"""A decoded frame as a player shows it: square pixels, turned and mirrored, 8-bit RGB of ordinary brightness."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.sidedata.sidedata import Type

from affectlens.core.errors import MediaError
from affectlens.media.cropping import UNCROPPED, Crop
from affectlens.media.pictures.light import BT2020, HLG, PQ, ordinary

MAX_SIDE = 1920
MOST_SIDE = 2 * MAX_SIDE  # of a picture from which a part is cropped
MAX_ASPECT = 8  # a pixel wider or higher than this many times is a damaged header
TOLERANCE = 0.5  # degrees by which a display matrix may miss a quarter turn without a note

UNTURNED = (1, 0, 0, 1)
WHOLE = (slice(None), slice(None))
Turn = tuple[int, int, int, int]


def upright(
    frame: av.VideoFrame,
    aspect: Fraction = Fraction(1),
    note: Callable[[str], None] = lambda text: None,
    crop: Crop = UNCROPPED,
) -> np.ndarray:
    """The picture that a player shows of a decoded frame.

    Parameters
    ----------
    frame : VideoFrame
        Of any pixel format; the decoder has applied the codec's own cropping.
    aspect : Fraction
        Width of a pixel by its height, as the container or the codec tells it.
    note : callable
        Takes a sentence where the display matrix asks for another angle than a multiple of 90 degrees.
    crop : Crop
        What the container leaves away of the coded picture.

    Returns
    -------
    (h, w, 3) uint8 array
        RGB with square pixels, at most ``MAX_SIDE`` a side, turned and mirrored by the display matrix; PQ and HLG are
        tone-mapped.
    """
    if crop and not crop.fits(frame.width, frame.height):
        note("the file asks for more to be cropped than its picture has; the whole was read")
        crop = UNCROPPED
    kept = (frame.width - crop.left - crop.right, frame.height - crop.top - crop.bottom)
    width, height = size_of(*kept, aspect)
    wide, high = Fraction(width, kept[0]), Fraction(height, kept[1])
    # The whole picture is brought to size before it is cropped, and what is cropped may be most of it.
    share = min(Fraction(1), Fraction(MOST_SIDE) / max(frame.width * wide, frame.height * high))
    wide, high = wide * share, high * share
    top, left = round(crop.top * high), round(crop.left * wide)
    part = (slice(top, top + max(1, round(kept[1] * high))), slice(left, left + max(1, round(kept[0] * wide))))
    return turned(to_rgb(frame, round(frame.width * wide), round(frame.height * high), part), turn_of(frame, note))


def size_of(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """Size with square pixels, before turning; pixels are made larger, never smaller, but for the bound on a side.

    Parameters
    ----------
    width, height : int
        Pixels as they are coded.
    aspect : Fraction
        Width of a pixel by its height.

    Returns
    -------
    tuple of int
        Width and height.

    Examples
    --------
    >>> size_of(320, 360, Fraction(2))
    (640, 360)
    >>> size_of(3840, 2160, Fraction(1))
    (1920, 1080)

    Raises
    ------
    MediaError
        No size at all.
    """
    if width < 1 or height < 1:
        raise MediaError(f"a picture of {width} x {height} pixels: the file does not say how large it is")
    wide, high = width * max(aspect, Fraction(1)), height / min(aspect, Fraction(1))
    factor = min(Fraction(1), MAX_SIDE / max(wide, high))
    return max(1, round(wide * factor)), max(1, round(high * factor))


def aspect_of(stream: av.VideoStream) -> Fraction:
    """Width of a pixel by its height; 1 where the file does not tell or tells nonsense."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or Fraction(1)
    return Fraction(aspect) if 1 / MAX_ASPECT <= aspect <= MAX_ASPECT else Fraction(1)


def to_rgb(frame: av.VideoFrame, width: int, height: int, part: tuple[slice, slice] = WHOLE) -> np.ndarray:
    """``part`` of ``(height, width, 3)`` uint8 RGB by the frame's own matrix and range; PQ and HLG are tone-mapped."""
    bright = frame.color_trc in (PQ, HLG)
    name = "rgb48le" if bright else "rgb24"
    if (width, height) != (frame.width, frame.height):
        scaled = frame.reformat(width=width, height=height, format=name)
    else:
        scaled = frame
    image = np.ascontiguousarray(scaled.to_ndarray(format=name)[part])
    return ordinary(image, frame.color_trc, frame.color_primaries in (BT2020, 2)) if bright else image


def turn_of(frame: av.VideoFrame, note: Callable[[str], None] = lambda text: None) -> Turn:
    """The display matrix as the nearest of the eight ways to turn and mirror a picture.

    Parameters
    ----------
    frame : VideoFrame
        A decoded frame.
    note : callable
        Takes a sentence where the matrix asks for another angle than a multiple of 90 degrees.

    Returns
    -------
    tuple of int
        ``(a, b, c, d)``, each -1, 0 or 1: a pixel at ``(x, y)`` is shown at ``(a x + c y, b x + d y)``.
    """
    data = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]  # the stubs take names only
    if data is None:
        return UNTURNED
    a, b, _, c, d, *_ = struct.unpack("<9i", bytes(data))
    turn, off = nearest_turn(a, b, c, d)
    if abs(off) > TOLERANCE:
        note(
            f"the file turns its picture by {abs(off):.1f} degrees {'more' if off > 0 else 'less'} than a multiple of 90; "
            "the picture was turned by the nearest multiple of 90 degrees"
        )
    return turn


def nearest_turn(a: float, b: float, c: float, d: float) -> tuple[Turn, float]:
    """The nearest of the eight ways to turn and mirror a picture to a linear map.

    Parameters
    ----------
    a, b, c, d : float
        A pixel at ``(x, y)`` is shown at ``(a x + c y, b x + d y)``, ``y`` running downwards.

    Returns
    -------
    turn : tuple of int
        The same four numbers, each -1, 0 or 1.
    off : float
        Degrees, clockwise, by which rows of the picture are turned further than in ``turn``.

    Examples
    --------
    >>> nearest_turn(1, 1.7320508, -1.7320508, 1)[0], round(nearest_turn(1, 1.7320508, -1.7320508, 1)[1])
    ((0, 1, -1, 0), -30)
    """
    if a == b == c == d == 0:
        return UNTURNED, 0.0
    if abs(a) + abs(d) >= abs(b) + abs(c):
        turn = (-1 if a < 0 else 1, 0, 0, -1 if d < 0 else 1)
    else:
        turn = (0, -1 if b < 0 else 1, -1 if c < 0 else 1, 0)
    angle = math.atan2(b, a) - math.atan2(turn[1], turn[0])
    return turn, math.degrees(math.remainder(angle, 2 * math.pi))


def turned(image: np.ndarray, turn: Turn) -> np.ndarray:
    """A picture turned and mirrored.

    Parameters
    ----------
    image : array
        ``(h, w, ...)``.
    turn : tuple of int
        As ``turn_of`` gives it.

    Returns
    -------
    array
        Of shape ``(w, h, ...)`` after a quarter turn.

    Examples
    --------
    A quarter turn clockwise brings the left to the top.

    >>> turned(np.array([[1, 2]]), (0, 1, -1, 0)).tolist()
    [[1], [2]]
    """
    if turn == UNTURNED:
        return image
    a, b, c, d = turn
    if b:
        image = image.swapaxes(0, 1)
    if (a or c) < 0:
        image = image[:, ::-1]
    if (d or b) < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
