"""Pictures of every common kind as upright 8-bit RGB, bounded before they are decoded."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from affectlens.core.errors import MediaError

MAX_PIXELS = 120_000_000
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}


def read_image(path: Path, max_side: int = 4096) -> np.ndarray:
    """Read a picture as RGB, turned by its EXIF orientation.

    Grey, 16 bit, CMYK, palette and alpha (over mid grey) are converted.

    Parameters
    ----------
    path : Path
        Of any kind that Pillow reads.
    max_side : int
        Pixels of the long side; a larger picture is made smaller.

    Returns
    -------
    (h, w, 3) uint8 array
        The picture.

    Raises
    ------
    MediaError
        No such file, no picture, a damaged one, or one of more than ``MAX_PIXELS``, which is refused from its header,
        before any pixel is decoded.
    """
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise MediaError(
                        f"{path}: {width} x {height} pixels; at most {MAX_PIXELS // 10**6} megapixels are read. "
                        "Make it smaller first"
                    )
                image.draft("RGB", (max_side, max_side))
                upright = ImageOps.exif_transpose(image)
                rgb = _to_rgb(upright)
    except UnidentifiedImageError as error:
        raise MediaError(f"{path}: not a picture that can be read; its content is of another type than its name") from error
    except Image.DecompressionBombError as error:
        most = MAX_PIXELS // 10**6
        raise MediaError(f"{path}: too large ({error}); at most {most} megapixels are read. Make it smaller first") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError(f"{path}: the picture is damaged or truncated ({error})") from error
    rgb.thumbnail((max_side, max_side), Image.Resampling.BILINEAR)
    return np.asarray(rgb)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if image.mode.startswith("I") else max(float(values.max(initial=0.0)), 1e-9)
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (128, 128, 128, 255))
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return image.convert("RGB")
