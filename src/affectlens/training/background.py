"""Training of the background model: what a picture without its people says, on a corpus of whole pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from affectlens.assets.store import locate
from affectlens.core.disk.cache import kept_arrays
from affectlens.core.disk.files import key_of, sha256_of
from affectlens.core.errors import CorpusError
from affectlens.core.labels import EKMAN7
from affectlens.core.progress import Progress, silent
from affectlens.core.tables import write_frame
from affectlens.corpora.base import Corpus, items_of, open_corpus
from affectlens.evaluation.result import HEADINGS
from affectlens.learning.export import calibrate, export
from affectlens.learning.folds import grouped_folds
from affectlens.learning.recipes.background import BackgroundRecipe
from affectlens.learning.trainers.background import train_background
from affectlens.models.shipped.background import BackgroundModel
from affectlens.perception.scene.objects import object_detector
from affectlens.stats.classification import accuracy, confusion, unweighted_recall
from affectlens.stats.resample import Estimate, bootstrap
from affectlens.training.card import Card, write_card
from affectlens.training.run import PARTS, TrainingRun, content_of, licence_of, scores_frame

_ABOUT = (
    "A small network over features of EfficientDet-Lite0's backbone (Apache-2.0, trained on COCO) of the frame without its "
    "people, after the background module of EMERSK (arXiv 2306.08657); widths are ours."
)
_LIMITS = (
    "Classes are what raters saw in the people of such pictures, told from the surroundings alone. The held-out part also "
    "fitted the temperature, so calibration there is a little too good."
)


def train_background_model(
    name: str, path: Path, out: Path, recipe: BackgroundRecipe, progress: Progress = silent
) -> TrainingRun:
    """Write ``background.safetensors``, its card and ``scores.csv`` below ``out``; see ``affectlens.train.background``."""
    corpus, detector = open_corpus(name, path), locate("efficientdet-lite0")
    split = corpus.info.splits[0]
    pictures = kept_arrays(
        out / PARTS,
        "backgrounds",
        key_of("backgrounds with what was missed", content_of(corpus, path, split), sha256_of(detector)),
        lambda: backgrounds(corpus, split, detector, progress),
    )
    x, y, groups = pictures["features"], pictures["labels"], pictures["groups"]
    train, test = grouped_folds(y, groups, recipe.parts, recipe.seed, EKMAN7.labels, str(path))[0]
    net = train_background(x[train], y[train], recipe, len(EKMAN7.labels))
    weights = out / "background.safetensors"
    meta = {
        "labels": list(EKMAN7.labels),
        "config": net.config.to_dict(),
        "recipe": recipe.to_dict(),
        **licence_of(corpus.info),
    }
    with torch.inference_mode():
        logits = net(torch.from_numpy(x[test].astype(np.float32))).numpy()
    export(weights, net.state_dict(), meta, calibrate(logits, np.eye(len(EKMAN7.labels))[y[test]]))
    scores = _scores(y[test], logits.argmax(1), groups[test], np.random.default_rng(recipe.seed))
    frame = scores_frame(scores)
    write_frame(frame, out / "scores.csv")
    facts = [
        f"Corpus: {corpus.info.title}, {len(train)} pictures learned from, {len(test)} held out; licence: {corpus.info.licence}"
    ]
    sections = {"Held-out pictures": [f"- {HEADINGS[name]}: {estimate}" for name, estimate in scores.items()]}
    card = Card("background", _ABOUT, facts, f"background --corpus {name}=PATH", sections, _LIMITS)
    missed = json.loads(str(pictures["missed"]))
    return TrainingRun(weights, write_card(card, BackgroundModel(weights), weights), frame, missed=missed)


def backgrounds(corpus: Corpus, split: str, detector: Path, progress: Progress = silent) -> dict[str, np.ndarray]:
    """Every picture of a split that has a class of the seven and some background.

    Returns
    -------
    dict of str to numpy.ndarray
        ``features`` ``(n, 320)`` of the detector's backbone without people, ``labels`` ``(n,)`` class indices, ``groups``
        ``(n,)``, and ``missed``: as JSON, the pictures that could not be read or that people fill, and why.

    Raises
    ------
    CorpusError
        There is no such picture.
    """
    find = object_detector(detector)
    features, labels, groups, missed = [], [], [], {}
    total = len(corpus.table(split))
    for i, item in enumerate(items_of(corpus, split)):
        label = next((name for name in item.labels if name in EKMAN7.labels), None)
        if item.data is None:
            missed[item.key] = item.problem
        elif label is not None:
            box = (item.meta or {}).get("box")
            people = [thing.box for thing in find(item.data) if thing.name == "person"]
            vector = find.features(item.data, [*people, *([box] if box else [])])
            if np.isfinite(vector).all():
                features.append(vector)
                labels.append(EKMAN7.labels.index(label))
                groups.append(item.group or item.key)
            else:
                missed[item.key] = "people fill the picture, nothing of the background is left"
        progress(f"{corpus.info.name}, {split}", i + 1, total)
    if not features:
        raise CorpusError(
            f"{corpus.info.name}: no picture of {total} has a class of {', '.join(EKMAN7.labels)} and some background"
        )
    return {
        "features": np.stack(features),
        "labels": np.array(labels),
        "groups": np.array(groups, dtype=str),
        "missed": np.array(json.dumps(missed)),
    }


def _scores(truth: np.ndarray, answer: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> dict[str, Estimate]:
    def table(rows: np.ndarray) -> np.ndarray:
        return confusion(truth[rows], answer[rows], len(EKMAN7.labels))

    return {
        "mean_recall": bootstrap(lambda rows: unweighted_recall(table(rows)), len(truth), rng, groups=groups),
        "accuracy": bootstrap(lambda rows: accuracy(table(rows)), len(truth), rng, groups=groups),
    }
