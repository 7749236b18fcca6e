"""Whether a clip went through a codec that left parts of its spectrum out."""

from __future__ import annotations

import numpy as np
from scipy.signal import stft

from affectlens.features.properties.registry import register_property
from affectlens.features.properties.voice import VoiceView

RATE = 16000
LOW, HIGH = 1000.0, 7000.0  # Hz
DEEP = 75.0  # dB under the loudest of its moment, from which a cell is a hole: recordings have noise there


@register_property(
    "coding holes", "voice", unit="share of the spectrum", says="parts between 1 and 7 kHz that a codec left empty",
    weak="a clip without any noise, or cut to a narrow band, looks coded",
)  # fmt: skip
def coding_holes(view: VoiceView) -> float | None:
    """Share of cells of the spectrogram between 1 and 7 kHz that lie 75 dB under the loudest of their moment."""
    if len(view.samples) < 4096:
        return None
    frequencies, _, spectrum = stft(view.samples, RATE, "blackman", 1024)
    power = np.abs(spectrum)
    loud = power.max(axis=0)
    heard = loud > 0.03 * loud.max()
    if not heard.any() or loud.max() <= 0:
        return None
    part = power[(frequencies >= LOW) & (frequencies <= HIGH)][:, heard]
    return float((part < loud[heard] * 10 ** (-DEEP / 20)).mean())
