"""Dialogues of utterances, each with the features of one or more modalities: what a contextual network reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError, unknown
from affectlens.core.labels import LabelScheme
from affectlens.corpora.base import CORPORA, Corpus, CorpusInfo, Item, check_split, open_corpus

COLUMNS = ("key", "dialogue", "turn", "speaker", "text", "start", "end", "label")


@dataclass(frozen=True)
class DialogueSet:
    """Utterances in order of dialogue and turn.

    Attributes
    ----------
    name : str
        The corpus.
    classes : tuple of str
        The labels that are scored.
    rows : DataFrame
        At least the columns key, dialogue, turn, speaker, text, start, end (seconds) and label, a row an utterance. One whose
        label is outside ``classes`` is context and not scored.
    features : dict of ndarray
        By modality ``(n, width)`` float32.
    unread : dict of str to str
        Recordings that could not be read when features were measured, and why.
    notes : tuple of str
        What has to be known of how the corpus and its recordings were read.
    """

    name: str
    classes: tuple[str, ...]
    rows: pd.DataFrame
    features: dict[str, np.ndarray] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> np.ndarray:
        """Class indices ``(n,)`` int64, -1 where the utterance is not scored."""
        index = {name: number for number, name in enumerate(self.classes)}
        return np.array([index.get(label, -1) for label in self.rows.label], dtype=np.int64)

    @property
    def dialogues(self) -> np.ndarray:
        """The dialogue of each utterance ``(n,)``, as text."""
        return np.asarray(self.rows.dialogue.to_numpy(dtype=str))

    @property
    def speakers(self) -> np.ndarray:
        """The speaker of each utterance ``(n,)``, told apart across dialogues of like-named speakers only by the corpus."""
        return np.asarray(self.rows.speaker.to_numpy(dtype=str))

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> DialogueSet:
        """Take the utterances at some indices or under a boolean mask ``(n,)``."""
        index = np.flatnonzero(rows) if rows.dtype == bool else rows
        frame = self.rows.iloc[index].reset_index(drop=True)
        return replace(self, rows=frame, features={modality: values[index] for modality, values in self.features.items()})

    def with_modalities(self, wanted: tuple[str, ...]) -> DialogueSet:
        """Keep the features of some modalities only; one that is not there is a UsageError that lists those that are."""
        for modality in wanted:
            if modality not in self.features:
                raise unknown("modality", modality, list(self.features))
        return replace(self, features={modality: self.features[modality] for modality in wanted})


def joined(first: DialogueSet, second: DialogueSet) -> DialogueSet:
    """Join two parts of one corpus into one set.

    Returns
    -------
    DialogueSet
        The utterances of both, under the first's name.

    Raises
    ------
    CorpusError
        They differ in classes or modalities, or have a dialogue in common.
    """
    shared = set(first.dialogues) & set(second.dialogues)
    if first.classes != second.classes or set(first.features) != set(second.features) or shared:
        raise CorpusError(f"{first.name} and {second.name} cannot be joined: dialogues {sorted(shared)[:3]} are in both")
    rows = pd.concat([first.rows, second.rows], ignore_index=True)
    features = {modality: np.concatenate([values, second.features[modality]]) for modality, values in first.features.items()}
    out = dialogue_set(first.name, first.classes, rows, features)
    notes = tuple(dict.fromkeys((*first.notes, *second.notes)))
    return replace(out, unread=first.unread | second.unread, notes=notes)


def dialogue_set(name: str, classes: tuple[str, ...], rows: pd.DataFrame, features: dict[str, np.ndarray]) -> DialogueSet:
    """Make a set: utterances are brought into order and columns that are missing are filled in.

    Parameters
    ----------
    name : str
        The corpus.
    classes : tuple of str
        The labels that are scored.
    rows : DataFrame
        A row an utterance, with some of ``COLUMNS`` and others.
    features : dict of ndarray
        By modality ``(n, width)``; a value that is missing (NaN) becomes 0.

    Returns
    -------
    DialogueSet
        In order of dialogue and turn.

    Raises
    ------
    CorpusError
        Features and rows differ in number, or a feature is infinite.

    Examples
    --------
    >>> rows = pd.DataFrame({"key": ["b", "a"], "dialogue": "d", "turn": [1, 0], "label": ["joy", "anger"]})
    >>> dialogue_set("tiny", ("anger", "joy"), rows, {}).labels.tolist()
    [0, 1]
    """
    frame = rows.reset_index(drop=True).copy()
    for column, empty in zip(COLUMNS, ("", "", 0, "", "", np.nan, np.nan, ""), strict=True):
        if column not in frame:
            frame[column] = empty
    for modality, values in features.items():
        if len(values) != len(frame):
            raise CorpusError(f"{name}: {len(values)} rows of {modality} features for {len(frame)} utterances")
        infinite = np.isinf(np.asarray(values, dtype=np.float32)).reshape(len(values), -1)
        if infinite.any():
            at = frame.key[int(infinite.any(axis=1).argmax())]
            raise CorpusError(
                f"{name}: {int(infinite.sum())} values of the {modality} features are infinite, the first of {at}; numbers "
                "were expected: measure them again, or write NaN where a value is missing (it counts as 0)"
            )
    order = np.lexsort((frame.turn.to_numpy(), frame.dialogue.to_numpy(dtype=str)))
    ordered = {modality: np.nan_to_num(np.asarray(values, dtype=np.float32))[order] for modality, values in features.items()}
    return DialogueSet(name, classes, frame.iloc[order].reset_index(drop=True), ordered)


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
        utterances = self.dialogues(split)
        for number, row in enumerate(utterances.rows.to_dict("records")):
            features = {modality: values[number] for modality, values in utterances.features.items()}
            data = str(row["text"]).strip() or features or None
            meta = {str(column): value for column, value in row.items()} | {"features": features}
            problem = "" if data else "the text is empty and there are no features"
            yield Item(str(row["key"]), data, (str(row["label"]),), str(row["dialogue"]), meta, problem)

    def dialogues(self, split: str) -> DialogueSet:
        """Give the utterances of a split, with features where the corpus comes with them."""
        return self.sets[check_split(self, split)]


def open_dialogues(name: str, path: str | Path | None = None) -> DialogueCorpus:
    """Open a corpus of dialogues, as ``open_corpus`` does.

    Returns
    -------
    DialogueCorpus
        The reader of that name on that path.

    Raises
    ------
    CorpusError
        A corpus of loose clips or texts; the message names those that have dialogues.
    """
    corpus: Corpus = open_corpus(name, path)
    if not isinstance(corpus, DialogueCorpus):
        readers = {known: reader for known, (_, reader) in zip(CORPORA.names(), CORPORA.values(), strict=True)}
        have = [known for known, reader in readers.items() if isinstance(reader, type) and issubclass(reader, DialogueCorpus)]
        raise CorpusError(f"{corpus.info.name} has no dialogues; those that have: {', '.join(have)}")
    return corpus
