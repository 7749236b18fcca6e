"""Training of the words model on one corpus of texts or several, calibrated over all of them and scored on each by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.assets.store import locate
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import CorpusError, UsageError
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, Item, items_of, open_corpus
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.result import HEADINGS, Evaluation
from affectlens.evaluation.scores import fit_thresholds
from affectlens.learning.export import calibrate, export
from affectlens.learning.recipes.words import WordsRecipe
from affectlens.learning.trainers.words import Texts, soft_targets, train_words
from affectlens.learning.typicality import fit_typicality
from affectlens.models.base import Calibration
from affectlens.models.nets.words import WordsNet, WordsTokenizer
from affectlens.models.shipped.words import WordsModel
from affectlens.models.weights import read_weights
from affectlens.training.card import Card, table, write_card
from affectlens.training.run import TrainingRun, licence_of, scores_frame
from affectlens.training.tuning import tune

LEAST = 2  # texts of a split: half of those of the validation split fit the temperature, half the conformal set
VALIDATION = ("dev", "val")
COMPONENTS = 128  # of typicality; on 32 axes two of twenty sentences of other languages passed for English

_ABOUT = (
    "all-MiniLM-L6-v2, frozen, with low-rank adapters on every linear map and a linear head; only adapters and head are in "
    "this file. Emoji are replaced by their Unicode names. A share of the texts is learnt as a recogniser might have written "
    "them: words left out or mistaken for others that sound alike, no case or punctuation."
)
_LIMITS = (
    "English only. What is in another script, or whose embedding is unlike all texts that it was calibrated on, is abstained "
    "from. Comments of one website and dialogue of one television series; dialect, irony and quotations are often misread. "
    "Never seen: talk between people who do not act, other times and countries, long texts."
)


def train_words_model(corpora: dict[str, Path], out: Path, recipe: WordsRecipe, progress: Progress = silent) -> TrainingRun:
    """Write ``words.safetensors``, its card and an evaluation on each corpus below ``out``; see ``affectlens.train.words``."""
    if recipe.from_weights:
        return tune("words", corpora, out, recipe, progress)
    opened = [open_corpus(name, path) for name, path in corpora.items()]
    labels = _labels_of(opened)
    missed: dict[str, str] = {}
    training = _texts(opened, "train", labels, missed)
    validation = _texts(opened, "validation", labels, missed)
    start = _earlier(recipe.start) if recipe.start else None
    base, tokenizer = locate("minilm", "model.safetensors"), WordsTokenizer(locate("minilm", "tokenizer.json"))
    net = train_words(training, validation, base, tokenizer, out, recipe, progress, start=start)
    weights = ship(net, training, validation, opened, recipe, out / "words.safetensors")
    model = WordsModel(weights)
    tests = [corpus for corpus in opened if "test" in corpus.info.splits]
    evaluations = {corpus.info.name: evaluate(model, corpus, split="test", out=out / corpus.info.name) for corpus in tests}
    adapted = sum(parameter.numel() for parameter in model.net.parameters() if parameter.requires_grad)
    card = Card(
        "affectlens words",
        _ABOUT,
        _facts(opened, recipe),
        f"words {' '.join(f'--corpus {name}=PATH' for name in corpora)}" + (" --start WEIGHTS" if recipe.start else ""),
        {"New data": _new_data(corpora), "Test": _test_section(evaluations, model.calibration)},
        _LIMITS,
        f", of which {adapted:,} are ours",
    )
    for name, evaluation in evaluations.items():
        missed |= {f"{name}/test/{key}": reason for key, reason in evaluation.missed.items()}
    scores = {f"{name} {score}": value for name, found in evaluations.items() for score, value in found.scores.items()}
    return TrainingRun(weights, write_card(card, model, weights), scores_frame(scores), missed=missed)


def ship(net: WordsNet, training: Texts, validation: Texts, corpora: list[Corpus], recipe: WordsRecipe, path: Path) -> Path:
    """Calibrate a network whose logits are for classes of like frequency, and write it.

    What ships answers for a population whose class shares are the mean of those of the corpora, the middle of what is known.
    Temperature and conformal set are fitted to as many validation texts of each corpus as the smallest has; those of each
    corpus by itself, and its class shares, are in ``meta["domains"]``.

    Returns
    -------
    Path
        The file.
    """
    priors = training.priors()
    prior = priors.mean(axis=0)
    with torch.no_grad():
        net.head.bias.add_(torch.from_numpy(np.log(prior)).to(net.head.bias))
    chosen = {key: value for key, value in recipe.to_dict().items() if key != "start"}
    infos = [corpus.info for corpus in corpora]
    meta: dict[str, Any] = {"config": net.config.to_dict(), "labels": list(_labels_of(corpora)), "recipe": chosen}
    meta |= licence_of(*infos)
    if recipe.start:
        meta["start"] = {"file": recipe.start.name, "sha256": sha256_of(recipe.start)}
    export(path, net.trained_state(), meta, Calibration())
    rounded = WordsModel(path)  # calibrated on what ships: the weights as they are after rounding to half precision
    embedded = rounded.embed(validation.texts)
    logits = np.asarray(rounded.name_class(embedded), np.float64)
    rng = np.random.default_rng(recipe.seed)
    smallest = np.bincount(validation.domains).min()
    alike = np.concatenate([rng.permutation(rows)[:smallest] for rows in _by_domain(validation)])
    alike = rng.permutation(alike)
    calibration = calibrate(logits[alike], validation.targets[alike])
    meta["domains"] = {}
    for info, own, rows in zip(infos, priors, _by_domain(validation), strict=True):
        shuffled = rng.permutation(rows)
        fitted = calibrate(logits[shuffled] + np.log(own / prior), validation.targets[shuffled])
        meta["domains"][info.name] = {
            "prior": [round(float(share), 5) for share in own],
            "temperature": fitted.temperature,
            "conformal": fitted.conformal,
        }
    probabilities = calibration.probabilities(logits[alike])
    meta["thresholds"] = [round(float(value), 5) for value in fit_thresholds(probabilities, validation.targets[alike])]
    ordinary = fit_typicality(embedded[alike], np.arange(len(alike)), components=COMPONENTS, seed=recipe.seed)
    kept = {name: torch.from_numpy(values) for name, values in ordinary.to_tensors().items()}
    export(path, {**net.trained_state(), **kept}, meta, calibration)
    return path


def _labels_of(corpora: list[Corpus]) -> tuple[str, ...]:
    """The classes that all corpora share."""
    first = corpora[0]
    for corpus in corpora[1:]:
        if corpus.scheme.labels != first.scheme.labels:
            raise UsageError(
                f"{corpus.info.name} has the classes {', '.join(corpus.scheme.labels)}, {first.info.name} has "
                f"{', '.join(first.scheme.labels)}; corpora that are learnt together must have the same"
            )
    return first.scheme.labels


def _earlier(path: Path) -> dict[str, torch.Tensor]:
    """Adapters and head of an earlier run, without the class shares that it answered for."""
    WordsModel(path)  # says what is wrong with another file
    tensors, _, calibration = read_weights(path)
    known = {name: tensor.float() for name, tensor in tensors.items() if WordsNet.is_trained(name)}
    if calibration.prior:
        known["head.bias"] = known["head.bias"] - torch.log(torch.tensor(calibration.prior).clamp_min(1e-4))
    return known


def _texts(corpora: list[Corpus], split: str, labels: tuple[str, ...], missed: dict[str, str]) -> Texts:
    """The texts of a split of all corpora; what cannot be read is added to ``missed``."""
    texts: list[str] = []
    targets: list[list[int]] = []
    domains: list[int] = []
    for number, corpus in enumerate(corpora):
        items = _readable(corpus, split, missed)
        texts += [item.data for item in items]
        targets += [[labels.index(label) for label in item.labels] for item in items]
        domains += [number] * len(items)
    return Texts(texts, soft_targets(targets, len(labels)), np.array(domains))


def _readable(corpus: Corpus, split: str, missed: dict[str, str]) -> list[Item]:
    name = split if split == "train" else next((part for part in VALIDATION if part in corpus.info.splits), VALIDATION[0])
    if name not in corpus.info.splits:
        raise CorpusError(
            f"{corpus.info.name} has the splits {', '.join(corpus.info.splits)}; train and one of "
            f"{' or '.join(VALIDATION)} are needed"
        )
    every_item = list(items_of(corpus, name))
    missed |= {f"{corpus.info.name}/{name}/{item.key}": item.problem for item in every_item if item.data is None}
    items = [item for item in every_item if isinstance(item.data, str)]
    if len(items) < LEAST:
        raise CorpusError(
            f"{corpus.info.name}, {name}: {len(items)} texts that can be read; at least {LEAST} are needed to train on and to "
            "calibrate on each"
        )
    return items


def _by_domain(part: Texts) -> list[np.ndarray]:
    return [np.flatnonzero(part.domains == domain) for domain in np.unique(part.domains)]


def _facts(corpora: list[Corpus], recipe: WordsRecipe) -> list[str]:
    facts = [f"Corpus: {corpus.info.title}, {corpus.info.home}; licence: {corpus.info.licence}" for corpus in corpora]
    facts.append("The weights inherit the licences of their corpora")
    if recipe.start:
        facts.append(f"It went on from the weights of an earlier run (sha256 `{sha256_of(recipe.start)}`)")
    return facts


def _new_data(corpora: dict[str, Path]) -> list[str]:
    several = "; every corpus below lent its training part" if len(corpora) > 1 else ""
    return [
        f"Not measured in this run{several}. `python scripts/words_domains.py` scores weights on a corpus that they have not "
        "learnt from, and on texts with errors of recognition."
    ]


def _test_section(evaluations: dict[str, Evaluation], calibration: Calibration) -> list[str]:
    lines = [
        "Official test splits; 95 % bootstrap intervals over texts or dialogues. Misses count as errors; nothing was chosen on "
        "them.",
        "",
    ]
    show: Callable[[Any], str] = lambda estimate: f"{estimate.value:.4f} ({estimate.low:.4f} to {estimate.high:.4f})"  # noqa: E731
    names = list(dict.fromkeys(score for found in evaluations.values() for score in found.scores))
    rows = [
        (HEADINGS[name], *(show(found.scores[name]) if name in found.scores else "" for found in evaluations.values()))
        for name in names
    ]
    counted = [f"{name}, {found.n:,} texts, {len(found.missed)} missed" for name, found in evaluations.items()]
    return [
        *lines,
        *table(("score", *counted), rows),
        "",
        f"Temperature {calibration.temperature:.3f}; a class joins the prediction set at probability "
        f"{1 - calibration.conformal:.4f} or more (target coverage {calibration.coverage:.0%}); both fitted on disjoint halves "
        "of the validation splits, as many texts of each corpus. Share of label entropy explained there, used as the weight in "
        f"fusion: {calibration.reliability:.3f}.",
    ]
