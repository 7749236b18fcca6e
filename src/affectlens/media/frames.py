"""Video as a stream of upright RGB frames, sampled by time."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import av.container
import av.error
import cv2
import numpy as np

from affectlens.core import limits
from affectlens.core.barrier import reading, reason_of
from affectlens.core.errors import LimitError, MediaError
from affectlens.core.limits import within
from affectlens.media.clock import is_cover, play
from affectlens.media.container import open_file
from affectlens.media.cropping import Crop, shown_of
from affectlens.media.pictures.animations import animation, is_animated, length
from affectlens.media.pictures.images import SUFFIXES, read_image
from affectlens.media.pictures.upright import MAX_SIDE, aspect_of, size_of, upright

GAP = 1.0  # seconds, and ...
STEPS = 3.0  # ... usual distances between frames: where the next frame is further off than either, there is a gap
LARGE = 16_000_000  # pixels of a frame from which one is decoded at a time, for the memory's sake
# A decoder that predicts pictures from others keeps up to 17 of them; these codecs do not.
INTRA = {
    "mjpeg",
    "png",
    "apng",
    "gif",
    "webp",
    "rawvideo",
    "prores",
    "dnxhd",
    "dvvideo",
    "ffv1",
    "huffyuv",
    "ffvhuff",
    "jpeg2000",
}
SHARE = 0.4  # of the limit on pixels that is read of a frame of all others, which still holds 8K

Item = TypeVar("Item")


@dataclass(frozen=True)
class Frame:
    """One upright picture: ``image`` ``(h, w, 3)`` uint8 RGB and the time in seconds at which it is shown."""

    time: float
    image: np.ndarray


@dataclass(frozen=True)
class MediaInfo:
    """What a file holds. ``duration`` in seconds (0 for a picture); width and height in pixels after rotation."""

    path: Path
    kind: str
    duration: float
    width: int = 0
    height: int = 0
    video_tracks: int = 0
    audio_tracks: int = 0
    frame_rate: float = 0.0
    problems: tuple[str, ...] = ()


@dataclass
class Problems:
    """What could not be decoded on the way, in words; empty when all went well."""

    notes: list[str] = field(default_factory=list)

    def add(self, note: str) -> None:
        """Note a problem once."""
        if note not in self.notes:
            self.notes.append(note)


@contextmanager
def open_container(path: Path) -> Iterator[av.container.InputContainer]:
    """Open a recording; every failure is a ``MediaError`` that says what was wrong with the file."""
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: is a folder, expected a file")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: the file is empty (0 bytes)")
    try:
        # The bound holds for the codecs too, which look at the first frames while a file is opened.
        bound = {"max_pixels": str(limits.current().pixels)}
        container = open_file(path, options=bound)
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        raise MediaError(
            f"{path}: not a readable video, audio file or picture ({reason_of(error)}); it may be truncated, of another type "
            "than its name says, or damaged"
        ) from error
    try:
        yield container
    finally:
        container.close()


def probe(path: Path) -> MediaInfo:
    """Read what a recording or a picture holds; of a recording no more than the first frame is decoded.

    Returns
    -------
    MediaInfo
        The duration runs from where the earliest track starts.

    Raises
    ------
    MediaError
        The file cannot be read, or holds neither picture nor sound.
    LimitError
        It promises more pixels or seconds than are read.
    """
    if path.suffix.lower() in SUFFIXES:
        return _probe_picture(path)
    with open_container(path) as container, reading(path, "a recording"):
        videos = [track for track in container.streams.video if not is_cover(track)]
        audios = list(container.streams.audio)
        if not videos and not audios:
            raise MediaError(f"{path}: holds neither a video nor an audio track")
        duration = float(container.duration or 0) / av.time_base
        within("seconds", duration, path)
        if not videos:
            return MediaInfo(path, "audio", duration, audio_tracks=len(audios))
        stream = videos[0]
        _bounded(path, stream)
        rate = float(stream.average_rate or 0)
        height, width = _shape(path, container, stream)
        return MediaInfo(path, "video", duration, width, height, len(videos), len(audios), rate)


def _probe_picture(path: Path) -> MediaInfo:
    """Of a picture; one that is animated is a video."""
    if is_animated(path):
        _, image = next(animation(path, None, MAX_SIDE, lambda text: None))
        height, width = image.shape[:2]
        return MediaInfo(path, "video", length(path), width, height, video_tracks=1)
    height, width = read_image(path).shape[:2]
    if min(height, width) < 2:
        raise MediaError(f"{path}: {width} x {height} pixels; nothing can be seen in it")
    return MediaInfo(path, "image", 0.0, width, height, video_tracks=1)


def _shape(path: Path, container: av.container.InputContainer, stream: av.VideoStream) -> tuple[int, int]:
    """Height and width as shown: known for sure only from a frame, which carries the display matrix."""
    fit = _fit(path, container, stream, Problems())
    for _, frame in play(container, stream, lambda note: None):
        assert isinstance(frame, av.VideoFrame)
        high, wide = fit(frame).shape[:2]
        return high, wide
    width, height = size_of(stream.codec_context.width, stream.codec_context.height, aspect_of(stream))
    return height, width


def _fit(path: Path, container: av.container.InputContainer, stream: av.VideoStream, problems: Problems) -> _Fit:
    """What makes upright pictures of a track's frames."""
    shown = shown_of(path, container, stream)
    return _Fit(shown.aspect or aspect_of(stream), shown.crop, problems)


def frames(path: Path, rate: float | None = None, problems: Problems | None = None) -> Iterator[Frame]:
    """Frames of the first video track as a player shows them; only one is in memory at a time.

    Pixels are square, cropped as codec and container say, turned and mirrored by the display matrix, at most `MAX_SIDE` a
    side; a frame of another size than the first is fitted into the first's. Times are those of `affectlens.media.clock`.

    Parameters
    ----------
    path : Path
        A video.
    rate : float
        Frames a second: the frame shown at each time ``k / rate`` is given, whatever the recording's own and perhaps varying
        rate is. A frame is shown until the next. Where that is more than ``GAP`` seconds and more than ``STEPS`` times the
        usual distance of the frames before off, it is shown for the usual distance, and then nothing is given until the next.
        Without a rate every frame.
    problems : Problems
        Takes notes of what could not be decoded or has been left out.

    Yields
    ------
    Frame
        In order of time; none where there is no video.

    Raises
    ------
    MediaError
        The file cannot be read.
    LimitError
        More pixels, frames or seconds than are read of one input.
    """
    problems = problems if problems is not None else Problems()
    if is_animated(path):
        for time, image in animation(path, rate, MAX_SIDE, problems.add):
            yield Frame(time, image)
        return
    with open_container(path) as container, reading(path, "a video"):
        videos = [track for track in container.streams.video if not is_cover(track)]
        if not videos:
            return
        if len(videos) > 1:
            problems.add(f"{len(videos)} video tracks; the first was read")
        stream = videos[0]
        fit = _fit(path, container, stream, problems)
        step = 1 / float(stream.average_rate) if stream.average_rate else 0.04
        decoded = _in_order(_decode(path, container, stream, problems), problems)
        for time, frame in sample(decoded, rate, step, problems):
            yield Frame(time, fit(frame))


def _decode(
    path: Path, container: av.container.InputContainer, stream: av.VideoStream, problems: Problems
) -> Iterator[tuple[float, av.VideoFrame]]:
    context = stream.codec_context
    context.options = {**context.options, "max_pixels": str(_bounded(path, stream))}
    stream.thread_type = "AUTO" if context.width * context.height < LARGE else "SLICE"
    for number, (time, frame) in enumerate(play(container, stream, problems.add), start=1):
        assert isinstance(frame, av.VideoFrame)
        within("frames", number, path)
        within("pixels", frame.width * frame.height, path)
        within("seconds", time, path)
        yield time, frame


def _bounded(path: Path, stream: av.VideoStream) -> int:
    """Pixels of a frame that are read at most; more than these are refused."""
    context = stream.codec_context
    pixels = context.width * context.height
    within("pixels", pixels, path)
    most = limits.current().pixels if context.name in INTRA else int(SHARE * limits.current().pixels)
    if pixels > most:
        raise LimitError(
            f"{path}: frames of {context.width} x {context.height} pixels; at most {most:,} are read of {context.name}, "
            f"whose decoder keeps many frames; if that is right, give --limit pixels={math.ceil(pixels / SHARE)}"
        )
    return most


def _in_order(decoded: Iterator[tuple[float, Item]], problems: Problems) -> Iterator[tuple[float, Item]]:
    """Without frames whose time stamps run backwards, which would break every later step; they are counted."""
    last, left_out = -math.inf, 0
    for time, frame in decoded:
        if time > last:
            last = time
            yield time, frame
        else:
            left_out += 1
    if left_out:
        problems.add(f"{left_out} frames with the time stamp of an earlier one were left out")


def sample(
    shown: Iterator[tuple[float, Item]], rate: float | None, step: float, problems: Problems
) -> Iterator[tuple[float, Item]]:
    """What is shown at each time ``k / rate``.

    Parameters
    ----------
    shown : iterator of tuple
        Pictures with the times from which they are shown, in order.
    rate : float, optional
        Times a second; every picture where absent.
    step : float
        Seconds from a picture to the next, as the file promises.
    problems : Problems
        Takes a note of gaps.

    Yields
    ------
    tuple
        Time in seconds, and the picture.

    Examples
    --------
    >>> list(sample(iter([(0.0, "a"), (0.6, "b"), (9.0, "c")]), 2.0, 0.5, Problems()))
    [(0.0, 'a'), (0.5, 'a'), (1.0, 'b'), (9.0, 'c')]
    """
    hold = _Hold(step, problems)
    last: tuple[float, Item] | None = None
    tick = 0
    for time, picture in shown:
        until = hold(time)
        if rate is None:
            yield time, picture
            continue
        while last is not None and tick / rate < until - 1e-9:
            yield tick / rate, last[1]
            tick += 1
        tick = max(tick, math.ceil(time * rate - 1e-6))
        last = (time, picture)
    if rate is not None and last is not None and tick / rate <= last[0] + 1e-9:
        yield tick / rate, last[1]


class _Hold:
    """Until when a picture is shown: until the next, or for the usual time where a gap follows."""

    def __init__(self, step: float, problems: Problems) -> None:
        self._problems = problems
        self._steps: deque[float] = deque([step], maxlen=9)
        self._last: float | None = None

    def __call__(self, time: float) -> float:
        """Take the time from which the next picture is shown; the end of the one before."""
        last, self._last = self._last, time
        if last is None:
            return time
        usual = sorted(self._steps)[len(self._steps) // 2]
        if time - last > max(GAP, STEPS * usual):
            self._problems.add(f"no picture from {last + usual:.1f} to {time:.1f} s")
            return last + usual
        self._steps.append(time - last)
        return time


class _Fit:
    """Upright pictures of one size: what a decoder gives may change in the middle of a recording."""

    def __init__(self, aspect: Fraction, crop: Crop, problems: Problems) -> None:
        self._aspect, self._crop, self._problems = aspect, crop, problems
        self._shape: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        image = upright(frame, self._aspect, self._problems.add, self._crop)
        shape = (image.shape[0], image.shape[1])
        if self._shape is None:
            self._shape = shape
        if shape == self._shape:
            return image
        self._problems.add("the size of the picture changes; frames of another size than the first were fitted into it")
        return fitted(image, self._shape)


def fitted(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A picture made to fit into a shape with its proportions as they are, in the middle of black.

    Parameters
    ----------
    image : array
        ``(h, w, 3)`` uint8.
    shape : tuple of int
        Height and width that are wanted.

    Returns
    -------
    array
        ``(*shape, 3)`` uint8.

    Examples
    --------
    >>> fitted(np.full((4, 8, 3), 9, np.uint8), (8, 8))[:, 0, 0].tolist()
    [0, 0, 9, 9, 9, 9, 0, 0]
    """
    factor = min(shape[0] / image.shape[0], shape[1] / image.shape[1])
    height, width = (max(1, min(most, round(side * factor))) for most, side in zip(shape, image.shape[:2], strict=True))
    out = np.zeros((*shape, 3), np.uint8)
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    out[top : top + height, left : left + width] = cv2.resize(image, (width, height), interpolation=method)
    return out
