"""A folder of recorded dialogues of your own, with a table of who said what and when."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import pandas as pd

from affectlens.core.disk.places import located, written
from affectlens.core.errors import CorpusError
from affectlens.core.labels import LabelScheme, canonical
from affectlens.core.tables import unquoted
from affectlens.core.untrusted.sheets import in_posix, read_sheet, words
from affectlens.corpora.account import count_found, remark, spelling
from affectlens.corpora.base import SPLITS, CorpusInfo, register_corpus
from affectlens.corpora.dialogues.base import DialogueCorpus, dialogue_set
from affectlens.corpora.speech.segments import seconds

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
        sheet = read_sheet(source)
        frame = sheet.frame.map(unquoted)  # as `corpus transcribe` writes it
        for note in sheet.notes:
            remark(note)
        needed = {"file", "start", "end", "text"}
        if not needed <= set(frame.columns) or frame.empty:
            raise CorpusError(f"{source}: {len(frame)} rows, columns {list(frame.columns)[:8]}; expected {sorted(needed)}")
        count_found(len(frame), "utterances")
        blank = pd.Series([""] * len(frame))
        label = words(frame.get("label", blank)).map(canonical)
        file = words(frame.file).map(in_posix)
        start, end = seconds(frame.start), seconds(frame.end)
        odd = spelling(words(frame.get("label", blank)).str.strip())
        if odd:
            remark(f"labels that are no known word for an emotion: {odd}")
        rows = pd.DataFrame(
            {
                "key": [f"{name}#{i}" for i, name in enumerate(file)],
                "dialogue": file,
                "turn": pd.Series(start).groupby(file.to_numpy()).rank(method="first", na_option="bottom").astype(int),
                "speaker": words(frame.get("speaker", blank)).str.strip(),
                "text": words(frame.text).map(html.unescape),
                "start": start,
                "end": end,
                "label": label,
                "path": [written(source.parent / located(name)) for name in file],
                "split": [SPLITS.get(name.lower(), name) for name in words(frame.get("split", blank)).str.strip()],
            }
        )
        self.scheme = LabelScheme("folder", tuple(sorted({name for name in label if name})), "the table's own labels")
        self.sets = {"all": dialogue_set(source.parent.name, self.scheme.labels, rows, {})}
        for split in sorted({name for name in rows.split if name}):
            part = rows[rows.split == split]
            self.sets[split] = dialogue_set(source.parent.name, self.scheme.labels, part, {})
        self.info = replace(INFO, splits=tuple(self.sets))
