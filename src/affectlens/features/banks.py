"""Deep features of each module for training and testing fusion, always of items that the module's network did not learn from.

Where a module's network has seen a corpus, its features of those items are surer than they will ever be again. Such modules
are cross-fitted: networks of folds give features of the items they did not see, and a linear map, fitted on the items that
both networks saw, brings them into the coordinates of the network that ships.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from affectlens.core.errors import CorpusError
from affectlens.core.labels import GROUPWALK4, IEMOCAP4
from affectlens.core.progress import Progress, silent
from affectlens.corpora.base import Corpus, Item, items_of, open_corpus
from affectlens.features.motion import gait_windows, postures
from affectlens.features.speech import SpeechTable, as_recordings
from affectlens.learning.export import calibrate
from affectlens.learning.folds import check_classes, grouped_folds
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.trainers.fusion import Bank
from affectlens.learning.trainers.motion import (
    GaitWindows,
    Postures,
    gait_deep_and_logits,
    posture_deep_and_logits,
    scale_of,
    train_gait,
    train_posture,
)
from affectlens.learning.trainers.speech import SpeechAutoencoder
from affectlens.models.base import Calibration, load_model
from affectlens.models.shipped.speech_scale import pooled

CLASSES = GROUPWALK4.labels  # anger, happiness, neutral, sadness: what all modules know
INNER = 3
Pair = tuple[Bank, Bank | None]
Fit = Callable[[np.ndarray], Any]
Read = Callable[[Any, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Fold:
    """Which part of how many is held out; ``part`` None: nothing is, for the network that ships."""

    part: int | None
    parts: int
    seed: int = 0


def crossfit(
    labels: np.ndarray,
    groups: np.ndarray,
    units: np.ndarray,
    fit: Fit,
    read: Read,
    reference: Any,
    seed: int,
    parts: int = INNER,
) -> Bank:
    """A bank of all items, each read by a network that did not learn from it, in the reference's coordinates.

    Parameters
    ----------
    labels : numpy.ndarray
        Class indices ``(n,)``.
    groups : numpy.ndarray
        No network reads an item of a group that it learned from ``(n,)``.
    units : numpy.ndarray
        What the bank is to resample by ``(n,)``.
    fit : callable
        Trains a network on the items at some indices.
    read : callable
        Gives deep features and logits of the items at some indices, as a network reads them.
    reference : object
        The network whose coordinates count.
    seed, parts : int
        How items are cut, and into how many parts at most.

    Returns
    -------
    Bank
    """
    everyone = np.arange(len(labels))
    target, logits = read(reference, everyone)
    deep, logits = np.zeros_like(target), logits.copy()
    for train, left_out in grouped_folds(labels, groups, min(parts, max(2, len(set(groups)))), seed, CLASSES, "fusion"):
        network = fit(train)
        to_reference = Ridge(alpha=1.0).fit(read(network, train)[0], target[train])
        own_deep, logits[left_out] = read(network, left_out)
        deep[left_out] = to_reference.predict(own_deep)
    return Bank(deep, logits, labels, units, calibrate(logits, np.eye(logits.shape[1])[labels]))


def held_out(labels: np.ndarray, groups: np.ndarray, fold: Fold) -> np.ndarray:
    """Mask ``(n,)`` of the items in the fold's part; groups stay whole."""
    out = np.zeros(len(labels), dtype=bool)
    if fold.part is not None:
        out[grouped_folds(labels, groups, fold.parts, fold.seed, CLASSES, "fusion")[fold.part][1]] = True
    return out


def _readable(source: Corpus, split: str, missed: dict[str, str] | None) -> Iterator[Item]:
    """Items of a split that can be read; the others are added to ``missed``."""
    for item in items_of(source, split):
        if item.data is not None:
            yield item
        elif missed is not None:
            missed[f"{source.info.name}/{split}/{item.key}"] = item.problem


def face_banks(
    path: Path, fold: Fold, corpus: str = "fer2013", progress: Progress = silent, missed: dict[str, str] | None = None
) -> Pair:
    """Training from the validation split, which the shipped network did not learn from.

    Test pictures that are byte for byte in the training split do not count. What cannot be read is added to ``missed``.

    Returns
    -------
    tuple of Bank
        For training, and for testing or None.
    """
    source, model = open_corpus(corpus, path), load_model("face")
    learned = {_digest(item) for item in _readable(source, "train", missed)}

    def bank(split: str) -> Bank:
        kept = [item for item in _readable(source, split, missed) if item.labels[0] in CLASSES and _digest(item) not in learned]
        classes = _classes_of(kept, f"{corpus}, {split}, pictures that are not in train")
        deep, logits = [], []
        for start in range(0, len(kept), 256):
            some_deep, some_logits = model.deep_and_logits(np.stack([item.data for item in kept[start : start + 256]]))
            deep.append(some_deep)
            logits.append(some_logits)
            progress(f"face, {split}", min(start + 256, len(kept)), len(kept))
        return _of_four(np.concatenate(deep), np.concatenate(logits), model.labels, kept, classes)

    return _fixed(bank("val"), lambda: bank("test"), fold)


def words_banks(
    path: Path, fold: Fold, corpus: str = "goemotions", progress: Progress = silent, missed: dict[str, str] | None = None
) -> Pair:
    """Training from the development split; texts with one label only. What cannot be read is added to ``missed``."""
    source, model = open_corpus(corpus, path), load_model("words")

    def bank(split: str) -> Bank:
        single = [item for item in _readable(source, split, missed) if len(item.labels) == 1]
        kept = [item for item in single if item.labels[0] in CLASSES]
        classes = _classes_of(kept, f"{corpus}, {split}, texts with one label")
        deep = model.embed([item.data for item in kept])
        logits = model.name_class(deep)
        progress(f"words, {split}", len(kept), len(kept))
        return _of_four(deep, logits, model.labels, kept, classes)

    return _fixed(bank("dev"), lambda: bank("test"), fold)


def _digest(item: Item) -> bytes:
    return hashlib.sha256(item.data.tobytes()).digest()


def _classes_of(items: list[Item], of: str) -> np.ndarray:
    """Class indices of items with one label, all classes among them."""
    classes = np.array([CLASSES.index(item.labels[0]) for item in items], dtype=int)
    check_classes(classes, CLASSES, of)
    return classes


def _of_four(deep: np.ndarray, logits: np.ndarray, labels: tuple[str, ...], items: list[Item], classes: np.ndarray) -> Bank:
    """Of a network that knows more classes only the four count."""
    four = logits[:, [labels.index(name) for name in CLASSES]]
    groups = np.array([item.group or item.key for item in items], dtype=object)
    return Bank(deep, four, classes, groups, calibrate(four, np.eye(len(CLASSES))[classes]))


def _fixed(train: Bank, test: Callable[[], Bank], fold: Fold) -> Pair:
    if fold.part is None:
        return train, None
    everyone = test()
    part = everyone.take(np.flatnonzero(held_out(everyone.labels, everyone.groups, fold)))
    return train, replace(part, calibration=train.calibration)


def voice_banks(table: SpeechTable, fold: Fold, progress: Progress = silent) -> Pair:
    """Cross-fitted over speakers; test clips as the main job meets them, in recordings of a few turns."""
    order = [IEMOCAP4.index(name) for name in CLASSES]
    truth, speaker, corpus = table.labels, table.speaker, table.corpus
    labels = np.array([order.index(label) for label in truth])
    out = held_out(labels, speaker, fold)
    train, test = np.flatnonzero(~out), np.flatnonzero(out)
    scale = pooled(table.features[train], corpus[train])
    in_recordings = as_recordings(table.features, speaker, train, scale, fold.seed)

    def fit(rows: np.ndarray) -> SpeechAutoencoder:
        progress("voice networks", 0, INNER + 1)
        return SpeechAutoencoder(recipe=SpeechRecipe(seed=fold.seed)).fit(in_recordings[rows], truth[train][rows])

    def read_features(model: SpeechAutoencoder, clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return model.encode(clips), np.log(np.clip(model.predict_proba(clips), 1e-9, 1))[:, order]

    def read(model: SpeechAutoencoder, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return read_features(model, in_recordings[rows])

    if fold.part is None:
        reference = SpeechAutoencoder()
        reference.net = load_model("speech").net
    else:
        reference = fit(np.arange(len(train)))
    bank = crossfit(labels[train], speaker[train], speaker[train], fit, read, reference, fold.seed)
    if fold.part is None:
        return bank, None
    deep, logits = read_features(reference, as_recordings(table.features, speaker, test, scale, fold.seed))
    return bank, Bank(deep, logits, labels[test], speaker[test], bank.calibration)


def body_banks(
    path: Path, fold: Fold, corpus: str = "bandai", progress: Progress = silent, missed: dict[str, str] | None = None
) -> dict[str, Pair]:
    """Gait and posture of the same recordings, cross-fitted over motions; what cannot be read is added to ``missed``."""
    # Nobody's identity is known in these corpora.
    windows = gait_windows(path, corpus, progress=progress)
    bodies = postures(path, corpus, "all", progress)
    if missed is not None:
        missed |= {f"{corpus}/{key}": reason for key, reason in (windows.missed | bodies.missed).items()}
    motions = pd.Series(sorted(set(windows.rows.motion)))
    away: set[str] = set()
    if fold.part is not None:
        if len(motions) < 2 * fold.parts:
            raise CorpusError(f"{path}: {len(motions)} types of motion; {2 * fold.parts} are needed for {fold.parts} folds")
        away = set(motions.sample(frac=1, random_state=fold.seed)[fold.part :: fold.parts])

    def fit_gait(data: GaitWindows) -> tuple[Any, Any]:
        return train_gait(data, CLASSES, GaitRecipe(seed=fold.seed)), scale_of(data.features)

    def read_gait(model: tuple[Any, Any], data: GaitWindows) -> tuple[np.ndarray, np.ndarray]:
        return gait_deep_and_logits(model[0], data, model[1])

    def fit_posture(data: Postures) -> Any:
        # All styles of the same motions help to rebuild the body; only the four classes are named.
        same = bodies.take(bodies.rows.motion.isin(set(data.rows.motion)).to_numpy())
        return train_posture(same, CLASSES, PostureRecipe(seed=fold.seed))

    def read_posture(net: Any, data: Postures) -> tuple[np.ndarray, np.ndarray]:
        return posture_deep_and_logits(net, data.joints)

    named = bodies.take(bodies.rows.label.isin(CLASSES).to_numpy())
    gait, posture = load_model("gait"), load_model("posture")
    body = partial(_body_pair, away=away, fold=fold, motions=len(motions), progress=progress)
    return {
        "gait": body("gait", windows, fit_gait, read_gait, (gait.net, (gait.mean, gait.deviation))),
        "posture": body("posture", named, fit_posture, read_posture, posture.net),
    }


def _body_pair(
    name: str, data: Any, fit: Callable[[Any], Any], read: Callable[[Any, Any], tuple[np.ndarray, np.ndarray]], shipped: Any,
    *, away: set[str], fold: Fold, motions: int, progress: Progress,
) -> Pair:  # fmt: skip
    out = data.rows.motion.isin(away).to_numpy()
    train, test = data.take(~out), data.take(out)
    reference = shipped if fold.part is None else fit(train)
    progress(f"{name} networks", 1, 2)
    bank = crossfit(
        _labels(train),
        train.rows.motion.to_numpy(),
        train.rows.key.to_numpy(dtype=object),
        lambda rows: fit(train.take(_mask(rows, len(train.rows)))),
        lambda network, rows: read(network, train.take(_mask(rows, len(train.rows)))),
        reference,
        fold.seed,
        parts=motions,
    )
    progress(f"{name} networks", 2, 2)
    if fold.part is None:
        return bank, None
    deep, logits = read(reference, test)
    return bank, Bank(deep, logits, _labels(test), test.rows.key.to_numpy(dtype=object), bank.calibration)


def _labels(data: Any) -> np.ndarray:
    return np.array([CLASSES.index(label) for label in data.rows.label])


def _mask(rows: np.ndarray, count: int) -> np.ndarray:
    mask = np.zeros(count, dtype=bool)
    mask[rows] = True
    return mask


def banks_as_arrays(banks: dict[str, Pair]) -> dict[str, np.ndarray]:
    """Banks as arrays to keep on disk; ``banks_of_arrays`` gives them back."""
    out: dict[str, np.ndarray] = {}
    for name, pair in banks.items():
        for part, bank in zip(("train", "test"), pair, strict=True):
            if bank is not None:
                *numbers, prior = astuple(bank.calibration)
                calibration = np.array([*numbers, *prior])
                values = (bank.deep, bank.logits, bank.labels, bank.groups.astype(str), calibration)
                out |= {f"{name}/{part}/{i}": value for i, value in enumerate(values)}
    return out


def banks_of_arrays(arrays: dict[str, np.ndarray]) -> dict[str, Pair]:
    """The inverse of ``banks_as_arrays``."""

    def bank(name: str, part: str) -> Bank | None:
        if f"{name}/{part}/0" not in arrays:
            return None
        deep, logits, labels, groups, numbers = (arrays[f"{name}/{part}/{i}"] for i in range(5))
        temperature, conformal, coverage, reliability, *prior = (float(value) for value in numbers)
        calibration = Calibration(temperature, conformal, coverage, reliability, tuple(prior))
        return Bank(deep, logits, labels, groups.astype(object), calibration)

    names = dict.fromkeys(key.split("/")[0] for key in arrays)
    out: dict[str, Pair] = {}
    for name in names:
        train = bank(name, "train")
        if train is not None:
            out[name] = (train, bank(name, "test"))
    return out
