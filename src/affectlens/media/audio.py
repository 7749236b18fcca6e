"""Audio as a stream of mono float32 blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np

from affectlens.media.frames import Problems, open_container


@dataclass(frozen=True)
class AudioBlock:
    """``samples`` ``(n,)`` float32 in [-1, 1], whose first lies ``start`` seconds into the recording."""

    start: float
    samples: np.ndarray
    rate: int


def audio_blocks(
    path: Path, rate: int = 16000, seconds: float = 10.0, problems: Problems | None = None
) -> Iterator[AudioBlock]:
    """The first audio track, resampled and mixed to one channel, in blocks.

    A channel that is silent throughout a block takes no part in the mix. Samples that are not numbers become silence,
    and packets that cannot be decoded are left out; both are noted in ``problems``.

    Parameters
    ----------
    path : Path
        A video or audio file.
    rate : int
        Samples a second, Hz.
    seconds : float
        Length of a block; the last may be shorter.
    problems : Problems
        Takes notes of what could not be read.

    Yields
    ------
    AudioBlock
        In order, without gaps; none where there is no audio.
    """
    problems = problems if problems is not None else Problems()
    size = int(rate * seconds)
    kept: list[np.ndarray] = []
    waiting, done = 0, 0
    for piece in _pieces(path, rate, problems):
        kept.append(piece)
        waiting += len(piece)
        while waiting >= size:
            joined = np.concatenate(kept)
            yield AudioBlock(done / rate, joined[:size], rate)
            done += size
            kept, waiting = [joined[size:]], waiting - size
    if waiting:
        yield AudioBlock(done / rate, np.concatenate(kept), rate)


def _pieces(path: Path, rate: int, problems: Problems) -> Iterator[np.ndarray]:
    with open_container(path) as container:
        streams = container.streams.audio
        if not streams:
            return
        if len(streams) > 1:
            problems.add(f"{len(streams)} audio tracks; the first was read")
        stream = streams[0]
        resampler: av.AudioResampler | None = None
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
                decoded = packet.decode()
            except (StopIteration, av.error.EOFError):
                break
            except av.error.FFmpegError as error:
                problems.add(f"some audio could not be decoded ({error.strerror}) and was left out")
                if not isinstance(error, av.error.InvalidDataError):
                    break
                continue
            for frame in decoded:
                if resampler is None:
                    resampler = av.AudioResampler(format="fltp", layout=frame.layout, rate=rate)
                for out in resampler.resample(frame):
                    yield _mix(out.to_ndarray(), problems)
        if resampler is not None:
            for out in resampler.resample(None):
                yield _mix(out.to_ndarray(), problems)


def _mix(channels: np.ndarray, problems: Problems) -> np.ndarray:
    samples = channels.astype(np.float32, copy=False)
    if not np.isfinite(samples).all():
        problems.add("some audio samples were not numbers and were read as silence")
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    if len(samples) > 1:
        alive = np.abs(samples).max(axis=1) > 1e-6
        samples = samples[alive] if alive.any() else samples[:1]
    return np.asarray(np.clip(samples.mean(axis=0), -1.0, 1.0))
