"""Text corpora: GoEmotions (Demszky et al. 2020) with Ekman labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.labels import LabelScheme, canonical
from affectlens.core.untrusted.documents import read_text
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
    "a folder with ekman_train.tsv, ekman_dev.tsv, ekman_test.tsv (text, label ids, comment id) and ekman_labels.txt",
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
        names = path / "ekman_labels.txt"
        if not names.exists():
            raise CorpusError(f"{path}: no ekman_labels.txt; expected {GOEMOTIONS.layout}")
        labels = [canonical(line) for line in read_text(names, CorpusError).split()]
        self._frames: dict[str, pd.DataFrame] = {}
        for split in GOEMOTIONS.splits:
            rows = []
            source = path / f"ekman_{split}.tsv"
            if not source.exists():
                continue
            for number, line in enumerate(read_text(source, CorpusError).splitlines(), 1):
                parts = line.split("\t")
                try:
                    text, ids, key = parts
                    given = tuple(labels[int(i)] for i in ids.split(","))
                except (ValueError, IndexError) as error:
                    raise CorpusError(f"{source}, line {number}: expected text, label ids, comment id; {error}") from error
                rows.append({"key": key, "text": text, "labels": given, "label": given[0], "group": ""})
            self._frames[split] = pd.DataFrame(rows)
        self.info = with_splits(GOEMOTIONS, self._frames, path)

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, text, label (the first), labels (a tuple) and group (empty)."""
        return self._frames[check_split(self, split)].copy()

    def items(self, split: str) -> Iterator[Item]:
        """Texts with their labels; an empty text is a problem, not an example."""
        for row in self.table(split).to_dict("records"):
            text = str(row["text"]).strip()
            yield Item(row["key"], text or None, row["labels"], row["group"], row, "" if text else "the text is empty")
