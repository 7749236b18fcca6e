"""Audio as a stream of mono float32 blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from affectlens.core.barrier import reading
from affectlens.media.frames import Problems
from affectlens.media.sound.channels import Downmix, Statistics, choose
from affectlens.media.sound.track import pieces


@dataclass(frozen=True)
class AudioBlock:
    """``samples`` ``(n,)`` float32, full scale at 1, whose first lies ``start`` seconds into the recording."""

    start: float
    samples: np.ndarray
    rate: int


@dataclass(frozen=True)
class Sound:
    """The sound of a recording as blocks of one channel, from time 0 of the recording on and without gaps.

    It can be gone through more than once. Before the first time the whole recording is read once more, to learn what its
    channels hold.

    Parameters
    ----------
    path : Path
        A video or audio file.
    problems : Problems
        Takes notes of what could not be read as it stands, and of how channels and levels were treated.
    rate : int
        Samples a second, Hz.
    seconds : float
        Length of a block; the last may be shorter.
    voice : int, optional
        Which speaker is heard where each has a channel; all together without it.
    """

    path: Path
    problems: Problems
    rate: int = 16000
    seconds: float = 10.0
    voice: int | None = None

    def measured(self) -> Downmix | None:
        """How the channels are heard, which is noted in ``problems``; None where there is no audio."""
        chosen, notes = _chosen(self.path)
        for note in notes:
            self.problems.add(note)
        return chosen

    @property
    def voices(self) -> tuple[Sound, ...]:
        """The speakers one by one where each has a channel of the recording; else the sound itself."""
        chosen = self.measured()
        if self.voice is not None or chosen is None or len(chosen.weights) == 1:
            return (self,)
        return tuple(replace(self, voice=i) for i in range(len(chosen.weights)))

    @property
    def channel(self) -> int | None:
        """The channel of the speaker who is heard, counted from 1; None where all are heard together."""
        chosen = self.measured()
        return chosen.heard[self.voice] if chosen is not None and self.voice is not None else None

    def __iter__(self) -> Iterator[AudioBlock]:
        chosen = self.measured()
        if chosen is None:
            return
        size = int(self.rate * self.seconds)
        parts: list[np.ndarray] = []
        waiting, done = 0, 0
        for samples in self._resampled(chosen.together if self.voice is None else chosen.only(self.voice)):
            parts.append(samples)
            waiting += len(samples)
            while waiting >= size:
                joined = np.concatenate(parts)
                yield AudioBlock(done / self.rate, joined[:size], self.rate)
                done += size
                parts, waiting = [joined[size:]], waiting - size
        if waiting:
            yield AudioBlock(done / self.rate, np.concatenate(parts), self.rate)

    def _resampled(self, downmix: Downmix) -> Iterator[np.ndarray]:
        with reading(self.path, "sound"):
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=self.rate)
            given = 0
            # What is to be told was told when the channels were measured.
            for piece in pieces(self.path, Problems(), downmix.most):
                mixed = np.ascontiguousarray(downmix(piece.samples, given))
                frame = av.AudioFrame.from_ndarray(mixed, format="fltp", layout="mono")
                frame.sample_rate, frame.pts = piece.rate, given
                given += piece.samples.shape[1]
                for out in resampler.resample(frame):
                    yield out.to_ndarray()[0]
            if given:
                for out in resampler.resample(None):
                    yield out.to_ndarray()[0]


def audio_blocks(
    path: Path, rate: int = 16000, seconds: float = 10.0, problems: Problems | None = None
) -> Iterator[AudioBlock]:
    """The first audio track, resampled and mixed to one channel, in blocks.

    How the channels are mixed is chosen once for the recording; see `affectlens.media.sound.channels.choose`.

    Parameters
    ----------
    path : Path
        A video or audio file.
    rate : int
        Samples a second, Hz.
    seconds : float
        Length of a block; the last may be shorter.
    problems : Problems
        Takes notes of what could not be read as it stands, and of how channels and levels were treated.

    Yields
    ------
    AudioBlock
        In order, from time 0 of the recording, without gaps; none where there is no audio.
    """
    yield from Sound(path, problems if problems is not None else Problems(), rate, seconds)


def _chosen(path: Path) -> tuple[Downmix | None, tuple[str, ...]]:
    """How a recording's channels are heard, and what is to be told of its sound."""
    if not path.exists():
        return _measured(path, 0, 0)
    about = path.stat()
    return _measured(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _measured(path: Path, size: int, changed: int) -> tuple[Downmix | None, tuple[str, ...]]:
    problems = Problems()
    statistics = _statistics(path, problems)
    if statistics is not None and np.isfinite(statistics.wild):
        most = statistics.wild
        statistics = _statistics(path, problems, most)
    else:
        most = np.inf
    chosen = None if statistics is None else replace(choose(statistics), most=most)
    return chosen, (*problems.notes, *(chosen.notes if chosen else ()))


def _statistics(path: Path, problems: Problems, most: float = np.inf) -> Statistics | None:
    statistics: Statistics | None = None
    for piece in pieces(path, problems, most):
        statistics = statistics or Statistics(piece.names, piece.rate)
        statistics.add(piece.samples)
    return statistics.finish() if statistics else None
