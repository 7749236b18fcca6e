"""Dialogues of utterances, each with the features of one or more modalities: what a contextual network reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError, unknown
from affectlens.core.labels import LabelScheme
from affectlens.corpora.base import Corpus, CorpusInfo, Item, check_split, open_corpus

COLUMNS = ("key", "dialogue", "turn", "speaker", "text", "start", "end", "label")


@dataclass(frozen=True)
class DialogueSet:
    """Utterances in order of dialogue and turn.

    ``rows`` has at least the columns key, dialogue, turn, speaker, text, start, end (seconds) and label; ``features`` maps a
    modality to ``(n, width)`` float32. A label outside ``classes`` is not scored (index -1).
    """

    name: str
    classes: tuple[str, ...]
    rows: pd.DataFrame
    features: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def labels(self) -> np.ndarray:
        """Class indices ``(n,)`` int64, -1 where the utterance is not scored."""
        index = {c: i for i, c in enumerate(self.classes)}
        return np.array([index.get(v, -1) for v in self.rows.label], dtype=np.int64)

    @property
    def dialogues(self) -> np.ndarray:
        """The dialogue of each utterance ``(n,)``, as text."""
        return self.rows.dialogue.to_numpy(dtype=str)

    @property
    def speakers(self) -> np.ndarray:
        """The speaker of each utterance ``(n,)``, told apart across dialogues of like-named speakers only by the corpus."""
        return self.rows.speaker.to_numpy(dtype=str)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> DialogueSet:
        """The utterances at these indices or under this mask."""
        kept = np.flatnonzero(rows) if rows.dtype == bool else rows
        frame = self.rows.iloc[kept].reset_index(drop=True)
        return replace(self, rows=frame, features={m: x[kept] for m, x in self.features.items()})

    def with_modalities(self, wanted: tuple[str, ...]) -> DialogueSet:
        """The same utterances with these modalities only; one that is not there is an error that lists those that are."""
        for m in wanted:
            if m not in self.features:
                raise unknown("modality", m, list(self.features))
        return replace(self, features={m: self.features[m] for m in wanted})


def joined(first: DialogueSet, second: DialogueSet) -> DialogueSet:
    """Two parts of one corpus as one set; they must have the same classes and modalities, and no dialogue in common."""
    shared = set(first.dialogues) & set(second.dialogues)
    if first.classes != second.classes or set(first.features) != set(second.features) or shared:
        raise CorpusError(f"{first.name} and {second.name} cannot be joined: dialogues {sorted(shared)[:3]} are in both")
    rows = pd.concat([first.rows, second.rows], ignore_index=True)
    features = {m: np.concatenate([x, second.features[m]]) for m, x in first.features.items()}
    return dialogue_set(first.name, first.classes, rows, features)


def dialogue_set(name: str, classes: tuple[str, ...], rows: pd.DataFrame, features: dict[str, np.ndarray]) -> DialogueSet:
    """A set in order, with the columns that are missing filled in; features of another length are an error."""
    frame = rows.reset_index(drop=True).copy()
    for column, empty in zip(COLUMNS, ("", "", 0, "", "", np.nan, np.nan, ""), strict=True):
        if column not in frame:
            frame[column] = empty
    for m, x in features.items():
        if len(x) != len(frame):
            raise CorpusError(f"{name}: {len(x)} rows of {m} features for {len(frame)} utterances")
    order = np.lexsort((frame.turn.to_numpy(), frame.dialogue.to_numpy(dtype=str)))
    held = {m: np.nan_to_num(np.asarray(x, dtype=np.float32))[order] for m, x in features.items()}
    return DialogueSet(name, classes, frame.iloc[order].reset_index(drop=True), held)


class DialogueCorpus:
    """A reader that holds whole splits as ``DialogueSet``; subclasses fill ``sets``."""

    info: CorpusInfo
    scheme: LabelScheme
    sets: dict[str, DialogueSet]

    def table(self, split: str) -> pd.DataFrame:
        """One row an utterance: key, dialogue, turn, speaker, text, start, end, label, group (the dialogue) and more."""
        rows = self.dialogues(split).rows
        return rows.assign(group=rows.dialogue.astype(str))

    def items(self, split: str) -> Iterator[Item]:
        """Texts, or where the corpus has none, dicts of features; ``meta`` has the features in any case."""
        held = self.dialogues(split)
        for i, row in enumerate(held.rows.to_dict("records")):
            features = {m: x[i] for m, x in held.features.items()}
            data = str(row["text"]).strip() or features or None
            meta = {str(k): v for k, v in row.items()} | {"features": features}
            problem = "" if data else "the text is empty and there are no features"
            yield Item(str(row["key"]), data, (str(row["label"]),), str(row["dialogue"]), meta, problem)

    def dialogues(self, split: str) -> DialogueSet:
        """The utterances of a split, with features where the corpus comes with them."""
        return self.sets[check_split(self, split)]


def open_dialogues(name: str, path: str | Path) -> DialogueCorpus:
    """A reader of dialogues; a corpus of loose clips or texts is an error that names those that have dialogues."""
    corpus: Corpus = open_corpus(name, path)
    if not isinstance(corpus, DialogueCorpus):
        raise CorpusError(
            f"{name} has no dialogues; those that have: iemocap-dialogues, meld, mosi-features, feature-pickle, dialogue-folder"
        )
    return corpus
