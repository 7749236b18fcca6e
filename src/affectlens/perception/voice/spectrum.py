"""Descriptors of the short-time spectrum: loudness, band ratios, slopes, flux and cepstrum (Eyben et al. 2016, section 3)."""

from __future__ import annotations

from functools import cache

import numpy as np

from affectlens.perception.voice.spectra import RATE, SHORT_FFT

BANDS = 26
LIFTER = 22
_HERTZ = np.arange(SHORT_FFT // 2 + 1) * RATE / SHORT_FFT
_FLOOR = 1e-10
_LOUDNESS_SCALE = 1 / 677  # so that values lie near openSMILE's


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))


@cache
def mel_filters() -> tuple[np.ndarray, np.ndarray]:
    """Triangular filters ``(257, 26)`` equally spaced in mel from 20 to 8000 Hz, and their centres in Hz ``(26,)``."""
    edges = np.linspace(_mel(20.0), _mel(8000.0), BANDS + 2)
    mel = _mel(_HERTZ)[:, None]
    rise = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    weights = np.clip(np.minimum(rise, fall), 0, None)
    centres = 700.0 * np.expm1(edges[1:-1] / 1127.0)
    return weights.astype(np.float32), centres


@cache
def _equal_loudness() -> np.ndarray:
    """Hermansky's (1990) equal-loudness weight of each mel band, with the fall above 5 kHz."""
    w2 = (2 * np.pi * mel_filters()[1]) ** 2
    weight = (w2 + 56.8e6) * w2**2 / ((w2 + 6.3e6) ** 2 * (w2 + 0.38e9) * (w2**3 + 9.58e26))
    return np.asarray(weight * 1e32)


def loudness(power: np.ndarray) -> np.ndarray:
    """Perceived loudness: the sum over mel bands of the equal-loudness power to the 0.33.

    Parameters
    ----------
    power : (n, 257) array
        Power spectrum, here and below.

    Returns
    -------
    (n,) array
        Without unit.
    """
    bands = power @ mel_filters()[0]
    return np.asarray(((bands * _equal_loudness()) ** 0.33).sum(axis=1) * _LOUDNESS_SCALE)


def _decibels(power: np.ndarray) -> np.ndarray:
    return np.asarray(10 * np.log10(np.maximum(power, _FLOOR)))


def _band(low: float, high: float) -> np.ndarray:
    return np.asarray(np.abs(_HERTZ - (low + high) / 2) <= (high - low) / 2)


def alpha_ratio(power: np.ndarray) -> np.ndarray:
    """Energy in 1–5 kHz over energy in 50–1000 Hz (from the bin that holds 50 Hz), dB."""
    high, low = power[:, _band(1000, 5000)].sum(axis=1), power[:, _band(31, 999)].sum(axis=1)
    return np.asarray(_decibels(high) - _decibels(low))


def hammarberg_index(power: np.ndarray) -> np.ndarray:
    """Strongest peak in 0–2 kHz over strongest in 2–5 kHz, dB (Hammarberg et al. 1980)."""
    low, high = power[:, _band(0, 2000)].max(axis=1), power[:, _band(2000, 5000)].max(axis=1)
    return np.asarray(_decibels(low) - _decibels(high))


def slope(power: np.ndarray, low: float, high: float, *, one_short: bool = False) -> np.ndarray:
    """Slope of the level over a band by linear regression.

    Parameters
    ----------
    power : (n, 257) array
        Power spectrum.
    low, high : float
        Ends of the band, Hz.
    one_short : bool
        Count one bin too few, as openSMILE's does: the slope then leans on the level.

    Returns
    -------
    (n,) array
        dB per Hz.
    """
    inside = _band(low, high)
    hertz, count = _HERTZ[inside], int(inside.sum()) - one_short
    weight = (count * hertz - hertz.sum()) / (count * (hertz @ hertz) - hertz.sum() ** 2)
    return np.asarray(_decibels(power[:, inside]) @ weight)


def flux(magnitude: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
    """Root mean squared change of the magnitude spectrum below 5 kHz from the frame before.

    Parameters
    ----------
    magnitude : (n, 257) array
        Of 20 ms frames.
    before : (257,) array
        The frame before the first.

    Returns
    -------
    (n,) array
        0 in the first of all.
    """
    below = magnitude[:, _band(0, 5000)]
    first = below[:1] if before is None else before[None, _band(0, 5000)]
    change = np.diff(np.concatenate([first, below]), axis=0)
    return np.asarray(np.sqrt((change**2).mean(axis=1)))


@cache
def _cosines() -> np.ndarray:
    numbers = np.arange(1, 5)
    base = np.sqrt(2 / BANDS) * np.cos(np.pi / BANDS * np.outer(np.arange(BANDS) + 0.5, numbers))
    return np.asarray(base * (1 + LIFTER / 2 * np.sin(np.pi * numbers / LIFTER)))


def cepstrum(power: np.ndarray) -> np.ndarray:
    """Mel-frequency cepstral coefficients 1 to 4 ``(n, 4)``, liftered."""
    bands = power @ mel_filters()[0] * 32767.0**2
    return np.asarray(np.log(np.maximum(bands, 1e-8)) @ _cosines())
