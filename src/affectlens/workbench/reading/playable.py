"""Whether a browser plays a recording as it is, and the copy that is made where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from affectlens.core.disk.files import sha256_of, write_whole
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import MediaError, OutputError
from affectlens.core.progress import Progress, silent
from affectlens.media.clock import is_cover, play
from affectlens.media.container import open_file
from affectlens.media.frames import Frame, frames, open_container, probe
from affectlens.media.inputs import kind_of

PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".avif"}
TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/mp4",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
}
# What every browser plays: containers by suffix, and the codecs and pixel formats in them.
CONTAINERS = {
    ".mp4": ({"h264"}, {"aac", "mp3"}),
    ".m4v": ({"h264"}, {"aac", "mp3"}),
    ".mov": ({"h264"}, {"aac", "mp3"}),
    ".webm": ({"vp8", "vp9"}, {"opus", "vorbis"}),
    ".mp3": (set(), {"mp3", "mp3float"}),
    ".wav": (set(), {"pcm_s16le", "pcm_u8"}),
    ".flac": (set(), {"flac"}),
    ".ogg": (set(), {"vorbis", "opus"}),
    ".oga": (set(), {"vorbis", "opus"}),
    ".opus": (set(), {"opus"}),
    ".m4a": (set(), {"aac"}),
}
PIXELS = {"yuv420p", "yuvj420p"}
WIDEST = 1280
KEYS = 12  # frames from one that can be sought to the next: short steps make scrubbing quick
SOUND = 48_000


def type_of(path: Path) -> str:
    """What a browser is told that a file is."""
    return TYPES.get(path.suffix.lower(), "application/octet-stream")


def plays(path: Path) -> bool:
    """Whether every browser plays a recording as it is.

    Parameters
    ----------
    path : Path
        A recording, picture or sound.

    Returns
    -------
    bool
        False also for what cannot be opened.
    """
    suffix = path.suffix.lower()
    if suffix in PICTURES:
        return True
    if suffix not in CONTAINERS:
        return False
    pictures, sounds = CONTAINERS[suffix]
    try:
        with open_container(path) as container:
            videos = [track for track in container.streams.video if not is_cover(track)]
            fine = all(track.codec_context.name in pictures and track.codec_context.pix_fmt in PIXELS for track in videos[:1])
            return fine and all(_name(track) in sounds for track in list(container.streams.audio)[:1])
    except MediaError:
        return False


def _name(track: Any) -> str:
    context = getattr(track, "codec_context", None)
    return str(context.name) if context is not None else "unknown"


def copy_of(path: Path) -> Path:
    """Where the copy of a recording lies, whether it is made or not."""
    return cache_dir() / "view" / "copies" / f"{sha256_of(path)}.{'m4a' if kind_of(path) == 'audio' else 'mp4'}"


def make_copy(path: Path, progress: Progress = silent, stopped: Callable[[], bool] = lambda: False) -> Path:
    """Write a copy that browsers play, with the times of the original; whole or not at all.

    Parameters
    ----------
    path : Path
        A recording.
    progress : callable
        Takes the stage, the seconds done and the seconds in all.
    stopped : callable
        Whether somebody called it off.

    Returns
    -------
    Path
        The copy, H.264 with AAC; made before, it is used again.

    Raises
    ------
    MediaError
        Nothing in it can be read.
    OutputError
        The copy cannot be written, or was called off.
    """
    target = copy_of(path)
    if target.exists():
        return target
    info = probe(path)

    def write(partial: Path) -> None:
        with open_file(partial, "w", format="mp4", options={"movflags": "faststart"}) as out:
            sound = _sound_track(path, out) if info.audio_tracks else None
            picture = _Picture(out) if info.video_tracks else None
            if picture is not None:
                for frame in frames(path):
                    if stopped():
                        raise OutputError(f"{path.name}: the copy was called off")
                    picture.add(frame.image, frame.time)
                    progress("copying", frame.time, info.duration)
                picture.end()
            if sound is not None:
                _write_sound(path, out, sound)
            if picture is not None and not picture.frames and sound is None:
                raise MediaError(f"{path.name}: nothing in it can be shown")

    return write_whole(target, write)


def write_pictures(target: Path, pictures: Iterable[Frame]) -> Path:
    """Write frames at their times as a video without sound that browsers play, whole or not at all.

    Parameters
    ----------
    target : Path
        An mp4.
    pictures : iterable of Frame
        In order of time.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MediaError
        There are none.
    """

    def write(partial: Path) -> None:
        with open_file(partial, "w", format="mp4", options={"movflags": "faststart"}) as out:
            picture = _Picture(out)
            for frame in pictures:
                picture.add(frame.image, frame.time)
            picture.end()
            if not picture.frames:
                raise MediaError(f"{target.name}: there is no picture to be shown")

    return write_whole(target, write)


class _Picture:
    """The picture of the copy: H.264 at its true times."""

    def __init__(self, out: Any) -> None:
        self._out, self._stream = out, None
        self.frames = 0
        self._last = -1

    def add(self, image: np.ndarray, time: float) -> None:
        if self._stream is None:
            self._stream = _picture_track(self._out, image)
        stream: Any = self._stream
        video = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(stream.width, stream.height, "yuv420p")
        stamp = max(round(time * 90_000), self._last + 1)
        video.pts, video.time_base, self._last = stamp, Fraction(1, 90_000), stamp
        self._out.mux(stream.encode(video))
        self.frames += 1

    def end(self) -> None:
        if self._stream is not None:
            self._out.mux(self._stream.encode(None))


def _picture_track(out: Any, image: np.ndarray) -> Any:
    height, width = image.shape[:2]
    factor = min(1.0, WIDEST / width)
    for codec, settings in (("libx264", {"crf": "23", "preset": "veryfast"}), ("libvpx", {"crf": "20", "b": "2M"})):
        try:
            stream = out.add_stream(codec, rate=30, options={**settings, "g": str(KEYS)})
        except (av.error.FFmpegError, ValueError):
            continue
        stream.width, stream.height = max(2, int(width * factor) // 2 * 2), max(2, int(height * factor) // 2 * 2)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)  # else stamps are rounded to the rate
        return stream
    raise OutputError("this build of PyAV has no encoder of a format that browsers play")


def _sound_track(path: Path, out: Any) -> Any:
    stream = out.add_stream("aac", rate=SOUND)
    stream.layout = "stereo"
    return stream


def _write_sound(path: Path, out: Any, stream: Any) -> None:
    """All sound at its times: where there is none, silence."""
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND)
    at = 0  # samples written
    with open_container(path) as container:
        for time, frame in play(container, container.streams.audio[0], lambda note: None):
            gap = round(time * SOUND) - at
            if gap > SOUND // 50:
                at += _encode(out, stream, np.zeros((2, gap), np.float32), at)
            assert isinstance(frame, av.AudioFrame)
            frame.pts = None
            for part in resampler.resample(frame):
                at += _encode(out, stream, part.to_ndarray(), at)
    out.mux(stream.encode(None))


def _encode(out: Any, stream: Any, samples: np.ndarray, at: int) -> int:
    for first in range(0, samples.shape[1], SOUND):
        part = np.ascontiguousarray(samples[:, first : first + SOUND])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SOUND, at + first, Fraction(1, SOUND)
        out.mux(stream.encode(frame))
    return int(samples.shape[1])
