"""Predictions already made, as a model that looks them up by key."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError, UsageError
from affectlens.corpora.base import Item
from affectlens.models.adapters.blackbox import BlackBox
from affectlens.models.adapters.predictions import Predicted, read_predictions
from affectlens.models.adapters.predictions.layouts import LABELS, PROBABILITIES, SCORES, UNITS, VALUES
from affectlens.models.adapters.predictions.matching import NO_ROW, SHOWN, Match, match
from affectlens.models.scores import INDEPENDENT, REGRESSION, Scores

_KINDS = {
    PROBABILITIES: "probabilities", LABELS: "probabilities", SCORES: INDEPENDENT, UNITS: REGRESSION, VALUES: REGRESSION,
}  # fmt: skip


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
    scores : str or Scores
        What the values are, see ``BlackBox``; the whole table is looked at.

    Attributes
    ----------
    table : pandas.DataFrame
        The values as they are, indexed by key, a column a class; rows without values are left out.
    units : tuple of str
        Outputs that are intensities of action units, not probabilities of classes.
    labels_only : bool
        Whether the table says a class and no probabilities.
    truth : pandas.Series or None
        Labels that the table gives, by key.
    notes : tuple of str
        What was done to the values when they were read, and how rows were matched with a corpus.

    Raises
    ------
    ModelError
        A class without a column, or values that are not what is said of them.

    Examples
    --------
    >>> table = pd.DataFrame({"p_calm": [0.9, 0.2], "p_upset": [0.1, 0.8]}, index=["a.png", "b.png"])
    >>> model = TableModel(table)
    >>> model.labels, model.probabilities(["b.png"])
    (('calm', 'upset'), array([[0.2, 0.8]]))
    """

    truth: pd.Series | None = None
    notes: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    labels_only: bool = False

    def __init__(
        self,
        table: pd.DataFrame,
        labels: Sequence[str] = (),
        modality: str = "face",
        *,
        name: str = "table",
        meta: dict[str, Any] | None = None,
        scores: str | Scores = "",
    ) -> None:
        classes = tuple(labels) or tuple(str(column)[2:] for column in table.columns if str(column).startswith("p_"))
        super().__init__(name, modality, classes, meta, scores=scores)
        columns = [f"p_{column}" if f"p_{column}" in table else column for column in self.labels]
        missing = [column for column in columns if column not in table]
        if missing or not columns:
            shown = list(table.columns)[:10]
            raise ModelError(f"{name}: the table has no column for {missing or 'any class'}; its columns are {shown}")
        self.table = table[columns].astype(np.float64).set_axis(list(self.labels), axis=1).dropna()
        if isinstance(scores, str) and len(self.table):  # else its reader has looked at them
            self.scores.checked(self.table.to_numpy(), self.labels, name)
        self._files = {str(key): str(key) for key in self.table.index}  # the row that answers for a name
        self._reasons: dict[str, str] = {}
        self._match = Match()
        self._met = False

    @classmethod
    def from_file(cls, path: str | Path, modality: str = "face", scores: str = "") -> TableModel:
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
        read = read_predictions(file, scores)
        meta = {"sha256": sha256_of(file), "source": read.source}
        classes = tuple(column for column in read.table.columns if column not in read.units) or read.units
        source = f"the caller ({scores})" if scores else f"{read.source}'s layout: {read.kind}"
        known = Scores(_KINDS[read.kind], source)
        model = cls(read.table, classes, modality, name=file.stem, meta=meta, scores=known)
        model.truth, model.notes, model.units = read.labels, (*read.notes, *read.chosen.notes), read.units
        model.labels_only = read.kind == LABELS
        model._take(read)
        return model

    def _take(self, read: Predicted) -> None:
        """Take the rows that answer for each file; of several frames of one person their mean."""
        self._files, self._reasons = {}, dict(read.chosen.reasons)
        self.table = read.table.dropna(subset=list(self.labels)).astype(np.float64)
        means = {}
        for file, keys in read.chosen.rows.items():
            self._files[file] = keys[0] if len(keys) == 1 else file
            if len(keys) > 1:
                means[file] = read.table.loc[keys].mean()
                if self.truth is not None:
                    self.truth[file] = self.truth[keys[0]]
        if means:
            self.table = pd.concat([self.table, pd.DataFrame(means).T.rename_axis("key")])

    @property
    def output_names(self) -> tuple[str, ...]:
        """Classes, and after them the units."""
        return tuple(dict.fromkeys([*self.labels, *self.units]))

    def meet(self, keys: Sequence[str], corpus: str) -> None:
        """Match the rows with the items of a corpus, by the longest ending of their paths that only these two have.

        Parameters
        ----------
        keys : sequence of str
            Keys of the corpus.
        corpus : str
            Its name, for messages.

        Raises
        ------
        UsageError
            No item has a row; the message has names of both sides.
        """
        names = [*self._files, *self._reasons]
        self._match, self._met = match(list(keys), names), True
        reasons, spare = self._match.reasons, self._match.spare
        if not any(name in self._files for name in self._match.pairs.values()):
            why = next(iter(reasons.values()), next(iter(self._reasons.values()), ""))
            raise UsageError(
                f"{self.name} has none of the {len(keys)} items of {corpus}: its keys are like {_some(names)}, those of the "
                f"corpus like {_some(list(keys))} ({why})"
            )
        lines = []
        lost = [key for key in keys if key in reasons or self._match.pairs[key] not in self._files]
        if lost:
            whys = Counter(self.why_not(key) for key in lost)
            shown = "; ".join(f"{count}: {why}" for why, count in whys.most_common(SHOWN))
            lines.append(f"{len(lost)} of {len(keys)} items of {corpus} have no prediction, such as {_some(lost)} ({shown})")
        if spare:
            lines.append(f"{len(spare)} of {len(names)} files of the table are not in {corpus}, such as {_some(spare)}")
        if self._match.apart:
            pairs = [f"{key} with {self._match.pairs[key]}" for key in self._match.apart]
            lines.append(
                f"{len(pairs)} items were matched by the end of their path, though folders before it differ: {_some(pairs)}"
            )
        self.notes = (*self.notes, *(line for line in lines if line not in self.notes))

    def why_not(self, key: str) -> str:
        """Why an item has no prediction; empty where it has one."""
        name = self._match.pairs.get(key, key)
        if name in self._files:
            return ""
        return self._match.reasons.get(key) or self._reasons.get(name) or NO_ROW

    def read(self, item: Any) -> str:
        """The key of the row that answers for an item: matched by ``meet``, else by the item's key alone.

        Returns
        -------
        str
            The key.

        Raises
        ------
        ModelError
            There is no prediction of that item, or none that is sure to be of it.
        """
        key, problem = (item.key, item.problem) if isinstance(item, Item) else (str(item), "")
        if key in self.table.index and not self._met:
            return key
        matched = self._match if self._met else match([key], [*self._files, *self._reasons])
        name = matched.pairs.get(key, "")
        if name in self._files:
            return self._files[name]
        why = matched.reasons.get(key) or self._reasons.get(name) or NO_ROW
        raise ModelError(f"{self.name}: no prediction for {key}: {why}" + (f" ({problem})" if problem else ""))

    def answers(self, inputs: Any) -> np.ndarray:
        """Values ``(n, classes)`` of the rows whose keys are given; a key that is not there is a ModelError."""
        keys = list(inputs)
        absent = [key for key in keys if key not in self.table.index]
        if absent:
            raise ModelError(f"no prediction in the table for {absent[:3]} ({len(absent)} of {len(keys)} keys)")
        return np.asarray(self.table.loc[keys, list(self.labels)])

    def values(self, inputs: Any) -> np.ndarray:
        """Values ``(n, output_names)`` of the rows whose keys are given, units included; NaN where a unit was not measured."""
        return np.asarray(self.table.reindex(list(inputs))[list(self.output_names)])

    def _checked(self, inputs: Any) -> np.ndarray:
        """Values as they are: they were looked at when the table was read."""
        return self.answers(inputs) if len(inputs) else np.zeros((0, len(self.labels)))

    def relabelled(self, labels: Sequence[str]) -> TableModel:
        """The same table with other names of its classes."""
        made = copy.copy(self)
        made.table = self.table.rename(columns=dict(zip(self.labels, labels, strict=True)))
        made.labels = tuple(labels)
        return made

    def __fingerprint__(self) -> Any:
        return type(self), self.table, self.labels, self.units, self.scores


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
