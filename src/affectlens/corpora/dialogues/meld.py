"""MELD (Poria et al. 2019): dialogues of a television series, text, speakers, times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.labels import canonical
from affectlens.core.untrusted.sheets import numbers, read_sheet
from affectlens.corpora.account import count_found, each_once
from affectlens.corpora.base import CorpusInfo, register_corpus, with_splits
from affectlens.corpora.dialogues.base import DialogueCorpus, dialogue_set
from affectlens.corpora.texts.goemotions import GOEMOTIONS_EKMAN

MELD = CorpusInfo(
    "meld",
    "MELD, Multimodal EmotionLines Dataset (text)",
    "words",
    "GPL-3.0 repository; dialogue of a television series, for local use",
    "https://github.com/declare-lab/MELD",
    "a folder with train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv",
    ("train", "dev", "test"),
    disjoint=("train", "dev", "test"),
)


@register_corpus(MELD)
class Meld(DialogueCorpus):
    """Utterances with one of seven labels; speakers are told apart within a dialogue by name.

    Keys (``dia0_utt0``) begin anew in each split, as published; the dialogue (``train_0``) tells them apart.

    Raises
    ------
    CorpusError
        None of the three tables is there, or one lacks a column.
    """

    info = MELD
    scheme = GOEMOTIONS_EKMAN

    def __init__(self, path: Path) -> None:
        self.sets = {}
        for split in MELD.splits:
            source = path / f"{split}_sent_emo.csv"
            if not source.exists():
                continue
            frame = read_sheet(source).frame
            needed = {"Utterance", "Speaker", "Emotion", "Dialogue_ID", "Utterance_ID"}
            if not needed <= set(frame.columns):
                raise CorpusError(f"{source}: columns {list(frame.columns)[:8]}; expected {sorted(needed)}")
            rows = pd.DataFrame(
                {
                    "key": [
                        f"dia{dialogue}_utt{utterance}"
                        for dialogue, utterance in zip(frame.Dialogue_ID, frame.Utterance_ID, strict=True)
                    ],
                    "dialogue": [f"{split}_{dialogue}" for dialogue in frame.Dialogue_ID],
                    "turn": numbers(frame.Utterance_ID).astype(int),
                    "speaker": frame.Speaker,
                    "text": frame.Utterance.map(_mended),
                    "start": _seconds(frame, "StartTime"),
                    "end": _seconds(frame, "EndTime"),
                    "label": frame.Emotion.map(canonical),
                }
            )
            rows["labels"] = [(label,) for label in rows.label]
            count_found(len(rows), "utterances")
            rows = pd.DataFrame(each_once(rows.to_dict("records"), "key"))
            self.sets[split] = dialogue_set("meld", GOEMOTIONS_EKMAN.labels, rows, {})
        self.info = with_splits(MELD, self.sets, path)


def _seconds(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Times such as ``00:16:16,059`` within the episode."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    return np.asarray(pd.to_timedelta(frame[column].astype(str).str.replace(",", "."), errors="coerce").dt.total_seconds())


def _mended(text: str) -> str:
    """The published csv holds Windows-1252 quotes read as control characters."""
    return str(text).translate({0x91: "'", 0x92: "'", 0x93: '"', 0x94: '"', 0x96: "-", 0x97: "-", 0x85: "..."})
