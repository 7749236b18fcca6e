import numpy as np
import pytest
import torch
from torch import nn

from affectlens.core.errors import UsageError
from affectlens.explainers.cam import CamEngine
from affectlens.explainers.cam.methods import METHODS, RULES, register_cam
from affectlens.models.adapters import TorchModel


def test_every_method_says_how_it_comes_about():
    assert {"grad-cam", "hirescam", "score-cam", "lift-cam", "lime-cam"} <= set(METHODS)
    for name in METHODS:
        method = METHODS.get(name)
        assert method.name == name and method.reads in ("gradients", "network") and method.source
        assert not method.rule or (method.rule in RULES and method.reads == "gradients")
    assert METHODS.get("lift-cam").rule == "lift-cam" and METHODS.get("score-cam").reads == "network"
    with pytest.raises(UsageError, match="unknown CAM method 'grad-kam'; did you mean grad-cam"):
        METHODS.get("grad-kam")


def test_a_method_that_cannot_be_is_refused():
    with pytest.raises(UsageError, match="'a' reads 'minds'; gradients or network"):
        register_cam("a", reads="minds")
    with pytest.raises(UsageError, match="'a' has the rule 'magic'; one of lift-cam, lrp-cam"):
        register_cam("a", rule="magic")
    assert "a" not in METHODS


def test_a_network_that_cannot_be_widened_at_the_layer_is_run_from_the_start(rng):
    class Narrow(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.fc = nn.Conv2d(1, 3, 3), nn.Linear(3 * 16, 2)

        def forward(self, x):
            return self.fc(self.conv(x).reshape(len(x), -1))  # as many rows as pictures went in

    model = TorchModel(Narrow().eval(), ("a", "b"))
    x = rng.random((2, 1, 6, 6)).astype(np.float32)
    got = CamEngine(model, "conv")(x, "ablation-cam").maps
    a, w = model.activations(x, "conv"), model.net.fc.weight.detach().numpy().reshape(2, 3, 4, 4)
    drop = np.einsum("kchw,nchw->nkc", w, a) / np.abs(model.predict(x))[..., None]
    np.testing.assert_allclose(got, np.einsum("nkc,nchw->nkhw", drop, a), rtol=1e-3, atol=1e-5)
