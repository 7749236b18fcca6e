"""Deep features of each module for training and testing fusion, always of items that the module's network did not learn from.

Where a module's network has seen a corpus, its features of those items are surer than they will ever be again. Such modules
are cross-fitted: networks of folds give features of the items they did not see, and a linear map, fitted on the items that
both networks saw, brings them into the coordinates of the network that ships.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import Ridge
from sklearn.model_selection import StratifiedGroupKFold

from affectlens.core.errors import UsageError
from affectlens.core.labels import GROUPWALK4
from affectlens.corpora.base import open_corpus
from affectlens.learning.export import calibrate
from affectlens.learning.fusion import Bank, Told

CLASSES = GROUPWALK4.labels  # anger, happiness, neutral, sadness: what all modules know
INNER = 3
Fit = Callable[[np.ndarray], Any]
Read = Callable[[Any, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Fold:
    """Which part of how many is held out; ``part`` None: nothing is, for the network that ships."""

    part: int | None
    parts: int
    seed: int = 0


def crossfit(
    labels: np.ndarray, groups: np.ndarray, units: np.ndarray, fit: Fit, read: Read, reference: Any, seed: int, parts: int =
    INNER,
) -> Bank:  # fmt: skip
    """A bank of all items, each read by a network that saw no item of its ``groups`` entry, in the reference's coordinates.

    ``fit(rows)`` trains a network on some items, ``read(network, rows)`` gives deep features and logits; ``units`` are what
    the bank is to resample by.
    """
    everyone = np.arange(len(labels))
    target, logits = read(reference, everyone)
    deep = np.zeros_like(target)
    logits = logits.copy()
    split = StratifiedGroupKFold(min(parts, len(set(groups))), shuffle=True, random_state=seed)
    for train, held in split.split(everyone, labels, groups):
        network = fit(train)
        z, _ = read(network, train)
        mine, said = read(network, held)
        to = Ridge(alpha=1.0).fit(z, target[train])
        deep[held], logits[held] = to.predict(mine), said
    return Bank(deep, logits, labels, units, calibrate(logits, np.eye(logits.shape[1])[labels]))


def held_out(labels: np.ndarray, groups: np.ndarray, fold: Fold) -> np.ndarray:
    """Mask ``(n,)`` of the items in the fold's part; groups stay whole."""
    out = np.zeros(len(labels), dtype=bool)
    if fold.part is not None:
        split = StratifiedGroupKFold(fold.parts, shuffle=True, random_state=fold.seed)
        out[list(split.split(labels, labels, groups))[fold.part][1]] = True
    return out


Pair = tuple[Bank, Bank | None]


def face_banks(path: Path, fold: Fold, corpus: str = "fer2013", told: Told | None = None) -> Pair:
    """Training from the validation split, which the shipped network did not learn from; test pictures that are byte for byte
    in the training split do not count."""
    from affectlens.models.base import load_model

    source, model = open_corpus(corpus, path), load_model("face")
    seen = {hashlib.sha256(i.data.tobytes()).digest() for i in source.items("train") if i.data is not None}

    def bank(split: str) -> Bank:
        kept = [
            i for i in source.items(split)
            if i.data is not None and i.labels[0] in CLASSES and hashlib.sha256(i.data.tobytes()).digest() not in seen
        ]  # fmt: skip
        deep, logits = [], []
        for start in range(0, len(kept), 256):
            d, z = model.deep_and_logits(np.stack([i.data for i in kept[start : start + 256]]))
            deep.append(d)
            logits.append(z)
            if told:
                told(f"face, {split}", min(start + 256, len(kept)), len(kept))
        return _known(np.concatenate(deep), np.concatenate(logits), model.labels, kept)

    return _fixed(bank("val"), lambda: bank("test"), fold)


def words_banks(path: Path, fold: Fold, corpus: str = "goemotions", told: Told | None = None) -> Pair:
    """Training from the development split; texts with one label only."""
    from affectlens.models.base import load_model

    source, model = open_corpus(corpus, path), load_model("words")

    def bank(split: str) -> Bank:
        kept = [i for i in source.items(split) if len(i.labels) == 1 and i.labels[0] in CLASSES]
        deep = model.embed([i.data for i in kept])
        logits = model.name_class(deep)
        if told:
            told(f"words, {split}", len(kept), len(kept))
        return _known(deep, logits, model.labels, kept)

    return _fixed(bank("dev"), lambda: bank("test"), fold)


def _known(deep: np.ndarray, logits: np.ndarray, labels: tuple[str, ...], items: list[Any]) -> Bank:
    """Of a network that knows more classes only the four count."""
    four = logits[:, [labels.index(c) for c in CLASSES]]
    y = np.array([CLASSES.index(i.labels[0]) for i in items])
    groups = np.array([i.group or i.key for i in items], dtype=object)
    return Bank(deep, four, y, groups, calibrate(four, np.eye(len(CLASSES))[y]))


def _fixed(train: Bank, test: Callable[[], Bank], fold: Fold) -> Pair:
    if fold.part is None:
        return train, None
    whole = test()
    mine = whole.take(np.flatnonzero(held_out(whole.labels, whole.groups, fold)))
    return train, Bank(mine.deep, mine.logits, mine.labels, mine.groups, train.calibration)


def voice_banks(paths: dict[str, Path], fold: Fold, told: Told | None = None) -> Pair:
    """Cross-fitted over speakers; test clips as the main job meets them, in recordings of a few turns."""
    from affectlens.core.labels import IEMOCAP4
    from affectlens.features.speech import as_recordings, speech_table
    from affectlens.learning.speech import SpeechAutoencoder, SpeechRecipe
    from affectlens.models.base import load_model
    from affectlens.models.shipped.speech_scale import pooled

    table = speech_table(paths, progress=told)
    order = [IEMOCAP4.index(c) for c in CLASSES]
    y, speaker, corpus = table.labels, table.speaker, table.corpus
    mine = np.array([order.index(v) for v in y])
    out = held_out(mine, speaker, fold)
    train, test = np.flatnonzero(~out), np.flatnonzero(out)
    scale = pooled(table.features[train], corpus[train])
    heard = as_recordings(table.features, speaker, train, scale, fold.seed)

    def fit(rows: np.ndarray) -> SpeechAutoencoder:
        if told:
            told("voice networks", 0, INNER + 1)
        return SpeechAutoencoder(recipe=SpeechRecipe(seed=fold.seed)).fit(heard[rows], y[train][rows])

    def read_x(model: SpeechAutoencoder, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return model.encode(x), np.log(np.clip(model.predict_proba(x), 1e-9, 1))[:, order]

    if fold.part is None:
        reference = SpeechAutoencoder()
        reference.net = load_model("speech").net
    else:
        reference = fit(np.arange(len(train)))
    bank = crossfit(mine[train], speaker[train], speaker[train], fit, lambda m, r: read_x(m, heard[r]), reference, fold.seed)
    if fold.part is None:
        return bank, None
    deep, logits = read_x(reference, as_recordings(table.features, speaker, test, scale, fold.seed))
    return bank, Bank(deep, logits, mine[test], speaker[test], bank.calibration)


def body_banks(path: Path, fold: Fold, corpus: str = "bandai", told: Told | None = None) -> dict[str, Pair]:
    """Gait and posture of the same recordings, cross-fitted over types of motion (nobody's identity is known)."""
    from affectlens.learning import gait, posture
    from affectlens.models.base import load_model
    from affectlens.models.nets.gait import GaitNetConfig

    windows = gait.gait_windows(path, corpus, progress=told)
    bodies = posture.postures(path, corpus, "all", told)
    motions = pd.Series(sorted(set(windows.rows.motion)))
    away: set[str] = set()
    if fold.part is not None:
        if len(motions) < 2 * fold.parts:
            raise UsageError(f"{path}: {len(motions)} types of motion; {2 * fold.parts} are needed for {fold.parts} folds")
        away = set(motions.sample(frac=1, random_state=fold.seed)[fold.part :: fold.parts])

    def gait_fit(data: Any) -> tuple[Any, Any]:
        return gait.train_net(data, CLASSES, gait.GaitRecipe(seed=fold.seed), GaitNetConfig(len(CLASSES))), gait.scale_of(
            data.features
        )

    def gait_read(model: Any, data: Any) -> tuple[np.ndarray, np.ndarray]:
        net, (mean, deviation) = model
        x = torch.from_numpy(np.clip((data.features - mean) / deviation, -3, 3).astype(np.float32))
        joints = torch.from_numpy(data.joints.astype(np.float32))
        with torch.inference_mode():
            return net.deep(joints, x).numpy(), net(joints, x).numpy()

    def posture_read(net: Any, data: Any) -> tuple[np.ndarray, np.ndarray]:
        joints = torch.from_numpy(data.joints)
        with torch.inference_mode():
            return net.deep(joints).numpy(), net(joints).numpy()

    known = bodies.take(bodies.rows.label.isin(CLASSES).to_numpy())

    def posture_fit(data: Any) -> Any:
        # All styles of the same motions help to rebuild the body; only the four classes are named.
        return posture.train_posture(
            bodies.take(bodies.rows.motion.isin(set(data.rows.motion)).to_numpy()),
            CLASSES,
            posture.PostureRecipe(seed=fold.seed),
        )

    shipped_gait, shipped_posture = load_model("gait"), load_model("posture")
    out = {}
    for name, data, fit, read, shipped in (
        ("gait", windows, gait_fit, gait_read, (shipped_gait.net, (shipped_gait.mean, shipped_gait.deviation))),
        ("posture", known, posture_fit, posture_read, shipped_posture.net),
    ):
        held = data.rows.motion.isin(away).to_numpy()
        train = data.take(~held)
        y = np.array([CLASSES.index(v) for v in train.rows.label])
        reference = shipped if fold.part is None else fit(train)
        if told:
            told(f"{name} networks", 1, 2)
        bank = crossfit(
            y,
            train.rows.motion.to_numpy(),
            train.rows.key.to_numpy(dtype=object),
            partial(_fit_rows, fit, train),
            partial(_read_rows, read, train),
            reference,
            fold.seed,
            parts=len(motions),
        )
        if told:
            told(f"{name} networks", 2, 2)
        test = None
        if fold.part is not None:
            rest = data.take(held)
            deep, logits = read(reference, rest)
            z = np.array([CLASSES.index(v) for v in rest.rows.label])
            test = Bank(deep, logits, z, rest.rows.key.to_numpy(dtype=object), bank.calibration)
        out[name] = (bank, test)
    return out


def _fit_rows(fit: Callable[[Any], Any], data: Any, rows: np.ndarray) -> Any:
    return fit(_rows(data, rows))


def _read_rows(read: Callable[[Any, Any], tuple[np.ndarray, np.ndarray]], data: Any, network: Any, rows: np.ndarray) -> tuple[
    np.ndarray, np.ndarray
]:  # fmt: skip
    return read(network, _rows(data, rows))


def _rows(data: Any, rows: np.ndarray) -> Any:
    mask = np.zeros(len(data.rows), dtype=bool)
    mask[rows] = True
    return data.take(mask)
