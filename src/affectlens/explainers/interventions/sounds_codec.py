"""A clip coded as MP3 and decoded again, by dose."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np

from affectlens.explainers.interventions.registry import register_intervention

RATE, MOST = 16000, 64


@register_intervention("codec", "voice", doses=(0, 32, 48, 56), unit="kbit/s less than 64 (MP3)", moves="coding holes")
def codec(samples: np.ndarray, dose: float) -> np.ndarray:
    """Coded as MP3 with ``64 - dose`` kbit/s and decoded, cut to the samples that were there; dose 0 leaves it as it is."""
    if dose <= 0 or len(samples) < 2048:
        return samples.copy()
    import av

    from affectlens.media.container import open_memory

    file = io.BytesIO()
    with open_memory(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        stream.bit_rate = round((MOST - dose) * 1000)
        frame = av.AudioFrame.from_ndarray(np.clip(samples, -1, 1)[None].astype(np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    file.seek(0)
    with open_memory(file, "r") as coded:
        decoded = [part.to_ndarray() for part in coded.decode(audio=0)]
    heard = np.concatenate([part.mean(axis=0) if part.ndim > 1 else part for part in decoded]).astype(np.float64)
    late = _delay(samples, heard)
    out = np.zeros(len(samples))
    kept = heard[late : late + len(samples)]
    out[: len(kept)] = kept
    return out


def _delay(samples: np.ndarray, heard: np.ndarray) -> int:
    """Samples by which the decoder comes late, from the correlation of both."""
    from scipy.signal import correlate

    reach = min(len(samples), RATE)
    lags = correlate(heard[: reach + 4096], samples[:reach], "valid")
    return int(np.argmax(lags)) if len(lags) else 0
