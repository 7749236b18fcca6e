"""Concepts of the voice, from the 88 eGeMAPS functionals (columns ``voice_<name>``), against the speaker's own habit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import above, against_speaker, beyond_own_median, concept

_F0 = "voice_F0semitoneFrom27.5Hz_sma3nz_"
_PITCH, _RANGE, _RISE = f"{_F0}amean", f"{_F0}pctlrange0-2", f"{_F0}meanRisingSlope"
_LOUD = "voice_loudness_sma3_amean"
_RATE = "voice_loudnessPeaksPerSec"
_JITTER, _SHIMMER, _HNR = "voice_jitterLocal_sma3nz_amean", "voice_shimmerLocaldB_sma3nz_amean", "voice_HNRdBACF_sma3nz_amean"
_PAUSE = "voice_MeanUnvoicedSegmentLength"
_TILT = "voice_alphaRatioV_sma3nz_amean"


beyond_own_median("high pitch", "voice", "mean pitch at least one deviation above the speaker's own median", _PITCH)
beyond_own_median("lively pitch", "voice", "range of pitch at least one deviation above the speaker's own median", _RANGE)
beyond_own_median("rising pitch", "voice", "mean slope of rises at least one deviation above the speaker's own median", _RISE)
beyond_own_median("loud", "voice", "mean loudness at least one deviation above the speaker's own median", _LOUD)
beyond_own_median(
    "fast", "voice", "peaks of loudness (about syllables) a second at least one deviation above the speaker's own", _RATE
)


@concept("trembling", "voice", "jitter and shimmer together one deviation above the speaker's own median", _JITTER, _SHIMMER)
def _trembling(rows: pd.DataFrame) -> np.ndarray:
    both = (against_speaker(rows[_JITTER], rows) + against_speaker(rows[_SHIMMER], rows)) / 2
    return above(both, 1.0)


beyond_own_median(
    "breathy", "voice", "harmonics-to-noise ratio at least one deviation below the speaker's own median", _HNR, sign=-1
)
beyond_own_median(
    "pressed", "voice", "energy above 1 kHz against below at least one deviation above the speaker's own median", _TILT
)
beyond_own_median("pauses", "voice", "mean unvoiced stretch at least one deviation above the speaker's own median", _PAUSE)


def with_voice(rows: pd.DataFrame, functionals: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """The rows with a column ``voice_<name>`` of each functional ``(n, 88)``; a row of zeros was not measured."""
    measured = np.abs(functionals).sum(axis=1, keepdims=True) > 0
    columns = pd.DataFrame(
        np.where(measured, functionals, np.nan), columns=[f"voice_{name}" for name in names], index=rows.index
    )
    return pd.concat([rows, columns], axis=1)
