"""A HEIC picture in tiles, written box by box (ISO/IEC 23008-12, 14496-12)."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest


def number(value, size):
    return int(value).to_bytes(size, "big")


def box(kind, *content):
    body = b"".join(content)
    return number(len(body) + 8, 4) + kind + body


def full(kind, *content, version=0, flags=0):
    return box(kind, number(version, 1), number(flags, 3), *content)


def clean_aperture(width, height, right, down, denominator=1):
    """The content of a `clap` box: size, and the distance of its middle from the picture's, in parts of a pixel."""
    return struct.pack(">" + "IIIIiIiI", *(n for number in (width, height, right, down) for n in (number, denominator)))


def coded(path, image):
    """One tile as HEVC: its decoder configuration and its data."""
    if "libx265" not in av.codec.codecs_available:
        pytest.skip("no encoder for HEVC")
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx265", rate=1, options={"x265-params": "log-level=none:crf=8:pools=none:frame-threads=1"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv444p"
        picture = av.VideoFrame.from_ndarray(image, format="rgb24")
        picture.pts, picture.time_base = 0, Fraction(1, 1)
        for packet in [*stream.encode(picture), *stream.encode(None)]:
            packet.pts = packet.dts = 0
            out.mux(packet)
    raw = path.read_bytes()
    at = raw.index(b"hvcC") - 4
    with av.open(str(path)) as container:
        data = bytes(next(p for p in container.demux(video=0) if p.size))
    return raw[at : at + int.from_bytes(raw[at : at + 4], "big")], data


def write_heic(path, image, rows, columns, size=None, turn=0, mirror=None, kind=b"grid", clap=None):
    """``size`` is the height and width that are shown of the tiles, ``turn`` quarters anticlockwise."""
    height, width = image.shape[0] // rows, image.shape[1] // columns
    tiles = [
        coded(path.with_suffix(".mp4"), np.ascontiguousarray(image[r * height : (r + 1) * height, c * width : (c + 1) * width]))
        for r in range(rows)
        for c in range(columns)
    ]
    count = len(tiles)
    shown = size or image.shape[:2]
    grid = bytes([0, 0, rows - 1, columns - 1]) + number(shown[1], 2) + number(shown[0], 2)
    properties = [
        tiles[0][0],
        full(b"ispe", number(width, 4), number(height, 4)),
        full(b"ispe", number(shown[1], 4), number(shown[0], 4)),
    ]
    of_grid = [3]
    if clap:
        properties.append(box(b"clap", clean_aperture(*clap)))
        of_grid.append(len(properties))
    if turn:
        properties.append(box(b"irot", bytes([turn])))
        of_grid.append(len(properties))
    if mirror is not None:
        properties.append(box(b"imir", bytes([mirror])))
        of_grid.append(len(properties))
    entries = [full(b"infe", number(n + 1, 2), number(0, 2), b"hvc1", b"\0", version=2) for n in range(count)]
    entries.append(full(b"infe", number(count + 1, 2), number(0, 2), kind, b"\0", version=2))
    held = [number(n + 1, 2) + bytes([2, 0x81, 2]) for n in range(count)]
    held.append(number(count + 1, 2) + bytes([len(of_grid), *of_grid]))

    def description(start):
        places = [number(count + 1, 2) + number(1, 2) + number(0, 2) + number(1, 2) + number(0, 4) + number(len(grid), 4)]
        for n, (_, data) in enumerate(tiles):
            places.append(number(n + 1, 2) + number(0, 2) * 2 + number(1, 2) + number(start, 4) + number(len(data), 4))
            start += len(data)
        return full(
            b"meta",
            full(b"hdlr", number(0, 4), b"pict", bytes(13)),
            full(b"pitm", number(count + 1, 2)),
            box(b"idat", grid),
            full(b"iloc", bytes([0x44, 0]), number(count + 1, 2), *places, version=1),
            full(b"iinf", number(count + 1, 2), *entries),
            full(b"iref", box(b"dimg", number(count + 1, 2), number(count, 2), *(number(n + 1, 2) for n in range(count)))),
            box(b"iprp", box(b"ipco", *properties), full(b"ipma", number(count + 1, 4), *held)),
        )

    head = box(b"ftyp", b"mif1", number(0, 4), b"mif1heic")
    start = len(head) + len(description(0)) + 8
    path.write_bytes(head + description(start) + box(b"mdat", *(data for _, data in tiles)))
    return path
