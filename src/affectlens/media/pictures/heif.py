"""HEIC and HEIF pictures (ISO/IEC 23008-12): one coded picture, or a grid of tiles, decoded by PyAV and put together."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from affectlens.core import limits
from affectlens.core.barrier import reads
from affectlens.core.errors import MediaError
from affectlens.core.limits import within
from affectlens.media.container import open_file
from affectlens.media.cropping import UNCROPPED, Crop, aperture
from affectlens.media.pictures.upright import to_rgb, turned

BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
LONGEST = 4_000_000  # bytes of the description of a picture

# Turns anticlockwise as `irot` counts them, and mirrors as `imir` does, in the form of `turned`.
_TURNS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
_MIRRORS = ((1, 0, 0, -1), (-1, 0, 0, 1))


@dataclass
class _Description:
    """What the boxes say: the picture to show, how items are made, and where their data lies."""

    primary: int = 0
    types: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # construction, offset, bytes
    parts: dict[int, list[int]] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    holds: dict[int, list[int]] = field(default_factory=dict)  # numbers of properties of an item
    inside: bytes = b""  # data that lies in the description itself

    def of(self, item: int) -> list[tuple[bytes, bytes]]:
        return [self.properties[number - 1] for number in self.holds.get(item, []) if 0 < number <= len(self.properties)]

    def size(self, item: int) -> tuple[int, int]:
        for kind, body in self.of(item):
            if kind == b"ispe":
                return _number(body[4:8]), _number(body[8:12])
        return 0, 0


def is_heif(path: Path) -> bool:
    """Whether a file is a HEIC or HEIF picture, by its content; AVIF is not counted."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(64)
    names = {head[8:12], *(head[i : i + 4] for i in range(16, min(_number(head[:4]), 64), 4))}
    return head[4:8] == b"ftyp" and head[8:12] in BRANDS and b"avif" not in names


def cropping(path: Path, width: int, height: int) -> Crop:
    """What the clean aperture of an AVIF picture leaves away, which its decoder does not do; none where there is none.

    Parameters
    ----------
    path : Path
        An AVIF picture.
    width, height : int
        Of the decoded picture, before it is turned.

    Returns
    -------
    Crop
        Pixels at each edge.
    """
    try:
        about = _describe(path)
        boxes = [body for kind, body in about.of(about.primary) if kind == b"clap"]
        return aperture(boxes[0], width, height) if boxes else UNCROPPED
    except (MediaError, ValueError, IndexError, struct.error):
        return UNCROPPED  # an animation, or damage that its decoder reads past


@reads("a HEIC picture")
def read_heif(path: Path) -> np.ndarray:
    """Read the picture that a HEIC file shows: its tiles put together, cropped to its clean aperture, turned and mirrored.

    Parameters
    ----------
    path : Path
        For which `is_heif` holds.

    Returns
    -------
    (h, w, 3) uint8 array
        RGB.

    Raises
    ------
    MediaError
        Damaged, or of a kind that is not read, such as an overlay of several pictures.
    LimitError
        More pixels than are read of one input.
    """
    about = _describe(path)
    width, height = about.size(about.primary)
    within("pixels", width * height, path)
    kind = about.types.get(about.primary, b"")
    if kind == b"grid":
        image = _grid(path, about)
    elif kind in (b"hvc1", b"av01", b"avc1", b"jpeg"):
        image = _tiles(path, {about.primary})[about.primary]
    else:
        raise MediaError(
            f"{path}: a HEIC picture of the kind {kind.decode('latin-1')!r}; one picture (hvc1) or tiles (grid) are read. "
            "Save it as JPEG or PNG first"
        )
    if width and height:
        image = image[:height, :width]
    for name, body in about.of(about.primary):
        if name == b"irot" and body:
            image = turned(image, _TURNS[body[0] & 3])
        elif name == b"imir" and body:
            image = turned(image, _MIRRORS[body[0] & 1])
        elif name == b"clap":
            image = aperture(body, image.shape[1], image.shape[0])(image)
    return image


def _grid(path: Path, about: _Description) -> np.ndarray:
    body = _data(path, about, about.primary)
    if len(body) < 8:
        raise MediaError(f"{path}: the description of its tiles is cut short")
    rows, columns = body[2] + 1, body[3] + 1
    wide = 4 if body[1] & 1 else 2
    width, height = _number(body[4 : 4 + wide]), _number(body[4 + wide : 4 + 2 * wide])
    within("pixels", width * height, path)
    numbers = about.parts.get(about.primary, [])
    if len(numbers) != rows * columns:
        raise MediaError(f"{path}: {rows} x {columns} tiles were expected, {len(numbers)} are named")
    tiles = _tiles(path, set(numbers))
    out = np.zeros((height, width, 3), np.uint8)
    high, broad = tiles[numbers[0]].shape[:2]
    if rows * high < height or columns * broad < width:
        raise MediaError(f"{path}: its {rows} x {columns} tiles of {broad} x {high} pixels do not fill {width} x {height}")
    for place, number in enumerate(numbers):
        top, left = place // columns * high, place % columns * broad
        part = out[top : top + high, left : left + broad]
        part[:] = tiles[number][: part.shape[0], : part.shape[1]]
    return out


def _tiles(path: Path, wanted: set[int]) -> dict[int, np.ndarray]:
    """Decoded pictures by the number of their item."""
    out = {}
    with open_file(path, options={"max_pixels": str(limits.current().pixels)}) as container:
        streams = [stream for stream in container.streams.video if stream.id in wanted]
        for stream in streams:
            stream.codec_context.thread_count = 1
        within("pixels", sum(stream.codec_context.width * stream.codec_context.height for stream in streams), path)
        for packet in container.demux(streams):
            for frame in packet.decode():
                assert isinstance(frame, av.VideoFrame)
                out[packet.stream.id] = to_rgb(frame, frame.width, frame.height)
    if missing := wanted - out.keys():
        raise MediaError(f"{path}: {len(missing)} of {len(wanted)} parts of the picture cannot be decoded")
    return out


def _data(path: Path, about: _Description, item: int) -> bytes:
    construction, offset, size = about.places.get(item, (0, 0, 0))
    size = min(size, 64)  # the description of a grid has 8 or 12 bytes
    if construction == 1:
        return about.inside[offset : offset + size]
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(size)


def _describe(path: Path) -> _Description:
    about = _Description()
    with path.open("rb") as file:
        size = path.stat().st_size
        position = 0
        while position + 8 <= size:
            file.seek(position)
            head = file.read(16)
            length = _number(head[:4])
            skip = 8
            if length == 1:
                length, skip = _number(head[8:16]), 16
            length = length or size - position
            if length < skip:
                raise MediaError(f"{path}: a box of {length} bytes; the file is damaged")
            if head[4:8] == b"meta":
                if length > LONGEST:
                    raise MediaError(f"{path}: {length:,} bytes describe the picture, at most {LONGEST:,} are read")
                file.seek(position + skip + 4)
                for kind, body in _boxes(file.read(length - skip - 4)):
                    _take(about, kind, body)
                return about
            position += length
    raise MediaError(f"{path}: no description of the picture is in the file (box 'meta')")


def _take(about: _Description, kind: bytes, body: bytes) -> None:
    if kind == b"pitm":
        about.primary = _number(body[4:8] if body[0] else body[4:6])
    elif kind == b"idat":
        about.inside = body
    elif kind == b"iinf":
        about.types = dict(_item_types(body))
    elif kind == b"iloc":
        about.places = dict(_item_places(body))
    elif kind == b"iref":
        about.parts = dict(_item_parts(body))
    elif kind == b"iprp":
        inner = dict(_boxes(body))
        about.properties = list(_boxes(inner.get(b"ipco", b"")))
        about.holds = dict(_item_properties(inner.get(b"ipma", bytes(8))))


def _item_types(body: bytes) -> Iterator[tuple[int, bytes]]:
    for kind, entry in _boxes(body[8 if body[0] else 6 :]):
        if kind == b"infe" and entry[0] >= 2:
            wide = 2 if entry[0] == 2 else 4
            yield _number(entry[4 : 4 + wide]), entry[6 + wide : 10 + wide]


def _item_parts(body: bytes) -> Iterator[tuple[int, list[int]]]:
    wide = 4 if body[0] else 2
    for kind, entry in _boxes(body[4:]):
        if kind == b"dimg":
            count = _number(entry[wide : wide + 2])
            start = wide + 2
            yield _number(entry[:wide]), [_number(entry[start + wide * i : start + wide * (i + 1)]) for i in range(count)]


def _item_places(body: bytes) -> Iterator[tuple[int, tuple[int, int, int]]]:
    """Of each item where its first extent lies."""
    reader = _Reader(body)
    version = reader.take(1)
    reader.take(3)
    sizes = reader.take(2)
    offset_size, length_size, base_size, index_size = (sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15, sizes & 15)
    wide = 4 if version == 2 else 2
    for _ in range(reader.take(wide)):
        item = reader.take(wide)
        construction = reader.take(2) & 15 if version else 0
        reader.take(2)
        base = reader.take(base_size)
        for place in range(reader.take(2)):
            reader.take(index_size if version else 0)
            offset, length = reader.take(offset_size), reader.take(length_size)
            if place == 0:
                yield item, (construction, base + offset, length)


def _item_properties(body: bytes) -> Iterator[tuple[int, list[int]]]:
    reader = _Reader(body)
    version, flags = reader.take(1), reader.take(3)
    for _ in range(reader.take(4)):
        item = reader.take(4 if version else 2)
        wide = 2 if flags & 1 else 1
        mask = 0x7FFF if flags & 1 else 0x7F
        yield item, [reader.take(wide) & mask for _ in range(reader.take(1))]


class _Reader:
    """Big-endian numbers one after another."""

    def __init__(self, body: bytes) -> None:
        self._body, self._at = body, 0

    def take(self, size: int) -> int:
        if self._at + size > len(self._body):
            raise ValueError("its description is cut short")
        self._at += size
        return _number(self._body[self._at - size : self._at])


def _boxes(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(body):
        length = _number(body[position : position + 4]) or len(body) - position
        if length < 8:
            raise ValueError(f"a box of {length} bytes")
        yield body[position + 4 : position + 8], body[position + 8 : position + length]
        position += length


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
