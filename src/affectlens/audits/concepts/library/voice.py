"""Concepts of the voice, from the 88 eGeMAPS functionals (columns ``voice_<name>``), against the speaker's own habit."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import above, against_speaker, concept

_F0 = "voice_F0semitoneFrom27.5Hz_sma3nz_"
_PITCH, _RANGE, _RISE = f"{_F0}amean", f"{_F0}pctlrange0-2", f"{_F0}meanRisingSlope"
_LOUD = "voice_loudness_sma3_amean"
_RATE = "voice_loudnessPeaksPerSec"
_JITTER, _SHIMMER, _HNR = "voice_jitterLocal_sma3nz_amean", "voice_shimmerLocaldB_sma3nz_amean", "voice_HNRdBACF_sma3nz_amean"
_PAUSE = "voice_MeanUnvoicedSegmentLength"
_TILT = "voice_alphaRatioV_sma3nz_amean"


def _more(rows: pd.DataFrame, column: str, by: float = 1.0, sign: int = 1) -> np.ndarray:
    return above(sign * against_speaker(rows[column], rows), by)


@concept("high pitch", "voice", "mean pitch at least one deviation above the speaker's own median", _PITCH)
def _high_pitch(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _PITCH)


@concept("lively pitch", "voice", "range of pitch at least one deviation above the speaker's own median", _RANGE)
def _lively_pitch(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _RANGE)


@concept("rising pitch", "voice", "mean slope of rises at least one deviation above the speaker's own median", _RISE)
def _rising_pitch(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _RISE)


@concept("loud", "voice", "mean loudness at least one deviation above the speaker's own median", _LOUD)
def _loud(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _LOUD)


@concept("fast", "voice", "peaks of loudness (about syllables) a second at least one deviation above the speaker's own", _RATE)
def _fast(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _RATE)


@concept("trembling", "voice", "jitter and shimmer together one deviation above the speaker's own median", _JITTER, _SHIMMER)
def _trembling(rows: pd.DataFrame) -> np.ndarray:
    both = (against_speaker(rows[_JITTER], rows) + against_speaker(rows[_SHIMMER], rows)) / 2
    return above(both, 1.0)


@concept("breathy", "voice", "harmonics-to-noise ratio at least one deviation below the speaker's own median", _HNR)
def _breathy(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _HNR, sign=-1)


@concept("pressed", "voice", "energy above 1 kHz against below at least one deviation above the speaker's own median", _TILT)
def _pressed(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _TILT)


@concept("pauses", "voice", "mean unvoiced stretch at least one deviation above the speaker's own median", _PAUSE)
def _pauses(rows: pd.DataFrame) -> np.ndarray:
    return _more(rows, _PAUSE)


def with_voice(rows: pd.DataFrame, functionals: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    """The rows with a column ``voice_<name>`` of each functional ``(n, 88)``; a row of zeros was not measured."""
    known = np.abs(functionals).sum(axis=1, keepdims=True) > 0
    columns = pd.DataFrame(np.where(known, functionals, np.nan), columns=[f"voice_{n}" for n in names], index=rows.index)
    return pd.concat([rows, columns], axis=1)
