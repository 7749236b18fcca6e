"""Turns of speech in a stream of audio: where somebody speaks, how well it can be heard, and its acoustic features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from affectlens.media.sound.audio import AudioBlock
from affectlens.perception.voice.egemaps import functionals
from affectlens.perception.voice.stream import describe
from affectlens.perception.words.transcript import RATE, SpeechChunk, speech_chunks

LONGEST = 6.0  # seconds of a turn; training clips are of 1 to 6
PAUSE = 0.4  # seconds that end a turn
SHORTEST = 0.4
LEAST_VOICED = 0.15  # seconds with a pitch: one short word
MOST_CLIPPED = 0.005  # share of samples at full scale
LEAST_SNR = 5.0  # dB
FULL_SNR = 25.0
TONAL = 0.06  # spectral flatness of the background, under which it is music or a tone where it is also loud
TONAL_SNR = 20.0
_FRAME = 400  # samples, 25 ms


@dataclass(frozen=True)
class Turn:
    """A stretch of speech.

    Attributes
    ----------
    start, end : float
        Seconds.
    features : (88,) array
        In real units.
    voiced : float
        Seconds with a pitch.
    snr : float
        Of the speech over the quietest tenth of its surroundings, dB.
    flatness : float
        Of that background's spectrum: 0 tone, about 0.5 noise.
    clipped : float
        Share of samples at full scale.
    narrow : bool
        Whether nothing is heard above 4 kHz (telephone).
    channel : int, optional
        The channel, counted from 1, that its speaker has alone.
    sound : (n,) array, optional
        What was heard, at 16 kHz, for as long as somebody listens to it.
    """

    start: float
    end: float
    features: np.ndarray
    voiced: float
    snr: float
    flatness: float
    clipped: float
    narrow: bool
    channel: int | None = None
    sound: np.ndarray | None = field(default=None, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """What is kept of it from one run to the next, as JSON types; not its sound."""
        return {name: value for name, value in asdict(self).items() if name != "sound"} | {"features": self.features.tolist()}

    @classmethod
    def of_json(cls, state: dict[str, Any]) -> Turn:
        """The turn that ``to_json`` wrote; keys of others in ``state`` are passed over."""
        known = {name: state[name] for name in (entry.name for entry in fields(cls)) if name in state}
        return cls(**(known | {"features": np.array(state["features"])}))

    @property
    def problem(self) -> str:
        """Why it should not be judged; empty where it can be."""
        if self.end - self.start < SHORTEST or self.voiced < LEAST_VOICED:
            return f"too short: {self.end - self.start:.1f} s with {self.voiced:.1f} s voiced"
        if self.clipped > MOST_CLIPPED:
            return f"clipped: {self.clipped:.1%} of the samples are at full scale"
        if self.snr < LEAST_SNR:
            return f"noise: the speech is only {self.snr:.0f} dB above its background"
        return ""

    @property
    def tonal(self) -> str:
        """Why its background is probably music or a tone; empty where not. A long clear vowel without a pause looks alike."""
        if self.flatness < TONAL and self.snr < TONAL_SNR:
            return f"music or a tone {self.snr:.0f} dB under the speech"
        return ""

    @property
    def quality(self) -> float:
        """0 to 1: signal-to-noise ratio and length, halved for telephone bandwidth."""
        audible = np.clip((self.snr - LEAST_SNR) / (FULL_SNR - LEAST_SNR), 0.1, 1.0)
        long = np.clip(self.voiced / 1.0, 0.3, 1.0)
        return float(audible * long * (0.5 if self.narrow else 1.0))


def turns(blocks: Iterable[AudioBlock], borders: Sequence[float] = ()) -> Iterator[Turn]:
    """Turns of a stream, in order; about half a minute of audio is in memory at any time.

    A pause of 0.4 s ends a turn, and so do 6 seconds: a longer stretch is cut at its quietest place near each sixth second.

    Parameters
    ----------
    blocks : iterable of AudioBlock
        At 16 kHz.
    borders : sequence of float
        Seconds at which one speaker gives way to another: no turn goes on beyond one.

    Yields
    ------
    Turn
        As soon as it has ended.
    """
    for chunk in speech_chunks(blocks):
        frames = _levels(chunk.samples)
        for start, end in _spans(chunk, borders):
            yield _turn(chunk, frames, start, end)


def _spans(chunk: SpeechChunk, borders: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Sample ranges of the turns within a chunk."""
    joined: list[list[int]] = []
    breaks = [round((border - chunk.start) * RATE) for border in borders]
    for first, last in _parts(chunk, breaks):
        if joined and _goes_on(joined[-1], first, last, breaks):
            joined[-1][1] = last
        else:
            joined.append([first, last])
    for first, last in joined:
        parts = -(-(last - first) // round(LONGEST * RATE))
        cuts = [first]
        for number in range(1, parts):
            middle = first + number * (last - first) // parts
            reach = RATE // 2
            near = _levels(chunk.samples[middle - reach : middle + reach])
            cuts.append(middle - reach + int(near.argmin()) * _FRAME + _FRAME // 2)
        yield from zip(cuts, [*cuts[1:], last], strict=True)


def _goes_on(turn: list[int], first: int, last: int, breaks: Sequence[int]) -> bool:
    """Whether speech belongs to the turn before it: no pause, not too long together, the same speaker."""
    near = first - turn[1] < PAUSE * RATE and last - turn[0] <= LONGEST * RATE
    return near and not any(turn[1] <= place <= first for place in breaks)


def _parts(chunk: SpeechChunk, breaks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Sample ranges of the speech of a chunk, cut where speakers change."""
    for start, end in chunk.active:
        first, last = round((start - chunk.start) * RATE), round((end - chunk.start) * RATE)
        inside = sorted(place for place in breaks if first < place < last)
        yield from zip([first, *inside], [*inside, last], strict=True)


def _levels(signal: np.ndarray) -> np.ndarray:
    """Mean square of each 25 ms."""
    count = len(signal) // _FRAME
    return (
        np.asarray((signal[: count * _FRAME].reshape(count, _FRAME).astype(np.float64) ** 2).mean(axis=1))
        if count
        else np.zeros(1)
    )


def _turn(chunk: SpeechChunk, levels: np.ndarray, first: int, last: int) -> Turn:
    signal = chunk.samples[first:last]
    signal = signal - signal.mean() if len(signal) else signal  # an offset is no sound
    described = describe(signal.astype(np.float32))
    own_levels = _levels(signal)
    floor = float(np.quantile(own_levels, 0.1)) + 1e-12
    speech = float(np.sort(own_levels)[len(own_levels) // 2 :].mean())
    top = float(np.abs(chunk.samples[first:last]).max(initial=0.0))
    clipped = float((np.abs(chunk.samples[first:last]) > 0.985 * max(top, 0.5)).mean()) if top > 0.5 else 0.0
    flatness, narrow = _background(chunk.samples, levels, signal)
    return Turn(
        chunk.start + first / RATE,
        chunk.start + last / RATE,
        functionals(described),
        float((described.hertz > 0).sum()) / 100,
        float(10 * np.log10(max(speech - floor, 1e-12) / floor)),
        flatness,
        clipped,
        narrow,
        sound=chunk.samples[first:last],
    )


def _background(chunk: np.ndarray, levels: np.ndarray, signal: np.ndarray) -> tuple[float, bool]:
    """Spectral flatness (geometric over arithmetic mean, 100 to 3200 Hz) of the quietest tenth; whether all ends at 4 kHz."""
    window = np.hanning(_FRAME)
    quiet = np.flatnonzero(levels <= np.quantile(levels, 0.1))[:200]
    cut = [chunk[i * _FRAME : (i + 1) * _FRAME] for i in quiet if (i + 1) * _FRAME <= len(chunk)]
    frames = np.stack(cut or [np.zeros(_FRAME)])
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2 + 1e-14
    hertz = np.fft.rfftfreq(_FRAME, 1 / RATE)
    band = power[:, (hertz >= 100) & (hertz <= 3200)]
    flatness = float(np.median(np.exp(np.log(band).mean(axis=1)) / band.mean(axis=1)))
    count = len(signal) // _FRAME
    if count == 0:
        return flatness, False
    whole = (np.abs(np.fft.rfft(signal[: count * _FRAME].reshape(count, _FRAME) * window, axis=1)) ** 2).mean(axis=0)
    above = whole[hertz > 4300].sum() / max(float(whole[hertz > 100].sum()), 1e-20)
    return flatness, bool(above < 1e-5)
