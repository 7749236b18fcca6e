"""Training of the posture network on single skeletons of recorded motion, and the protocol that leaves a type of motion out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn
from torch.nn import functional as F

from affectlens.core.errors import MediaError, UsageError
from affectlens.corpora.base import open_corpus
from affectlens.learning.gait import recording_weight
from affectlens.models.nets.posture import PostureNet, PostureNetConfig
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.joints import JOINTS, MIRROR, resampled
from affectlens.perception.body.posture import upright

RATE = 5.0  # skeletons a second that are taken
LOWER = [i for i, j in enumerate(JOINTS) if any(p in j for p in ("hip", "knee", "ankle", "toe")) or j == "pelvis"]
Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class PostureRecipe:
    """Every choice of training. ``half`` is how often the lower body is hidden, ``mask`` the share of other joints that are;
    ``rebuild`` weighs the reconstruction of what was hidden or made noisy."""

    epochs: int = 40
    batch: int = 64
    rate: float = 2e-3
    weight_decay: float = 3e-2
    smoothing: float = 0.1
    turn: float = 0.3
    noise: float = 0.03
    mask: float = 0.1
    half: float = 0.4
    rebuild: float = 10.0
    seed: int = 0


@dataclass(frozen=True)
class Postures:
    """Skeletons ``(n, 18, 3)`` and per row the recording's key, label and motion; ``missed`` files and why."""

    joints: np.ndarray
    rows: pd.DataFrame
    missed: dict[str, str]

    def take(self, mask: np.ndarray) -> Postures:
        """Some of them."""
        return Postures(self.joints[mask], self.rows[mask].reset_index(drop=True), self.missed)


def postures(path: Path, corpus: str = "bandai", split: str = "all", progress: Told | None = None) -> Postures:
    """Five skeletons a second of every recording of a corpus of motion."""
    table = open_corpus(corpus, path).table(split)
    joints, rows, missed = [], [], {}
    for i, row in enumerate(table.to_dict("records")):
        try:
            for k, x in enumerate(resampled(read_bvh(Path(row["path"])), RATE).points):
                y = upright(x)
                if y is not None:
                    joints.append(y)
                    rows.append({"key": row["key"], "label": row["label"], "motion": row["motion"], "start": k / RATE})
        except MediaError as error:
            missed[str(row["key"])] = str(error)
        if progress:
            progress("posture", i + 1, len(table))
    if not rows:
        raise UsageError(f"{path}: no posture in {len(table)} recordings; first: {next(iter(missed.values()), '')}")
    return Postures(np.array(joints, dtype=np.float32), pd.DataFrame(rows), missed)


def corrupted(joints: Tensor, recipe: PostureRecipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mirrored, turned, noisy joints with some or the whole lower body hidden, and the clean ones in the same view."""
    n = len(joints)
    other = joints[:, list(MIRROR)] * torch.tensor([-1.0, 1, 1])
    clean = torch.where((torch.rand(n, generator=generator) < 0.5)[:, None, None], other, joints)
    angle = (2 * torch.rand(n, generator=generator) - 1) * recipe.turn
    c, s = angle.cos()[:, None], angle.sin()[:, None]
    a, h, b = clean.unbind(-1)
    clean = torch.stack([c * a - s * b, h, s * a + c * b], dim=-1)
    given = clean + recipe.noise * torch.randn(clean.shape, generator=generator)
    hidden = torch.rand(n, len(JOINTS), generator=generator) < recipe.mask
    lower = torch.zeros(len(JOINTS), dtype=torch.bool)
    lower[LOWER] = True
    hidden |= (torch.rand(n, 1, generator=generator) < recipe.half) & lower
    return given.masked_fill(hidden.unsqueeze(-1), float("nan")), clean


def train_posture(
    data: Postures, classes: tuple[str, ...], recipe: PostureRecipe, config: PostureNetConfig | None = None
) -> PostureNet:
    """Rebuild every skeleton, name the class of those whose label is one of ``classes``; every recording counts alike."""
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    joints = torch.from_numpy(data.joints)
    y = torch.tensor([classes.index(v) if v in classes else -1 for v in data.rows.label])
    weight = torch.from_numpy(recording_weight(data.rows).astype(np.float32))
    net = PostureNet(config or PostureNetConfig(len(classes)))
    with torch.no_grad():  # the answer to nothing is the mean body
        last = net.back[-1]
        assert isinstance(last, nn.Linear)
        last.weight.mul_(0.1)
        last.bias.copy_(torch.nan_to_num(joints.nanmean(0)).flatten())
    optimiser = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.weight_decay)
    steps = -(-len(y) // recipe.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=recipe.epochs * steps)
    net.train()
    for _ in range(recipe.epochs):
        for at in torch.randperm(len(y), generator=generator).split(recipe.batch):
            given, clean = corrupted(joints[at], recipe, generator)
            deep = net.deep(given)
            rebuilt = net.back(deep).view_as(clean)
            seen = torch.isfinite(clean)
            loss = recipe.rebuild * F.mse_loss(rebuilt[seen], clean[seen])
            known = y[at] >= 0
            if known.any():
                each = F.cross_entropy(net.head(deep[known]), y[at][known], reduction="none", label_smoothing=recipe.smoothing)
                loss = loss + (each * weight[at][known]).mean()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
    return net.eval()


def predict(net: PostureNet, joints: np.ndarray) -> np.ndarray:
    """Probabilities ``(n, classes)``."""
    with torch.inference_mode():
        return np.asarray(net(torch.from_numpy(np.asarray(joints, np.float32))).softmax(-1).numpy())


def hide_lower(joints: np.ndarray) -> np.ndarray:
    """Half bodies: everything below the waist missing."""
    out = joints.copy()
    out[:, LOWER] = np.nan
    return out


def leave_motion_out(
    data: Postures, classes: tuple[str, ...], recipe: PostureRecipe, seeds: int, progress: Told | None = None
) -> pd.DataFrame:
    """Predictions on each type of motion by models that saw the others only: kinds ``network``, ``half bodies`` (the same
    network,
    lower body hidden) and ``logistic`` (on the coordinates); columns as in ``training.gait``, and ``rebuilt``: mean distance
    in torso
    lengths between hidden and rebuilt lower joints."""
    parts = []
    motions = sorted(set(data.rows.motion))
    for seed in range(recipe.seed, recipe.seed + seeds):
        for i, m in enumerate(motions):
            out = (data.rows.motion == m).to_numpy()
            train, test = data.take(~out), data.take(out & data.rows.label.isin(classes).to_numpy())
            net = train_posture(train, classes, replace(recipe, seed=seed))
            half = hide_lower(test.joints)
            with torch.inference_mode():
                built = net.rebuild(torch.from_numpy(half)).numpy()
            away = np.linalg.norm(built[:, LOWER] - test.joints[:, LOWER], axis=-1).mean()
            mean = np.linalg.norm(train.joints[:, LOWER].mean(0) - test.joints[:, LOWER], axis=-1).mean()
            truth = [classes.index(v) for v in test.rows.label]
            found = {"network": predict(net, test.joints), "half bodies": predict(net, half)}
            if seed == recipe.seed:
                found["logistic"] = _logistic(train, test, classes)
            for kind, p in found.items():
                frame = test.rows.assign(kind=kind, seed=seed, truth=truth, rebuilt=away, mean_body=mean)
                parts.append(pd.concat([frame, pd.DataFrame(p, columns=[f"p{c}" for c in range(len(classes))])], axis=1))
            if progress:
                progress(f"posture, seed {seed}", i + 1, len(motions))
    return pd.concat(parts, ignore_index=True)


def _logistic(train: Postures, test: Postures, classes: tuple[str, ...]) -> np.ndarray:
    known = train.rows.label.isin(classes).to_numpy()
    scale = StandardScaler().fit(train.joints[known].reshape(known.sum(), -1))
    model = LogisticRegression(C=0.1, max_iter=3000)
    weight = recording_weight(train.rows[known])
    model.fit(scale.transform(train.joints[known].reshape(known.sum(), -1)), train.rows.label[known], sample_weight=weight)
    order = [list(model.classes_).index(c) for c in classes]
    return np.asarray(model.predict_proba(scale.transform(test.joints.reshape(len(test.joints), -1)))[:, order])
