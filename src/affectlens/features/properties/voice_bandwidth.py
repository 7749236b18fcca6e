"""Up to which frequency a clip has anything to hear."""

from __future__ import annotations

import numpy as np
from scipy.signal import welch

from affectlens.features.properties.registry import register_property
from affectlens.features.properties.voice import VoiceView

RATE = 16000
REACH = 60.0  # dB under the loudest band, within which something is there


@register_property(
    "bandwidth", "voice", unit="kHz", says="the highest frequency within 60 dB of the loudest",
    weak="noise of the whole band counts as something; a clip without fricatives has little above 4 kHz",
)  # fmt: skip
def bandwidth(view: VoiceView) -> float | None:
    """The highest frequency whose long-term level lies within 60 dB of the loudest, up to half of the sampling rate."""
    if len(view.samples) < 1024 or not np.any(view.samples):
        return None
    frequencies, power = welch(view.samples, RATE, nperseg=512)
    levels = 10 * np.log10(power + 1e-20)
    inside = frequencies[levels >= levels.max() - REACH]
    return float(inside.max()) / 1000
