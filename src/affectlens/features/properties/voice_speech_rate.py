"""How fast somebody speaks, by the peaks of loudness that syllables have."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from affectlens.features.properties.registry import register_property
from affectlens.features.properties.voice import VoiceView, frame_levels

DIP, REACH = 2.0, 25.0  # dB that the level falls on both sides of a syllable; dB under the loudest, within which peaks count


@register_property("speech rate", "voice", unit="syllables a second", says="how fast syllables follow each other",
                   weak="counts peaks of loudness, no syllables that run into each other; pauses count as time")  # fmt: skip
def speech_rate(view: VoiceView) -> float | None:
    """Peaks of the smoothed level with a dip of 2 dB on both sides, by second (after de Jong & Wempe 2009, without voicing)."""
    levels = frame_levels(view.samples)
    if len(levels) < 25:
        return None
    smooth = gaussian_filter1d(levels, 1.5)
    peaks, _ = find_peaks(smooth, height=smooth.max() - REACH, prominence=DIP)
    return len(peaks) / (len(view.samples) / 16000) if smooth.max() > -60 and np.isfinite(smooth).all() else None
