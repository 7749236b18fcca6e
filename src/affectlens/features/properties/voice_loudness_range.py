"""How far loud and quiet parts of a clip lie apart."""

from __future__ import annotations

import numpy as np

from affectlens.features.properties.registry import register_property
from affectlens.features.properties.voice import VoiceView

RATE, WINDOW, HOP = 16000, 6400, 1600  # windows of 400 ms, 100 ms apart
QUIET, GATE = -70.0, 20.0  # dB of full scale, and dB under the mean of what is louder, below which windows do not count


@register_property(
    "loudness range", "voice", unit="dB", says="between quiet and loud parts, without pauses",
    weak="windows of 400 ms without the weighting of the ear; the standard takes 3 s, which clips do not have",
)  # fmt: skip
def loudness_range(view: VoiceView) -> float | None:
    """The 10th to the 95th percentile of gated levels, after EBU Tech 3342 (2016) with shorter windows."""
    starts = range(0, len(view.samples) - WINDOW + 1, HOP)
    powers = np.array([float((view.samples[start : start + WINDOW].astype(np.float64) ** 2).mean()) for start in starts])
    powers = powers[powers > 10 ** (QUIET / 10)]
    if len(powers) < 3:
        return None
    levels = 10 * np.log10(powers[powers > powers.mean() * 10 ** (-GATE / 10)])
    return float(np.percentile(levels, 95) - np.percentile(levels, 10))
