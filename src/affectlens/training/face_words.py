"""Training of the face model: calibrated on validation, scored on the official test split once, with a card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from torch import Tensor

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import CorpusError, ModelError, UsageError
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import Settings
from affectlens.corpora.base import Corpus, Item, check_split, items_of, open_corpus
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.predictions import predict_corpus
from affectlens.evaluation.result import HEADINGS, Evaluation
from affectlens.evaluation.scores import fit_thresholds
from affectlens.learning.export import calibrate, export
from affectlens.learning.face import train_face
from affectlens.learning.recipes.face import FaceRecipe
from affectlens.models.base import Calibration
from affectlens.models.nets.face import TwoStreamFaceNet
from affectlens.models.shipped.face import FaceModel
from affectlens.training.card import Card, table, write_card
from affectlens.training.run import TrainingRun, licence_of, scores_frame

LEAST = 2  # items of a split: half of those of the validation split fit the temperature, half the conformal set
SHAPE = (48, 48)  # of a grey crop

_FACE = (
    "Two convolutional streams over a 48 x 48 grey face crop, one plain, one gated by an encoder-decoder attention mask, "
    "joined before the classifier, after the face module of EMERSK (arXiv 2306.08657); widths are ours. The answer is the "
    "mean over the crop at three zooms, each also mirrored."
)
_FACE_LIMITS = (
    "FER2013 has no person ids, so one person may be in train and test, and 288 of its 3,589 test pictures (8 %) are byte "
    "for byte in train (scripts/fer_without_copies.py scores the others alone); the score on new people is likely lower. "
    "Its labels are noisy (people reach about 65 %, Goodfellow et al. 2013) and many pictures are posed. Age, skin tone and "
    "gender are not annotated: nothing is known here about differences between groups. Faces turned far away, covered or "
    "small (under about 12 pixels between the eyes) are not read reliably."
)


def train_face_model(name: str, path: Path, out: Path, recipe: FaceRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``face.safetensors``, its card and its evaluation below ``out``; see ``affectlens.train.face``."""
    start = _earlier(recipe.start) if recipe.start else None
    corpus = open_corpus(name, path)
    missed: dict[str, str] = {}
    images, labels = _pictures(corpus, "train", missed)
    validation_images, validation_labels = _pictures(corpus, "val", missed)
    net = train_face(images, labels, validation_images, validation_labels, out, recipe, progress, start)
    meta: dict[str, Any] = {"config": net.config.to_dict(), "zooms": list(recipe.zooms)}
    command = f"face --corpus {name}=PATH"
    if recipe.start:
        meta["start"] = {"file": recipe.start.name, "sha256": sha256_of(recipe.start)}
        command += " --start WEIGHTS"
    evaluation, model, weights = _finish("face", FaceModel, corpus, "val", net.state_dict(), meta, recipe, out)
    facts = _facts(corpus)
    if recipe.start:
        facts.append(
            f"It went on from the weights of an earlier run, which also taught (sha256 `{meta['start']['sha256']}`; docs/runs)"
        )
    card = Card("affectlens face", _FACE, facts, command, {"Test": _test_section(evaluation, model.calibration)}, _FACE_LIMITS)
    missed |= {f"test/{key}": reason for key, reason in evaluation.missed.items()}
    return TrainingRun(weights, write_card(card, model, weights), scores_frame(evaluation.scores), missed=missed)


def _earlier(path: Path) -> TwoStreamFaceNet:
    """The network of an earlier run.

    Returns
    -------
    TwoStreamFaceNet
        With its weights.

    Raises
    ------
    UsageError
        The file holds something else.
    """
    try:
        net = FaceModel(path).net
        assert isinstance(net, TwoStreamFaceNet)
        return net
    except (ModelError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            f"--start {path}: not weights of the face network ({reason}); give a face.safetensors that `affectlens train "
            "face` wrote"
        ) from error


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


def _pictures(corpus: Corpus, split: str, missed: dict[str, str]) -> tuple[np.ndarray, np.ndarray]:
    items = _readable(corpus, split, missed)
    unfit = next((item for item in items if item.data.shape != SHAPE), None)
    if unfit is not None:
        raise CorpusError(f"{corpus.info.name}, {split}: {unfit.key} is {unfit.data.shape}; grey crops {SHAPE} were expected")
    return np.stack([item.data for item in items]), np.array([corpus.scheme.index(item.labels[0]) for item in items])


def _readable(corpus: Corpus, split: str, missed: dict[str, str]) -> list[Item]:
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


def _facts(corpus: Corpus) -> list[str]:
    return [
        f"Corpus: {corpus.info.title}, {corpus.info.home}",
        f"Licence of the corpus, which the weights inherit: {corpus.info.licence}",
    ]


def _test_section(evaluation: Evaluation, calibration: Calibration) -> list[str]:
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
