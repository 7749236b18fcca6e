"""Pictures and recordings that are small as files and large when they are decoded, at the limits and beyond them."""

import io
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin

SIDE = 9_990  # 99.8 million pixels, just under what is read
HEAVY_SIDE = 7_700  # the same of formats of which less is read
WAVELETS_SIDE = 6_300  # the same of JPEG 2000
WEBP_SIDE = 6_300  # WebP
CODED_SIDE = 4_992  # the same of frames of which a decoder keeps many
Make = Callable[[Path], None]


def pictures() -> dict[str, Make]:
    """Makers of files by their names."""
    side = {mode: partial(_picture, mode=mode, side=SIDE) for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16", "F")}
    return {
        "grey.png": side["L"], "black.png": side["1"], "palette.png": side["P"], "transparent grey.png": side["LA"],
        "colour.png": side["RGB"], "transparent.png": side["RGBA"], "deep.png": side["I;16"], "grey.gif": side["L"],
        "colour.jpg": side["RGB"], "cmyk.jpg": side["CMYK"], "progressive.jpg": partial(side["CMYK"], progressive=True),
        "float.tif": partial(side["F"], compression="tiff_adobe_deflate"), "cmyk.tif": partial(side["CMYK"], compression="tiff_lzw"),
        "one strip.tif": partial(side["RGBA"], compression="tiff_adobe_deflate", tiffinfo=_one_strip(SIDE)),
        "colour.tga": partial(side["RGBA"], compression="tga_rle"), "wavelets.jp2": partial(_picture, mode="RGBA", side=SIDE),
        "fewer wavelets.jp2": partial(_picture, mode="RGBA", side=WAVELETS_SIDE),
        "colour.avif": partial(_picture, mode="RGBA", side=HEAVY_SIDE, speed=10),
        "colour.webp": partial(_picture, mode="RGBA", side=WEBP_SIDE, lossless=True, quality=0, method=0),
        "turned.png": partial(side["RGB"], exif=_turned()),
        "moving.gif": partial(_moving, side=4_400), "moving.webp": partial(_moving, side=4_400), "moving.png": partial(_moving, side=4_400),
        "a promise.png": _promise, "a promise.bmp": _promised_bitmap, "text.png": _texts, "colours.png": _profile,
    }  # fmt: skip


def recordings() -> dict[str, Make]:
    """Makers of files by their names."""
    coded = partial(_film, side=CODED_SIDE, count=18)
    return {
        "h264.mp4": partial(coded, codec="libx264", options={"preset": "ultrafast", "x264-params": "ref=16"}),
        "h265.mp4": partial(coded, codec="libx265", options={"preset": "ultrafast"}),
        "vp9.webm": partial(coded, codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"}),
        "mpeg4.avi": partial(coded, codec="mpeg4"), "pictures.mov": partial(_film, side=SIDE, count=3, codec="png", pixels="rgba"),
        "jpegs.avi": partial(_film, side=SIDE, count=3, codec="mjpeg", pixels="yuvj444p"),
        "runs.mov": partial(_film, side=SIDE, count=3, codec="qtrle", pixels="rgb24"), "lossless.mkv": partial(coded, codec="ffv1"),
        "growing.mkv": _growing, "gap.mkv": _gap, "many channels.wav": partial(_wave, channels=60_000, rate=48_000),
        "slow.wav": partial(_wave, channels=1, rate=1), "fast.wav": partial(_wave, channels=2, rate=2**31 - 1),
        "a promise.wav": _promised_wave,
    }  # fmt: skip


def _picture(path: Path, mode: str, side: int, **options: object) -> None:
    if mode == "I;16":
        Image.fromarray(np.full((side, side), 30_000, np.uint16)).save(path, compress_level=1, **options)
        return
    if path.suffix == ".png":
        options["compress_level"] = 1
    Image.new(mode, (side, side), 7.0 if mode == "F" else 1).save(path, **options)


def _one_strip(side: int) -> TiffImagePlugin.ImageFileDirectory_v2:
    facts = TiffImagePlugin.ImageFileDirectory_v2()
    facts[TiffImagePlugin.ROWSPERSTRIP] = side
    return facts


def _turned() -> Image.Exif:
    facts = Image.Exif()
    facts[0x0112] = 6
    return facts


def _moving(path: Path, side: int) -> None:
    shown = [Image.new("RGBA", (side, side), (k, 0, 0, 128)) for k in range(4)]
    shown[0].save(
        path, save_all=True, append_images=shown[1:], duration=100, **({"compress_level": 1} if path.suffix == ".png" else {})
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _promise(path: Path) -> None:
    head = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + _chunk(b"IEND", b"")
    )


def _promised_bitmap(path: Path) -> None:
    path.write_bytes(
        b"BM"
        + struct.pack("<IHHI", 2**31, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, 2**30, -(2**30), 1, 24, 0, 0, 0, 0, 0, 0)
    )


def _texts(path: Path) -> None:
    """Compressed texts of a gigabyte in all."""
    texts = PngImagePlugin.PngInfo()
    for number in range(10):
        texts.add(b"zTXt", b"key%d\0\0" % number + _zeros(100))
    Image.new("RGB", (8, 8)).save(path, pnginfo=texts)


def _profile(path: Path) -> None:
    """A compressed profile of colours of a gigabyte."""
    Image.new("RGB", (8, 8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:33] + _chunk(b"iCCP", b"profile\0\0" + _zeros(1000)) + content[33:])  # behind the header


def _zeros(megabytes: int) -> bytes:
    packer, block = zlib.compressobj(9), bytes(1_000_000)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def _film(
    path: Path, side: int, count: int, codec: str, pixels: str = "yuv420p", options: dict[str, str] | None = None
) -> None:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=10, options=options or {})
        stream.width = stream.height = side
        stream.pix_fmt = pixels
        frame = av.VideoFrame(side, side, pixels)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for number in range(count):
            frame.pts, frame.time_base = number, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _growing(path: Path) -> None:
    """Frames that become larger from one to the next; the container tells of the first size alone."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        for number, side in enumerate((64, 512, 4096, SIDE, 16_000)):
            packet = av.Packet(_jpeg(side))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 10)
            out.mux(packet)


def _jpeg(side: int) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (side, side)).save(made, format="JPEG")
    return made.getvalue()


def _gap(path: Path) -> None:
    """Two frames that are 40 hours apart."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for seconds in (0, 40 * 3600):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts, frame.time_base = seconds * 25, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _wave(path: Path, channels: int, rate: int) -> None:
    body = bytes(4 * channels if channels > 2 else 8_000)
    size = struct.pack("<I", len(body))
    facts = struct.pack("<HHIIHH", 1, channels, rate, (rate * channels) % 2**32, channels % 2**16, 8)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + struct.pack("<I", 16) + facts + b"data" + size + body
    )


def _promised_wave(path: Path) -> None:
    facts = struct.pack("<HHIIHH", 1, 2, 16_000, 64_000, 4, 16)
    path.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt " + struct.pack("<I", 16) + facts + b"data\xff\xff\xff\xff" + bytes(1000))
