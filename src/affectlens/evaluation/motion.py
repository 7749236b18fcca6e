"""How networks of recorded motion are tested: one type of motion left out at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from affectlens.core.errors import CorpusError
from affectlens.core.progress import Progress, silent
from affectlens.learning.balance import recording_weights
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.trainers.motion import (
    LOWER,
    GaitWindows,
    Postures,
    gait_deep_and_logits,
    hide_lower,
    posture_deep_and_logits,
    scale_of,
    train_gait,
    train_posture,
)
from affectlens.models.nets.gait import GaitNetConfig
from affectlens.stats.classification import confusion, softmax, unweighted_recall
from affectlens.stats.generators import Rng, generator
from affectlens.stats.resample import bootstrap

PARTS = {"network": ("sequence", "features"), "sequence": ("sequence",), "features": ("features",)}
PEERS = ("logistic", "trees")
GAIT_KINDS = (*PARTS, *PEERS)


@dataclass(frozen=True)
class Answers:
    """What one kind of model says of the test rows: ``probabilities`` ``(n, classes)``, and more columns of one value each."""

    probabilities: np.ndarray
    more: dict[str, float] = field(default_factory=dict)


Fit = Callable[[Any, Any, int], dict[str, Answers]]


def leave_motion_out(
    data: GaitWindows | Postures, classes: tuple[str, ...], fit: Fit, seeds: Iterable[int], progress: Progress = silent
) -> pd.DataFrame:
    """Predictions on each type of motion by models that saw the others only.

    Parameters
    ----------
    data : GaitWindows or Postures
        Rows of all types of motion; those of other classes are trained on, never tested.
    classes : tuple of str
        What is told apart.
    fit : callable
        Takes training rows, test rows and a seed and gives the answers of every kind of model.
    seeds : iterable of int
        Seeds of the models.
    progress : Progress
        Told of types of motion.

    Returns
    -------
    pandas.DataFrame
        Columns kind, seed, key, motion, start, truth, ``p0`` on, and those that the answers add.

    Raises
    ------
    CorpusError
        A class that is not in two types of motion, so that one can be left out.
    """
    parts = []
    motions = sorted(set(data.rows.motion))
    counts = {name: data.rows.motion[data.rows.label == name].nunique() for name in classes}
    if min(counts.values()) < 2:
        shown = ", ".join(f"{name} in {count}" for name, count in counts.items())
        raise CorpusError(f"types of motion: {shown}; one type is left out at a time, so every class is needed in two")
    for seed in seeds:
        for i, motion in enumerate(motions):
            out = (data.rows.motion == motion).to_numpy()
            train, test = data.take(~out), data.take(out & data.rows.label.isin(classes).to_numpy())
            truth = [classes.index(label) for label in test.rows.label]
            answers = fit(train, test, seed)
            for kind, answer in answers.items():
                frame = test.rows.assign(kind=kind, seed=seed, truth=truth, **answer.more)
                columns = [f"p{index}" for index in range(len(classes))]
                parts.append(pd.concat([frame, pd.DataFrame(answer.probabilities, columns=columns)], axis=1))
            progress(f"{', '.join(answers)}, seed {seed}", i + 1, len(motions))
    return pd.concat(parts, ignore_index=True)


def gait_predictions(
    data: GaitWindows, classes: tuple[str, ...], recipe: GaitRecipe, kind: str, progress: Progress = silent
) -> pd.DataFrame:
    """Predictions of one kind of model of gait on each type of motion, by ``leave_motion_out``.

    Parameters
    ----------
    data : GaitWindows
        Windows of all types of motion.
    classes : tuple of str
        What is told apart.
    recipe : GaitRecipe
        How networks are trained, and with how many seeds.
    kind : str
        ``network`` reads joints and features, ``sequence`` and ``features`` one of them; ``logistic`` and ``trees`` are
        logistic regression and extremely random trees on the features.
    progress : Progress
        Told of types of motion.

    Returns
    -------
    pandas.DataFrame
        As ``leave_motion_out`` gives it.
    """

    def fit(train: GaitWindows, test: GaitWindows, seed: int) -> dict[str, Answers]:
        if kind not in PARTS:
            return {kind: Answers(_gait_peer(kind, train, test, classes, seed))}
        net = train_gait(train, classes, replace(recipe, seed=seed), GaitNetConfig(len(classes), parts=PARTS[kind]))
        return {kind: Answers(softmax(gait_deep_and_logits(net, test, scale_of(train.features))[1]))}

    count = 1 if kind == "logistic" else recipe.seeds  # nothing in it is random
    return leave_motion_out(data, classes, fit, range(recipe.seed, recipe.seed + count), progress)


def posture_predictions(
    data: Postures, classes: tuple[str, ...], recipe: PostureRecipe, progress: Progress = silent
) -> pd.DataFrame:
    """Predictions of all kinds of models of posture on each type of motion, by ``leave_motion_out``.

    Parameters
    ----------
    data : Postures
        Skeletons of all types of motion.
    classes : tuple of str
        What is told apart.
    recipe : PostureRecipe
        How networks are trained, and with how many seeds.
    progress : Progress
        Told of types of motion.

    Returns
    -------
    pandas.DataFrame
        As ``leave_motion_out`` gives it, of the network, the same with the lower body hidden, and logistic regression on the
        coordinates; with ``rebuilt`` and ``mean_body``, the mean distance in torso lengths between hidden lower joints and
        where the network, or the mean body, puts them.
    """

    def fit(train: Postures, test: Postures, seed: int) -> dict[str, Answers]:
        net = train_posture(train, classes, replace(recipe, seed=seed))
        half, lower = hide_lower(test.joints), test.joints[:, LOWER]
        with torch.inference_mode():
            rebuilt = net.rebuild(torch.from_numpy(half)).numpy()[:, LOWER]
        more = {
            "rebuilt": float(np.linalg.norm(rebuilt - lower, axis=-1).mean()),
            "mean_body": float(np.linalg.norm(train.joints[:, LOWER].mean(0) - lower, axis=-1).mean()),
        }
        answers = {
            kind: Answers(softmax(posture_deep_and_logits(net, joints)[1]), more)
            for kind, joints in (("network", test.joints), ("half bodies", half))
        }
        if seed == recipe.seed:
            answers["logistic"] = Answers(_posture_peer(train, test, classes), more)
        return answers

    return leave_motion_out(data, classes, fit, range(recipe.seed, recipe.seed + recipe.seeds), progress)


def motion_scores(predictions: pd.DataFrame, classes: int, rng: Rng) -> pd.DataFrame:
    """Mean recall of each kind of model.

    Parameters
    ----------
    predictions : pandas.DataFrame
        As ``leave_motion_out`` gives them.
    classes : int
        How many classes there are.
    rng : int or numpy.random.Generator
        Draws the bootstrap.

    Returns
    -------
    pandas.DataFrame
        One row a kind: ``mean_recall`` over rows, mean over seeds with their ``deviation`` and the interval ``low`` to ``high``
        over recordings of the first; ``mean_recall_recordings`` (mean probability of a recording's rows);
        ``mean_recall_motions`` (mean over types of motion).
    """
    rng = generator(rng)
    rows = []
    columns = [f"p{index}" for index in range(classes)]
    for kind, of_kind in predictions.groupby("kind", sort=False):
        overall, by_recording, by_motion = [], [], []
        for _, of_seed in of_kind.groupby("seed"):
            overall.append(_recall(of_seed, columns))
            recordings = of_seed.groupby("key")[columns].mean().assign(truth=of_seed.groupby("key").truth.first())
            by_recording.append(_recall(recordings, columns))
            by_motion.append(np.mean([_recall(motion, columns) for _, motion in of_seed.groupby("motion")]))
        first = of_kind[of_kind.seed == of_kind.seed.min()]
        estimate = bootstrap(_recall_of(first, columns), len(first), rng, groups=first.key.to_numpy())
        rows.append(
            {
                "kind": kind,
                "seeds": len(overall),
                "mean_recall": np.mean(overall),
                "deviation": np.std(overall),
                "low": estimate.low,
                "high": estimate.high,
                "mean_recall_recordings": np.mean(by_recording),
                "mean_recall_motions": np.mean(by_motion),
            }
        )
    return pd.DataFrame(rows)


def _recall(rows: pd.DataFrame, columns: list[str]) -> float:
    return _recall_of(rows, columns)(np.arange(len(rows)))


def _recall_of(rows: pd.DataFrame, columns: list[str]) -> Callable[[np.ndarray], float]:
    truth, predicted = rows.truth.to_numpy(), rows[columns].to_numpy().argmax(1)
    return lambda chosen: unweighted_recall(confusion(truth[chosen], predicted[chosen], len(columns)))


def _gait_peer(kind: str, train: GaitWindows, test: GaitWindows, classes: tuple[str, ...], seed: int) -> np.ndarray:
    model = (
        LogisticRegression(C=0.3, max_iter=5000)
        if kind == "logistic"
        else ExtraTreesClassifier(500, min_samples_leaf=3, random_state=seed)
    )
    fitted = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), model)
    fitted.fit(train.features, train.rows.label, **{f"{fitted.steps[-1][0]}__sample_weight": recording_weights(train.rows)})
    return _in_order(fitted, test.features, classes)


def _posture_peer(train: Postures, test: Postures, classes: tuple[str, ...]) -> np.ndarray:
    labelled = train.take(train.rows.label.isin(classes).to_numpy())
    scale = StandardScaler().fit(labelled.joints.reshape(len(labelled.joints), -1))
    model = LogisticRegression(C=0.1, max_iter=3000)
    scaled = scale.transform(labelled.joints.reshape(len(labelled.joints), -1))
    model.fit(scaled, labelled.rows.label, sample_weight=recording_weights(labelled.rows))
    return _in_order(model, scale.transform(test.joints.reshape(len(test.joints), -1)), classes)


def _in_order(model: Any, features: np.ndarray, classes: tuple[str, ...]) -> np.ndarray:
    order = [list(model.classes_).index(name) for name in classes]
    return np.asarray(model.predict_proba(features)[:, order])
