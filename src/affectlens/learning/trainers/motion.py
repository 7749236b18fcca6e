"""Training of the two networks that read recorded motion: gait (two seconds of it) and posture (one skeleton)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from affectlens.learning.balance import recording_weights
from affectlens.learning.loop import seeded, train_rows
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.typicality import Typicality, fit_typicality
from affectlens.models.nets.gait import GaitNet, GaitNetConfig
from affectlens.models.nets.posture import PostureNet, PostureNetConfig
from affectlens.perception.body.joints import JOINTS, MIRROR, bone_directions

LOWER = [
    i for i, joint in enumerate(JOINTS) if any(part in joint for part in ("hip", "knee", "ankle", "toe")) or joint == "pelvis"
]
LIMIT = 3.0  # deviations at which features are clipped
Scale = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class GaitWindows:
    """Two-second windows of recordings.

    ``joints`` ``(n, 60, 18, 3)`` in leg lengths, ``features`` ``(n, 36)`` with NaN where unknown, ``rows`` with the columns
    key, label, motion and start of each window, and ``missed``: the recordings that could not be read and why.
    """

    joints: np.ndarray
    features: np.ndarray
    rows: pd.DataFrame
    missed: dict[str, str]

    def take(self, mask: np.ndarray) -> GaitWindows:
        """The windows of a mask ``(n,)``."""
        return GaitWindows(self.joints[mask], self.features[mask], self.rows[mask].reset_index(drop=True), self.missed)


@dataclass(frozen=True)
class Postures:
    """Single skeletons: ``joints`` ``(n, 18, 3)`` in torso lengths; ``rows`` and ``missed`` as in ``GaitWindows``."""

    joints: np.ndarray
    rows: pd.DataFrame
    missed: dict[str, str]

    def take(self, mask: np.ndarray) -> Postures:
        """The skeletons of a mask ``(n,)``."""
        return Postures(self.joints[mask], self.rows[mask].reset_index(drop=True), self.missed)


def scale_of(features: np.ndarray) -> Scale:
    """Mean and deviation of each feature over what is known."""
    return np.nanmean(features, axis=0), np.nanstd(features, axis=0) + 1e-6


def train_gait(data: GaitWindows, classes: tuple[str, ...], recipe: GaitRecipe, config: GaitNetConfig | None = None) -> GaitNet:
    """Train on windows; every recording counts alike, however many windows it gave."""
    generator = torch.Generator().manual_seed(recipe.seed)
    features = _standardised(data.features, scale_of(data.features))
    joints = torch.from_numpy(data.joints.astype(np.float32))
    labels = torch.tensor([classes.index(label) for label in data.rows.label])
    weight = torch.from_numpy(recording_weights(data.rows).astype(np.float32))

    def loss(rows: Tensor) -> Tensor:
        changed = augmented(joints[rows], features[rows], recipe, generator)
        losses = F.cross_entropy(net(*changed), labels[rows], reduction="none", label_smoothing=recipe.smoothing)
        return (losses * weight[rows]).mean()

    with seeded(recipe.seed):
        net = GaitNet(config or GaitNetConfig(len(classes)))
        train_rows(net, recipe, len(labels), loss, generator)
    return net


def train_posture(
    data: Postures, classes: tuple[str, ...], recipe: PostureRecipe, config: PostureNetConfig | None = None
) -> PostureNet:
    """Rebuild every skeleton, name the class of those whose label is one of ``classes``; every recording counts alike."""
    generator = torch.Generator().manual_seed(recipe.seed)
    joints = torch.from_numpy(data.joints)
    labels = torch.tensor([classes.index(label) if label in classes else -1 for label in data.rows.label])
    weight = torch.from_numpy(recording_weights(data.rows).astype(np.float32))

    def loss(rows: Tensor) -> Tensor:
        noisy, clean = corrupted(joints[rows], recipe, generator)
        deep = net.deep(noisy)
        rebuilt = net.back(deep).view_as(clean)
        visible = torch.isfinite(clean)
        total = recipe.rebuild * F.mse_loss(rebuilt[visible], clean[visible])
        labelled = labels[rows] >= 0
        if labelled.any():
            losses = F.cross_entropy(
                net.head(deep[labelled]), labels[rows][labelled], reduction="none", label_smoothing=recipe.smoothing
            )
            total = total + (losses * weight[rows][labelled]).mean()
        return total

    with seeded(recipe.seed):
        net = PostureNet(config or PostureNetConfig(len(classes)))
        with torch.no_grad():  # the answer to nothing is the mean body
            last = net.back[-1]
            assert isinstance(last, nn.Linear)
            last.weight.mul_(0.1)
            last.bias.copy_(torch.nan_to_num(joints.nanmean(0)).flatten())
        train_rows(net, recipe, len(labels), loss, generator)
    return net


def augmented(joints: Tensor, features: Tensor, recipe: GaitRecipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Windows as they might have been too; none of the features changes in a mirror.

    Returns
    -------
    joints : torch.Tensor
        Mirrored, turned, resized and noisy ``(n, 60, 18, 3)``.
    features : torch.Tensor
        With noise and gaps ``(n, 36)``.
    """
    joints = _turned(joints, recipe.turn, generator)
    joints = joints * (1 + recipe.scale * torch.randn(len(joints), 1, 1, 1, generator=generator))
    joints = joints + recipe.noise * torch.randn(joints.shape, generator=generator)
    features = features + recipe.jitter * torch.randn(features.shape, generator=generator)
    gap = torch.rand(features.shape, generator=generator) < recipe.mask
    return joints, features.masked_fill(gap, float("nan"))


def corrupted(joints: Tensor, recipe: PostureRecipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Skeletons as they might have been too, with something hidden.

    Returns
    -------
    given : torch.Tensor
        Mirrored, turned, noisy joints ``(n, 18, 3)`` with some or the whole lower body hidden.
    clean : torch.Tensor
        The same without noise and gaps.
    """
    n = len(joints)
    clean = _turned(joints, recipe.turn, generator)
    noisy = clean + recipe.noise * torch.randn(clean.shape, generator=generator)
    hidden = torch.rand(n, len(JOINTS), generator=generator) < recipe.mask
    lower = torch.zeros(len(JOINTS), dtype=torch.bool)
    lower[LOWER] = True
    hidden |= (torch.rand(n, 1, generator=generator) < recipe.half) & lower
    return noisy.masked_fill(hidden.unsqueeze(-1), float("nan")), clean


def _turned(joints: Tensor, turn: float, generator: torch.Generator) -> Tensor:
    """Half of the items ``(n, …, 18, 3)`` mirrored, each turned about the vertical by up to ``turn`` radians."""
    n, shape = len(joints), (-1, *[1] * (joints.ndim - 1))
    mirrored = joints[..., list(MIRROR), :] * torch.tensor([-1.0, 1, 1])
    joints = torch.where((torch.rand(n, generator=generator) < 0.5).view(shape), mirrored, joints)
    angle = (2 * torch.rand(n, generator=generator) - 1) * turn
    cosine, sine = angle.cos().view(shape[:-1]), angle.sin().view(shape[:-1])
    across, height, along = joints.unbind(-1)
    return torch.stack([cosine * across - sine * along, height, sine * across + cosine * along], dim=-1)


def _standardised(features: np.ndarray, scale: Scale) -> Tensor:
    return torch.from_numpy(np.clip((features - scale[0]) / scale[1], -LIMIT, LIMIT).astype(np.float32))


def gait_deep_and_logits(net: GaitNet, data: GaitWindows, scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Deep features ``(n, deep)`` and logits ``(n, classes)`` of windows, with the scale of the training windows."""
    joints, features = torch.from_numpy(data.joints.astype(np.float32)), _standardised(data.features, scale)
    with torch.inference_mode():
        return np.asarray(net.deep(joints, features).numpy()), np.asarray(net(joints, features).numpy())


def posture_deep_and_logits(net: PostureNet, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Deep features ``(n, deep)`` and logits ``(n, classes)`` of skeletons ``(n, 18, 3)``."""
    tensor = torch.from_numpy(np.asarray(joints, np.float32))
    with torch.inference_mode():
        return np.asarray(net.deep(tensor).numpy()), np.asarray(net(tensor).numpy())


def gait_typicality(net: GaitNet, data: GaitWindows, scale: Scale, recipe: GaitRecipe) -> Typicality:
    """What tells windows unlike those of training, by their deep features; each recording counts alike."""
    return fit_typicality(gait_deep_and_logits(net, data, scale)[0], data.rows.key.to_numpy(), seed=recipe.seed)


def posture_typicality(net: PostureNet, data: Postures, recipe: PostureRecipe) -> Typicality:
    """What tells skeletons unlike those of training: the directions of their bones, under the noise that training has.

    Parameters
    ----------
    net : PostureNet
        Rebuilds joints that are missing.
    data : Postures
        Of training; each recording counts alike, and each skeleton also in the mirror.
    recipe : PostureRecipe
        Whose noise is put on the joints: recorded ones move too exactly.

    Returns
    -------
    Typicality
        Of ``bone_directions``.
    """
    rng = np.random.default_rng(recipe.seed)
    mirror = data.joints[:, MIRROR] * np.array([-1.0, 1, 1])
    given = np.concatenate([data.joints, mirror])
    noisy = (given + recipe.noise * rng.standard_normal(given.shape)).astype(np.float32)
    with torch.inference_mode():
        rebuilt = net.rebuild(torch.from_numpy(noisy)).numpy()
    directions = bone_directions(np.where(np.isfinite(noisy), noisy, rebuilt))
    return fit_typicality(directions, np.tile(data.rows.key.to_numpy(), 2), components=16, seed=recipe.seed)


def hide_lower(joints: np.ndarray) -> np.ndarray:
    """Half bodies: everything below the waist missing."""
    out = joints.copy()
    out[:, LOWER] = np.nan
    return out
