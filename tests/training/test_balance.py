import numpy as np
import pytest
import torch

from affectlens.learning.balance import class_weights
from affectlens.learning.recipes.background import BackgroundRecipe
from affectlens.learning.trainers.background import train_background


def test_weights_by_hand():
    w = class_weights(np.array([0, 0, 0, 2]), 4)
    assert w[1] == w[3] == 0 and w[2] / w[0] == pytest.approx(3) and w[[0, 2]].mean() == pytest.approx(1)
    assert class_weights(np.array([0, 0, 0, 0, 2]), 3, 0.5)[2] / class_weights(np.array([0, 0, 0, 0, 2]), 3, 0.5)[
        0
    ] == pytest.approx(2)


def test_classes_that_do_not_occur_are_not_answered_with(rng):
    y = rng.integers(0, 2, 80)
    x = rng.normal(0, 1, (80, 320)).astype(np.float32)
    x[:, 0] += 4 * y
    net = train_background(x, y, BackgroundRecipe(epochs=15), 7)
    with torch.inference_mode():
        answer = net(torch.from_numpy(x)).argmax(1).numpy()
    assert set(answer) <= {0, 1} and (answer == y).mean() > 0.9
