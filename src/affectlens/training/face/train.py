"""Training of the face model: chosen on validation, calibrated on new data if there are any, scored on test, with a card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError, UsageError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, name_and_path, open_corpus
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.predictions import Predictions, predict_corpus, split_of
from affectlens.evaluation.result import Evaluation
from affectlens.learning.augmentation.cover import fit_cover
from affectlens.learning.augmentation.photometric import photometric
from affectlens.learning.export import calibrate, export
from affectlens.learning.recipes.face import FaceRecipe
from affectlens.learning.trainers.face import train_face
from affectlens.learning.typicality import fit_typicality
from affectlens.models.base import Calibration
from affectlens.models.nets.face import TwoStreamFaceNet
from affectlens.models.shipped.face import FaceModel
from affectlens.training.card import Card, write_card
from affectlens.training.face.labels import Faces, learned_from
from affectlens.training.face.scores import against_votes, confusion_of, headline, on_new_data, prior_of
from affectlens.training.face.words import facts_of
from affectlens.training.run import TrainingRun, licence_of, scores_frame
from affectlens.training.tuning import tune

COVER_IMAGES = 6000  # training crops that patches are laid over
PROTOTYPES = 16  # centres of ordinary faces

_ABOUT = (
    "Two convolutional streams over a 48 x 48 grey face crop, one plain, one gated by an encoder-decoder attention mask, "
    "joined before the classifier, after the face module of EMERSK (arXiv 2306.08657); widths are ours."
)
_LIMITS = (
    "FER2013 has no person ids, so one person may be in train and test, and 288 of its 3,589 test pictures (8 %) are byte "
    "for byte in train (scripts/fer_without_copies.py scores the others alone); the score on new people is likely lower. "
    "Its labels are noisy (people reach about 65 %, Goodfellow et al. 2013) and many pictures are posed. Age, skin tone and "
    "gender are not annotated: nothing is known here about differences between groups. Never seen in training: colour, "
    "profiles but for a few, thermal and infrared pictures, masks and hands before the face but for a few, children's and "
    "old people's faces but for a few. Faces turned far away, covered, cut by the picture's edge or small (under about 12 "
    "pixels between the eyes) are not read reliably; the main job abstains from them and from faces unlike all that it "
    "learnt from."
)


@dataclass(frozen=True)
class _Made:
    """The model as it ships, and what it was scored on."""

    model: FaceModel
    evaluations: dict[str, Evaluation]
    nats: tuple[float, float] | None


def train_face_model(name: str, path: Path, out: Path, recipe: FaceRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``face.safetensors``, its card and its evaluation below ``out``; see ``affectlens.train.face``."""
    if recipe.from_weights:
        return tune("face", {name: path}, out, recipe, progress)
    start = _earlier(recipe.start) if recipe.start else None
    corpus, unseen = open_corpus(name, path), _unseen(recipe)
    missed: dict[str, str] = {}
    train = learned_from(corpus, "train", recipe, missed)
    validation = learned_from(corpus, "val", recipe, missed)
    net = train_face(train.images, train.targets, validation.images, validation.targets, out, recipe, progress, start)
    made = _ship(net, corpus, unseen, train, validation, recipe, out, progress)
    weights = made.model.path
    first = next(iter(made.evaluations.values()))
    sections = {
        "Scores": [*headline(made.evaluations), "", *_about_scores(made, unseen, recipe)],
        "Confusion on the first of these (rows: label, columns: answer)": confusion_of(first),
        "Answers": _about_answers(made.model.calibration, unseen),
    }
    card = Card("affectlens face", _ABOUT, _facts(corpus, recipe, missed), _command(name, recipe), sections, _LIMITS)
    test = made.evaluations[f"{corpus.info.title}, official test split"]
    missed |= {f"test/{key}": reason for key, reason in test.missed.items()}
    return TrainingRun(weights, write_card(card, made.model, weights), scores_frame(first.scores), missed=missed)


def _ship(
    net: TwoStreamFaceNet,
    corpus: Corpus,
    unseen: Corpus | None,
    train: Faces,
    validation: Faces,
    recipe: FaceRecipe,
    out: Path,
    progress: Progress,
) -> _Made:
    """Take out the prior, fit cover, typicality and calibration on the weights as they ship, and score them."""
    path, classes = out / "face.safetensors", corpus.scheme.labels
    prior = prior_of(train.targets, len(classes))
    with torch.no_grad():
        net.classifier.bias.sub_(recipe.prior_strength * torch.from_numpy(np.log(prior)).float())
    rng = np.random.default_rng(recipe.seed)
    chosen = rng.permutation(len(train.images))[:COVER_IMAGES]
    tensors = {**net.state_dict(), **fit_cover(net, train.images[chosen], recipe.seed), **_typicality(net, validation, recipe)}
    meta: dict[str, Any] = {
        "config": net.config.to_dict(),
        "zooms": list(recipe.zooms),
        "mirror": recipe.mirror,
        "labels": list(classes),
        "recipe": _plain(recipe),
        **licence_of(corpus.info),
    }
    if recipe.start:
        meta["start"] = {"file": recipe.start.name, "sha256": sha256_of(recipe.start)}
    export(path, tensors, meta, Calibration())
    rounded = FaceModel(path)  # calibrated on what ships: the weights as they are after rounding to half precision
    new = _logits(rounded, unseen, progress) if unseen is not None else None
    calibration = _calibrated(new if new is not None else _logits(rounded, corpus, silent, "val"), prior)
    export(path, tensors, meta, calibration)
    model = FaceModel(path)
    evaluations = {f"new data ({_called(recipe)})": on_new_data(new)} if new is not None else {}
    nats = None
    if recipe.votes is not None:
        answers = _logits(model, corpus, silent, "test")
        voted, nats = against_votes(answers.probabilities, answers.keys, recipe.votes, classes, calibration)
        evaluations["majority of raters (FER+), test split"] = voted
    evaluations[f"{corpus.info.title}, official test split"] = evaluate(model, corpus, split="test", out=out)
    return _Made(model, evaluations, nats)


def _typicality(net: TwoStreamFaceNet, validation: Faces, recipe: FaceRecipe) -> dict[str, torch.Tensor]:
    """What tells faces unlike all that were learnt, fitted on pictures that the network was not: as they are, and changed."""
    generator = torch.Generator().manual_seed(recipe.seed)
    pictures = torch.from_numpy(validation.images).float().div_(255).unsqueeze(1)
    net.eval()
    with torch.no_grad():
        both = [net.deep(pictures), net.deep(photometric(pictures, generator, recipe.photometric))]
    features = torch.cat(both).numpy()
    groups = np.tile(np.arange(len(pictures)), 2)  # whose faces they are is not known: a group is one picture
    fitted = fit_typicality(features, groups, prototypes=PROTOTYPES, seed=recipe.seed)
    return {name: torch.from_numpy(values) for name, values in fitted.to_tensors().items()}


def _calibrated(predictions: Predictions, prior: np.ndarray) -> Calibration:
    """Temperature and sets of what could be read, in a random order that is the same each time."""
    read = np.flatnonzero(np.isfinite(predictions.probabilities[:, 0]))
    read = np.random.default_rng(0).permutation(read)
    fitted = calibrate(predictions.probabilities[read], predictions.targets[read])
    return Calibration(
        fitted.temperature, fitted.conformal, fitted.coverage, fitted.reliability, tuple(float(p) for p in prior / prior.sum())
    )


def _logits(model: FaceModel, corpus: Corpus, progress: Progress, split: str = "") -> Predictions:
    """The model's logits in the place of probabilities."""
    reader = SimpleNamespace(labels=model.labels, read=model.read, probabilities=model.predict)
    return predict_corpus(reader, corpus, split or split_of(corpus), progress=progress)


def _called(recipe: FaceRecipe) -> str:
    return name_and_path(recipe.unseen)[1].stem


def _unseen(recipe: FaceRecipe) -> Corpus | None:
    return open_corpus(*name_and_path(recipe.unseen)) if recipe.unseen else None


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


def _plain(recipe: FaceRecipe) -> dict[str, Any]:
    """The recipe without paths of one machine: tables are named by their file, a corpus by its name."""
    chosen = {name: value for name, value in recipe.to_dict().items() if name not in ("start", "votes", "answers", "unseen")}
    named = {"votes": recipe.votes, "answers": recipe.answers}
    chosen |= {name: file.name for name, file in named.items() if file is not None}
    return chosen | ({"unseen": _called(recipe)} if recipe.unseen else {})


def _command(name: str, recipe: FaceRecipe) -> str:
    files = {"--start": recipe.start, "--votes": recipe.votes, "--answers": recipe.answers}
    given = [f"{flag} {flag[2:].upper()}" for flag, file in files.items() if file is not None]
    return " ".join([f"face --corpus {name}=PATH", *given, *(["--unseen NAME=PATH"] if recipe.unseen else [])])


def _facts(corpus: Corpus, recipe: FaceRecipe, missed: dict[str, str]) -> list[str]:
    facts = facts_of(corpus)
    if recipe.votes is not None:
        left_out = sum("rater" in why for why in missed.values())
        facts.append(
            f"Labels: {recipe.votes_share:.0%} of the target are the votes of ten raters (FER+, Barsoum et al. 2016, MIT) "
            "where a picture has them, the rest the corpus's own; votes for contempt, no face or unknown count for no class; "
            f"{left_out} pictures with hardly a vote for one of the classes are left out"
        )
    if recipe.answers is not None:
        facts.append(
            f"It also learnt from the answers of another network ({recipe.answers_share:.0%} of the target, temperature "
            f"{recipe.answers_temperature:g}): faceExpressionNet of @vladmandic/face-api (MIT)"
        )
    if recipe.start:
        facts.append(f"It went on from the weights of an earlier run (sha256 `{sha256_of(recipe.start)}`; docs/runs)")
    return facts


def _about_scores(made: _Made, unseen: Corpus | None, recipe: FaceRecipe) -> list[str]:
    lines = [
        "95 % bootstrap intervals by pictures: whose faces they are is not known. One without a face that is found is an error."
    ]
    if unseen is not None:
        lines.append(
            "Of the new data nothing was learnt; temperature and sets were fitted on it, for this table on four fifths in "
            "turn and scored on the last; coverage there is of the faces that were found."
        )
    if made.nats is not None:
        lines.append(
            f"Cross-entropy of the answers to all raters' votes on the test split: {made.nats[0]:.3f} nats; the raters' own "
            f"disagreement is {made.nats[1]:.3f}, the least that it can be."
        )
    lines.append("Nothing was learnt from or chosen on the test split.")
    return lines


def _about_answers(calibration: Calibration, unseen: Corpus | None) -> list[str]:
    where = "the new data" if unseen is not None else "the validation split"
    return [
        f"Temperature {calibration.temperature:.3f}; a class joins the prediction set at probability "
        f"{1 - calibration.conformal:.4f} or more (target coverage {calibration.coverage:.0%}); both fitted on disjoint halves "
        f"of {where}. Share of label entropy explained there, used as the weight in fusion: {calibration.reliability:.3f}."
    ]
