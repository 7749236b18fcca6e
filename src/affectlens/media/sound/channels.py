"""What the channels of a recording hold, and how they are heard: chosen once for the whole recording from all of its sound."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

STEP = 0.1  # seconds over which levels are measured
DEAD = 1e-6  # share of the loudest channel's power under which a channel is silent
LOWEST = -120.0  # dB of full scale, the level of silence
STEADY = 10.0  # dB between quiet and loud moments under which a channel may be steady noise
LIVELIER = 8.0  # dB by which another channel must vary more for that
ALONE = 10.0  # dB by which one channel stands out where only its speaker speaks
MOSTLY = 0.8  # share of the time with speech in which one channel must stand out
TURN = 0.05  # share of that time that is the least a speaker has
ACTIVE = -25.0  # dB under a channel's loud moments down to which it is active
OPPOSED = -0.3  # correlation under which channels cancel each other
ALIKE = 0.5  # correlation from which channels hold the same
SAME = 0.999  # correlation from which channels are copies
AUDIBLE = -45.0  # dB under a channel's loud moments down to which another speaker in it is heard
CENTRE = 20.0  # dB under the loudest channel down to which a centre channel holds the speech
OFFSET = 0.1  # share of the sound's own deviation from which an offset is taken off
QUIET = -50.0  # dB of full scale of the loud moments under which a recording is made louder
NOTHING = -85.0  # dB of full scale under which nothing can be heard in it
SPEECH = -20.0  # dB of full scale that loud moments are brought to then
CLIPPED = 5e-4  # share of flat-topped samples from which clipping is told
_NEAR = 2.5e-4  # of the range of the samples, within which one is at its end


class Statistics:
    """What is measured of a recording's channels while it is read once; the memory grows by some bytes a tenth of a second.

    Parameters
    ----------
    names : tuple of str
        Of the channels, as ffmpeg has them (``FL``, ``FC``, ``LFE``; ``NONE`` where not told).
    rate : int
        Hz.
    """

    def __init__(self, names: tuple[str, ...], rate: int) -> None:
        channels = len(names)
        self.names, self.rate = names, rate
        self.step = max(1, round(STEP * rate))
        self._rest = np.zeros((channels, 0), np.float32)
        self._count = 0
        self._sum = np.zeros(channels)
        self._products = np.zeros((channels, channels))
        self._high = np.full(channels, -np.inf)
        self._low = np.full(channels, np.inf)
        self._flat = np.zeros(channels)
        self._powers: list[np.ndarray] = []
        self._peaks: list[np.ndarray] = []

    def add(self, samples: np.ndarray) -> None:
        """Measure more samples ``(channels, n)``."""
        samples = np.concatenate([self._rest, samples], axis=1)
        whole = samples.shape[1] // self.step * self.step
        self._rest = samples[:, whole:]
        if whole:
            self._measure(samples[:, :whole])

    def finish(self) -> Statistics:
        """Measure what is left of the last step."""
        if self._rest.shape[1]:
            self._measure(self._rest, self._rest.shape[1])
            self._rest = self._rest[:, :0]
        return self

    def _measure(self, samples: np.ndarray, size: int = 0) -> None:
        signal = samples.astype(np.float64)
        self._count += signal.shape[1]
        self._sum += signal.sum(axis=1)
        self._products += signal @ signal.T
        steps = signal.reshape(len(signal), -1, size or self.step)
        self._powers.append(steps.var(axis=2).T)
        self._peaks.append(np.abs(steps).max(axis=(0, 2)))
        self._count_flat(signal)

    def _count_flat(self, signal: np.ndarray) -> None:
        """Count samples within the flat tops and bottoms at the highest and lowest level so far: three or more in a row."""
        high, low = np.maximum(self._high, signal.max(axis=1)), np.minimum(self._low, signal.min(axis=1))
        near = _NEAR * (high - low)
        self._flat[(high - near > self._high) | (low + near < self._low)] = 0.0
        self._high, self._low = high, low
        at = (signal >= (high - near)[:, None]) | (signal <= (low + near)[:, None])
        self._flat += (at[:, 2:] & at[:, 1:-1] & at[:, :-2]).sum(axis=1) * (high > low)

    @property
    def peak(self) -> np.ndarray:
        """Greatest magnitude in each channel ``(channels,)``."""
        return self.height(np.zeros(len(self.names)))

    def height(self, offset: np.ndarray) -> np.ndarray:
        """Greatest magnitude in each channel once an offset ``(channels,)`` is taken off."""
        return np.asarray(np.maximum(self._high - offset, offset - self._low)) if self._count else np.zeros(len(self.names))

    @property
    def offset(self) -> np.ndarray:
        """Mean of each channel ``(channels,)``."""
        return self._sum / max(self._count, 1)

    @cached_property
    def covariance(self) -> np.ndarray:
        """``(channels, channels)``, without the offsets."""
        mean = self.offset
        return np.asarray(self._products / max(self._count, 1) - np.outer(mean, mean))

    @property
    def power(self) -> np.ndarray:
        """Of each channel without its offset ``(channels,)``."""
        return np.asarray(np.maximum(np.diag(self.covariance), 0.0))

    @property
    def correlation(self) -> np.ndarray:
        """Of the channels' samples ``(channels, channels)``; 0 where one is silent."""
        deviation = np.sqrt(self.power)
        scale = np.outer(deviation, deviation)
        return np.asarray(np.divide(self.covariance, scale, out=np.zeros_like(scale), where=scale > 1e-20))

    @cached_property
    def levels(self) -> np.ndarray:
        """Level of each channel in each step, dB of full scale, ``(steps, channels)``."""
        powers = np.concatenate(self._powers) if self._powers else np.zeros((0, len(self.names)))
        return np.asarray(10 * np.log10(np.maximum(powers, 10 ** (LOWEST / 10))))

    @cached_property
    def loud(self) -> np.ndarray:
        """Level of each channel's loud moments, dB of full scale ``(channels,)``: the 95th percentile of its upper 30 dB."""
        if not len(self.levels):
            return np.full(len(self.names), LOWEST)
        upper = (column[column >= column.max() - 30] for column in self.levels.T)
        return np.array([np.quantile(column, 0.95) for column in upper])

    @property
    def clipped(self) -> np.ndarray:
        """Share of each channel's samples that lie in a flat top at its highest level ``(channels,)``."""
        return self._flat / max(self._count, 1)

    @property
    def wild(self) -> float:
        """Height beyond which samples can be no sound (a damaged float), infinite where there is none."""
        peaks = np.concatenate(self._peaks) if self._peaks else np.zeros(0)
        sounding = peaks[peaks > 0]
        usual = 100 * float(np.quantile(sounding, 0.9)) if len(sounding) else np.inf
        return usual if len(sounding) and sounding.max() > max(10.0, usual) else np.inf


@dataclass(frozen=True)
class Downmix:
    """How the channels of a recording are heard.

    Attributes
    ----------
    weights : (voices, channels) array
        One row where all is heard together; one a speaker where each has a channel.
    offset : (channels,) array
        What is taken off first.
    scale : float
        By which all is multiplied.
    heard : tuple of int
        The channel of each row, counted from 1, where each has one.
    notes : tuple of str
        What was chosen, in words.
    most : float
        Samples beyond this are no sound.
    open : (voices, steps) array, optional
        1 where a speaker is heard and 0 where only the others are, through their microphone, in steps of ``step`` samples.
    step : int
        See ``open``.
    """

    weights: np.ndarray
    offset: np.ndarray
    scale: float
    heard: tuple[int, ...]
    notes: tuple[str, ...]
    most: float = np.inf
    open: np.ndarray | None = field(default=None, repr=False)
    step: int = 1

    def __call__(self, samples: np.ndarray, first: int = 0) -> np.ndarray:
        """Samples ``(channels, n)`` from the one numbered ``first`` on as they are heard ``(voices, n)`` float32."""
        mixed = self._mix(samples)
        if self.open is None:
            return mixed
        at = (first + np.arange(samples.shape[1])) / self.step - 0.5
        steps = np.arange(self.open.shape[1])
        return np.asarray(mixed * np.stack([np.interp(at, steps, voice) for voice in self.open]).astype(np.float32))

    def _mix(self, samples: np.ndarray) -> np.ndarray:
        if self.offset.any():
            samples = samples - self.offset[:, None].astype(np.float32)
        if self.weights.shape == (1, 1):
            return np.asarray(samples * np.float32(self.scale))
        return np.asarray((self.weights * self.scale).astype(np.float32) @ samples)

    @property
    def together(self) -> Downmix:
        """The same, all speakers in one."""
        if len(self.weights) == 1:
            return self
        return replace(self, weights=self.weights.mean(axis=0, keepdims=True), heard=(), open=None)

    def only(self, voice: int) -> Downmix:
        """The same, one speaker alone."""
        gate = None if self.open is None else self.open[voice : voice + 1]
        return replace(self, weights=self.weights[voice : voice + 1], heard=(self.heard[voice],), open=gate)


def choose(statistics: Statistics) -> Downmix:
    """How a recording's channels are heard.

    Silent channels, the low-frequency one and steady noise beside a channel that is livelier are left out. Of surround sound
    the centre is heard where it holds the speech. Channels of which one stands out at nearly every moment, each in its turn,
    hold a speaker each and are heard apart. What is left is mixed in equal parts, with channels turned over that would cancel
    the loudest. An offset is taken off; samples above full scale and a recording that is very quiet are scaled as a whole.

    Parameters
    ----------
    statistics : Statistics
        Of the whole recording.

    Returns
    -------
    Downmix
        With notes of all that was done.
    """
    notes: list[str] = []
    used = _sounding(statistics, notes)
    weights, heard = _weights(statistics, used, notes)
    offset = np.where(np.abs(statistics.offset) > OFFSET * np.sqrt(statistics.power), statistics.offset, 0.0)
    offset[np.abs(offset) < 1e-4] = 0.0
    if offset[used].any():
        most = offset[used][np.abs(offset[used]).argmax()]
        notes.append(f"an offset of {most:+.3f} of full scale was taken off")
    clipped = float(statistics.clipped[used].max())
    if clipped > CLIPPED and statistics.peak[used].max() > 0.05:
        notes.append(f"clipped: {clipped:.1%} of the samples lie in flat tops at the highest level")
    open = _open(statistics, heard, notes)
    return Downmix(
        weights, offset, _scale(statistics, used, offset, notes), heard, tuple(notes), open=open, step=statistics.step
    )


def _sounding(statistics: Statistics, notes: list[str]) -> list[int]:
    """Channels that take part at all, one at least."""
    everything = list(range(len(statistics.names)))
    if len(everything) == 1:
        return everything
    power = statistics.power
    live = [channel for channel in everything if power[channel] > DEAD * power.max()] if power.max() > 0 else everything[:1]
    if len(live) < len(everything):
        notes.append(f"{_listed(everything, live)} silent and left out")
    remaining = [channel for channel in live if statistics.names[channel] != "LFE"] or live
    if len(remaining) < len(live):
        notes.append(f"{_listed(live, remaining)} for low frequencies only and left out")
    steady = _steady(statistics, remaining)
    if steady:
        lively = [channel for channel in remaining if channel not in steady]
        notes.append(f"{_listed(remaining, lively)} steady noise and left out")
        remaining = lively
    if len(remaining) > 1 and len(everything) > 2 and "FC" in statistics.names:
        centre = statistics.names.index("FC")
        if centre in remaining and statistics.loud[centre] > statistics.loud[remaining].max() - CENTRE:
            notes.append(f"{len(everything)} channels; of these the centre, which holds the speech, was heard")
            return [centre]
    return remaining


def _listed(before: list[int], after: list[int]) -> str:
    """For example: channels 2 and 4 of 6 are."""
    names = [str(channel + 1) for channel in before if channel not in after]
    return f"channel {names[0]} is" if len(names) == 1 else f"channels {', '.join(names[:-1])} and {names[-1]} are"


def _steady(statistics: Statistics, channels: list[int]) -> list[int]:
    spread = {channel: float(np.subtract(*np.quantile(statistics.levels[:, channel], [0.95, 0.05]))) for channel in channels}
    correlation = np.abs(statistics.correlation)
    return [
        channel
        for channel in channels
        if spread[channel] < STEADY
        and any(spread[other] > spread[channel] + LIVELIER and correlation[channel, other] < ALIKE for other in channels)
    ]


def _weights(statistics: Statistics, used: list[int], notes: list[str]) -> tuple[np.ndarray, tuple[int, ...]]:
    channels = len(statistics.names)
    apart = _apart(statistics, used)
    if apart:
        weights = np.zeros((len(apart), channels))
        weights[range(len(apart)), apart] = 1.0
        names = ", ".join(str(channel + 1) for channel in apart[:-1]) + f" and {apart[-1] + 1}"
        notes.append(f"one speaker a channel: channels {names} were heard apart, as {len(apart)} people")
        return weights, tuple(channel + 1 for channel in apart)
    weights = np.zeros((1, channels))
    loudest = used[int(statistics.power[used].argmax())]
    reference = next(
        channel for channel in used if statistics.power[channel] > 0.5 * statistics.power[loudest] or channel == loudest
    )
    sign = np.where(statistics.correlation[reference] < OPPOSED, -1.0, 1.0)
    turned = [channel for channel in used if sign[channel] < 0]
    if turned:
        remaining = [channel for channel in used if channel not in turned]
        notes.append(
            f"{_listed(used, remaining)} in opposite phase to channel {reference + 1} and turned over, so as not to cancel it"
        )
    if all(statistics.correlation[reference, channel] < -SAME for channel in turned) and len(turned) == len(used) - 1:
        used = [reference]  # the others are copies turned over
    weights[0, used] = sign[used] / len(used)
    if len(used) > 1:
        notes.append(f"{len(used)} channels were mixed in equal parts")
    return weights, ()


def _apart(statistics: Statistics, used: list[int]) -> list[int]:
    """Channels that hold a speaker each; empty where they do not."""
    surround = "FC" in statistics.names and len(statistics.names) > 2
    if len(used) < 2 or surround or not len(statistics.levels):
        return []
    relative = statistics.levels[:, used] - statistics.loud[used]
    active = relative.max(axis=1) > ACTIVE
    if not active.any():
        return []
    ranked = np.sort(relative[active], axis=1)
    alone = ranked[:, -1] - ranked[:, -2] >= ALONE
    first = relative[active].argmax(axis=1)
    least = max(TURN * active.sum(), 5)
    turns = [int((alone & (first == place)).sum()) for place in range(len(used))]
    speakers = [used[place] for place, turn in enumerate(turns) if turn >= least]
    correlation = np.abs(statistics.correlation[np.ix_(speakers, speakers)] - np.eye(len(speakers)))
    return speakers if len(speakers) > 1 and alone.mean() >= MOSTLY and correlation.max() < ALIKE else []


def _open(statistics: Statistics, heard: tuple[int, ...], notes: list[str]) -> np.ndarray | None:
    """Where each speaker's channel is heard: not where it only picks up another, who stands out by ``ALONE`` just then."""
    if not heard:
        return None
    channels = [channel - 1 for channel in heard]
    relative = statistics.levels[:, channels] - statistics.loud[channels]
    leaked = (relative.max(axis=1, keepdims=True) - relative >= ALONE) & (relative > AUDIBLE)
    if not leaked.any():
        return None
    seconds = leaked.sum(axis=0) * STEP
    silenced = [f"{length:.1f} s of channel {channel}" for length, channel in zip(seconds, heard, strict=True) if length]
    notes.append(f"speakers are heard in each other's channels: {', '.join(silenced)} were silenced")
    return np.asarray(1.0 - leaked.T)


def _scale(statistics: Statistics, used: list[int], offset: np.ndarray, notes: list[str]) -> float:
    """By what all samples are multiplied: 1 unless they go beyond full scale or are very quiet."""
    peak, loud = float(statistics.height(offset)[used].max()), float(statistics.loud[used].max())
    if peak > 1.0:
        notes.append(f"samples reach {peak:.3g} times full scale; the whole was scaled to full scale, nothing was cut off")
        return 1 / peak
    if not NOTHING < loud < QUIET:
        return 1.0
    gain = min(1 / peak, 10 ** ((SPEECH - loud) / 20))
    notes.append(
        f"very quiet: loud moments lie at {loud:.0f} dB of full scale; the whole was made {20 * np.log10(gain):.0f} dB louder"
    )
    return gain
