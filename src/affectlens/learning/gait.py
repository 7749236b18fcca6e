"""Training of the gait network on windows of recorded motion, and the protocol that leaves one type of motion out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F

from affectlens.core.errors import MediaError, UsageError
from affectlens.corpora.base import open_corpus
from affectlens.models.nets.gait import GaitNet, GaitNetConfig
from affectlens.models.shipped.gait import FRAMES, window
from affectlens.perception.body.formats import of_corpus
from affectlens.perception.body.gait import RATE
from affectlens.perception.body.joints import MIRROR, resampled
from affectlens.stats.classification import softmax

HOP = 15  # frames between windows
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class GaitRecipe:
    """Every choice of training. Augmentation: mirror, ``turn`` radians, ``scale`` of size, ``noise`` in legs, ``jitter`` of the
    standardised features and ``mask``, the share of them that is made missing."""

    epochs: int = 60
    batch: int = 32
    rate: float = 2e-3
    weight_decay: float = 3e-2
    smoothing: float = 0.1
    turn: float = 0.25
    scale: float = 0.05
    noise: float = 0.01
    jitter: float = 0.2
    mask: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class GaitWindows:
    """Joints ``(n, 60, 18, 3)``, features ``(n, 36)`` and per window the row's key, label, motion; ``missed`` files and why."""

    joints: np.ndarray
    features: np.ndarray
    rows: pd.DataFrame
    missed: dict[str, str]

    def take(self, mask: np.ndarray) -> GaitWindows:
        """Some of the windows."""
        return GaitWindows(self.joints[mask], self.features[mask], self.rows[mask].reset_index(drop=True), self.missed)


def gait_windows(path: Path, corpus: str = "bandai", split: str = "four", progress: Told | None = None) -> GaitWindows:
    """Windows of two seconds, half a second apart, of every recording of a gait corpus."""
    source = open_corpus(corpus, path)
    total = len(source.table(split))
    joints, features, rows, missed = [], [], [], {}
    for i, item in enumerate(source.items(split)):
        meta = item.meta or {}
        try:
            if item.data is None:
                raise MediaError(item.problem)
            motion = resampled(of_corpus(item.data, meta), RATE)
            for start in range(0, max(1, len(motion) - FRAMES + 1), HOP):
                x, f = window(motion.part(start, start + FRAMES))
                joints.append(x)
                features.append(f)
                # What is left out whole: the type of motion, or the people where a corpus tells them.
                rows.append({"key": item.key, "label": item.labels[0], "motion": meta.get("motion", item.group),
                             "start": start / RATE})  # fmt: skip
        except MediaError as error:
            missed[item.key] = str(error)
        if progress:
            progress("gait", i + 1, total)
    if not rows:
        raise UsageError(f"{path}: none of {total} recordings could be read; first: {next(iter(missed.values()), '')}")
    return GaitWindows(np.array(joints), np.array(features), pd.DataFrame(rows), missed)


def scale_of(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each feature over what is known."""
    return np.nanmean(features, axis=0), np.nanstd(features, axis=0) + 1e-6


def recording_weight(rows: pd.DataFrame) -> np.ndarray:
    """Weights ``(n,)`` of mean 1 under which every recording counts alike, however many rows it gave."""
    each = 1 / rows.groupby("key").label.transform("size").to_numpy()
    return np.asarray(each / each.mean())


def train_net(data: GaitWindows, classes: tuple[str, ...], recipe: GaitRecipe, config: GaitNetConfig) -> GaitNet:
    """Train on windows; every recording counts alike, however many windows it gave."""
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    mean, deviation = scale_of(data.features)
    x = torch.from_numpy(np.clip((data.features - mean) / deviation, -3, 3).astype(np.float32))
    joints = torch.from_numpy(data.joints.astype(np.float32))
    y = torch.tensor([classes.index(v) for v in data.rows.label])
    weight = torch.from_numpy(recording_weight(data.rows).astype(np.float32))
    net = GaitNet(config)
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    steps = -(-len(y) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
    net.train()
    for _ in range(recipe.epochs):
        for at in torch.randperm(len(y), generator=generator).split(recipe.batch):
            a, b = augmented(joints[at], x[at], recipe, generator)
            loss = F.cross_entropy(net(a, b), y[at], reduction="none", label_smoothing=recipe.smoothing)
            optimiser.zero_grad(set_to_none=True)
            (loss * weight[at]).mean().backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def augmented(joints: Tensor, features: Tensor, recipe: GaitRecipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirrored, turned, resized and noisy joints; features with noise and gaps. None of the features changes in a mirror."""
    n = len(joints)
    other = joints[:, :, list(MIRROR)] * torch.tensor([-1.0, 1, 1])
    joints = torch.where((torch.rand(n, generator=generator) < 0.5)[:, None, None, None], other, joints)
    angle = (2 * torch.rand(n, generator=generator) - 1) * recipe.turn
    c, s = angle.cos()[:, None, None], angle.sin()[:, None, None]
    a, h, b = joints.unbind(-1)
    joints = torch.stack([c * a - s * b, h, s * a + c * b], dim=-1)
    joints = joints * (1 + recipe.scale * torch.randn(n, 1, 1, 1, generator=generator))
    joints = joints + recipe.noise * torch.randn(joints.shape, generator=generator)
    features = features + recipe.jitter * torch.randn(features.shape, generator=generator)
    gap = torch.rand(features.shape, generator=generator) < recipe.mask
    return joints, features.masked_fill(gap, float("nan"))


def predict(net: GaitNet, data: GaitWindows, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Logits ``(n, classes)``."""
    x = np.clip((data.features - scale[0]) / scale[1], -3, 3).astype(np.float32)
    with torch.inference_mode():
        return np.asarray(net(torch.from_numpy(data.joints.astype(np.float32)), torch.from_numpy(x)).numpy())


PEERS = ("logistic", "trees")
PARTS = {"network": ("sequence", "features"), "sequence": ("sequence",), "features": ("features",)}


def leave_motion_out(
    data: GaitWindows,
    classes: tuple[str, ...],
    recipe: GaitRecipe,
    kinds: tuple[str, ...],
    seeds: int,
    progress: Told | None = None,
) -> pd.DataFrame:
    """Predictions on each type of motion by models that saw the others only: columns kind, seed, key, motion, start, truth and
    ``p0`` on. ``network`` reads sequence and features; peers are logistic regression and extremely random trees on features."""
    parts = []
    motions = sorted(set(data.rows.motion))
    for kind in kinds:
        for seed in range(recipe.seed, recipe.seed + (1 if kind == "logistic" else seeds)):
            for i, m in enumerate(motions):
                out = (data.rows.motion == m).to_numpy()
                train, test = data.take(~out), data.take(out)
                if kind in PARTS:
                    net = train_net(train, classes, replace(recipe, seed=seed), GaitNetConfig(len(classes), parts=PARTS[kind]))
                    p = softmax(predict(net, test, scale_of(train.features)))
                else:
                    p = _peer(kind, train, test, classes, seed)
                frame = test.rows.assign(kind=kind, seed=seed, truth=[classes.index(v) for v in test.rows.label])
                parts.append(pd.concat([frame, pd.DataFrame(p, columns=[f"p{c}" for c in range(len(classes))])], axis=1))
                if progress:
                    progress(f"{kind}, seed {seed}", i + 1, len(motions))
    return pd.concat(parts, ignore_index=True)


def _peer(kind: str, train: GaitWindows, test: GaitWindows, classes: tuple[str, ...], seed: int) -> np.ndarray:
    model = (
        LogisticRegression(C=0.3, max_iter=5000)
        if kind == "logistic"
        else ExtraTreesClassifier(500, min_samples_leaf=3, random_state=seed)
    )
    fitted = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), model)
    fitted.fit(train.features, train.rows.label, **{f"{fitted.steps[-1][0]}__sample_weight": recording_weight(train.rows)})
    order = [list(fitted.classes_).index(c) for c in classes]
    return np.asarray(fitted.predict_proba(test.features)[:, order])
