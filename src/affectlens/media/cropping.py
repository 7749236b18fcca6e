"""Cropping that a container asks players for: Matroska's PixelCrop, the clean aperture (`clap`) of MP4, MOV and HEIF.

Decoders apply the cropping of the codec's own stream; that of the container is handed on by FFmpeg as data of the track, which
PyAV does not show. So the few bytes are read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import av
import av.container
import numpy as np

LONGEST = 4_000_000  # bytes of the description of all tracks, or of one box that is looked into
MOST = 10_000  # elements or boxes that are gone through; tracks are described near the beginning or the end

_SEGMENT, _CLUSTER, _TRACKS, _TRACK, _KIND, _VIDEO = 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0x83, 0xE0
_EDGES = {0x54CC: "left", 0x54BB: "top", 0x54DD: "right", 0x54AA: "bottom"}
_PICTURE = 1  # the kind of a track
_ENTRY = 78  # bytes of the description of a picture's coding before its boxes (ISO/IEC 14496-12, 12.1.3)


@dataclass(frozen=True)
class Crop:
    """Pixels of a decoded picture that are not shown, at each edge.

    Examples
    --------
    >>> Crop(left=1, bottom=2)(np.zeros((6, 4, 3))).shape
    (4, 3, 3)
    """

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __bool__(self) -> bool:
        return any((self.left, self.top, self.right, self.bottom))

    def fits(self, width: int, height: int) -> bool:
        """Whether anything is left of a picture of this size."""
        return self.left + self.right < width and self.top + self.bottom < height

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """What is shown of ``(h, w, ...)``; all where nothing would be left."""
        height, width = image.shape[:2]
        if not self.fits(width, height):
            return image
        return image[self.top : height - self.bottom, self.left : width - self.right]


UNCROPPED = Crop()


@dataclass(frozen=True)
class Shown:
    """How a container wants a track shown: cropped, and with pixels ``aspect`` times as wide as high, where it tells that."""

    crop: Crop = UNCROPPED
    aspect: Fraction | None = None


def shown_of(path: Path, container: av.container.InputContainer, stream: av.VideoStream) -> Shown:
    """What a container says of how a video track is to be shown, beside what PyAV tells.

    Parameters
    ----------
    path : Path
        The recording.
    container, stream
        The same, opened, and its track.

    Returns
    -------
    Shown
        Without cropping where there is none, or where the description is damaged.
    """
    try:
        with path.open("rb") as file:
            if "matroska" in container.format.name:
                number = [track.index for track in container.streams.video].index(stream.index)
                return Shown(_of_matroska(file, number))
            if "mp4" in container.format.name:
                return _of_mp4(file, stream.id)
    except (OSError, ValueError, IndexError, struct.error, ZeroDivisionError):
        pass  # FFmpeg reads on past such damage, and so do players
    return Shown()


def aperture(box: bytes, width: int, height: int) -> Crop:
    """The cropping that a clean aperture asks for.

    Parameters
    ----------
    box : bytes
        The content of a `clap` box: width and height of what is shown and the distance of its middle from the picture's, each
        as a fraction (ISO/IEC 14496-12, 12.1.4).
    width, height : int
        Of the picture.

    Returns
    -------
    Crop
        In whole pixels; none where the aperture does not lie in the picture.

    Examples
    --------
    >>> aperture(struct.pack(">IIIIiIiI", 40, 1, 32, 1, -4, 1, -4, 1), 64, 48)
    Crop(left=8, top=4, right=16, bottom=12)
    """
    numbers = struct.unpack(">IIIIiIiI", box[:32])
    if 0 in numbers[1::2]:
        return UNCROPPED
    wide, high, right, down = (Fraction(numbers[i], numbers[i + 1]) for i in (0, 2, 4, 6))
    left, top = (width - wide) / 2 + right, (height - high) / 2 + down
    if left < 0 or top < 0 or left + wide > width or top + high > height or not round(wide) or not round(high):
        return UNCROPPED
    first, upper = int(left), int(top)
    return Crop(first, upper, max(0, width - first - round(wide)), max(0, height - upper - round(high)))


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places of an ISO file: kind, and where the content begins and ends.

    Yields
    ------
    tuple
        Kind, begin, end.

    Raises
    ------
    ValueError
        A box shorter than its own head.
    """
    for _ in range(MOST):
        if start + 8 > end:
            return
        file.seek(start)
        head = file.read(16)
        length, skip = int.from_bytes(head[:4], "big"), 8
        if length == 1:
            length, skip = int.from_bytes(head[8:16], "big"), 16
        length = length or end - start
        if length < skip:
            raise ValueError(f"a box of {length} bytes")
        yield head[4:8], start + skip, min(start + length, end)
        start += length


def _of_mp4(file: BinaryIO, track: int) -> Shown:
    for _, start, end in _named(file, 0, file.seek(0, 2), b"moov"):
        for _, first, last in _named(file, start, end, b"trak"):
            head = _content(file, first, last, b"tkhd")
            at = 20 if head[:1] == b"\x01" else 12
            if int.from_bytes(head[at : at + 4], "big") == track:
                return _of_track(file, first, last, head)
    return Shown()


def _of_track(file: BinaryIO, start: int, end: int, head: bytes) -> Shown:
    for name in (b"mdia", b"minf", b"stbl"):
        _, start, end = next(_named(file, start, end, name), (name, 0, 0))
    entry = _content(file, start, end, b"stsd")[16:]  # past its version, the number of entries and the head of the first
    width, height = struct.unpack(">HH", entry[24:28])
    inside = dict(_inner(entry[_ENTRY:]))
    crop = aperture(inside[b"clap"], width, height) if b"clap" in inside else UNCROPPED
    if not crop or b"pasp" in inside:
        return Shown(crop)
    # FFmpeg takes the size of the track for that of the whole picture; it is that of the part that is shown.
    wide, high = struct.unpack(">II", head[-8:])
    kept = (width - crop.left - crop.right, height - crop.top - crop.bottom)
    if not wide or not high or (wide >> 16, high >> 16) in (kept, (width, height)):
        return Shown(crop, Fraction(1))
    return Shown(crop, Fraction(wide, high) / Fraction(*kept))


def _named(file: BinaryIO, start: int, end: int, name: bytes) -> Iterator[tuple[bytes, int, int]]:
    return (box for box in boxes(file, start, end) if box[0] == name)


def _content(file: BinaryIO, start: int, end: int, name: bytes) -> bytes:
    for _, first, last in _named(file, start, end, name):
        file.seek(first)
        return file.read(min(last - first, LONGEST))
    return b""


def _inner(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        if length < 8:
            return
        yield body[at + 4 : at + 8], body[at + 8 : at + length]
        at += length


def _of_matroska(file: BinaryIO, number: int) -> Crop:
    """Of the video track with this number, counted from 0."""
    start, end = 0, file.seek(0, 2)
    for _ in range(MOST):
        file.seek(start)
        head = file.read(12)
        if len(head) < 2:
            break
        name, length, skip = _head(head)
        if name == _SEGMENT:
            length = 0  # its content follows
        elif name == _TRACKS:
            file.seek(start + skip)
            tracks = [dict(_elements(body)) for key, body in _elements(file.read(min(length, LONGEST))) if key == _TRACK]
            pictures = [track for track in tracks if int.from_bytes(track.get(_KIND, b""), "big") == _PICTURE]
            sides = dict(_elements(pictures[number].get(_VIDEO, b"")))
            return Crop(**{side: int.from_bytes(sides.get(key, b""), "big") for key, side in _EDGES.items()})
        elif start + skip + length > end and name == _CLUSTER:
            break  # of unknown length, as in live recordings, where tracks come first
        start += skip + length
    return UNCROPPED


def _elements(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 2 <= len(body):
        name, length, skip = _head(body[at : at + 12])
        yield name, body[at + skip : at + skip + length]
        at += skip + length


def _head(raw: bytes) -> tuple[int, int, int]:
    """Name and length of an element, and how many bytes tell them (RFC 8794)."""
    wide = 9 - raw[0].bit_length()
    long = 9 - raw[wide].bit_length()
    if wide > 4 or long > 8:
        raise ValueError("no element")
    length = int.from_bytes(raw[wide : wide + long], "big") & ((1 << 7 * long) - 1)
    return int.from_bytes(raw[:wide], "big"), length, wide + long
