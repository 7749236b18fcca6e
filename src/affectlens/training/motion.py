"""Training of the gait and the posture model: one type of motion left out at a time, then the weights that ship."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from affectlens.core.disk.cache import kept_frame
from affectlens.core.disk.files import key_of, write_whole
from affectlens.core.labels import GROUPWALK4
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import write_frame
from affectlens.corpora.base import open_corpus
from affectlens.evaluation.motion import GAIT_KINDS, gait_predictions, motion_scores, posture_predictions
from affectlens.features.motion import gait_windows, postures
from affectlens.learning.export import calibrate_predictions, export
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.trainers.motion import (
    GaitWindows,
    Postures,
    gait_typicality,
    posture_typicality,
    scale_of,
    train_gait,
    train_posture,
)
from affectlens.learning.typicality import Typicality
from affectlens.models.nets.gait import GaitNet
from affectlens.models.nets.posture import PostureNet
from affectlens.models.shipped.gait import GaitModel
from affectlens.models.shipped.posture import PostureModel
from affectlens.training.card import Card, table, write_card
from affectlens.training.run import PARTS, TrainingRun, licence_of

CLASSES = GROUPWALK4.labels
_HEADING = "A type of motion never seen"
_NEW_DATA = (
    "Not measured: one corpus, one rig. So it is off by default, and its weight beside other modules is zero. It says nothing "
    "of bodies that do not walk, nor of a walk whose typicality is below 0.05. Never seen: people of other rigs, children, the "
    "old, people who carry or push something, stairs, limps, treadmills, anybody who sits, stands, dances or plays."
)
_GAIT = (
    "Convolutions and an LSTM over two seconds of a skeleton's joints, joined with 36 measured features of posture and "
    "gait, after the gait module of EMERSK (arXiv 2306.08657); widths are ours."
)
_GAIT_LIMITS = (
    "Few recordings of few actors, who are not told apart, so nothing is known about people never seen; acted styles; "
    "motion capture, while joints from video are noisier and depth in them is a guess. Calibrated on types of motion never "
    "seen, not on new people."
)
_GAIT_MODELS = {
    "network": "convolutions and LSTM over joints, with the measured features (ships)",
    "sequence": "joints alone",
    "features": "measured features alone, same classifier",
    "logistic": "logistic regression on the features",
    "trees": "extremely random trees on the features",
}
_POSTURE = (
    "A network over the graph of one skeleton's joints, trained to name the class and to rebuild hidden and noisy joints (a "
    "denoising autoencoder), after the posture module of EMERSK (arXiv 2306.08657); widths are ours."
)
_POSTURE_LIMITS = (
    "Everybody in the training corpus moves over the ground, so nothing is said of somebody who does not walk. Few actors, "
    "acted styles, motion capture."
)
_POSTURE_MODELS = {
    "network": "the network (ships)",
    "half bodies": "the same, everything below the waist hidden",
    "logistic": "logistic regression on the coordinates",
}


def train_gait_model(name: str, path: Path, out: Path, recipe: GaitRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``gait.safetensors``, its card, scores and predictions below ``out``; see ``affectlens.train.gait``."""
    data = gait_windows(path, name, "four", progress)
    content = (data.joints, data.features, data.rows.to_json(), recipe.to_dict())
    predictions = pd.concat(
        [
            kept_frame(
                out / PARTS,
                f"gait-{kind}",
                key_of(kind, *content),
                partial(gait_predictions, data, CLASSES, recipe, kind, progress),
            )
            for kind in GAIT_KINDS
        ],
        ignore_index=True,
    )
    net = train_gait(data, CLASSES, recipe)
    mean, deviation = scale_of(data.features)
    meta = {"scale": [mean.tolist(), deviation.tolist()], "recipe": recipe.to_dict()}
    ordinary = gait_typicality(net, data, (mean, deviation), recipe)
    model, weights, scores = _ship("gait", GaitModel, out, net, meta, predictions, name, path, recipe.seed, ordinary)
    section = [
        "Each type of motion is left out in turn (chance .25). Windows: mean and deviation over seeds, interval over "
        "recordings of the first.",
        "",
        *_scores_table("windows", scores, _GAIT_MODELS),
    ]
    facts = [_corpus_fact(model, data, f"{len(data.rows)} windows of two seconds")]
    sections = {"New data": [_NEW_DATA], _HEADING: section}
    card = Card("affectlens gait", _GAIT, facts, f"gait --corpus {name}=PATH", sections, _GAIT_LIMITS)
    return TrainingRun(weights, write_card(card, model, weights), scores, missed=data.missed)


def train_posture_model(name: str, path: Path, out: Path, recipe: PostureRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``posture.safetensors``, its card, scores and predictions below ``out``; see ``affectlens.train.posture``."""
    data = postures(path, name, "all", progress)
    predictions = kept_frame(
        out / PARTS,
        "posture",
        key_of("posture", data.joints, data.rows.to_json(), recipe.to_dict()),
        lambda: posture_predictions(data, CLASSES, recipe, progress),
    )
    net = train_posture(data, CLASSES, recipe)
    meta = {"recipe": recipe.to_dict()}
    ordinary = posture_typicality(net, data, recipe)
    model, weights, scores = _ship("posture", PostureModel, out, net, meta, predictions, name, path, recipe.seed, ordinary)
    section = [
        "Single skeletons; each type of motion is left out in turn (chance .25). Mean and deviation over seeds, interval "
        "over recordings of the first.",
        "",
        *_scores_table("skeletons", scores, _POSTURE_MODELS),
        "",
        f"Hidden lower bodies are rebuilt {predictions.rebuilt.mean():.2f} torso lengths from where they were, against "
        f"{predictions.mean_body.mean():.2f} for the mean body.",
    ]
    labelled = int(data.rows.label.isin(CLASSES).sum())
    facts = [_corpus_fact(model, data, f"{len(data.rows)} skeletons, of which {labelled} of the four classes")]
    sections = {"New data": [_NEW_DATA], _HEADING: section}
    card = Card("affectlens posture", _POSTURE, facts, f"posture --corpus {name}=PATH", sections, _POSTURE_LIMITS)
    return TrainingRun(weights, write_card(card, model, weights), scores, missed=data.missed)


def _ship(
    kind: str,
    load: Callable[[Path], Any],
    out: Path,
    net: GaitNet | PostureNet,
    meta: dict[str, Any],
    predictions: pd.DataFrame,
    name: str,
    path: Path,
    seed: int,
    ordinary: Typicality,
) -> tuple[Any, Path, pd.DataFrame]:
    """Scores, calibration on motions never seen, and weights; gives the model as it ships, its file and the scores."""
    write_whole(out / "predictions.parquet", predictions.to_parquet)
    scores = motion_scores(predictions, len(CLASSES), np.random.default_rng(seed))
    write_frame(scores, out / "scores.csv")
    # Nobody but the people of one rig was measured, so beside other modules this one has no say.
    calibration = replace(calibrate_predictions(predictions[predictions.kind == "network"]), reliability=0.0)
    weights = out / f"{kind}.safetensors"
    meta |= {"labels": list(CLASSES), "config": net.config.to_dict(), **licence_of(open_corpus(name, path).info)}
    tensors = {name: torch.from_numpy(values) for name, values in ordinary.to_tensors().items()}
    export(weights, {**net.state_dict(), **tensors}, meta, calibration)
    return load(weights), weights, scores


def _scores_table(rows: str, scores: pd.DataFrame, models: dict[str, str]) -> list[str]:
    return table(
        ("model", f"UAR of {rows}", "of recordings", "mean over motions"),
        [
            (
                models[row.kind],
                f"{row.mean_recall:.3f} ± {row.deviation:.3f} ({row.low:.3f} to {row.high:.3f})",
                f"{row.mean_recall_recordings:.3f}",
                f"{row.mean_recall_motions:.3f}",
            )
            for row in scores.itertuples()
        ],
    )


def _corpus_fact(model: Any, data: GaitWindows | Postures, rows: str) -> str:
    return (
        f"Corpus: {model.meta['corpus']}, {data.rows.key.nunique()} recordings, {rows}; licence: {model.meta['licence']} "
        f"({model.meta['home']}). The weights inherit it: not for commerce"
    )
