"""Jitter and shimmer as openSMILE's eGeMAPS configuration gives them, so that models made with it can be fed.

Periods are followed from frame to frame; those that correlate with the next period by more than a half take part. A frame in
which none does keeps the values of the one before it.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from affectlens.perception.voice.spectra import LONG, RATE, STEP

SEARCH = 0.1
SIMILAR = 0.5


@cache
def _triangle(low: int, high: int) -> np.ndarray:
    """For each lag from ``low`` to ``high`` ones for as many samples as the lag is long."""
    return (np.arange(high) < np.arange(low, high + 1)[:, None]).astype(np.float64)


class _Wave:
    """A signal with its running sums, so that a correlation over any stretch costs one product."""

    def __init__(self, signal: np.ndarray) -> None:
        self.samples = np.ascontiguousarray(signal, dtype=np.float64)
        self._total = np.concatenate([[0.0], np.cumsum(self.samples)])
        self._square = np.concatenate([[0.0], np.cumsum(self.samples * self.samples)])

    def correlations(self, at: int, low: int, high: int) -> np.ndarray:
        """Correlation of the first ``lag`` samples from ``at`` with the next ``lag``, for each lag from ``low`` to ``high``."""
        shifted = np.ndarray((high - low + 1, high), np.float64, self.samples, 8 * (at + low), (8, 8))
        product = (shifted * _triangle(low, high)) @ self.samples[at : at + high]
        middle, end = slice(at + low, at + high + 1), slice(at + 2 * low, at + 2 * high + 1, 2)
        lags = np.arange(low, high + 1)
        one, two = self._total[middle] - self._total[at], self._total[end] - self._total[middle]
        spread = (self._square[middle] - self._square[at] - one * one / lags) * (
            self._square[end] - self._square[middle] - two * two / lags
        )
        return np.asarray((product - one * two / lags) / np.sqrt(np.maximum(spread, 1e-20)))


def _range(period: np.ndarray) -> float:
    return float(period.max() - period.min())


def _best(match: np.ndarray) -> int:
    """The highest inner local maximum but the last, -1 where there is none."""
    inner = match[1:-2]
    peak = np.flatnonzero((inner > match[:-3]) & (inner > match[2:-1]))
    return int(peak[inner[peak].argmax()]) + 1 if len(peak) else -1


def _top(match: np.ndarray, lag: int) -> tuple[float, float]:
    """Place and height of a peak by a parabola."""
    before, top, after = match[lag - 1], match[lag], match[lag + 1]
    offset = 0.5 * (before - after) / (before - 2 * top + after)
    return lag + float(offset), float(top - 0.25 * (before - after) * offset)


def compatible_jitter_and_shimmer(samples: np.ndarray, hertz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Jitter and shimmer of each frame as openSMILE computes them.

    Parameters
    ----------
    samples : array
        The signal ``(samples,)`` at 16 kHz.
    hertz : array
        Pitch of each frame ``(n,)``, 0 where unvoiced.

    Returns
    -------
    tuple of array
        Jitter (share of the period) and shimmer (dB), each ``(n,)``.
    """
    signal = _Wave(samples)
    jitter, shimmer = np.zeros(len(hertz)), np.zeros(len(hertz))
    at = behind = 0
    last = kept_jitter = kept_shimmer = 0.0
    for frame, frequency in enumerate(hertz):
        wanted = STEP + behind
        if frequency <= 0:
            at, behind = at + wanted, 0
            last = kept_jitter = kept_shimmer = 0.0
            continue
        period = RATE / frequency
        low, high = int((1 - SEARCH) * period), int(np.ceil((1 + SEARCH) * period))
        length = min(max(wanted, 2 * high + 2), behind + LONG)
        wave = signal.samples[at : at + length]
        start = reached = 0
        lengths: list[float] = []
        changes: list[float] = []
        sizes, moves = 0.0, 0.0
        while start < len(wave) - 2 * high - 1:
            match = signal.correlations(at + start, low, high)
            lag = _best(match)
            if lag < 0:
                start += round(period)
            else:
                place, height = _top(match, lag)
                one = wave[start + 1 : start + low + lag - 1]
                start += low + lag
                two = wave[start + 1 : start + low + lag - 1]
                if height > SIMILAR and len(two):
                    exact = low + place
                    lengths.append(exact)
                    if last > 0:
                        changes.append(abs(last - exact))
                    last = exact
                    range_one, range_two = _range(one), _range(two)
                    sizes += (range_one + range_two) / 2
                    moves += abs(range_one - range_two)
            if start < wanted - 1:
                reached = start
        behind = wanted - reached
        at += reached
        if lengths:
            kept_shimmer = min(moves / sizes, 1.0) if sizes > 0 else 0.0
            if changes:
                kept_jitter = min(sum(changes) / len(changes) * len(lengths) / sum(lengths), 1.0)
                jitter[frame] = kept_jitter
        else:
            jitter[frame] = kept_jitter
        shimmer[frame] = 20 * np.log10(1 + kept_shimmer)
    return jitter, shimmer
