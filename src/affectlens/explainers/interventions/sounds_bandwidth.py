"""High frequencies taken from a clip by dose."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from affectlens.explainers.interventions.registry import register_intervention

RATE = 16000


@register_intervention("bandwidth", "voice", doses=(0, 2, 4, 5, 6), unit="kHz less than 8", moves="bandwidth")
def bandwidth(samples: np.ndarray, dose: float) -> np.ndarray:
    """Nothing above ``8 - dose`` kHz, as of narrow lines and old recordings (Butterworth of order 10, both ways)."""
    if dose <= 0 or len(samples) < 256:
        return samples.copy()
    return np.asarray(sosfiltfilt(butter(10, (8 - dose) * 1000, "low", fs=RATE, output="sos"), samples))
