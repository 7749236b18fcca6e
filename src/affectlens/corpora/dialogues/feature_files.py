"""Utterance features that others published: the npz of CMU-MOSI, and the pickles of BC-LSTM and its successors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.barrier import reason_of
from affectlens.core.errors import AffectlensError, CorpusError
from affectlens.core.labels import LabelScheme
from affectlens.core.untrusted.arrays import arrays_of
from affectlens.core.untrusted.pickles import read_pickle
from affectlens.corpora.account import coded, count_found, remark
from affectlens.corpora.base import CorpusInfo, register_corpus
from affectlens.corpora.dialogues.base import DialogueCorpus, DialogueSet, dialogue_set

SENTIMENT2 = LabelScheme("sentiment2", ("negative", "positive"), "polarity without a neutral class")
MOSI = CorpusInfo(
    "mosi-features",
    "CMU-MOSI, utterance features of BC-LSTM",
    "utterances",
    "research only; cite Zadeh et al. 2016 and Poria et al. 2017",
    "https://github.com/soujanyaporia/multimodal-sentiment-analysis",
    "an npz with text_*, audio_*, video_*, y_* (0 negative, 1 positive; or sentiment of -3 to 3, read by its sign), utt_* "
    "(video_number), transcript_*; * = train, test",
    ("train", "test"),
    disjoint=("train", "test"),
)
PICKLE = CorpusInfo(
    "feature-pickle",
    "Utterance features of DialogueRNN and its successors (IEMOCAP, MELD)",
    "utterances",
    "the corpus's own",
    "https://github.com/declare-lab/conv-emotion",
    "IEMOCAP_features*.pkl or MELD_features*.pkl: a tuple of ids, speakers, labels, features, sentences, trainVid, testVid",
    ("train", "test"),
    disjoint=("train", "test"),
)
# The order of classes in the published pickles.
IEMOCAP_ORDER: tuple[str, ...] = ("happiness", "sadness", "neutral", "anger", "excitement", "frustration")
MELD_ORDER: tuple[str, ...] = ("neutral", "surprise", "fear", "sadness", "happiness", "disgust", "anger")


@register_corpus(MOSI)
class MosiFeatures(DialogueCorpus):
    """Opinion videos of one speaker each, cut into utterances; the official split has no video in both parts.

    Raises
    ------
    CorpusError
        Not an npz, or one without the arrays of a split.
    """

    scheme = SENTIMENT2

    def __init__(self, path: Path) -> None:
        data = arrays_of(path)
        self.sets = {}
        for split in MOSI.splits:
            if f"y_{split}" not in data or f"utt_{split}" not in data:
                continue
            names = [_video_and_number(utterance, path) for utterance in data[f"utt_{split}"]]
            count_found(len(names), "utterances")
            rows = pd.DataFrame(
                {
                    "key": data[f"utt_{split}"].astype(str),
                    "dialogue": [name[0] for name in names],
                    "turn": [name[1] for name in names],
                    "speaker": [name[0] for name in names],
                    # The transcripts are in capitals, which says nothing here.
                    "text": [str(text).lower() for text in data.get(f"transcript_{split}", [""] * len(names))],
                    "label": _polarity(data[f"y_{split}"], path, split),
                }
            )
            features = {
                modality: data[f"{modality}_{split}"]
                for modality in ("text", "audio", "video")
                if f"{modality}_{split}" in data
            }
            self.sets[split] = dialogue_set("mosi", SENTIMENT2.labels, rows, features)
        if not self.sets:
            raise CorpusError(f"{path}: arrays {sorted(data)[:8]}; expected {MOSI.layout}")
        self.info = replace(MOSI, splits=tuple(self.sets))


def _video_and_number(key: Any, path: Path) -> tuple[str, int]:
    video, _, number = str(key).rpartition("_")
    if not video or not number.isdigit():
        raise CorpusError(f"{path}: utterance {str(key)!r}; a video and a number, as in 03bSnISJMiM_11, were expected")
    return video, int(number)


def _polarity(values: np.ndarray, path: Path, split: str) -> list[str]:
    """Polarity of labels that are classes (0 and 1), or the sentiment that CMU-MOSI was rated by, -3 to 3, by its sign."""
    given = np.asarray(values, dtype=np.float64).reshape(len(values), -1)
    if given.shape[1] != 1 or not np.isfinite(given).all() or np.abs(given).max(initial=0) > 3:
        shown = f"{given.shape[1]} values each" if given.shape[1] != 1 else f"{np.nanmin(given):g} to {np.nanmax(given):g}"
        raise CorpusError(f"{path}: y_{split} has {shown}; 0 (negative) and 1 (positive), or sentiment of -3 to 3 was expected")
    flat = given[:, 0]
    if np.isin(flat, (0, 1)).all():
        return [SENTIMENT2.labels[int(value)] for value in flat]
    undecided = int((flat == 0).sum())
    remark(f"y_{split} is sentiment of -3 to 3 and read by its sign" + (f"; {undecided} of 0 are context" if undecided else ""))
    return ["neutral" if value == 0 else SENTIMENT2.labels[int(value > 0)] for value in flat]


@register_corpus(PICKLE)
class FeaturePickle(DialogueCorpus):
    """The published tuple layouts, told apart by how many entries they have and what these are.

    Nine entries ending in the two lists of videos: IEMOCAP. Nine with the lists at six and seven and a second set of labels:
    MELD (its emotions are used). Six: ids, text features, speakers, labels, lists. A pickle can run code; this one is read as
    data, by a reader that knows arrays and plain containers only.

    Raises
    ------
    CorpusError
        No such pickle, or one that could run code.
    """

    def __init__(self, path: Path) -> None:
        content = read_plain_pickle(path)
        if not isinstance(content, (tuple, list)) or len(content) not in (6, 9):
            size = len(content) if hasattr(content, "__len__") else "no"
            raise CorpusError(f"{path}: a {type(content).__name__} of {size} entries; expected {PICKLE.layout}")
        parts = list(content)
        sentences: dict[Any, Any] = {}
        if len(parts) == 6:
            ids, text, speakers, labels, train, test = parts
            features, order = {"text": text}, IEMOCAP_ORDER
        elif isinstance(parts[8], dict):
            ids, speakers, labels, text, audio, sentences, train, test, _ = parts
            features, order = {"text": text, "audio": audio}, MELD_ORDER
        else:
            ids, speakers, labels, text, audio, video, sentences, train, test = parts
            features, order = {"text": text, "audio": audio, "video": video}, IEMOCAP_ORDER
        self.scheme = LabelScheme(f"pickle-{len(order)}", order, "order of the published features")
        self.sets = {
            split: _from_dicts(path, split, list(videos), ids, speakers, labels, sentences, features, order)
            for split, videos in (("train", train), ("test", test))
        }
        self.info = PICKLE


def _from_dicts(
    path: Path,
    split: str,
    videos: list[Any],
    ids: Any,
    speakers: Any,
    labels: Any,
    sentences: Any,
    features: dict[str, Any],
    order: tuple[str, ...],
) -> DialogueSet:
    rows = []
    parts: dict[str, list[np.ndarray]] = {modality: [] for modality in features}
    for video in videos:
        count = len(labels[video])
        count_found(count, "utterances")
        for modality, by_video in features.items():
            if len(by_video[video]) != count:
                raise CorpusError(f"{path}: dialogue {video} has {count} labels but {len(by_video[video])} rows of {modality}")
            parts[modality].append(np.asarray(by_video[video], dtype=np.float32).reshape(count, -1))
        names = list(ids[video]) if len(ids[video]) == count else [f"{video}_{number}" for number in range(count)]
        spoken = list(sentences.get(video, [])) if hasattr(sentences, "get") else []
        for number in range(count):
            who = speakers[video][number]
            rows.append(
                {
                    "key": str(names[number]),
                    "dialogue": str(video),
                    "turn": number,
                    "label": coded(labels[video][number], order),
                    "speaker": f"{video}_{int(np.argmax(who)) if np.ndim(who) else who}",
                    "text": str(spoken[number]) if number < len(spoken) else "",
                }
            )
    if not rows:
        raise CorpusError(f"{path}: no dialogue in the {split} part")
    return dialogue_set(
        path.stem, order, pd.DataFrame(rows), {modality: np.concatenate(values) for modality, values in parts.items()}
    )


def read_plain_pickle(path: Path) -> Any:
    """Read a pickle of arrays and plain containers (also one of Python 2); nothing in it can run.

    Returns
    -------
    Any
        What was pickled.

    Raises
    ------
    CorpusError
        It is no pickle, has anything in it that could run code, or would take more memory than is read of one file.
    """
    try:
        return read_pickle(path)
    except Exception as error:
        if isinstance(error, AffectlensError):
            raise
        raise CorpusError(
            f"{path}: not a readable pickle of features ({reason_of(error)}); expected {PICKLE.layout}"
        ) from error
