"""Reverberation added to a clip by dose."""

from __future__ import annotations

import numpy as np
from scipy.signal import fftconvolve

from affectlens.explainers.interventions.registry import register_intervention

RATE = 16000
WET = 0.5  # energy of the room against that of the direct sound


@register_intervention("reverberation", "voice", doses=(0, 0.3, 0.6, 1.2), unit="s to fall by 60 dB", moves="reverberation")
def reverberation(samples: np.ndarray, dose: float) -> np.ndarray:
    """As in a room whose sound falls by 60 dB in ``dose`` seconds: noise that decays (Moorer 1979), the same for a dose."""
    if dose <= 0 or not len(samples):
        return samples.copy()
    length = round(dose * RATE)
    tail = np.random.default_rng(round(1000 * dose)).normal(size=length) * 10 ** (-3 * np.arange(length) / length)
    tail *= np.sqrt(WET / (tail**2).sum())
    wet = samples + fftconvolve(samples, np.r_[0.0, tail])[: len(samples)]
    level = np.sqrt((samples**2).mean() / max((wet**2).mean(), 1e-20))  # as loud as before: loudness is another dose
    return np.asarray(np.clip(wet * level, -1, 1))
