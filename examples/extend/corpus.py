"""A corpus: texts in one file a split, ``train.tsv`` and ``test.tsv``, each line a key, a label and a text.

AFFECTLENS_PLUGINS=corpus.py affectlens corpus check lines=FOLDER
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.labels import EKMAN7, canonical
from affectlens.corpora.base import CorpusInfo, Item, check_split, register_corpus

INFO = CorpusInfo(
    name="lines",
    title="Texts in lines",
    modality="words",
    licence="your own",
    home="your own",
    layout="train.tsv and test.tsv, lines of key, label and text with tabs between",
    splits=("train", "test"),
    disjoint=("train", "test"),
)


@register_corpus(INFO)
class Lines:
    """Reads the folder once; a line without a text keeps its place with its problem."""

    info = INFO
    scheme = EKMAN7

    def __init__(self, path: Path) -> None:
        files = {split: path / f"{split}.tsv" for split in INFO.splits}
        if not all(file.is_file() for file in files.values()):
            raise CorpusError(f"{path}: not both files are here; expected {INFO.layout}")
        self._tables = {split: self._table(file) for split, file in files.items()}

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label, text and group (empty)."""
        return self._tables[check_split(self, split)].copy()

    def items(self, split: str) -> Iterator[Item]:
        """Texts."""
        for row in self.table(split).itertuples():
            problem = "" if row.text else "the text is empty"
            yield Item(row.key, row.text or None, (row.label,), row.group, problem=problem)

    def _table(self, file: Path) -> pd.DataFrame:
        rows = []
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            key, label, text = [*line.split("\t"), "", ""][:3]
            if canonical(label) not in self.scheme.labels:
                raise CorpusError(f"{file}, line {number}: {line!r}; expected {INFO.layout}")
            rows.append({"key": key, "label": canonical(label), "text": text.strip(), "group": ""})
        return pd.DataFrame(rows)
