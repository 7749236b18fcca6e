"""A training: how often words stand in texts of each class (naive Bayes), on a corpus of texts.

AFFECTLENS_PLUGINS=training.py affectlens train counts --corpus goemotions=FOLDER
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.labels import EKMAN7
from affectlens.core.progress import Progress
from affectlens.core.settings import Settings
from affectlens.corpora.base import Corpus, Item, items_of, open_corpus
from affectlens.learning.export import calibrate, export
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import register_training
from affectlens.stats.resample import bootstrap
from affectlens.training.run import TrainingRun, licence_of, scores_frame


@dataclass(frozen=True)
class CountsRecipe(Settings):
    """What can be set; the command line makes options of it."""

    smoothing: float = fields.amount(1.0, "Times that every word is taken to have been seen in every class before.")
    seed: int = fields.seed()


@register_training("counts", CountsRecipe)
def train_counts(name: str, path: Path, out: Path, recipe: CountsRecipe, progress: Progress) -> TrainingRun:
    """Count the words of each class in a corpus of texts with the splits train and test."""
    corpus = open_corpus(name, path)
    missed: dict[str, str] = {}
    vocabulary: dict[str, int] = {}
    rows = []
    for item in _readable(corpus, "train", missed):
        places = [vocabulary.setdefault(word, len(vocabulary)) for word in str(item.data).lower().split()]
        rows.append((EKMAN7.labels.index(item.labels[0]), places))
        progress("texts", len(rows), 0)
    counts = np.full((len(EKMAN7.labels), len(vocabulary)), recipe.smoothing)
    for label, places in rows:
        np.add.at(counts[label], places, 1)
    weights = np.log(counts / counts.sum(1, keepdims=True))
    logits, truth = [], []
    for item in _readable(corpus, "test", missed):
        places = [vocabulary[word] for word in str(item.data).lower().split() if word in vocabulary]
        logits.append(weights[:, places].sum(1))
        truth.append(EKMAN7.labels.index(item.labels[0]))
    answers, classes = np.array(logits), np.array(truth)

    meta: dict[str, Any] = {"labels": list(EKMAN7.labels), "vocabulary": list(vocabulary), "recipe": recipe.to_dict()}
    file = out / "counts.safetensors"
    export(
        file,
        {"weights": torch.from_numpy(weights)},
        meta | licence_of(corpus.info),
        calibrate(answers, np.eye(len(EKMAN7.labels))[classes]),
    )
    right = answers.argmax(1)
    rng = np.random.default_rng(recipe.seed)
    score = bootstrap(lambda kept: float(np.mean(right[kept] == classes[kept])), len(classes), rng)
    card = file.with_suffix(".md")
    card.write_text(
        f"# Model card: counts\n\nWords of expressed emotion in {corpus.info.title}; accuracy {score}.\n", encoding="utf-8"
    )
    return TrainingRun(file, card, scores_frame({"accuracy": score}), missed=missed)


def _readable(corpus: Corpus, split: str, missed: dict[str, str]) -> Iterator[Item]:
    """Texts of a split; what cannot be read goes to ``missed`` with its reason."""
    for item in items_of(corpus, split):
        if item.data is None:
            missed[item.key] = item.problem
        else:
            yield item
