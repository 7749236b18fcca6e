"""Text corpora: GoEmotions (Demszky et al. 2020) with Ekman labels."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.errors import CorpusError
from affectlens.core.labels import LabelScheme, canonical
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.sheets import read_text
from affectlens.corpora.account import coded, count_found, each_once
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus, with_splits

# GoEmotions' own order of its Ekman grouping; the words model keeps it.
GOEMOTIONS_EKMAN = LabelScheme(
    "goemotions-ekman",
    ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"),
    "Demszky et al. 2020, section 3.4; joy is called happiness here",
)
GOEMOTIONS = CorpusInfo(
    "goemotions",
    "GoEmotions, Ekman grouping",
    "words",
    "Apache-2.0 / CC BY 4.0",
    "https://github.com/google-research/google-research/tree/master/goemotions",
    "a folder with train.tsv, dev.tsv, test.tsv (text, label ids, comment id), emotions.txt and ekman_mapping.json, as "
    "published; or with ekman_train.tsv, ekman_dev.tsv, ekman_test.tsv and ekman_labels.txt",
    ("train", "dev", "test"),
    disjoint=("train", "dev", "test"),
)


@register_corpus(GOEMOTIONS)
class GoEmotions:
    """Comments with one or more of seven labels; no author ids are published.

    Raises
    ------
    CorpusError
        Another layout than the official one; a broken line is named.
    """

    info = GOEMOTIONS
    scheme = GOEMOTIONS_EKMAN

    def __init__(self, path: Path) -> None:
        prefix, classes = _classes(path)
        self._frames: dict[str, pd.DataFrame] = {}
        for split in GOEMOTIONS.splits:
            source = path / f"{prefix}{split}.tsv"
            if source.exists():
                self._frames[split] = pd.DataFrame(each_once(_rows(source, classes)))
        self.info = with_splits(GOEMOTIONS, self._frames, path)

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, text, label (the first), labels (a tuple) and group (empty)."""
        return self._frames[check_split(self, split)].copy()

    def items(self, split: str) -> Iterator[Item]:
        """Texts with their labels; an empty text is a problem, not an example."""
        for row in self.table(split).to_dict("records"):
            text = row["text"].strip()
            yield Item(row["key"], text or None, row["labels"], row["group"], row, "" if text else "the text is empty")


def _classes(path: Path) -> tuple[str, list[str]]:
    """What the files' names begin with, and the class that each number stands for.

    Returns
    -------
    str
        The beginning of names.
    list of str
        Classes of the Ekman grouping, or of the 28 emotions of the release under its own map to that grouping.

    Raises
    ------
    CorpusError
        No list of emotions, no map, or a map that does not name all of them.
    """
    names = path / "ekman_labels.txt"
    if names.exists():
        return "ekman_", [canonical(line) for line in read_text(names)[0].split()]
    names, mapping = path / "emotions.txt", path / "ekman_mapping.json"
    if not names.exists():
        raise CorpusError(f"{path}: neither ekman_labels.txt nor emotions.txt; expected {GOEMOTIONS.layout}")
    if not mapping.exists():
        raise CorpusError(f"{path}: no ekman_mapping.json, the map of emotions to Ekman's; expected {GOEMOTIONS.layout}")
    with reading(mapping, "a map of emotions to lists of emotions", CorpusError):
        groups = json_of(mapping)
        group_of = {emotion: canonical(group) for group, emotions in groups.items() for emotion in emotions}
    emotions = read_text(names)[0].split()
    unknown = [emotion for emotion in emotions if emotion not in group_of and emotion != "neutral"]
    if unknown:
        raise CorpusError(f"{mapping}: it says nothing of {', '.join(unknown[:5])}, which are in {names.name}")
    return "", [group_of.get(emotion, "neutral") for emotion in emotions]


def _rows(source: Path, classes: list[str]) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(read_text(source)[0].split("\n"), 1):
        if not line:
            continue
        count_found(1, "comments")
        try:
            text, ids, key = line.split("\t")
            labels = tuple(dict.fromkeys(coded(code, tuple(classes)) for code in ids.split(",")))
        except ValueError as error:
            raise CorpusError(f"{source}, line {number}: expected text, label ids, comment id; {error}") from error
        rows.append({"key": key, "text": html.unescape(text), "labels": labels, "label": labels[0], "group": ""})
    return rows
