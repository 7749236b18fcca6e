"""The pointing game on a network that has learned planted patches."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from affectlens.explainers.cam import METHODS, CamEngine, upsample
from affectlens.models.adapters import TorchModel

SIDE, PATCH = 24, 6
PATTERNS = np.stack([
    np.tile([[1.0, -1.0]], (PATCH, PATCH // 2)), np.tile([[1.0], [-1.0]], (PATCH // 2, PATCH)),
    np.kron(np.ones((1, 1)), np.add.outer(np.arange(PATCH), np.arange(PATCH)) % 2 * 2.0 - 1),
])  # fmt: skip


def planted(rng, count):
    """Noise with one of three patterns somewhere: pictures, classes, masks."""
    x = rng.normal(0, 0.5, (count, 1, SIDE, SIDE)).astype(np.float32)
    y, masks = rng.integers(0, 3, count), np.zeros((count, SIDE, SIDE))
    for i in range(count):
        a, b = rng.integers(0, SIDE - PATCH + 1, 2)
        x[i, 0, a : a + PATCH, b : b + PATCH] = 1.5 * PATTERNS[y[i]]
        masks[i, a : a + PATCH, b : b + PATCH] = 1
    return x, y, masks


@pytest.fixture(scope="module")
def learned():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(12, 16, 3, padding=1), nn.ReLU(),
                        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 3))  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(150):
        x, y, _ = planted(rng, 64)
        loss = F.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(y))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return TorchModel(net.eval(), ("rows", "columns", "check"))


@pytest.mark.parametrize("method", METHODS)
def test_the_patch_that_decides_is_pointed_at(learned, method):
    x, y, masks = planted(np.random.default_rng(1), 60)
    assert (learned.predict(x).argmax(axis=1) == y).mean() > 0.95
    maps = upsample(CamEngine(learned, "4")(x, method).maps[np.arange(60), y], (SIDE, SIDE))
    largest = maps.reshape(60, -1).argmax(axis=1)
    assert masks.reshape(60, -1)[np.arange(60), largest].mean() >= 0.9
