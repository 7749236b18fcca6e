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
from affectlens.models.adapters.predictions import read_predictions


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
    meta : dict, optional
        See ``Model``.

    Attributes
    ----------
    table : pandas.DataFrame
        The values as they are, indexed by key, a column a class; rows without values are left out.
    truth : pandas.Series or None
        Labels that the table gives, by key.
    notes : tuple of str
        What was done to the values when they were read.

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

    truth: pd.Series | None = None
    notes: tuple[str, ...] = ()

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
        self.table = table[columns].astype(np.float64).set_axis(list(self.labels), axis=1).dropna()

    @classmethod
    def from_file(cls, path: str | Path, modality: str = "face") -> TableModel:
        """The model of a table of predictions, of one's own or of another tool; see ``read_predictions``.

        Returns
        -------
        TableModel
            Its classes are those of the columns; ``meta["source"]`` names the format.

        Raises
        ------
        ModelError
            A file that is no such table.
        """
        file = Path(path)
        read = read_predictions(file)
        meta = {"sha256": sha256_of(file), "source": read.source}
        model = cls(read.table, tuple(read.table.columns), modality, name=file.stem, meta=meta)
        model.truth, model.notes = read.labels, read.notes
        return model

    def read(self, item: Any) -> str:
        """The key of an item in the table: its own, or its file name without folders; a bare key is taken as it is.

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
        for name in (key, Path(key).name):
            if name in self.table.index:
                return name
        raise ModelError(f"{self.name}: no prediction for {key}" + (f" ({problem})" if problem else ""))

    def answers(self, inputs: Any) -> np.ndarray:
        """Values ``(n, classes)`` of the rows whose keys are given; a key that is not there is a ModelError."""
        keys = list(inputs)
        absent = [k for k in keys if k not in self.table.index]
        if absent:
            raise ModelError(f"no prediction in the table for {absent[:3]} ({len(absent)} of {len(keys)} keys)")
        return np.asarray(self.table.loc[keys])

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Probabilities ``(n, classes)`` float64; values of independent scores are divided by their sum.

        Returns
        -------
        numpy.ndarray
            Rows sum to one.

        Raises
        ------
        ModelError
            A key that is not there, or a row of which nothing can be made a distribution.
        """
        given = self._checked(inputs).astype(np.float64)
        total = given.sum(axis=1, keepdims=True)
        if (given < 0).any() or (total <= 0).any():
            raise ModelError(f"{self.name}: values below 0, or all 0; probabilities were expected")
        return np.asarray(given / total)
