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
_POINTS = LONG_FFT // 2 + 1
_BOTTOM = np.log2(25.0)
_PER_OCTAVE = (_POINTS - 1) / (np.log2(RATE / 2) - _BOTTOM)


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
    m = magnitudes
    peak = np.zeros(m.shape, dtype=bool)
    peak[:, 1:-1] = (m[:, 1:-1] > m[:, :-2]) & (m[:, 1:-1] >= m[:, 2:])
    near = peak.copy()
    for k in (1, 2):
        near[:, k:] |= peak[:, :-k]
        near[:, :-k] |= peak[:, k:]
    kept = np.where(near, m, 0)
    out = kept.copy()
    out[:, 1:-1] = (kept[:, :-2] + 2 * kept[:, 1:-1] + kept[:, 2:]) / 4
    return out


def summed(magnitudes: np.ndarray) -> np.ndarray:
    """Subharmonic sums ``(n, points)`` of magnitude spectra ``(n, 513)`` over equal steps of log2 frequency from 25 Hz."""
    octave = np.maximum(_enhanced(magnitudes) @ _to_octaves(), 0)
    total = octave.copy()
    for h in range(2, HARMONICS + 1):
        shift = int(np.floor(_PER_OCTAVE * np.log2(h)))
        total[:, : _POINTS - shift] += octave[:, shift:] * COMPRESSION ** (h - 1)
    return total / HARMONICS


@dataclass(frozen=True)
class Candidates:
    """Pitch candidates in Hz ``(n, 6)``, best first, 0 where there are fewer, and how voiced each is ``(n, 6)`` in [0, 1]."""

    hertz: np.ndarray
    voicing: np.ndarray


def candidates(magnitudes: np.ndarray) -> Candidates:
    """The highest peaks of the subharmonic sum between 55 and 1000 Hz, refined by a parabola."""
    s = summed(magnitudes)
    n = len(s)
    if n == 0:
        return Candidates(np.zeros((0, CANDIDATES)), np.zeros((0, CANDIDATES)))
    low = int(np.ceil((np.log2(LOWEST) - _BOTTOM) * _PER_OCTAVE))
    high = int((np.log2(HIGHEST) - _BOTTOM) * _PER_OCTAVE) + 1
    here, left, right = s[:, low:high], s[:, low - 1 : high - 1], s[:, low + 1 : high + 1]
    height = np.where((here > left) & (here >= right), here, 0.0)
    best = np.argpartition(-height, CANDIDATES, axis=1)[:, :CANDIDATES]
    value = np.take_along_axis(height, best, 1)
    order = np.argsort(-value, axis=1, kind="stable")
    best, value = np.take_along_axis(best, order, 1), np.take_along_axis(value, order, 1)
    a, c = np.take_along_axis(left, best, 1), np.take_along_axis(right, best, 1)
    bend = a - 2 * value + c
    found = value > 0
    offset = np.where(found & (bend < 0), 0.5 * (a - c) / np.where(bend < 0, bend, -1), 0.0)
    top = value - 0.25 * (a - c) * offset
    hertz = np.where(found, 2.0 ** (_BOTTOM + (low + best + offset) / _PER_OCTAVE), 0.0)
    mean = s.mean(axis=1, keepdims=True)
    return Candidates(hertz, np.where(found, 1 - mean / np.maximum(top, 1e-12), 0.0))


class PitchPath:
    """The cheapest path through pitch candidates and silence, found in blocks.

    A voiced state costs its lack of voicing and the octaves that it lies above 400 Hz; a change of pitch costs its size in
    octaves; silence costs the voicing it passes over; onsets and ends of voice cost a constant. Frames are settled
    ``EVERY`` at a time once ``LAG`` later ones have been seen, at moments that depend on the frame number alone, so the path
    is the same however the signal was cut into blocks.
    """

    EVERY, LAG = 500, 40
    # Costs fitted so that voicing and pitch agree with openSMILE's over a sample of EmoDB and nEMO.
    LOCAL, LACK, SHRILL, SILENCE, MISSED, CHANGE, ONSET = 2.2, 17.0, 3.0, 0.56, 65.0, 3.0, 1.36

    def __init__(self) -> None:
        self._cost = np.zeros(CANDIDATES + 1)
        self._last = np.zeros(CANDIDATES + 1)  # log2 Hz of the states of the last frame; 0 for unvoiced
        self._back: list[np.ndarray] = []
        self._hertz: list[np.ndarray] = []

    def push(self, found: Candidates) -> np.ndarray:
        """Pitch in Hz (0 where unvoiced) of the frames that are settled now."""
        settled = []
        logs = np.log2(np.maximum(found.hertz, 1.0))
        lack = np.where(
            found.hertz > 0,
            self.LOCAL * (1 - found.voicing)
            + self.LACK * np.maximum(0, VOICED - found.voicing)
            + self.SHRILL * np.maximum(0, logs - np.log2(400.0)),
            50.0,
        )
        silence = self.SILENCE + self.MISSED * np.maximum(0, found.voicing.max(axis=1, initial=0) - VOICED)
        for i in range(len(logs)):
            settled.append(self._step(found.hertz[i], logs[i], lack[i], silence[i]))
        return np.concatenate(settled) if settled else np.zeros(0)

    def finish(self) -> np.ndarray:
        """Pitch of the frames that were still open."""
        return self._settle(len(self._back))

    def _step(self, hertz: np.ndarray, logs: np.ndarray, lack: np.ndarray, silence: float) -> np.ndarray:
        move = np.full((CANDIDATES + 1, CANDIDATES + 1), self.ONSET)
        move[:-1, :-1] = self.CHANGE * np.abs(self._last[:-1, None] - logs)
        move[-1, -1] = 0.0
        if not self._hertz:
            move[:] = 0.0
        total = self._cost[:, None] + move
        self._back.append(total.argmin(axis=0))
        self._cost = total.min(axis=0) + np.append(lack, silence)
        self._cost -= self._cost.min()
        self._last = np.append(logs, 0.0)
        self._hertz.append(np.append(hertz, 0.0))
        full = len(self._back) == self.EVERY + self.LAG
        return self._settle(self.EVERY) if full else np.zeros(0)

    def _settle(self, count: int) -> np.ndarray:
        if not self._back:
            return np.zeros(0)
        state = int(self._cost.argmin())
        path = np.zeros(len(self._back))
        for i in range(len(self._back) - 1, -1, -1):
            path[i] = self._hertz[i][state]
            state = int(self._back[i][state])
        self._back, self._hertz = self._back[count:], self._hertz[count:]
        return path[:count]
