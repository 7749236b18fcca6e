"""Concepts of the dialogue: who takes the turn from whom, how long, and what went before."""

from __future__ import annotations

import numpy as np
import pandas as pd

from affectlens.audits.concepts.library.base import above, concept
from affectlens.audits.concepts.library.lexicon import EMPTY
from affectlens.audits.concepts.library.words import tokens

_GAP = 30.0  # seconds after which two turns are of different scenes, whatever their numbers say


def previous(rows: pd.DataFrame, other: bool = False) -> np.ndarray:
    """Row of the previous utterance of the same dialogue.

    Parameters
    ----------
    rows : DataFrame
        Utterances in order.
    other : bool
        The last one of another speaker instead.

    Returns
    -------
    array (n,) of int
        -1 for none.
    """
    out = np.full(len(rows), -1)
    dialogue, speaker = rows.dialogue.to_numpy(dtype=str), rows.speaker.to_numpy(dtype=str)
    for i in range(1, len(rows)):
        j = i - 1
        while j >= 0 and dialogue[j] == dialogue[i] and other and speaker[j] == speaker[i]:
            j -= 1
        if j >= 0 and dialogue[j] == dialogue[i]:
            out[i] = j
    return out


def _gap(rows: pd.DataFrame) -> np.ndarray:
    """Seconds from the end of another speaker's previous turn to the start of this one; NaN where that is not known."""
    before = previous(rows)
    gap = rows.start.to_numpy(dtype=float) - rows.end.to_numpy(dtype=float)[before]
    speaker = rows.speaker.to_numpy(dtype=str)
    valid = (before >= 0) & (speaker != speaker[before]) & (np.abs(gap) < _GAP)
    return np.where(valid, gap, np.nan)


@concept("interruption", "dialogue", "begins at least 0.2 s before another speaker's turn ends", "start", "end", "speaker")
def _interruption(rows: pd.DataFrame) -> np.ndarray:
    return above(-_gap(rows), 0.2)


@concept("overlap", "dialogue", "shares any time with another speaker's previous turn", "start", "end", "speaker")
def _overlap(rows: pd.DataFrame) -> np.ndarray:
    return above(-_gap(rows), 0.0)


@concept(
    "long silence before", "dialogue", "begins at least 1.5 s after another speaker's turn has ended", "start", "end", "speaker"
)
def _silence_before(rows: pd.DataFrame) -> np.ndarray:
    return above(_gap(rows), 1.5)


@concept("long turn", "dialogue", "among the tenth of the corpus's utterances with the most words", "text")
def _long_turn(rows: pd.DataFrame) -> np.ndarray:
    count = np.array([len(tokens(text)) for text in rows.text], dtype=float)
    count[count == 0] = np.nan
    return above(count, float(np.nanquantile(count, 0.9)))


@concept("opening", "dialogue", "first utterance of its dialogue", "dialogue")
def _opening(rows: pd.DataFrame) -> np.ndarray:
    return (previous(rows) < 0).astype(float)


@concept("answers another", "dialogue", "the utterance before it was another speaker's", "speaker")
def _answers(rows: pd.DataFrame) -> np.ndarray:
    before = previous(rows)
    speaker = rows.speaker.to_numpy(dtype=str)
    return np.where(before >= 0, (speaker != speaker[before]).astype(float), np.nan)


@concept("topic shift", "dialogue", "three content words at least, none of them in the three utterances before", "text")
def _topic_shift(rows: pd.DataFrame) -> np.ndarray:
    content = [set(tokens(text)) - EMPTY for text in rows.text]
    before = previous(rows)
    out = np.full(len(rows), np.nan)
    for i, words in enumerate(content):
        recent: set[str] = set()
        j, steps = int(before[i]), 0
        while j >= 0 and steps < 3:
            recent |= content[j]
            j, steps = int(before[j]), steps + 1
        if steps and len(words) >= 3 and recent:
            out[i] = float(not words & recent)
    return out


def _partner(rows: pd.DataFrame, column: str) -> np.ndarray:
    """A column's value at the partner's last utterance, NaN where there is none."""
    before = previous(rows, other=True)
    return np.where(before >= 0, rows[column].to_numpy(dtype=float)[before], np.nan)


@concept(
    "partner was unpleasant",
    "dialogue",
    "the partner's last words are in the lower quarter of valence norms",
    "norm_valence",
    "speaker",
)
def _partner_unpleasant(rows: pd.DataFrame) -> np.ndarray:
    return above(-_partner(rows, "norm_valence"), -float(np.nanquantile(rows.norm_valence, 0.25)))


@concept(
    "partner was pleasant",
    "dialogue",
    "the partner's last words are in the upper quarter of valence norms",
    "norm_valence",
    "speaker",
)
def _partner_pleasant(rows: pd.DataFrame) -> np.ndarray:
    return above(_partner(rows, "norm_valence"), float(np.nanquantile(rows.norm_valence, 0.75)))


@concept(
    "partner expressed negative",
    "dialogue",
    "the shipped words model reads the partner's last words as anger, disgust, fear or sadness",
    "read_negative",
    "speaker",
)
def _partner_negative(rows: pd.DataFrame) -> np.ndarray:
    return above(_partner(rows, "read_negative"), 0.5)


@concept(
    "escalation",
    "dialogue",
    "arousal (loudness, or where there is no voice the words' norm) has risen over three utterances",
    "arousal_cue",
)
def _escalation(rows: pd.DataFrame) -> np.ndarray:
    cue = rows.arousal_cue.to_numpy(dtype=float)
    last = previous(rows)
    before_last = np.where(last >= 0, last[last], -1)
    valid = (last >= 0) & (before_last >= 0)
    rise = (cue > cue[last]) & (cue[last] > cue[before_last])
    measured = valid & np.isfinite(cue) & np.isfinite(cue[last]) & np.isfinite(cue[before_last])
    return np.where(measured, rise.astype(float), np.nan)


def with_cues(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with ``arousal_cue``: loudness where the voice was measured, else the arousal norm of the words."""
    for column in ("voice_loudness_sma3_amean", "norm_arousal"):
        if column in rows:
            return rows.assign(arousal_cue=rows[column])
    return rows
