"""Formants from the poles of a linear predictor (Markel & Gray 1976)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import fft

from affectlens.perception.voice.spectra import RATE, SHORT, SHORT_FFT

TARGET = 11000  # Hz: five formants of a human voice lie below half of it
ORDER = 11
LOWEST, HIGHEST = 50.0, 5450.0
WIDEST = 700.0
COUNT = 3
_WHITE = 1e-6  # a touch of white noise (-60 dB) keeps the recursion stable where a signal is a few tones
_RESAMPLED = SHORT_FFT * TARGET // RATE  # points of a spectrum at 11 kHz


@dataclass(frozen=True)
class Formants:
    """Frequency and bandwidth in Hz of the first three formants, ``(n, 3)`` each; 0 where there are fewer."""

    frequency: np.ndarray
    bandwidth: np.ndarray


@cache
def _emphasis() -> np.ndarray:
    angles = 2 * np.pi * np.arange(_RESAMPLED // 2 + 1) / SHORT_FFT
    return np.asarray(np.abs(1 - np.exp(-2 * np.pi * 50 / RATE) * np.exp(-1j * angles)) ** 2)


def predictor(spectrum: np.ndarray) -> np.ndarray:
    """Linear predictor of frames at 11 kHz: ``x[t] ~ sum a[k] x[t-1-k]``.

    The autocorrelation is that of the signal with its highs raised by 6 dB an octave from 50 Hz on, resampled to 11 kHz,
    taken from the power spectrum below 5.5 kHz.

    Parameters
    ----------
    spectrum : (n, 257) array
        Of 20 ms frames.

    Returns
    -------
    (n, 11) array
        Coefficients.
    """
    power = np.abs(spectrum[:, : _RESAMPLED // 2 + 1]) ** 2 * _emphasis()
    return levinson(fft.irfft(power, _RESAMPLED, axis=1)[:, : ORDER + 1].astype(np.float64))


def compatible_predictor(spectrum: np.ndarray) -> np.ndarray:
    """The predictor as openSMILE 3's eGeMAPS computes it, with its faults, found by comparing its stages with theory.

    It resamples from the bins below 3.4 kHz alone; it pads frames on both sides, then keeps the first 20 ms of the padded
    frame, which cuts the window off; and it takes the predictor's sign the other way round, so its formants are those of
    another filter.

    Parameters
    ----------
    spectrum : (n, 257) array
        Of 20 ms frames.

    Returns
    -------
    (n, 11) array
        Coefficients.
    """
    width = SHORT * TARGET // RATE
    frame = fft.irfft(spectrum[:, : width // 2], _RESAMPLED, axis=1)
    pad = (_RESAMPLED - width) // 2
    cut = np.concatenate([frame[:, -pad:], frame[:, : width - pad]], axis=1)
    power = np.abs(fft.rfft(cut, 2 * width, axis=1)) ** 2
    return -levinson(fft.irfft(power, axis=1)[:, : ORDER + 1].astype(np.float64))


def levinson(r: np.ndarray) -> np.ndarray:
    """The Levinson–Durbin recursion on autocorrelations ``(n, order + 1)``; predictors ``(n, order)``, zeros for silence."""
    count, order = len(r), r.shape[1] - 1
    a = np.zeros((count, order))
    r = r / np.maximum(r[:, :1], 1e-12)
    error = np.full(count, 1 + _WHITE)
    for k in range(order):
        reflection = np.clip((r[:, k + 1] - (a[:, :k] * r[:, k:0:-1]).sum(axis=1)) / error, -1, 1)
        a[:, :k] -= reflection[:, None] * a[:, :k][:, ::-1]
        a[:, k] = reflection
        error = np.maximum(error * (1 - reflection**2), 1e-12)
    return a


def formants(coefficients: np.ndarray, widest: float = WIDEST) -> Formants:
    """Formants of frames given by their linear predictors, lowest first.

    A pole at radius r and angle w gives frequency ``w fs / 2 pi`` and bandwidth ``-ln(r) fs / pi``.

    Parameters
    ----------
    coefficients : (n, 11) array
        Predictors.
    widest : float
        Wider poles, in Hz, shape the slope of the spectrum and are none.

    Returns
    -------
    Formants
        Three a frame, 0 where there are fewer.
    """
    count = len(coefficients)
    companion = np.zeros((count, ORDER, ORDER))
    companion[:, 0] = coefficients
    companion[:, np.arange(1, ORDER), np.arange(ORDER - 1)] = 1.0
    poles = np.linalg.eigvals(companion) if count else np.zeros((0, ORDER), dtype=complex)
    hertz = np.angle(poles) * TARGET / (2 * np.pi)
    width = -np.log(np.clip(np.abs(poles), 1e-6, None)) * TARGET / np.pi
    usable = (hertz > LOWEST) & (hertz < HIGHEST) & (width < widest)
    order = np.argsort(np.where(usable, hertz, np.inf), axis=1, kind="stable")[:, :COUNT]
    there = np.take_along_axis(usable, order, 1)
    return Formants(
        np.where(there, np.take_along_axis(hertz, order, 1), 0.0), np.where(there, np.take_along_axis(width, order, 1), 0.0)
    )
