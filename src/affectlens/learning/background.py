"""Training of the background network: a small classifier over features of a detector's backbone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.core.settings import Settings
from affectlens.learning import recipe as fields
from affectlens.learning.balance import class_weights
from affectlens.learning.loop import seeded, train_rows
from affectlens.models.shipped.background import BackgroundNet, BackgroundNetConfig


@dataclass(frozen=True)
class BackgroundRecipe(Settings):
    """Every choice of training the background network."""

    assets: ClassVar[tuple[str, ...]] = ("efficientdet-lite0",)

    epochs: int = fields.epochs(30)
    batch: int = fields.batch(64, least=2)
    rate: float = fields.rate(1e-3)
    weight_decay: float = fields.weight_decay(5e-2)
    smoothing: float = fields.smoothing(0.1)
    noise: float = fields.amount(0.1, "Deviation of the noise on the features, in deviations of each.")
    parts: int = fields.whole(4, "Parts into which people or pictures are cut; one is kept for calibration and scores.", 2, 100)
    seed: int = fields.seed()


def train_background(x: np.ndarray, y: np.ndarray, recipe: BackgroundRecipe, classes: int) -> BackgroundNet:
    """A network on features ``(n, 320)`` and class indices ``(n,)``; classes count alike."""
    generator = torch.Generator().manual_seed(recipe.seed)
    features, labels = torch.from_numpy(x.astype(np.float32)), torch.from_numpy(y.astype(np.int64))
    spread = features.std(0)
    weight = class_weights(y, classes)

    def loss(rows: Tensor) -> Tensor | None:
        if len(rows) < 2:  # a batch of one has no mean and variance of its own
            return None
        clean = features[rows]
        noisy = clean + recipe.noise * spread * torch.randn(clean.shape, generator=generator)
        return F.cross_entropy(net(noisy), labels[rows], weight=weight, label_smoothing=recipe.smoothing)

    with seeded(recipe.seed):
        net = BackgroundNet(BackgroundNetConfig(classes))
        train_rows(net, recipe, len(labels), loss, generator, one_cycle=False)
    return net
