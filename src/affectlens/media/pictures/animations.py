"""Animated pictures (GIF, WebP, APNG, AVIF) as frames with their times."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from affectlens.core.barrier import reading, reason_of
from affectlens.core.limits import within
from affectlens.media.pictures.heif import is_heif
from affectlens.media.pictures.images import SUFFIXES, Note, opened, to_rgb

FORMATS = ("GIF", "PNG", "WEBP", "AVIF")  # whose pictures have times; the pages of a TIFF have none
LARGE = 20_000_000  # pixels of a canvas that is composed over and over; of a larger one the first picture is read
FASTEST = 0.01  # seconds; a time this short or none is shown as a tenth, as browsers do
USUAL = 0.1


def is_animated(path: Path) -> bool:
    """Whether a file holds pictures that follow each other in time."""
    if path.suffix.lower() not in SUFFIXES or not path.is_file() or is_heif(path):
        return False
    with opened(path) as image, reading(path, "a picture"):
        several = image.format in FORMATS and bool(getattr(image, "is_animated", False))
        return several and image.size[0] * image.size[1] <= LARGE


def length(path: Path) -> float:
    """Seconds that an animated picture lasts, shown once."""
    return max((end for _, end, _ in _stages(path, lambda text: None)), default=0.0)


def animation(path: Path, rate: float | None, max_side: int, note: Note) -> Iterator[tuple[float, np.ndarray]]:
    """The pictures of an animation, shown once.

    Parameters
    ----------
    path : Path
        For which `is_animated` holds.
    rate : float, optional
        Pictures a second: that which is shown at each time ``k / rate``; every one where absent.
    max_side : int
        Pixels of the long side; larger pictures are made smaller.
    note : callable
        Takes a sentence about what could not be decoded.

    Yields
    ------
    tuple
        Time in seconds and an ``(h, w, 3)`` uint8 array.
    """
    for start, end, image in _stages(path, note):
        first = 0 if rate is None else math.ceil(start * rate - 1e-6)
        times = [start] if rate is None else [number / rate for number in range(first, math.ceil(end * rate - 1e-6))]
        if not times:
            continue
        rgb = to_rgb(image)
        rgb.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
        for time in times:
            yield time, np.asarray(rgb)


def _stages(path: Path, note: Note) -> Iterator[tuple[float, float, Image.Image]]:
    """Each picture with the seconds from and until which it is shown."""
    with opened(path) as image, reading(path, "an animated picture"):
        within("pixels", image.size[0] * image.size[1], path)
        # The first picture of an APNG may be a stand-in for viewers that show no animation.
        first = number = 1 if image.info.get("default_image") else 0
        start = 0.0
        while True:
            try:
                image.seek(number)
                image.load()
            except Exception as error:  # whatever Pillow's many readers raise of damage
                if number == first:
                    raise
                if isinstance(error, EOFError):
                    return
                note(f"an animation of which picture {number + 1} cannot be decoded ({reason_of(error)}); it ends before")
                return
            number += 1
            within("frames", number, path)
            shown = float(image.info.get("duration") or 0) / 1000
            end = start + (shown if shown > FASTEST else USUAL)
            within("seconds", end, path)
            yield start, end, image
            start = end
