"""Single frames of a recording, found by seeking, as a player shows them; and crops of faces with their maps."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from affectlens.core.barrier import reading
from affectlens.core.errors import MediaError
from affectlens.media.clock import is_cover, origin_of
from affectlens.media.cropping import shown_of
from affectlens.media.frames import frames, open_container
from affectlens.media.pictures.animations import is_animated
from affectlens.media.pictures.images import SUFFIXES, read_image
from affectlens.media.pictures.upright import aspect_of, upright

SEEKS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"}  # containers with an index, whose stamps do not start again
MOST_DECODED = 3000  # frames after the place that was sought
CROP = 192


def frame_at(path: Path, time: float) -> np.ndarray:
    """The picture that is shown at a time.

    Parameters
    ----------
    path : Path
        A recording with a picture, or a picture.
    time : float
        Seconds of the recording; before the first frame the first is given, after the last the last.

    Returns
    -------
    ndarray
        ``(h, w, 3)`` uint8, RGB, upright.

    Raises
    ------
    MediaError
        There is no picture, or it cannot be read.
    """
    if path.suffix.lower() in SUFFIXES and not is_animated(path):
        return read_image(path)
    found = None if is_animated(path) else _sought(path, time)
    if found is not None:
        return found
    last = None
    for frame in islice(frames(path), 200_000):
        if last is not None and frame.time > time:
            break
        last = frame.image
    if last is None:
        raise MediaError(f"{path.name}: there is no picture in it")
    return last


def _sought(path: Path, time: float) -> np.ndarray | None:
    """By the index of the container; None where it has none that can be relied on."""
    with open_container(path) as container, reading(path, "a video"):
        videos = [track for track in container.streams.video if not is_cover(track)]
        if not videos or container.format.name not in SEEKS:
            return None
        stream = videos[0]
        shown = shown_of(path, container, stream)
        aspect = shown.aspect or aspect_of(stream)
        origin = float(origin_of(container))
        if stream.time_base is None:
            return None
        container.seek(max(0, int((max(time, 0.0) + origin) / float(stream.time_base))), stream=stream, backward=True)
        stream.thread_type = "AUTO"
        last = None
        for frame in islice(container.decode(stream), MOST_DECODED):
            if frame.pts is None:
                return None
            if last is not None and float(frame.pts * stream.time_base) - origin > time + 1e-6:
                break
            last = frame
        return None if last is None else upright(last, aspect, lambda note: None, shown.crop)


def crop_at(image: np.ndarray, corners: Sequence[float], side: int = CROP) -> np.ndarray:
    """The upright crop whose corners lie in a frame.

    Parameters
    ----------
    image : ndarray
        ``(h, w, 3)``, the frame.
    corners : sequence of float
        Left top, right top, right bottom, left bottom, x and y in turn, as shares of the frame.
    side : int
        Pixels of the crop.

    Returns
    -------
    ndarray
        ``(side, side, 3)`` uint8.
    """
    there = np.asarray(corners, np.float32).reshape(4, 2)[:3] * (image.shape[1], image.shape[0])
    here = np.array([[0, 0], [side, 0], [side, side]], np.float32)
    matrix = cv2.getAffineTransform(there.astype(np.float32), here)
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE))


def drawn(crop: np.ndarray, cells: np.ndarray, signed: bool) -> np.ndarray:
    """A map over its crop, as the report draws it."""
    from affectlens.explainers.cam import upsample  # brings torch, which nothing else here waits for
    from affectlens.explainers.cam.draw import heat

    return heat(crop, upsample(cells.astype(np.float32), crop.shape[:2]), crop.shape[1::-1], signed=signed)


def as_jpeg(image: np.ndarray, width: int = 0, quality: int = 85) -> bytes:
    """A picture as the bytes of a JPEG, made smaller where it is wider than ``width`` (0: as it is)."""
    if width and image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
