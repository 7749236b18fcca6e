"""The pass over folds: what each feature and group does for clips of people that a model never heard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from affectlens.audits.features.measures import (
    REPEATS,
    Predict,
    Surrogate,
    class_weight,
    linear_shap,
    permuted_loss,
    row_loss,
)
from affectlens.audits.features.tables import by_corpus, feature_table, group_table, rank_agreement, shapley_table
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.explainers.shapley import group_shapley
from affectlens.learning.trainers.speech import make_classifier
from affectlens.stats.generators import Rng, generator

FOLDS = 5
BACKGROUND = 24  # training clips against which Shapley values are taken


@dataclass(frozen=True)
class Clips:
    """What is audited.

    Attributes
    ----------
    x : array (n, f)
        Normalised features.
    y : array (n,) of int
        Class indices.
    corpus, speaker : array (n,)
        Where each clip comes from.
    names, groups : tuple of str
        Name and group of each feature.
    classes : tuple of str
        Names of the classes; without them their numbers stand for them.
    """

    x: np.ndarray
    y: np.ndarray
    corpus: np.ndarray
    speaker: np.ndarray
    names: tuple[str, ...]
    groups: tuple[str, ...]
    classes: tuple[str, ...] = ()

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """The groups in order of their first feature."""
        return tuple(dict.fromkeys(self.groups))

    @cached_property
    def members(self) -> list[np.ndarray]:
        """Columns of each group."""
        return [np.flatnonzero(np.array(self.groups) == name) for name in self.group_names]

    @cached_property
    def weight(self) -> np.ndarray:
        """Weights ``(n,)`` that make the classes of each corpus count alike."""
        return class_weight(self.y, self.corpus)


class Importance:
    """What was measured of each clip, gathered fold by fold; folds may come in any order and from several runs.

    Parameters
    ----------
    clips : Clips
        All clips.
    """

    def __init__(self, clips: Clips) -> None:
        self.clips = clips
        self.seen = np.zeros(len(clips.x), dtype=bool)
        self.values: dict[str, np.ndarray] = {}

    def update(self, rows: np.ndarray, measured: dict[str, np.ndarray]) -> None:
        """Add a fold: arrays ``(m, ...)`` of the clips ``rows`` ``(m,)``, under the names that ``measure_fold`` gives."""
        for name, value in measured.items():
            if name not in self.values:
                self.values[name] = np.zeros((len(self.seen), *value.shape[1:]))
            self.values[name][rows] = value
        self.seen[rows] = True

    def merge(self, other: Importance) -> Self:
        """Add the folds of another run over the same clips; gives itself."""
        if len(self.seen) != len(other.seen) or (self.seen & other.seen).any():
            raise UsageError("only runs over different folds of the same clips can be merged")
        rows = np.flatnonzero(other.seen)
        if len(rows):
            self.update(rows, {name: value[rows] for name, value in other.values.items()})
        return self

    def compute(self, rng: Rng) -> dict[str, pd.DataFrame]:
        """The tables of the result.

        Parameters
        ----------
        rng : int or numpy.random.Generator
            For intervals and tests.

        Returns
        -------
        dict of str to DataFrame
            ``features``, ``groups``, ``by_corpus``, ``agreement`` and ``shapley``.

        Raises
        ------
        UsageError
            Folds are missing.
        """
        rng = generator(rng)
        if not self.seen.all():
            raise UsageError(f"{int((~self.seen).sum())} of {len(self.seen)} clips were in no fold yet")
        clips, measured = self.clips, self.values
        features = feature_table(clips.names, clips.groups, measured, clips.speaker, rng)
        groups = group_table(clips.group_names, clips.members, measured, clips.y, clips.speaker, rng)
        by_kind = {"feature": (clips.names, measured["permuted"]), "group": (clips.group_names, measured["group_permuted"])}
        ranked = {f"{kind}s": values for kind, (_, values) in by_kind.items()}
        return {
            "features": features,
            "groups": groups,
            "by_corpus": by_corpus(by_kind, clips.corpus),
            "agreement": rank_agreement(ranked, clips.corpus, clips.speaker, rng),
            "shapley": shapley_table(measured["shapley"], clips.group_names, clips.y, clips.corpus, clips.classes),
        }


def measure(clips: Clips, model: str, seed: int, rng: Rng, progress: Progress = silent) -> Importance:
    """Measure every clip in the one of five folds, without shared speakers, in which it was not trained on."""
    rng = generator(rng)
    out = Importance(clips)
    steps = len(clips.names) + len(clips.group_names)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for i, (train, test) in enumerate(splitter.split(clips.x, clips.y, clips.speaker.astype(str))):

        def tell(step: int, fold: int = i) -> None:
            progress("features", fold * steps + step, FOLDS * steps)

        out.update(test, measure_fold(clips, train, test, model, seed, rng, tell))
    progress("features", FOLDS * steps, FOLDS * steps)
    return out


def measure_fold(
    clips: Clips,
    train: np.ndarray,
    test: np.ndarray,
    model: str,
    seed: int,
    rng: Rng,
    tell: Callable[[int], None] = lambda step: None,
) -> dict[str, np.ndarray]:
    """Everything about the clips of one fold.

    Parameters
    ----------
    clips : Clips
        All clips.
    train, test : array of int
        Rows to train on, and rows to measure ``(m,)``.
    model : str
        A name that ``make_classifier`` knows.
    seed : int
        Of the training.
    rng : int or numpy.random.Generator
        For permutations and background.
    tell : callable
        Told of each step: features, then groups.

    Returns
    -------
    dict of str to array
        Of features ``(m, f)``: ``permuted``, ``conditional`` (rise of the log loss, bit), ``recall_lost``,
        ``shap_logistic``. Of groups ``(m, g)``: ``group_permuted``, ``group_conditional``, ``left_out``,
        ``recall_lost_permuted``, ``recall_lost_left_out``. ``shapley`` ``(m, g, classes)``.
    """
    rng = generator(rng)
    fold = _Fold(clips, train, test, make_classifier(model, seed).fit(clips.x[train], clips.y[train]).predict_proba)
    out = fold.features(rng, tell)
    for j, columns in enumerate(clips.members):
        tell(len(clips.names) + j)
        for name, value in fold.group(columns, model, seed, rng).items():
            out.setdefault(name, np.zeros((len(test), len(clips.members))))[:, j] = value
    background = clips.x[rng.permutation(train)[:BACKGROUND]]
    out["shapley"] = group_shapley(fold.predict, clips.x[test], background, clips.members)
    out["shap_logistic"] = linear_shap(clips.x[train], clips.y[train], clips.x[test])
    return out


class _Fold:
    """A trained model and the clips that it never heard."""

    def __init__(self, clips: Clips, train: np.ndarray, test: np.ndarray, predict: Predict) -> None:
        self.clips, self.train, self.predict = clips, train, predict
        self.x, self.y, self.weight = clips.x[test], clips.y[test], clips.weight[test]
        self.corpus = clips.corpus[test]
        self.surrogate = Surrogate(clips.x[train])
        answer = predict(self.x)
        self.loss, self.right = row_loss(answer, self.y, self.weight), answer.argmax(axis=1) == self.y

    def features(self, rng: np.random.Generator, tell: Callable[[int], None]) -> dict[str, np.ndarray]:
        """Each feature shuffled by itself."""
        names = ("permuted", "recall_lost", "conditional")
        out = {name: np.zeros((len(self.x), len(self.clips.names))) for name in names}
        for j in range(len(self.clips.names)):
            if j % 8 == 0:
                tell(j)
            out["permuted"][:, j], out["recall_lost"][:, j] = self._shuffled(np.array([j]), rng, REPEATS)
            out["conditional"][:, j] = self._shuffled(np.array([j]), rng, REPEATS, self.surrogate)[0]
        return out

    def group(self, columns: np.ndarray, model: str, seed: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """The features of a group shuffled together, and left out."""
        out = {}
        out["group_permuted"], out["recall_lost_permuted"] = self._shuffled(columns, rng, 2 * REPEATS)
        out["group_conditional"], _ = self._shuffled(columns, rng, 2 * REPEATS, self.surrogate)
        others = np.setdiff1d(np.arange(self.x.shape[1]), columns)
        if not len(others):  # the only group: nothing is left to train on
            return out | {"left_out": np.zeros(len(self.x)), "recall_lost_left_out": np.zeros(len(self.x))}
        clips = self.clips
        trained = make_classifier(model, seed).fit(clips.x[self.train][:, others], clips.y[self.train])
        answer = trained.predict_proba(self.x[:, others])
        out["left_out"] = row_loss(answer, self.y, self.weight) - self.loss
        out["recall_lost_left_out"] = (self.right - (answer.argmax(axis=1) == self.y) * 1.0) * self.weight
        return out

    def _shuffled(
        self, columns: np.ndarray, rng: np.random.Generator, repeats: int, surrogate: Surrogate | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rise of the loss and loss of recall of each clip ``(m,)``."""
        arguments = (self.x, self.y, self.weight, columns, self.corpus)
        loss, right = permuted_loss(self.predict, *arguments, rng, surrogate, repeats)
        return loss - self.loss, (self.right - right) * self.weight
