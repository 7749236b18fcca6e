"""The sound of one track as it was recorded: every channel at its own rate, from time 0 of the recording on, without gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from affectlens.core.barrier import reading
from affectlens.core.errors import MediaError
from affectlens.core.limits import within
from affectlens.media.clock import Note, play
from affectlens.media.frames import Problems, open_container

JITTER = 0.04  # seconds by which time stamps may be off in good order; a frame of picture is as long
CHANNELS = 64  # that FFmpeg's conversion takes
FASTEST = 10_000_000  # Hz; what brings it to another rate takes memory in proportion
_SILENCE = 10.0  # seconds of silence that are made at once


@dataclass(frozen=True)
class Piece:
    """Consecutive ``samples`` ``(channels, n)`` float32 at ``rate`` Hz; ``names`` of the channels as ffmpeg has them."""

    samples: np.ndarray
    rate: int
    names: tuple[str, ...]


def pieces(path: Path, problems: Problems, most: float = np.inf) -> Iterator[Piece]:
    """Decode the first audio track of a recording.

    A track that starts late begins with silence, a hole in it becomes silence of its length, and what lies under sound that
    was given already is left out: the sample at second ``t`` is heard at second ``t`` of the recording.

    Parameters
    ----------
    path : Path
        A video or audio file.
    problems : Problems
        Takes notes of what could not be read as it stands.
    most : float
        Samples beyond this, like those that are not numbers, become silence.

    Yields
    ------
    Piece
        In order, all at the first one's rate and with its channels; none where there is no audio.

    Raises
    ------
    MediaError
        It has more channels than are read, or is damaged. LimitError: it is longer than what is read.
    """
    with open_container(path) as container, reading(path, "sound"):
        tracks = container.streams.audio
        if not tracks:
            return
        if len(tracks) > 1:
            problems.add(f"{len(tracks)} audio tracks; the first was read")
        stream = tracks[0]
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
            within("seconds", seconds, path)
            within("samples", seconds * (stream.rate or 0) * stream.channels, path)
        line = _Line(path, problems, most)
        for time, frame in play(container, stream, problems.add):
            if isinstance(frame, av.AudioFrame) and frame.samples:
                yield from line.place(time, frame)
        line.note_gaps()


@dataclass
class _Line:
    """What was given of a track so far: where the next sample belongs, and what had to be filled in or left out."""

    path: Path
    note_to: Problems
    most: float
    format: _Format | None = None
    done: int = 0  # samples
    holes: list[tuple[float, float]] = field(default_factory=list)  # (start, length) in seconds
    doubled: int = 0  # samples

    def place(self, time: float, frame: av.AudioFrame) -> Iterator[Piece]:
        """A decoded frame at its time in seconds, after the silence before it."""
        if self.format is None:
            self._bounded(frame)
            self.format = _Format(frame, self.note_to.add)
        format = self.format
        samples = self._numbers(format.samples(frame))
        ahead = time - self.done / format.rate
        if ahead > JITTER or (ahead > 0 and not self.done):
            within("seconds", time, self.path)
            within("samples", time * format.rate * len(format.names), self.path)
            if ahead > JITTER:
                self.holes.append((self.done / format.rate, ahead))
            yield from self._silence(round(ahead * format.rate))
        elif ahead < -JITTER:
            under = min(round(-ahead * format.rate), samples.shape[1])
            self.doubled += under
            samples = samples[:, under:]
        if samples.shape[1]:
            self.done += samples.shape[1]
            within("samples", self.done * len(format.names), self.path)
            within("seconds", self.done / format.rate, self.path)
            yield Piece(samples, format.rate, format.names)

    def _bounded(self, frame: av.AudioFrame) -> None:
        channels = len(frame.layout.channels)
        if channels > CHANNELS:
            raise MediaError(f"{self.path}: {channels} channels of sound; at most {CHANNELS} are read")
        if frame.sample_rate > FASTEST:
            raise MediaError(f"{self.path}: {frame.sample_rate:,} samples of sound a second; at most {FASTEST:,} are read")

    def _silence(self, samples: int) -> Iterator[Piece]:
        assert self.format is not None
        format = self.format
        while samples > 0:
            count = min(samples, round(_SILENCE * format.rate))
            self.done += count
            samples -= count
            yield Piece(np.zeros((len(format.names), count), np.float32), format.rate, format.names)

    def _numbers(self, samples: np.ndarray) -> np.ndarray:
        if not np.isfinite(samples).all():
            self.note_to.add("some audio samples were not numbers and were read as silence")
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        wild = np.abs(samples) > self.most
        if wild.any():
            self.note_to.add(f"some audio samples lie beyond {self.most:.3g} times full scale and were read as silence")
            samples = np.where(wild, np.float32(0), samples)
        return samples

    def note_gaps(self) -> None:
        """Note what was filled in and left out."""
        inner = [hole for hole in self.holes if hole[0] > 0]
        if len(inner) < len(self.holes):
            self.note_to.add(f"the sound starts {self.holes[0][1]:.2f} s after the recording; before that it is silent")
        if inner:
            several = f"{len(inner)} holes, the first" if len(inner) > 1 else "a hole"
            total = sum(length for _, length in inner)
            self.note_to.add(f"the sound has {several} at {inner[0][0]:.1f} s; {total:.2f} s in all were read as silence")
        if self.doubled and self.format:
            self.note_to.add(
                f"{self.doubled / self.format.rate:.2f} s of sound whose time stamps lie under sound before it were left out"
            )


class _Format:
    """Frames as float samples with the channels and the rate of the first, whatever the recording changes to."""

    def __init__(self, first: av.AudioFrame, note: Note) -> None:
        self.rate = first.sample_rate
        self.names = tuple(channel.name for channel in first.layout.channels)
        self._layout, self._note = first.layout, note
        self._given: tuple[str, str, int] | None = None
        self._convert: av.AudioResampler | None = None

    def samples(self, frame: av.AudioFrame) -> np.ndarray:
        """``(channels, n)`` float32; whole numbers are divided by full scale."""
        given = (frame.format.name, frame.layout.name, frame.sample_rate)
        if given != self._given:
            if self._given is not None and given[1:] != self._given[1:]:
                self._note(f"the sound changes to {frame.layout.name} at {frame.sample_rate} Hz within the recording")
            self._given = given
            # Interleaved: of samples channel by channel PyAV reads eight, and for the others memory that is not theirs.
            self._convert = av.AudioResampler(format="flt", layout=self._layout, rate=self.rate)
        assert self._convert is not None
        parts = [out.to_ndarray().reshape(-1, len(self.names)) for out in self._convert.resample(frame)]
        return np.ascontiguousarray(np.concatenate(parts).T) if parts else np.zeros((len(self.names), 0), np.float32)
