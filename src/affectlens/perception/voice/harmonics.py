"""Harmonics of voiced frames: their levels, those nearest the formants, and how periodic the frame is."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import fft

from affectlens.perception.voice.spectra import LONG_FFT, RATE, gauss

_BIN = RATE / LONG_FFT
NONE = -201.0  # dB: the level of a harmonic that is not there
COUNT = 100  # harmonics looked at
_REACH = 0.2  # a formant takes in the harmonics within a fifth of its frequency


def harmonic_levels(magnitude: np.ndarray, hertz: np.ndarray, *, between_bins: bool = True) -> np.ndarray:
    """Peak levels of the harmonics of voiced frames.

    A harmonic's peak is the strongest bin within half a fundamental of its place.

    Parameters
    ----------
    magnitude : (n, 513) array
        Spectra of 60 ms frames.
    hertz : (n,) array
        Pitch.
    between_bins : bool
        Whether the peak is raised to the top of a parabola through its neighbours.

    Returns
    -------
    (n, 100) array
        dB; above 8 kHz the level is ``NONE``.
    """
    count, bins = magnitude.shape
    level = 20 * np.log10(np.maximum(magnitude, 1e-10))
    if between_bins:
        left, here, right = level[:, :-2], level[:, 1:-1], level[:, 2:]
        bend = left - 2 * here + right
        top = here - (left - right) ** 2 / np.where(bend < 0, 8 * bend, -np.inf)
        level[:, 1:-1] = np.where((here > left) & (here >= right), top, here)
    edges = np.ceil((np.arange(1, COUNT + 2) - 0.5) * hertz[:, None] / _BIN).astype(np.int64)
    flat = np.minimum(edges, bins - 1) + np.arange(count)[:, None] * bins
    # One reduceat over the flattened spectra gives the maximum of every harmonic's stretch of bins.
    padded = np.append(level.ravel(), NONE)
    peaks = np.maximum.reduceat(padded, flat.ravel()).reshape(count, COUNT + 1)[:, :COUNT]
    return np.where(edges[:, 1:] <= bins, peaks, NONE)


def formant_levels(levels: np.ndarray, hertz: np.ndarray, formants: np.ndarray) -> np.ndarray:
    """Level of the strongest harmonic near each formant over that of the fundamental.

    Parameters
    ----------
    levels : (n, 100) array
        From ``harmonic_levels``.
    hertz : (n,) array
        Pitch.
    formants : (n, 3) array
        Hz.

    Returns
    -------
    (n, 3) array
        dB; the nearest harmonic counts where none lies within a fifth of the formant, and a formant of 0 Hz gives ``NONE``.
    """
    place = hertz[:, None] * np.arange(1, COUNT + 1)
    out = np.full(formants.shape, NONE)
    for number in range(formants.shape[1]):
        formant = formants[:, number : number + 1]
        near = np.where(np.abs(place - formant) <= _REACH * formant, levels, -np.inf).max(axis=1)
        nearest = np.clip(np.rint(formant[:, 0] / hertz).astype(int), 1, COUNT) - 1
        chosen = np.where(np.isfinite(near), near, levels[np.arange(len(formant)), nearest])
        out[:, number] = np.where(formant[:, 0] > 0, np.maximum(chosen - levels[:, 0], NONE), NONE)
    return out


@cache
def _window_correlation() -> np.ndarray:
    """Autocorrelation of the 60 ms window over its value at lag 0 ``(lags,)``."""
    acf = fft.irfft(np.abs(fft.rfft(gauss(), LONG_FFT)) ** 2)[: LONG_FFT // 2]
    return np.asarray(acf / acf[0])


def periodicity(magnitude: np.ndarray, hertz: np.ndarray, *, windowed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Harmonics-to-noise ratio and refined pitch of voiced frames (Boersma 1993).

    The ratio is ``10 log10(r / (1 - r))`` with r the peak of the normalised autocorrelation within a tenth of the period.

    Parameters
    ----------
    magnitude : (n, 513) array
        Spectra of 60 ms frames.
    hertz : (n,) array
        Pitch.
    windowed : bool
        Leave the window's own autocorrelation in; else it is divided out.

    Returns
    -------
    ratio, hertz : (n,) array
        dB and Hz.
    """
    acf = fft.irfft(magnitude**2, axis=1)[:, : LONG_FFT // 2].astype(np.float64)
    count, half = acf.shape
    if count == 0:
        return np.zeros(0), np.zeros(0)
    acf /= np.maximum(acf[:, :1], 1e-20)
    if not windowed:
        acf /= np.maximum(_window_correlation(), 0.05)
    period = RATE / hertz
    low = np.clip((0.9 * period).astype(int), 1, half - 3)
    high = np.clip((1.1 * period).astype(int) + 2, low + 1, half - 1)
    lags = np.arange(half)
    inside = (lags >= low[:, None]) & (lags < high[:, None])
    best = np.where(inside, acf, -np.inf).argmax(axis=1)
    row = np.arange(count)
    left, peak, right = acf[row, best - 1], acf[row, best], acf[row, best + 1]
    bend = left - 2 * peak + right
    top = (bend < 0) & (peak >= left) & (peak >= right)
    offset = np.where(top, 0.5 * (left - right) / np.where(top, bend, -1.0), 0.0)
    if not windowed:
        peak = peak - 0.25 * (left - right) * offset
    correlation = np.clip(peak, 1e-10, 1 - 1e-6)
    return np.asarray(10 * np.log10(correlation / (1 - correlation))), np.asarray(RATE / (best + offset))
