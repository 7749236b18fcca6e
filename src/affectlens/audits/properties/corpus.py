"""A corpus split as an audit of properties meets it: labels, people, what properties look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.audits.properties.settings import MODALITIES
from affectlens.audits.properties.views import view_maker
from affectlens.audits.sources import open_source
from affectlens.core.errors import UsageError
from affectlens.corpora.base import Item, check_split, items_of


class AuditedCorpus:
    """A split of a corpus; items are met one by one, pictures as upright crops.

    Parameters
    ----------
    given : str or Corpus
        ``"NAME=PATH"``, or an opened corpus.
    split : str
        The split; by default test, and all clips of four classes in speech.

    Raises
    ------
    UsageError
        A modality of which no properties are known, or no such split.
    """

    def __init__(self, given: Any, split: str = "") -> None:
        self.source = open_source(given)
        self.name = self.source.info.name
        # A corpus that was opened by hand need not know where it lies.
        path = str(given).partition("=")[2] if isinstance(given, str) else getattr(self.source, "path", None)
        self.path = Path(path) if path else None
        self.modality = "face" if self.source.info.modality == "scene" else self.source.info.modality
        if self.modality not in MODALITIES:
            raise UsageError(f"{self.name} holds {self.modality}; properties are known of {', '.join(MODALITIES)}")
        default = "four" if self.modality in ("voice", "gait") else "test"
        chosen = split or (default if default in self.source.info.splits else self.source.info.splits[-1])
        self.split = check_split(self.source, chosen)
        rows = self.source.table(self.split).drop_duplicates("key").set_index("key")
        self.keys: list[str] = rows.index.tolist()
        self.labels: pd.Series | None = rows.label if "label" in rows else None
        self.people = _people(rows)
        self._view: Any = None

    def items(self) -> Iterator[Item]:
        """Items in the corpus's order."""
        return items_of(self.source, self.split)

    def view(self, item: Item) -> tuple[Any, str]:
        """What properties look at, or None and the reason."""
        if item.data is None:
            return None, item.problem
        if self._view is None:
            self._view = view_maker(self.modality, self.name, self.path)
        return self._view(item)  # type: ignore[no-any-return]

    def people_of(self, keys: list[str]) -> np.ndarray | None:
        """Who each item is of, where that is known."""
        return self.people.reindex(keys).to_numpy() if self.people is not None else None


def _people(rows: pd.DataFrame) -> pd.Series | None:
    """The column that says who each item is of, where there are several people."""
    name = next((column for column in ("speaker", "person", "group") if column in rows and rows[column].nunique() > 1), None)
    if name == "group" and "motion" in rows and (rows.group == rows.motion).all():
        return None  # types of motion, not people
    return rows[name] if name else None
