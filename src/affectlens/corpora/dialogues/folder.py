"""A folder of recorded dialogues of your own, with a table of who said what and when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.labels import LabelScheme, canonical
from affectlens.core.tables import unquoted
from affectlens.core.untrusted.frames import read_csv
from affectlens.corpora.base import CorpusInfo, register_corpus
from affectlens.corpora.dialogues.base import DialogueCorpus, dialogue_set

TABLE = "utterances.csv"
INFO = CorpusInfo(
    "dialogue-folder",
    "A folder of recorded dialogues",
    "utterances",
    "your own",
    "your own",
    f"recordings and {TABLE} with columns file, start, end (seconds), text; optionally speaker, label, split "
    "(train, dev, test); `affectlens corpus transcribe FOLDER` writes that table from the recordings",
    ("all",),
)


@register_corpus(INFO)
class DialogueFolder(DialogueCorpus):
    """One dialogue a recording; ``all`` holds every utterance, and each value of the column split is a split.

    Raises
    ------
    CorpusError
        No table, or one that lacks a column.
    """

    def __init__(self, path: Path) -> None:
        source = path / TABLE if path.is_dir() else path
        if not source.exists():
            raise CorpusError(f"{path}: no {TABLE}; expected {INFO.layout}")
        frame = read_csv(source).map(unquoted)  # as `corpus transcribe` writes it
        needed = {"file", "start", "end", "text"}
        if not needed <= set(frame.columns) or frame.empty:
            raise CorpusError(f"{source}: {len(frame)} rows, columns {list(frame.columns)[:8]}; expected {sorted(needed)}")
        blank = pd.Series([""] * len(frame))
        label = frame.get("label", blank).fillna("").astype(str).map(canonical)
        rows = pd.DataFrame(
            {
                "key": [f"{f}#{i}" for i, f in enumerate(frame.file)],
                "dialogue": frame.file.astype(str),
                "turn": np.asarray(frame.groupby("file").start.rank(method="first"), dtype=int),
                "speaker": frame.get("speaker", blank).fillna("").astype(str),
                "text": frame.text.fillna("").astype(str),
                "start": frame.start.astype(float),
                "end": frame.end.astype(float),
                "label": label,
                "path": [str(source.parent / str(f)) for f in frame.file],
                "split": frame.get("split", blank).fillna("").astype(str),
            }
        )
        self.scheme = LabelScheme("folder", tuple(sorted({v for v in label if v})), "the table's own labels")
        self.sets = {"all": dialogue_set(source.parent.name, self.scheme.labels, rows, {})}
        for split in sorted({v for v in rows.split if v}):
            part = rows[rows.split == split]
            self.sets[split] = dialogue_set(source.parent.name, self.scheme.labels, part, {})
        self.info = replace(INFO, splits=tuple(self.sets))
