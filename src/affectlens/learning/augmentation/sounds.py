"""Random changes of a sound as recordings differ: speed, tone of the microphone, room, noise, telephone, codec."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from affectlens.stats.generators import Rng, generator

RATE = 16000
_SPEED = 0.08  # most that speed, and pitch with it, differs
_TONE = 4.0  # deviation in dB of the microphone's gain at five frequencies
_AT = (0.0, 0.06, 0.15, 0.4, 1.0)  # those frequencies, as shares of half the rate
_DECAY = 0.15, 0.7  # seconds in which a room's echo falls by 60 dB
_DIRECT = 12.0  # most that the direct sound is above the echo, dB
_NOISE = 8.0, 35.0  # dB under the speech
_MU = 255  # of the telephone's companding


def augmented(sound: np.ndarray, rng: Rng) -> np.ndarray:
    """A sound as another recording might have it; each change comes by chance.

    Parameters
    ----------
    sound : (n,) float array
        At 16 kHz.
    rng : numpy.random.Generator
        Draws the changes.

    Returns
    -------
    numpy.ndarray
        ``(m,)`` float32, of about the same length.

    Examples
    --------
    >>> tone = np.sin(np.arange(8000) / 20)
    >>> changed = augmented(tone, np.random.default_rng(0))
    >>> bool(np.isfinite(changed).all() and abs(len(changed) / 8000 - 1) < 0.1)
    True
    """
    rng = generator(rng)
    out = np.asarray(sound, np.float64)
    for chance, change in ((0.5, speed), (0.6, microphone), (0.4, room), (0.5, noise), (0.2, telephone)):
        if rng.random() < chance:
            out = change(out, rng)
    return out.astype(np.float32)


def speed(sound: np.ndarray, rng: Rng) -> np.ndarray:
    """Up to 8 % faster or slower, pitch with it."""
    rng = generator(rng)
    count = int(len(sound) / rng.uniform(1 - _SPEED, 1 + _SPEED))
    return np.asarray(np.interp(np.linspace(0, len(sound) - 1, count), np.arange(len(sound)), sound))


def microphone(sound: np.ndarray, rng: Rng) -> np.ndarray:
    """Through a microphone of another tone."""
    rng = generator(rng)
    spectrum = np.fft.rfft(sound)
    gain = np.interp(np.linspace(0, 1, len(spectrum)), _AT, rng.normal(0, _TONE, len(_AT)))
    return np.asarray(np.fft.irfft(spectrum * 10 ** (gain / 20), len(sound)))


def room(sound: np.ndarray, rng: Rng) -> np.ndarray:
    """In a room: noise that decays after the direct sound."""
    rng = generator(rng)
    count = int(rng.uniform(*_DECAY) * RATE)
    echo = rng.normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
    echo[0] = 0
    echo /= np.sqrt((echo**2).sum())
    echo[0] = 10 ** (rng.uniform(0, _DIRECT) / 20)
    return np.asarray(fftconvolve(sound, echo)[: len(sound)])


def noise(sound: np.ndarray, rng: Rng) -> np.ndarray:
    """With white, pink or brown noise under it."""
    rng = generator(rng)
    frequency = np.fft.rfftfreq(len(sound))
    spectrum = rng.normal(size=len(frequency)) + 1j * rng.normal(size=len(frequency))
    spectrum *= 1 / np.maximum(frequency, 1 / len(sound)) ** (rng.choice([0, 1, 2]) / 2)
    background = np.fft.irfft(spectrum, len(sound))
    background /= background.std() + 1e-9
    return np.asarray(sound + background * sound.std() * 10 ** (-rng.uniform(*_NOISE) / 20))


def telephone(sound: np.ndarray, rng: Rng) -> np.ndarray:
    """Over a telephone: 300 to 3400 Hz in eight bits of mu-law (ITU-T G.711)."""
    rng = generator(rng)
    narrow = sosfilt(butter(4, [300, 3400], "band", fs=RATE, output="sos"), sound)
    top = np.abs(narrow).max() + 1e-9
    companded = np.sign(narrow) * np.log1p(_MU * np.abs(narrow) / top) / np.log1p(_MU)
    steps = np.round(companded * 127) / 127
    return np.asarray(np.sign(steps) * np.expm1(np.abs(steps) * np.log1p(_MU)) / _MU * top)
