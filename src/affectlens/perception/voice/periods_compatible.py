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

    def __init__(self, x: np.ndarray) -> None:
        self.x = np.ascontiguousarray(x, dtype=np.float64)
        self._total = np.concatenate([[0.0], np.cumsum(self.x)])
        self._square = np.concatenate([[0.0], np.cumsum(self.x * self.x)])

    def correlations(self, at: int, low: int, high: int) -> np.ndarray:
        """Correlation of the first ``lag`` samples from ``at`` with the next ``lag``, for each lag from ``low`` to ``high``."""
        shifted = np.ndarray((high - low + 1, high), np.float64, self.x, 8 * (at + low), (8, 8))
        product = (shifted * _triangle(low, high)) @ self.x[at : at + high]
        middle, end = slice(at + low, at + high + 1), slice(at + 2 * low, at + 2 * high + 1, 2)
        lags = np.arange(low, high + 1)
        one, two = self._total[middle] - self._total[at], self._total[end] - self._total[middle]
        spread = (self._square[middle] - self._square[at] - one * one / lags) * (
            self._square[end] - self._square[middle] - two * two / lags
        )
        return np.asarray((product - one * two / lags) / np.sqrt(np.maximum(spread, 1e-20)))


def _range(x: np.ndarray) -> float:
    return float(x.max() - x.min())


def _best(match: np.ndarray) -> int:
    """The highest inner local maximum but the last, -1 where there is none."""
    inner = match[1:-2]
    peak = np.flatnonzero((inner > match[:-3]) & (inner > match[2:-1]))
    return int(peak[inner[peak].argmax()]) + 1 if len(peak) else -1


def _top(match: np.ndarray, k: int) -> tuple[float, float]:
    """Place and height of a peak by a parabola."""
    a, b, c = match[k - 1], match[k], match[k + 1]
    offset = 0.5 * (a - c) / (a - 2 * b + c)
    return k + float(offset), float(b - 0.25 * (a - c) * offset)


def compatible_jitter_and_shimmer(x: np.ndarray, hertz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Jitter (share of the period) and shimmer (dB) of each frame ``(n,)``; ``hertz`` is its pitch, 0 where unvoiced."""
    signal = _Wave(x)
    jitter, shimmer = np.zeros(len(hertz)), np.zeros(len(hertz))
    at = behind = 0
    last = kept_jitter = kept_shimmer = 0.0
    for i, f in enumerate(hertz):
        wanted = STEP + behind
        if f <= 0:
            at, behind, last, kept_jitter, kept_shimmer = at + wanted, 0, 0.0, 0.0, 0.0
            continue
        period = RATE / f
        low, high = int((1 - SEARCH) * period), int(np.ceil((1 + SEARCH) * period))
        length = min(max(wanted, 2 * high + 2), behind + LONG)
        wave = signal.x[at : at + length]
        start = reached = 0
        lengths: list[float] = []
        changes: list[float] = []
        sizes, moves = 0.0, 0.0
        while start < len(wave) - 2 * high - 1:
            match = signal.correlations(at + start, low, high)
            k = _best(match)
            if k < 0:
                start += round(period)
            else:
                place, height = _top(match, k)
                one = wave[start + 1 : start + low + k - 1]
                start += low + k
                two = wave[start + 1 : start + low + k - 1]
                if height > SIMILAR and len(two):
                    exact = low + place
                    lengths.append(exact)
                    if last > 0:
                        changes.append(abs(last - exact))
                    last = exact
                    a, b = _range(one), _range(two)
                    sizes += (a + b) / 2
                    moves += abs(a - b)
            if start < wanted - 1:
                reached = start
        behind = wanted - reached
        at += reached
        if lengths:
            kept_shimmer = min(moves / sizes, 1.0) if sizes > 0 else 0.0
            if changes:
                kept_jitter = min(sum(changes) / len(changes) * len(lengths) / sum(lengths), 1.0)
                jitter[i] = kept_jitter
        else:
            jitter[i] = kept_jitter
        shimmer[i] = 20 * np.log10(1 + kept_shimmer)
    return jitter, shimmer
