"""Predictions already made, as a model that looks them up by key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import ModelError
from affectlens.core.files import sha256_of
from affectlens.corpora.base import Item
from affectlens.models.adapters.blackbox import BlackBox

SUFFIXES = (".csv", ".tsv", ".parquet")


class TableModel(BlackBox):
    """Predictions already made; its inputs are the keys of items.

    Parameters
    ----------
    table : pandas.DataFrame
        Indexed by key, with one column of probabilities a class: ``p_<label>``, or the label's name.
    labels : sequence of str, optional
        The classes; all columns ``p_<label>`` where they are not given.
    modality : str
        What was looked at.
    name : str
        What pages and errors call it.

    Raises
    ------
    ModelError
        A class without a column.

    Examples
    --------
    >>> table = pd.DataFrame({"p_calm": [0.9, 0.2], "p_upset": [0.1, 0.8]}, index=["a.png", "b.png"])
    >>> model = TableModel(table)
    >>> model.labels, model.probabilities(["b.png"])
    (('calm', 'upset'), array([[0.2, 0.8]]))
    """

    def __init__(
        self,
        table: pd.DataFrame,
        labels: Sequence[str] = (),
        modality: str = "face",
        *,
        name: str = "table",
        meta: dict[str, Any] | None = None,
    ) -> None:
        classes = tuple(labels) or tuple(str(c)[2:] for c in table.columns if str(c).startswith("p_"))
        super().__init__(name, modality, classes, meta)
        columns = [f"p_{c}" if f"p_{c}" in table else c for c in self.labels]
        missing = [c for c in columns if c not in table]
        if missing or not columns:
            shown = list(table.columns)[:10]
            raise ModelError(f"{name}: the table has no column for {missing or 'any class'}; its columns are {shown}")
        self._rows = table[columns].astype(np.float64)

    @classmethod
    def from_file(cls, path: str | Path, modality: str = "face") -> TableModel:
        """The model of a csv, tsv or parquet file with a column ``key`` and a column ``p_<label>`` a class.

        Returns
        -------
        TableModel
            Its classes are those of the columns.

        Raises
        ------
        ModelError
            A file that is not such a table, or in which a key is twice.
        """
        file = Path(path)
        try:
            table = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file, sep=None, engine="python")
        except (OSError, ValueError, pd.errors.ParserError) as error:
            raise ModelError(f"{path}: not a readable table ({error})") from error
        if "key" not in table:
            raise ModelError(f"{path}: no column key; its columns are {list(table.columns)[:10]}")
        table = table.assign(key=table.key.astype(str)).set_index("key")
        if table.index.has_duplicates:
            twice = table.index[table.index.duplicated()][0]
            raise ModelError(f"{path}: the key {twice!r} occurs more than once; give every item one row")
        return cls(table, (), modality, name=file.stem, meta={"sha256": sha256_of(file)})

    def read(self, item: Any) -> str:
        """The key of an item; a bare key is taken as it is.

        Returns
        -------
        str
            The key.

        Raises
        ------
        ModelError
            There is no prediction of that item.
        """
        key, problem = (item.key, item.problem) if isinstance(item, Item) else (str(item), "")
        if key not in self._rows.index:
            raise ModelError(f"{self.name}: no prediction for {key}" + (f" ({problem})" if problem else ""))
        return key

    def answers(self, inputs: Any) -> np.ndarray:
        """Probabilities ``(n, classes)`` of the rows whose keys are given; a key that is not there is a ModelError."""
        keys = list(inputs)
        absent = [k for k in keys if k not in self._rows.index]
        if absent:
            raise ModelError(f"no prediction in the table for {absent[:3]} ({len(absent)} of {len(keys)} keys)")
        return np.asarray(self._rows.loc[keys])
