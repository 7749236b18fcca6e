"""Training of the words model, and what it shares with the face: readable items, and the section on the official test split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from torch import Tensor

from affectlens.assets.store import locate
from affectlens.core.errors import CorpusError
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import Settings
from affectlens.corpora.base import Corpus, Item, check_split, items_of, open_corpus
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.predictions import predict_corpus
from affectlens.evaluation.result import HEADINGS, Evaluation
from affectlens.evaluation.scores import fit_thresholds
from affectlens.learning.export import calibrate, export
from affectlens.learning.recipes import WordsRecipe
from affectlens.learning.words import train_words
from affectlens.models.base import Calibration
from affectlens.models.nets.words import WordsTokenizer
from affectlens.models.shipped.words import WordsModel
from affectlens.training.card import Card, table, write_card
from affectlens.training.run import TrainingRun, licence_of, scores_frame

LEAST = 2  # items of a split: half of those of the validation split fit the temperature, half the conformal set

_WORDS = (
    "all-MiniLM-L6-v2, frozen, with low-rank adapters on every linear map and a linear head; only adapters and head are in "
    "this file. Emoji are replaced by their Unicode names."
)
_WORDS_LIMITS = (
    "English only; other languages are abstained from. The training texts are comments of one website, young and male in "
    "the main, with profanity; dialect, irony and quotations are often misread. Transcribed speech has no emoji and other "
    "punctuation, which the model was not trained on."
)


def train_words_model(name: str, path: Path, out: Path, recipe: WordsRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``words.safetensors``, its card and its evaluation below ``out``; see ``affectlens.train.words``."""
    corpus = open_corpus(name, path)
    missed: dict[str, str] = {}
    texts, labels = _texts(corpus, "train", missed)
    dev_texts, dev_labels = _texts(corpus, "dev", missed)
    net = train_words(
        texts,
        labels,
        dev_texts,
        dev_labels,
        locate("minilm", "model.safetensors"),
        WordsTokenizer(locate("minilm", "tokenizer.json")),
        out,
        recipe,
        progress,
    )
    meta = {"config": net.config.to_dict()}
    evaluation, model, weights = _finish("words", WordsModel, corpus, "dev", net.trained_state(), meta, recipe, out)
    adapted = sum(parameter.numel() for parameter in model.net.parameters() if parameter.requires_grad)
    card = Card(
        "affectlens words",
        _WORDS,
        facts_of(corpus),
        f"words --corpus {name}=PATH",
        {"Test": test_section(evaluation, model.calibration)},
        _WORDS_LIMITS,
        f", of which {adapted:,} are ours",
    )
    missed |= {f"test/{key}": reason for key, reason in evaluation.missed.items()}
    return TrainingRun(weights, write_card(card, model, weights), scores_frame(evaluation.scores), missed=missed)


def _finish(
    name: str,
    loader: Callable[[Path], Any],
    corpus: Corpus,
    validation: str,
    tensors: dict[str, Tensor],
    meta: dict[str, Any],
    recipe: Settings,
    out: Path,
) -> tuple[Evaluation, Any, Path]:
    """Export, calibrate and score on test; gives the evaluation, the model as it ships and its file."""
    path = out / f"{name}.safetensors"
    chosen = {key: value for key, value in recipe.to_dict().items() if key != "start"}
    meta |= {"labels": list(corpus.scheme.labels), "recipe": chosen, **licence_of(corpus.info)}
    export(path, tensors, meta, Calibration())
    # Calibrated on what ships: the weights as they are after rounding to half precision.
    rounded = loader(path)
    reader = SimpleNamespace(labels=rounded.labels, read=rounded.read, probabilities=rounded.predict)
    answered = predict_corpus(reader, corpus, validation)
    read = np.isfinite(answered.probabilities[:, 0])
    logits, targets = answered.probabilities[read], answered.targets[read]
    calibration = calibrate(logits, targets)
    thresholds = fit_thresholds(calibration.probabilities(logits), targets)
    meta |= {"thresholds": [round(float(threshold), 5) for threshold in thresholds]}
    export(path, tensors, meta, calibration)
    model = loader(path)
    return evaluate(model, corpus, split="test", out=out), model, path


def _texts(corpus: Corpus, split: str, missed: dict[str, str]) -> tuple[list[str], list[list[int]]]:
    items = readable(corpus, split, missed)
    return [item.data for item in items], [[corpus.scheme.index(label) for label in item.labels] for item in items]


def readable(corpus: Corpus, split: str, missed: dict[str, str]) -> list[Item]:
    """What can be learned from or chosen by, from a split in which there is enough of it; the rest is added to ``missed``."""
    every_item = list(items_of(corpus, check_split(corpus, split)))
    missed |= {f"{split}/{item.key}": item.problem for item in every_item if item.data is None}
    items = [item for item in every_item if item.data is not None]
    if len(items) < LEAST:
        raise CorpusError(
            f"{corpus.info.name}, {split}: {len(items)} items that can be read; at least {LEAST} are needed to train on and to "
            "calibrate on each"
        )
    return items


def facts_of(corpus: Corpus) -> list[str]:
    """Lines of a card on the corpus and its licence."""
    return [
        f"Corpus: {corpus.info.title}, {corpus.info.home}",
        f"Licence of the corpus, which the weights inherit: {corpus.info.licence}",
    ]


def test_section(evaluation: Evaluation, calibration: Calibration) -> list[str]:
    """Lines of a card on the official test split."""
    return [
        f"Official test split, {evaluation.n:,} rows, {len(evaluation.missed)} missed (counted as errors); 95 % bootstrap "
        "intervals over rows. Nothing was chosen on it.",
        "",
        *table(
            ("score", "value", "interval"),
            [
                (HEADINGS[name], f"{estimate.value:.4f}", f"{estimate.low:.4f} to {estimate.high:.4f}")
                for name, estimate in evaluation.scores.items()
            ],
        ),
        "",
        f"Temperature {calibration.temperature:.3f}; a class joins the prediction set at probability "
        f"{1 - calibration.conformal:.4f} or more (target coverage {calibration.coverage:.0%}); both fitted on disjoint halves "
        "of the validation split. Share of label "
        f"entropy explained on validation, used as the weight in fusion: {calibration.reliability:.3f}.",
        "",
        "Confusion (rows: label, columns: prediction):",
        "",
        *table(
            ("", *evaluation.confusion.columns),
            [(str(name), *(str(int(count)) for count in row)) for name, row in evaluation.confusion.iterrows()],
        ),
    ]
