"""Video as a stream of upright RGB frames, sampled by time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import av.container
import av.error
import numpy as np

from affectlens.core.errors import MediaError
from affectlens.media.container import open_file

MAX_SIDE = 1920


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
        container = open_file(path, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        raise MediaError(
            f"{path}: not a readable video, audio file or picture ({_plain(error)}); it may be truncated, of another type "
            "than its name says, or damaged"
        ) from error
    try:
        yield container
    finally:
        container.close()


def probe(path: Path) -> MediaInfo:
    """Read what a recording holds from its header, without decoding it."""
    with open_container(path) as container:
        videos = [s for s in container.streams.video if not _is_cover(s)]
        audios = list(container.streams.audio)
        if not videos and not audios:
            raise MediaError(f"{path}: holds neither a video nor an audio track")
        duration = float(container.duration or 0) / av.time_base
        if not videos:
            return MediaInfo(path, "audio", duration, audio_tracks=len(audios))
        stream = videos[0]
        width, height = stream.codec_context.width, stream.codec_context.height
        rate = float(stream.average_rate or 0)
        return MediaInfo(path, "video", duration, width, height, len(videos), len(audios), rate)


def frames(path: Path, rate: float | None = None, problems: Problems | None = None) -> Iterator[Frame]:
    """Frames of the first video track, upright, at most ``MAX_SIDE`` pixels a side; only one is in memory at a time.

    Parameters
    ----------
    path : Path
        A video.
    rate : float
        Frames a second: the frame shown at each time ``k / rate`` is given, whatever the recording's own and perhaps varying
        rate is. Without it every frame.
    problems : Problems
        Takes notes of packets that cannot be decoded; these are skipped.

    Yields
    ------
    Frame
        In order of time; none where there is no video.
    """
    problems = problems if problems is not None else Problems()
    with open_container(path) as container:
        videos = [s for s in container.streams.video if not _is_cover(s)]
        if not videos:
            return
        if len(videos) > 1:
            problems.add(f"{len(videos)} video tracks; the first was read")
        yield from _sample(_decode(container, videos[0], problems), rate)


def _decode(
    container: av.container.InputContainer, stream: av.VideoStream, problems: Problems
) -> Iterator[tuple[float, av.VideoFrame]]:
    stream.thread_type = "AUTO"
    last = -1.0
    origin: float | None = None
    step = 1 / float(stream.average_rate) if stream.average_rate else 0.04
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
            decoded = packet.decode()
        except StopIteration:
            return
        except (av.error.EOFError, av.error.FFmpegError) as error:
            if isinstance(error, av.error.EOFError):
                return
            problems.add(f"some video could not be decoded ({_plain(error)}) and was left out")
            if not isinstance(error, av.error.InvalidDataError):
                return
            continue
        for frame in decoded:
            time = float(frame.time) if frame.time is not None else last + step
            origin = time if origin is None else origin
            time -= origin
            if time <= last:  # time stamps that run backwards would break every later step
                continue
            last = time
            yield time, frame


def _sample(decoded: Iterator[tuple[float, av.VideoFrame]], rate: float | None) -> Iterator[Frame]:
    if rate is None:
        for time, frame in decoded:
            yield Frame(time, _upright(frame))
        return
    shown: tuple[float, av.VideoFrame] | None = None
    tick = 0
    for time, frame in decoded:
        while shown is not None and tick / rate < time - 1e-9:
            yield Frame(tick / rate, _upright(shown[1]))
            tick += 1
        shown = (time, frame)
    if shown is not None and tick / rate <= shown[0] + 1e-9:
        yield Frame(tick / rate, _upright(shown[1]))


def _upright(frame: av.VideoFrame) -> np.ndarray:
    width, height = frame.width, frame.height
    factor = min(1.0, MAX_SIDE / max(width, height))
    if factor < 1:
        width, height = max(1, round(width * factor)), max(1, round(height * factor))
        frame = frame.reformat(width=width, height=height, format="rgb24")
    image = frame.to_ndarray(format="rgb24")
    turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _plain(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text.split("\n")[0][:120]
