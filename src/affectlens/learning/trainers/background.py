"""Training of the background network: a small classifier over features of a detector's backbone."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from affectlens.learning.balance import class_weights
from affectlens.learning.loop import seeded, train_rows
from affectlens.learning.recipes.background import BackgroundRecipe
from affectlens.models.shipped.background import BackgroundNet, BackgroundNetConfig


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
