"""Answers of classifiers to the same items, set against the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.listing import some

FEWEST_ITEMS = 20


@dataclass(frozen=True)
class Response:
    """Decisions of one model on changed items.

    Attributes
    ----------
    name, unit : str
        The intervention and the unit of its doses.
    doses : tuple of float
        Doses; the one nearest 0 is the base.
    items : list of str
        Keys of the items.
    decisions : ndarray of shape (items, doses)
        Index of the class that is answered.
    """

    name: str
    unit: str
    doses: tuple[float, ...]
    items: list[str]
    decisions: np.ndarray

    @property
    def base(self) -> int:
        """Place of the dose nearest 0."""
        return int(np.argmin(np.abs(self.doses)))

    @property
    def ends(self) -> list[int]:
        """Places of the strongest doses on either side of the base."""
        return sorted({int(np.argmin(self.doses)), int(np.argmax(self.doses))} - {self.base})


@dataclass(frozen=True)
class Answered:
    """A model and what it answered.

    Attributes
    ----------
    name : str
        What the page calls it.
    answers : DataFrame
        Index item, a column of probabilities a class; a row of NaN where there is no answer.
    seconds : Series
        Time that each item took.
    calibration : Calibration or None
        What was fitted of it, where that is known.
    labels_only : bool
        Whether it says classes and no probabilities.
    responses : tuple of Response
        Its answers to changed items.
    """

    name: str
    answers: pd.DataFrame
    seconds: pd.Series | None = None
    calibration: Any = None
    labels_only: bool = False
    responses: tuple[Response, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A model's answers on the items that are compared.

    Attributes
    ----------
    model : Answered
        Whose.
    p : ndarray of shape (n, classes)
        Probabilities; NaN where there is no answer.
    answered, right : ndarray of shape (n,)
        Booleans; what is not answered is not right.
    decision : ndarray of shape (n,)
        Names of classes; empty where there is no answer.
    truth : ndarray of shape (n, classes)
        Labels as a distribution over the model's classes.
    """

    model: Answered
    p: np.ndarray
    answered: np.ndarray
    right: np.ndarray
    decision: np.ndarray
    truth: np.ndarray

    @property
    def squared(self) -> np.ndarray:
        """Brier's score of each item; NaN where there is no answer."""
        return np.asarray(((self.p - self.truth) ** 2).sum(axis=1))


def judged(model: Answered, index: pd.Index, labels: Sequence[tuple[str, ...]]) -> Judged:
    """A model's answers set against the labels.

    Parameters
    ----------
    model : Answered
        The model.
    index : Index
        Items that are compared.
    labels : sequence of tuple of str
        Labels of each.

    Returns
    -------
    Judged
    """
    p = model.answers.loc[index].to_numpy(float)
    classes = np.array(list(map(str, model.answers.columns)), dtype=object)
    answered = np.isfinite(p).all(axis=1)
    decision = np.where(answered, classes[np.where(answered[:, None], p, 0.0).argmax(axis=1)], "")
    right = np.array([said in known for said, known in zip(decision, labels, strict=True)], dtype=bool)
    truth = np.array([[name in known for name in classes] for known in labels], dtype=float)
    return Judged(model, p, answered, right, decision, truth / np.maximum(truth.sum(axis=1, keepdims=True), 1))


def comparable(models: Sequence[Answered], labels: Mapping[str, tuple[str, ...]]) -> tuple[pd.Index, list[str]]:
    """Items that all models can be compared on, and what was left out.

    Parameters
    ----------
    models : sequence of Answered
        With the same index.
    labels : mapping of str to tuple of str
        Labels of every item.

    Returns
    -------
    index : Index
        Items with labels all of which are classes of every model; an item without an answer stays.
    notes : list of str
        How many were left out and why, and which classes only some of the models have.

    Raises
    ------
    UsageError
        Fewer than 20.
    """
    everywhere = set.intersection(*(set(map(str, model.answers.columns)) for model in models))
    unlabelled = [key for key in models[0].answers.index if not labels.get(key)]
    foreign = Counter(name for key in models[0].answers.index for name in labels.get(key, ()) if name not in everywhere)
    kept = [key for key in models[0].answers.index if labels.get(key) and set(labels[key]) <= everywhere]
    notes = []
    if unlabelled:
        notes.append(f"{len(unlabelled)} items without a label are left out")
    if foreign:
        whose = {name: [model.name for model in models if name not in set(map(str, model.answers.columns))] for name in foreign}
        shown = some(
            (f"{name} ({count} items; not a class of {some(whose[name], 4)})" for name, count in foreign.most_common()), 6
        )
        notes.append(f"Only items whose labels every model knows are compared; left out: {shown}")
    for model in models:
        own = [name for name in map(str, model.answers.columns) if name not in everywhere]
        if own:
            notes.append(
                f"{model.name} can also answer {some(own, 6)}, which no compared item is labelled with: that counts as wrong"
            )
    if len(kept) < FEWEST_ITEMS:
        raise UsageError(
            f"{len(kept)} items have labels that every model knows ({some(sorted(everywhere), 8) or 'no common class'}); "
            f"at least {FEWEST_ITEMS} are needed"
        )
    return pd.Index(kept, name="key"), notes
