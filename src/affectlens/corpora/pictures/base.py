"""What readers of labelled pictures share: a table with paths, and items read from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from affectlens.core.disk.places import located
from affectlens.core.errors import CorpusError
from affectlens.core.labels import EKMAN7, LabelScheme
from affectlens.corpora.account import drop, each_once
from affectlens.corpora.base import CorpusInfo, Item, check_split, read_item
from affectlens.media.pictures.images import Note, read_image


class PictureCorpus:
    """A corpus of pictures: a subclass lists them and gives the list to ``_take``.

    Pictures are RGB ``(h, w, 3)`` uint8; one that cannot be read keeps its place with its problem.
    """

    info: CorpusInfo
    scheme: LabelScheme = EKMAN7
    _frame: pd.DataFrame

    def _take(self, rows: list[dict[str, object]], path: Path) -> None:
        """Take rows with key, path, labels (a tuple), group and split, and more as they come."""
        known = set(self.scheme.labels)
        rows = each_once([row for row in rows if _inside(row, known)], "split", "key")
        if not rows:
            raise CorpusError(f"{path}: no labelled picture found; expected {self.info.layout}")
        self._frame = pd.DataFrame(rows)
        self._frame["label"] = [labels[0] if labels else "" for labels in self._frame.labels]

    def table(self, split: str) -> pd.DataFrame:
        """Columns key, label (the first), labels, group, path and the corpus's own."""
        return self._frame[self._frame.split == check_split(self, split)].reset_index(drop=True)

    def items(self, split: str) -> Iterator[Item]:
        """Pictures of a split, in the table's order."""
        for row in self.table(split).to_dict("records"):
            meta = {str(column): value for column, value in row.items()}
            read = partial(read_picture, row["path"])
            yield read_item(row["key"], row["labels"], str(row["group"]), meta, read)


def read_picture(path: str, note: Note) -> np.ndarray:
    """The picture ``(h, w, 3)`` uint8 whose path stands in a corpus's table."""
    return read_image(located(path), note=note)


def _inside(row: dict[str, object], known: set[str]) -> bool:
    """Whether every label of a row is one of the classes; a row that is left out is counted as dropped."""
    labels = cast("tuple[str, ...]", row["labels"])
    outside = [label for label in labels if label not in known]
    if not labels:
        drop(row["key"], "it has no label")
    elif outside:
        drop(row["key"], f"its label {outside[0]!r} is none of the classes")
    return bool(labels) and not outside
