"""Pitch by subharmonic summation (Hermes 1988) and a Viterbi search for the smoothest path through its candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import CubicSpline

from affectlens.perception.voice.spectra import LONG_FFT, RATE

LOWEST, HIGHEST = 55.0, 1000.0  # Hz
CANDIDATES = 6
HARMONICS = 15
COMPRESSION = 0.85  # weight of each further harmonic
VOICED = 0.7  # a candidate this much above the mean of the summed spectrum sounds voiced
QUIET = 0.001  # RMS under which a frame has no pitch
UNDER = 30.0  # dB under the loud moments of quiet speech from which on a frame has none
_STATES = np.arange(CANDIDATES + 1)
_POINTS = LONG_FFT // 2 + 1
_BOTTOM = np.log2(25.0)
_PER_OCTAVE = (_POINTS - 1) / (np.log2(RATE / 2) - _BOTTOM)


def gate(signal: np.ndarray) -> float:
    """RMS under which a frame of a signal ``(samples,)`` has no pitch.

    Returns
    -------
    float
        ``QUIET``, or less where the signal is quiet itself: ``UNDER`` decibels under its loud moments, the 95th percentile of
        the deviation over 25 ms.

    Examples
    --------
    >>> tone = np.sin(np.arange(16000) * 0.1)
    >>> gate(tone), round(gate(0.001 * tone), 5)
    (0.001, 2e-05)
    """
    size = RATE // 40
    steps = signal[: len(signal) // size * size].reshape(-1, size)
    if not len(steps):
        return QUIET
    loud = float(np.quantile(steps.std(axis=1, dtype=np.float64), 0.95))
    return min(QUIET, loud * 10 ** (-UNDER / 20))


@cache
def _to_octaves() -> np.ndarray:
    """Cubic spline from FFT bins to equal steps of log2 frequency, with Hermes' auditory weight: ``(bins, points)``."""
    bins = np.arange(_POINTS) * RATE / LONG_FFT
    octaves = _BOTTOM + np.arange(_POINTS) / _PER_OCTAVE
    spline = CubicSpline(bins, np.eye(_POINTS), bc_type="natural")(2.0**octaves).T
    middle = _PER_OCTAVE * (np.log2(65.0) - _BOTTOM)
    weight = 0.5 + np.arctan(3.0 * (np.arange(_POINTS) - middle) / _PER_OCTAVE) / np.pi
    return np.asarray(spline * weight).astype(np.float32)


def _enhanced(magnitudes: np.ndarray) -> np.ndarray:
    """Only the two bins either side of each local maximum, then smoothed over three bins."""
    peak = np.zeros(magnitudes.shape, dtype=bool)
    peak[:, 1:-1] = (magnitudes[:, 1:-1] > magnitudes[:, :-2]) & (magnitudes[:, 1:-1] >= magnitudes[:, 2:])
    near = peak.copy()
    for reach in (1, 2):
        near[:, reach:] |= peak[:, :-reach]
        near[:, :-reach] |= peak[:, reach:]
    peaks = np.where(near, magnitudes, 0)
    out = peaks.copy()
    out[:, 1:-1] = (peaks[:, :-2] + 2 * peaks[:, 1:-1] + peaks[:, 2:]) / 4
    return out


def summed(magnitudes: np.ndarray) -> np.ndarray:
    """Subharmonic sums ``(n, points)`` of magnitude spectra ``(n, 513)`` over equal steps of log2 frequency from 25 Hz."""
    octave = np.maximum(_enhanced(magnitudes) @ _to_octaves(), 0)
    total = octave.copy()
    for harmonic in range(2, HARMONICS + 1):
        shift = int(np.floor(_PER_OCTAVE * np.log2(harmonic)))
        total[:, : _POINTS - shift] += octave[:, shift:] * COMPRESSION ** (harmonic - 1)
    return np.asarray(total / HARMONICS)


@dataclass(frozen=True)
class Candidates:
    """Pitch candidates in Hz ``(n, 6)``, best first, 0 where there are fewer, and how voiced each is ``(n, 6)`` in [0, 1]."""

    hertz: np.ndarray
    voicing: np.ndarray


def candidates(magnitudes: np.ndarray) -> Candidates:
    """The six highest peaks of the subharmonic sum, refined by a parabola; of these, those between 55 and 1000 Hz."""
    sums = summed(magnitudes)
    count = len(sums)
    if count == 0:
        return Candidates(np.zeros((0, CANDIDATES)), np.zeros((0, CANDIDATES)))
    here, left, right = sums[:, 1:-1], sums[:, :-2], sums[:, 2:]
    height = np.where((here > left) & (here > right), here, 0.0)
    best = np.argpartition(-height, CANDIDATES, axis=1)[:, :CANDIDATES]
    value = np.take_along_axis(height, best, 1)
    order = np.argsort(-value, axis=1, kind="stable")
    best, value = np.take_along_axis(best, order, 1), np.take_along_axis(value, order, 1)
    before, after = np.take_along_axis(left, best, 1), np.take_along_axis(right, best, 1)
    bend = before - 2 * value + after
    peaks = (value > 0) & (bend < 0)
    offset = np.where(peaks, 0.5 * (before - after) / np.where(peaks, bend, -1), 0.0)
    top = value - 0.25 * (before - after) * offset
    hertz = np.where(peaks, 2.0 ** (_BOTTOM + (1 + best + offset) / _PER_OCTAVE), 0.0)
    peaks &= (hertz >= LOWEST) & (hertz <= HIGHEST)
    order = np.argsort(np.where(peaks, -top, np.inf), axis=1, kind="stable")
    peaks, hertz, top = (np.take_along_axis(values, order, 1) for values in (peaks, hertz, top))
    mean = sums.mean(axis=1, keepdims=True)
    voicing = np.where(peaks, np.maximum(0.0, 1 - mean / np.maximum(top, 1e-12)), 0.0)
    return Candidates(np.where(peaks, hertz, 0.0), voicing)


def _strange(hertz: np.ndarray) -> np.ndarray:
    """How unlikely a pitch is for a voice: 0 from 100 to 350 Hz, rising to about 1 outside; 2 where there is none."""
    steps = [hertz <= 0, hertz < 100, hertz < 350, hertz < 600]
    return np.select(steps, [np.full(hertz.shape, 2.0), 1 - hertz / 100, np.zeros(hertz.shape), (hertz - 350) / 250], 1.2)


class PitchPath:
    """The cheapest path through pitch candidates and silence, found in blocks (after Luengo et al. 2007).

    A voiced state costs minus the logarithm of its voicing, a fine where that lies under the threshold, and how strange its
    pitch is; silence costs the fine where a candidate lies above the threshold. A change of pitch costs its logarithm, twice
    where the candidate left is the best of its frame, else once and its distance from the candidate before it in rank; onsets
    and ends of voice cost a constant. Weights are those of openSMILE's eGeMAPS configuration. Frames are settled ``EVERY`` at
    a time once ``LAG`` later ones have been seen, at moments that depend on the frame number alone, so the path is the same
    however the signal was cut into blocks.
    """

    EVERY, LAG = 500, 40
    LOCAL, FINE, CHANGE, SECOND, ONSET, REST, EMPTY = 2.0, 4.0, 10.0, 10.0, 10.0, 1.0, 999.0

    def __init__(self) -> None:
        self._cost = np.zeros(CANDIDATES + 1)
        self._fixed = np.full((CANDIDATES + 1, CANDIDATES + 1), self.ONSET)
        self._fixed[-1, -1] = self.REST
        self._last: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._back: list[np.ndarray] = []
        self._hertz: list[np.ndarray] = []

    def push(self, pitches: Candidates) -> np.ndarray:
        """Pitch in Hz (0 where unvoiced) of the frames that are settled now."""
        settled = []
        logs = np.log(np.maximum(pitches.hertz, 1.0))
        there = pitches.hertz > 0
        low = pitches.voicing < VOICED
        lack = self.LOCAL * (self.FINE * low - np.log(np.clip(pitches.voicing, 0.01, 1.0))) + _strange(pitches.hertz)
        silence = self.LOCAL * self.FINE * (~low).any(axis=1)
        # Candidates that exist come first, so the one before in rank is the neighbour.
        step: np.ndarray = np.abs(np.diff(logs, axis=1, prepend=0.0))
        local = np.column_stack([lack, silence])
        states = np.column_stack([pitches.hertz, np.zeros(len(logs))])
        for frame in range(len(logs)):
            settled.append(self._step(states[frame], logs[frame], there[frame], step[frame], local[frame]))
        return np.concatenate(settled) if settled else np.zeros(0)

    def finish(self) -> np.ndarray:
        """Pitch of the frames that were still open."""
        return self._settle(len(self._back))

    def _step(self, states: np.ndarray, logs: np.ndarray, there: np.ndarray, step: np.ndarray, local: np.ndarray) -> np.ndarray:
        if self._last is None:
            self._back.append(np.arange(CANDIDATES + 1))
            self._cost = local
        else:
            before, were, apart = self._last
            move = self._fixed.copy()
            change = np.abs(before[:, None] - logs)
            voiced = self.CHANGE * change + self.SECOND * apart[:, None]
            voiced[0] = (self.CHANGE + self.SECOND) * change[0]
            if not (there.all() and were.all()):
                voiced[:, ~there] = self.EMPTY
                voiced[~were] = self.EMPTY
            move[:-1, :-1] = voiced
            total = self._cost[:, None] + move
            back = total.argmin(axis=0)
            self._back.append(back)
            self._cost = total[back, _STATES] + local
            self._cost -= self._cost.min()
        self._last = (logs, there, step)
        self._hertz.append(states)
        full = len(self._back) == self.EVERY + self.LAG
        return self._settle(self.EVERY) if full else np.zeros(0)

    def _settle(self, count: int) -> np.ndarray:
        if not self._back:
            return np.zeros(0)
        state = int(self._cost.argmin())
        path = np.zeros(len(self._back))
        for frame in range(len(self._back) - 1, -1, -1):
            path[frame] = self._hertz[frame][state]
            state = int(self._back[frame][state])
        self._back, self._hertz = self._back[count:], self._hertz[count:]
        return path[:count]
