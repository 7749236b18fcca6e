"""Weights of models that are not shipped, small or made by chance."""

import numpy as np
import pytest
import torch

from affectlens.models.base import Calibration
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet
from affectlens.models.weights import save_weights
from tests.modalities.test_scene import background_weights
from tests.models.test_emonet import SHAPES


@pytest.fixture(scope="session")
def emonet_weights(tmp_path_factory):
    generator = torch.Generator().manual_seed(0)
    state = {}
    for name, shape in SHAPES.items():
        state[f"{name}.weight"] = torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5
        state[f"{name}.bias"] = 0.01 * torch.randn(shape[0], generator=generator)
    path = tmp_path_factory.mktemp("emonet") / "EmoNet.pt"
    torch.save(state, path)
    return path


@pytest.fixture(scope="session")
def background_file(tmp_path_factory):
    return background_weights(tmp_path_factory.mktemp("background") / "background.safetensors")


@pytest.fixture(scope="session")
def bclstm_file(tmp_path_factory):
    torch.manual_seed(0)
    net = BcLstmNet(BcLstmConfig({"text": 4, "audio": 3}, 2, hidden=5, dense=5, speakers=True)).eval()
    meta = {
        "labels": ["negative", "positive"], "config": net.config.to_dict(), "recipe": {"limit": 3.0}, "corpus": "none",
        "licence": "none", "scale": {"text": ([0.0] * 4, [1.0] * 4), "audio": ([1.0] * 3, [2.0] * 3)},
    }  # fmt: skip
    path = tmp_path_factory.mktemp("bclstm") / "bclstm.safetensors"
    save_weights(path, dict(net.state_dict()), meta, Calibration(temperature=1.3))
    return path
