"""Weights of ours fitted to a user's own labels: the network stays, its last layer is learnt anew, people held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import torch

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import CorpusError
from affectlens.core.notes import tell
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, open_corpus
from affectlens.evaluation.predictions import check_meets, predict_corpus
from affectlens.learning.export import calibrate, export
from affectlens.learning.folds import grouped_folds
from affectlens.learning.trainers.head import choose_strength, fit_head
from affectlens.models.base import Calibration, load_model
from affectlens.models.weights import read_weights, weights_path
from affectlens.stats.classification import accuracy, confusion, expected_calibration_error, softmax, unweighted_recall
from affectlens.stats.resample import Estimate, bootstrap
from affectlens.training.card import Card, interval, table, write_card
from affectlens.training.run import TrainingRun, licence_of

FOLDS, INNER = 5, 3
FEWEST = 6  # people, or items where people are not known: each of three folds then has two
LEARNT = ("four", "seven", "all")  # splits that hold every item with a class that is known, the first that there is
SHIPPED = "shipped"


@dataclass(frozen=True)
class Head:
    """Where a model's last layer is: names of its tensors, and what makes the features that it reads of inputs."""

    weight: str
    bias: str
    features: Callable[[Any, Any], np.ndarray]


HEADS = {
    "face": Head("classifier.weight", "classifier.bias", lambda model, inputs: model.answers(inputs).deep),
    "words": Head("head.weight", "head.bias", lambda model, inputs: model.embed(list(inputs))),
    "speech": Head("head.1.weight", "head.1.bias", lambda model, inputs: model.encode(np.asarray(inputs))),
}


@dataclass(frozen=True)
class _Read:
    """What the frozen network makes of the items that could be read."""

    features: np.ndarray
    before: np.ndarray  # logits of the weights that were given
    targets: np.ndarray
    people: np.ndarray
    unknown_people: bool
    missed: dict[str, str]

    def of(self, rows: np.ndarray) -> _Read:
        """Some of them."""
        return _Read(
            self.features[rows], self.before[rows], self.targets[rows], self.people[rows], self.unknown_people, self.missed
        )


def weights_given(kind: str, spec: str) -> Path:
    """The file that ``--from-weights`` names: ``shipped``, or a path."""
    return weights_path(kind) if spec in (SHIPPED, kind) else Path(spec)


def tune(kind: str, corpora: dict[str, Path], out: Path, recipe: Any, progress: Progress = silent) -> TrainingRun:
    """Fit the last layer of ``recipe.from_weights`` to a corpus, and write weights, card and scores.

    How strongly it is held near the layer before is chosen on people of the part that is learnt from. Where the corpus has a
    train and a test split those are used; otherwise every score is of people that the layer was not fitted to, in five folds,
    and the weights that are written are fitted to all.

    Parameters
    ----------
    kind : str
        face, words or speech.
    corpora : dict of str to Path
        One corpus.
    out : Path
        Takes ``KIND.safetensors`` and its card.
    recipe : Settings
        With ``from_weights`` and ``seed``.
    progress : callable
        Told of items that were read.

    Returns
    -------
    TrainingRun
        ``scores`` has accuracy, UAR and calibration error before and after, and the difference, with intervals by people.

    Raises
    ------
    CorpusError
        Several corpora, fewer than six people, or items of one class only.
    ModelError
        ``from_weights`` are not weights of that model.
    """  # noqa: DOC502
    if len(corpora) != 1:
        raise CorpusError(f"{', '.join(corpora)}: one corpus at a time can be fitted to; put your labels into one table")
    name, path = next(iter(corpora.items()))
    source = weights_given(kind, recipe.from_weights)
    model, corpus, head = load_model(kind, source), open_corpus(name, path), HEADS[kind]
    tensors, meta, _ = read_weights(source)
    layer = tensors[head.weight].double().numpy(), tensors[head.bias].double().numpy()
    splits = corpus.info.splits
    parted = {"train", "test"} <= set(splits)
    learnt = _read(model, head, corpus, "train" if parted else next(part for part in LEARNT if part in splits), progress)
    _check(learnt, corpus)
    fitted = partial(_fitted, layer=layer, classes=model.labels, seed=recipe.seed, of=corpus.info.title)
    if parted:
        scored = _read(model, head, corpus, "test", progress)
        new, strength = fitted(learnt)
        after = scored.features @ new[0].T + new[1]
        own = _held_out(learnt, fitted, recipe.seed, model.labels, corpus.info.title)
        calibration, how = calibrate(*_shuffled(own, learnt.targets)), "the corpus's own test split"
    else:
        scored, after = learnt, _held_out(learnt, fitted, recipe.seed, model.labels, corpus.info.title)
        new, strength = fitted(learnt)
        calibration, how = (
            calibrate(*_shuffled(after, learnt.targets)),
            (f"{'items' if learnt.unknown_people else 'people'} held out in {FOLDS} folds"),
        )
    seen = corpus.info.title in str(meta.get("corpus", ""))
    tensors |= {head.weight: torch.from_numpy(new[0]), head.bias: torch.from_numpy(new[1])}
    meta = meta | {
        "model": kind,
        "recipe": {"from_weights": source.name, "strength": strength, "seed": recipe.seed},
        "start": {"file": source.name, "sha256": sha256_of(source)},
    }
    own_licence = licence_of(corpus.info)
    meta |= {key: f"{meta.get(key, '')}; fitted to {value}" for key, value in own_licence.items()}
    weights = out / f"{kind}.safetensors"
    export(weights, tensors, meta, calibration)
    scores = _scores(scored, after, calibration, model.calibration, recipe.seed)
    card = _card(kind, name, corpus, scores, how, learnt, scored, strength, source, seen)
    return TrainingRun(
        weights, write_card(card, load_model(kind, weights), weights), scores, missed=learnt.missed | scored.missed
    )


def _read(model: Any, head: Head, corpus: Corpus, split: str, progress: Progress) -> _Read:
    """Features and answers of every item that can be read, as the main job reads it."""
    check_meets(model, corpus, split)
    parts: list[np.ndarray] = []

    def answer(inputs: Any) -> np.ndarray:
        logits = np.asarray(model.predict(inputs), float)
        parts.append(np.asarray(head.features(model, inputs), float))
        return logits

    reader = SimpleNamespace(name=model.name, labels=model.labels, read=model.read, probabilities=answer)
    given = predict_corpus(reader, corpus, split, progress=progress)
    read = np.flatnonzero(np.isfinite(given.probabilities[:, 0]))
    people = given.groups.astype(str)
    unknown = not any(people)
    people = np.array([person or f"item {row}" for row, person in enumerate(people)], dtype=object)
    missed = {f"{split}/{key}": reason for key, reason in given.missed.items()}
    return _Read(np.concatenate(parts), given.probabilities[read], given.targets[read], people[read], unknown, missed)


def _check(learnt: _Read, corpus: Corpus) -> None:
    people, classes = len(set(learnt.people)), int((learnt.targets.sum(axis=0) > 0).sum())
    if people < FEWEST or classes < 2:
        raise CorpusError(
            f"{corpus.info.title}: {len(learnt.targets)} items of {people} people and {classes} classes could be read; at "
            f"least {FEWEST} people (or items, where it is not said whose they are) and 2 classes are needed"
        )
    if learnt.unknown_people:
        tell(
            [
                "whose items these are is not said (no column group or speaker), so one person's may be among those fitted to "
                "and those scored; scores on new people are likely lower"
            ]
        )


def _fitted(
    part: _Read, layer: tuple[np.ndarray, np.ndarray], classes: tuple[str, ...], seed: int, of: str
) -> tuple[tuple[np.ndarray, np.ndarray], float]:
    """The layer fitted to a part, and how strongly it was held."""
    folds = grouped_folds(part.targets.argmax(axis=1), part.people, INNER, seed, classes, of)
    strength = choose_strength(part.features, part.targets, *layer, folds)
    return fit_head(part.features, part.targets, *layer, strength), strength


def _held_out(part: _Read, fitted: Callable[[_Read], Any], seed: int, classes: tuple[str, ...], of: str) -> np.ndarray:
    """Logits of every row by a layer that was not fitted to its person."""
    logits = np.empty_like(part.before)
    for fit, look in grouped_folds(
        part.targets.argmax(axis=1), part.people, min(FOLDS, len(set(part.people)) // 2), seed, classes, of
    ):
        (weight, bias), _ = fitted(part.of(fit))
        logits[look] = part.features[look] @ weight.T + bias
    return logits


def _shuffled(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.random.default_rng(0).permutation(len(logits))
    return logits[order], targets[order]


def _scores(scored: _Read, after: np.ndarray, new: Calibration, old: Calibration, seed: int) -> pd.DataFrame:
    """Scores before and after and their difference, with intervals over people."""
    truth, classes = scored.targets.argmax(axis=1), scored.targets.shape[1]
    answers = {"before": old.probabilities(scored.before), "after": softmax(after / new.temperature)}

    def of(name: str, probabilities: np.ndarray, rows: np.ndarray) -> float:
        predicted = probabilities[rows].argmax(axis=1)
        if name == "calibration_error":
            return expected_calibration_error(probabilities[rows].max(axis=1), predicted == truth[rows])
        counts = confusion(truth[rows], predicted, classes)
        return accuracy(counts) if name == "accuracy" else unweighted_recall(counts)

    found = []
    for name in ("accuracy", "unweighted_recall", "calibration_error"):
        measured: dict[str, Callable[[np.ndarray], float]] = {
            when: partial(of, name, probabilities) for when, probabilities in answers.items()
        }
        measured["difference"] = partial(_gain, measured["before"], measured["after"])
        for when, statistic in measured.items():
            estimate: Estimate = bootstrap(statistic, len(truth), seed, groups=scored.people)
            found.append({"score": f"{name} {when}", "value": estimate.value, "low": estimate.low, "high": estimate.high})
    return pd.DataFrame(found).assign(n=len(truth), groups=len(set(scored.people)))


def _gain(before: Callable[[np.ndarray], float], after: Callable[[np.ndarray], float], rows: np.ndarray) -> float:
    return after(rows) - before(rows)


def _card(
    kind: str,
    name: str,
    corpus: Corpus,
    scores: pd.DataFrame,
    how: str,
    learnt: _Read,
    scored: _Read,
    strength: float,
    source: Path,
    seen: bool,
) -> Card:
    """What was fitted to what, and whether it is better than before."""
    rows = [(row.score, interval(row.value, row.low, row.high)) for row in scores.itertuples()]
    gain = scores[scores.score == "unweighted_recall difference"].iloc[0]
    verdict = "better than before"
    if gain.low <= 0:
        verdict = "not shown to be better than before; keep the weights that you had unless you have more labels"
    whose = "it is not said whose items they are" if learnt.unknown_people else f"{len(set(learnt.people))} people"
    facts = [
        f"Fitted to: {corpus.info.title}, {len(learnt.targets)} items ({whose}); licence: {corpus.info.licence}",
        f"From: `{source.name}`, sha256 `{sha256_of(source)}`, whose corpora and licences hold here too",
    ]
    about = (
        f"The {kind} network with its last layer fitted anew to a user's labels and held near the layer before (weight "
        f"{strength:g} of the squared distance, chosen on people that it was not fitted to); all else is as it was."
    )
    units = "items" if scored.unknown_people else "people"
    section = [
        f"{len(scored.targets)} items, {how}; 95 % bootstrap intervals over {units}. What could not be read is not in these "
        f"scores: {len(scored.missed)} items.",
        "",
        *table(("score", "value"), rows),
        "",
        f"On what was held out the weights are {verdict}.",
        *(["The weights before had learnt from this corpus, so what stands for them is too good."] if seen else []),
    ]
    limits = (
        "Nothing is known of other people, rooms, cameras and microphones than those of the corpus. Typicality and what tells "
        "covered faces are those of the weights before."
    )
    return Card(
        f"affectlens {kind}, fitted",
        about,
        facts,
        f"{kind} --from-weights {source.name} --corpus {name}=PATH",
        {"Held out": section},
        limits,
    )
