"""Frames of audio and their spectra: the two views of a signal that every acoustic descriptor is computed from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from scipy import fft

RATE = 16000
STEP = 160  # samples between frames: 10 ms
SHORT = 320  # 20 ms, for spectrum, loudness and formants
LONG = 960  # 60 ms, for pitch and harmonics
SHORT_FFT, LONG_FFT = 512, 1024


def frame_count(samples: int, size: int) -> int:
    """Whole frames of ``size`` samples in a signal, one every ``STEP``."""
    return max(0, (samples - size) // STEP + 1)


def frames(signal: np.ndarray, size: int) -> np.ndarray:
    """Overlapping frames ``(n, size)`` of a signal ``(samples,)``, as a view."""
    if len(signal) < size:
        return np.zeros((0, size), dtype=signal.dtype)
    return np.lib.stride_tricks.sliding_window_view(signal, size)[::STEP]


@cache
def hamming() -> np.ndarray:
    """The 20 ms Hamming window ``(SHORT,)`` float32."""
    return np.asarray(np.hamming(SHORT), dtype=np.float32)


@cache
def gauss() -> np.ndarray:
    """The 60 ms Gaussian window ``(LONG,)`` float32, sigma 0.4 of the half length."""
    half = (LONG - 1) / 2
    return np.asarray(np.exp(-(((np.arange(LONG) - half) / (0.4 * half)) ** 2) / 2), dtype=np.float32)


@dataclass(frozen=True)
class Spectra:
    """Spectra of frames every 10 ms.

    Attributes
    ----------
    short : (n, 257) complex array
        Of 20 ms frames.
    long : (n, 513) array
        Magnitudes of 60 ms frames.
    rms : (n,) array
        Of the windowed long frames.
    power : (n,) array
        Mean square of the short frames.
    """

    short: np.ndarray
    long: np.ndarray
    rms: np.ndarray
    power: np.ndarray

    def part(self, first: int, last: int) -> Spectra:
        """The frames from ``first`` to before ``last``."""
        return Spectra(*(getattr(self, entry.name)[first:last] for entry in fields(self)))

    @staticmethod
    def join(parts: list[Spectra]) -> Spectra:
        """Frames one after another."""
        if len(parts) == 1:
            return parts[0]
        return Spectra(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(Spectra)))


def spectra(signal: np.ndarray, *, centred: bool = True) -> Spectra:
    """Spectra of a signal; as many frames as whole 60 ms windows fit.

    Parameters
    ----------
    signal : (samples,) float32 array
        In [-1, 1] at 16 kHz.
    centred : bool
        Whether the 20 ms frame lies in the middle of the 60 ms frame, or at its start.

    Returns
    -------
    Spectra
        Of all frames.
    """
    count = frame_count(len(signal), LONG)
    short = frames(signal[(LONG - SHORT) // 2 :] if centred else signal, SHORT)[:count]
    windowed = frames(signal, LONG) * gauss()
    return Spectra(
        fft.rfft(short * hamming(), SHORT_FFT, axis=1),
        np.abs(fft.rfft(windowed, LONG_FFT, axis=1)),
        np.sqrt(np.mean(windowed**2, axis=1)),
        np.mean(short**2, axis=1),
    )
