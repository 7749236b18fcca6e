"""Changes of a spoken clip (16 kHz, mono, float) by dose.

Level, noise, tempo, pitch, formants, speed, telephone, coarse coding.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.signal import istft, resample_poly, sosfiltfilt, stft
from scipy.signal.windows import hann

from affectlens.explainers.interventions.registry import register_intervention

RATE = 16000


@register_intervention("level", "voice", doses=(-18, -9, 0, 6), unit="dB", moves="level")
def level(samples: np.ndarray, dose: float) -> np.ndarray:
    """Louder by ``dose`` dB; what would be clipped is clipped."""
    return np.clip(samples * 10 ** (dose / 20), -1, 1)


@register_intervention("noise", "voice", doses=(0, 20, 35, 50), unit="60 - dB under the voice", moves="signal to noise")
def noise(samples: np.ndarray, dose: float) -> np.ndarray:
    """White noise ``60 - dose`` dB under the clip's level; the same noise for the same length."""
    if dose <= 0:
        return samples.copy()
    power = float((samples**2).mean())
    white = np.random.default_rng(len(samples)).normal(0, np.sqrt(power * 10 ** (-(60 - dose) / 10)), len(samples))
    return np.clip(samples + white, -1, 1)


@register_intervention("tempo", "voice", doses=(-20, -10, 0, 10, 20), unit="% faster", moves="duration")
def tempo(samples: np.ndarray, dose: float) -> np.ndarray:
    """Faster by ``dose`` per cent at the same pitch (phase vocoder, Flanagan & Golden 1966)."""
    rate = 1 + dose / 100
    if dose == 0 or len(samples) < 2048:
        return samples.copy()
    hop, size = 128, 512
    _, _, spectrum = stft(samples, RATE, hann(size), size, size - hop)
    steps = np.arange(0, spectrum.shape[1] - 1, rate)
    low = steps.astype(int)
    part = steps - low
    magnitude = (1 - part) * np.abs(spectrum[:, low]) + part * np.abs(spectrum[:, np.minimum(low + 1, spectrum.shape[1] - 1)])
    expected = 2 * np.pi * hop * np.arange(size // 2 + 1) / size
    turn = np.angle(spectrum[:, np.minimum(low + 1, spectrum.shape[1] - 1)]) - np.angle(spectrum[:, low]) - expected[:, None]
    turn = turn - 2 * np.pi * np.round(turn / (2 * np.pi)) + expected[:, None]
    phase = np.angle(spectrum[:, :1]) + np.concatenate([np.zeros((len(turn), 1)), np.cumsum(turn[:, :-1], axis=1)], axis=1)
    _, out = istft(magnitude * np.exp(1j * phase), RATE, hann(size), size, size - hop)
    return np.asarray(out)


@register_intervention("pitch", "voice", doses=(-4, -2, 0, 2, 4), unit="semitones", moves="pitch")
def pitch(samples: np.ndarray, dose: float) -> np.ndarray:
    """Higher by ``dose`` semitones at the same length; formants move along."""
    factor = 2 ** (dose / 12)
    if dose == 0:
        return samples.copy()
    slow = tempo(samples, 100 * (1 / factor - 1))
    return np.asarray(resample_poly(slow, 1000, round(1000 * factor))[: len(samples)])


@register_intervention("formants", "voice", doses=(-15, -8, 0, 8, 15), unit="% higher")
def formants(samples: np.ndarray, dose: float) -> np.ndarray:
    """Formants higher by ``dose`` per cent at the same pitch and length, as of a shorter vocal tract.

    The envelope of each short spectrum (linear prediction of order 18, Markel & Gray 1976) is stretched, its harmonics stay.

    Returns
    -------
    ndarray
        The changed sound ``(n,)``.
    """
    if dose == 0 or len(samples) < 1024:
        return samples.copy()
    size, hop, order = 1024, 128, 18
    _, _, spectrum = stft(samples, RATE, hann(size), size, size - hop)
    lags = np.fft.irfft(np.abs(spectrum) ** 2, axis=0)[: order + 1].T
    change = np.zeros(spectrum.shape)
    bins = np.arange(size // 2 + 1)
    for frame, autocorrelation in enumerate(lags):
        if autocorrelation[0] <= 1e-12:
            continue
        # A little noise keeps the equations solvable in frames of few harmonics.
        coefficients = solve_toeplitz(np.r_[autocorrelation[0] * (1 + 1e-4), autocorrelation[1:-1]], autocorrelation[1:])
        envelope = -np.log(np.abs(np.fft.rfft(np.r_[1, -coefficients], size)) + 1e-9)
        change[:, frame] = np.interp(bins / (1 + dose / 100), bins, envelope) - envelope
    _, out = istft(spectrum * np.exp(np.clip(change, -8, 8)), RATE, hann(size), size, size - hop)
    return np.asarray(np.clip(np.asarray(out[: len(samples)]), -1, 1))


@register_intervention("speed", "voice", doses=(-15, 0, 15), unit="% faster", moves="pitch")
def speed(samples: np.ndarray, dose: float) -> np.ndarray:
    """Played faster by ``dose`` per cent: pitch, formants and tempo together."""
    return samples.copy() if dose == 0 else resample_poly(samples, 1000, round(1000 * (1 + dose / 100)))


@register_intervention("telephone", "voice", doses=(0, 0.5, 1), unit="share")
def telephone(samples: np.ndarray, dose: float) -> np.ndarray:
    """Blended with its band from 300 to 3,400 Hz; 1 is the band alone."""
    from scipy.signal import butter

    return np.asarray(samples * (1 - dose) + dose * sosfiltfilt(butter(4, [300, 3400], "band", fs=RATE, output="sos"), samples))


@register_intervention("coarse coding", "voice", doses=(0, 8, 11), unit="bits less", moves="signal to noise")
def coarse(samples: np.ndarray, dose: float) -> np.ndarray:
    """Coded by mu-law with ``16 - dose`` bits."""
    if dose <= 0:
        return samples.copy()
    steps = 2 ** (15 - dose) - 1
    small = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    kept = np.round(small * steps) / steps
    return np.asarray(np.sign(kept) * (256 ** np.abs(kept) - 1) / 255)
