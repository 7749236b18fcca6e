"""Pictures of every common kind as upright 8-bit RGB, bounded before they are decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from affectlens.core import limits
from affectlens.core.barrier import reading, reads
from affectlens.core.errors import LimitError, MediaError
from affectlens.core.limits import within
from affectlens.media.pictures import heif

SUFFIXES = {
    ".jpg", ".jpeg", ".jfif", ".png", ".apng", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm",
    ".avif", ".heic", ".heif", ".jpe", ".jp2", ".tga",
}  # fmt: skip
GROUND = (128, 128, 128, 255)  # what is seen through a transparent picture: mid grey
LARGE = 20_000_000  # pixels from which a picture is converted in bands, for the memory's sake
# Share of the limit that is read where a decoder takes several times a picture's room.
HEAVY = {"WEBP": 0.4, "AVIF": 0.6, "JPEG2000": 0.4}

Note = Callable[[str], None]

_ORIENTATION = 0x0112
_inside = 0
_pillows: int | None = None


@reads("a picture")
def read_image(path: Path, max_side: int = 4096, note: Note = lambda text: None) -> np.ndarray:
    """Read a picture as RGB, turned and mirrored by its EXIF orientation.

    Grey, 16 and 32 bit, float, CMYK, palette and alpha (over mid grey) are converted. Of several pictures in one file the
    first is read.

    Parameters
    ----------
    path : Path
        Of any kind that Pillow reads, or HEIC.
    max_side : int
        Pixels of the long side; a larger picture is made smaller.
    note : callable
        Takes a sentence about what was left out or guessed.

    Returns
    -------
    (h, w, 3) uint8 array
        The picture.

    Raises
    ------
    MediaError
        No such file, no picture, or a damaged one.
    LimitError
        More pixels than are read of one input; known from the header, before any pixel is decoded.
    """
    if heif.is_heif(path):
        return _smaller(Image.fromarray(heif.read_heif(path)), max_side)
    with opened(path) as image, reading(path, "a picture; it may be damaged or truncated"):
        _bounded(image, path, max_side, note)
        several = getattr(image, "n_frames", 1)
        if several > 1 and image.format != "MPO":  # what else is in an MPO is the same picture once more
            note(f"{several} pictures in one file; the first was read")
        image.load()
        if image.format == "AVIF" and (crop := heif.cropping(path, *image.size)):
            image = image.crop((crop.left, crop.top, image.size[0] - crop.right, image.size[1] - crop.bottom))
        return _smaller(
            _by_bands(image, max_side, note) if _area(image) > LARGE else to_rgb(ImageOps.exif_transpose(image), note), max_side
        )


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """A picture of which the header was read; every failure is a ``MediaError`` that names the file."""
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder, expected a picture")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
    with _unbounded():
        try:
            with reading(path, "a picture; it may be damaged or truncated"):
                _affordable("WEBP", _webp_pixels(path), path)
                image = Image.open(path)
        except MediaError as error:
            if isinstance(error.__cause__, UnidentifiedImageError):
                raise MediaError(
                    f"{path}: not a picture that can be read; its content is of another type than its name"
                ) from error.__cause__
            raise
        with image:
            yield image


@contextmanager
def _unbounded() -> Iterator[None]:
    """Without Pillow's own bound: this package's is asked instead, and can be set."""
    global _inside, _pillows
    if _inside == 0:
        _pillows, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    _inside += 1
    try:
        yield
    finally:
        _inside -= 1
        if _inside == 0:
            Image.MAX_IMAGE_PIXELS = _pillows


def _bounded(image: Image.Image, path: Path, max_side: int, note: Note) -> None:
    """See that a picture is within the limits; a JPEG may be decoded smaller than it is."""
    width, height = image.size
    large = width * height > min(LARGE, limits.current().pixels)
    share = min(1.0, max_side / max(width, height))
    image.draft("RGB", (int(width * share), int(height * share)) if large else (max_side, max_side))
    # A progressive JPEG is held as a whole, however small it is wanted.
    whole = image.info.get("progressive")
    pixels = width * height if whole else _area(image)
    _affordable(image.format or "", pixels, path)
    if image.size != (width, height):
        note(f"a picture of {width} x {height} pixels, read at 1/{round(width / image.size[0])} of its size")


def _affordable(kind: str, pixels: int, path: Path) -> None:
    """See that so many pixels of a kind are within the limits."""
    within("pixels", pixels, path)
    if pixels > (most := HEAVY.get(kind, 1.0) * limits.current().pixels):
        raise LimitError(
            f"{path}: {pixels:,} pixels, more than the {most:,.0f} that are read of {kind}, "
            "whose decoder takes several times their room; save it as PNG or JPEG, or raise --limit pixels"
        )


def _webp_pixels(path: Path) -> int:
    """Pixels of the canvas of a WebP picture, whose decoder makes room for it while it is opened; 0 of other kinds."""
    with path.open("rb") as file:
        head = file.read(30)
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP" or len(head) < 30:
        return 0
    if head[12:16] == b"VP8X":
        return (int.from_bytes(head[24:27], "little") + 1) * (int.from_bytes(head[27:30], "little") + 1)
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)


def _area(image: Image.Image) -> int:
    return image.size[0] * image.size[1]


def _by_bands(image: Image.Image, max_side: int, note: Note) -> Image.Image:
    """A large picture as upright RGB of at most twice ``max_side``, never whole in a wider mode than its own."""
    width, height = image.size
    factor = max(1, max(width, height) // max_side)
    white = _white(image, note) if image.mode.startswith(("I", "F")) else 0.0
    out = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for top in range(0, height, 128 * factor):
        band = image.crop((0, top, width, min(height, top + 128 * factor)))
        out.paste(to_rgb(band, note, white).reduce(factor), (0, top // factor))
    out.getexif()[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    return ImageOps.exif_transpose(out)


def _smaller(image: Image.Image, max_side: int) -> np.ndarray:
    image.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return np.asarray(image)


def to_rgb(image: Image.Image, note: Note = lambda text: None, white: float = 0.0) -> Image.Image:
    """A picture of any mode as RGB; what is transparent shows mid grey.

    Parameters
    ----------
    image : Image
        Decoded.
    note : callable
        Takes a sentence about what was guessed.
    white : float
        Value of white in a picture of 16 or 32 bits or floats, where it is known.

    Returns
    -------
    Image
        In mode RGB.
    """
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_to_bytes(np.asarray(image), white or _white(image, note))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, GROUND), rgba).convert("RGB")
    return image.convert("RGB")


def _white(image: Image.Image, note: Note) -> float:
    """Which value is white.

    In 16 bits it is the largest there is. No file says it of floats and 32 bits: it is taken for the smallest of 1 (for
    floats), 255, 65535 and the largest value itself that no value exceeds, and so it is in 16 bits that use only 8.

    Returns
    -------
    float
        Above 0.
    """
    top = float(np.max(image.getextrema()))
    if not np.isfinite(top):
        note("some pixels were not numbers and were read as black")
        values = np.asarray(image)
        top = float(values.max(initial=0, where=np.isfinite(values)))
    if (image.mode.startswith("I;16") and top > 255) or top <= 0:
        return 65535.0
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    white = next((scale for scale in usual if top <= scale), top)
    note(f"the file does not say which value is white; {white:g} was taken for it")
    return white


def _to_bytes(values: np.ndarray, white: float) -> np.ndarray:
    out = np.empty(values.shape, np.uint8)
    for row in range(0, len(values), 256):  # doubles of a whole picture would take eight times its room
        scaled = np.nan_to_num(values[row : row + 256].astype(np.float64) / white, nan=0.0, posinf=0.0, neginf=0.0)
        out[row : row + 256] = np.clip(scaled, 0, 1) * 255
    return out
