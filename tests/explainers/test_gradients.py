import numpy as np
import pytest
import torch
from torch import nn

from affectlens.explainers.cam import CamEngine
from affectlens.explainers.cam.gradients import class_gradients, eigen_cam, grad_cam_plus_plus
from affectlens.models.adapters import TorchModel


def test_grad_cam_plus_plus_by_hand():
    a = torch.tensor([[[[1.0, 2.0]], [[0.0, 1.0]]]])  # two channels of 1 x 2
    g = torch.tensor([[[[[1.0, -1.0]], [[0.0, 2.0]]]]])
    # Weights: sum of alpha relu(g); alpha = g² / (2 g² + S g³) with S the sum of the channel's activation, 0 where g is 0.
    first, second = 1 / (2 + 3), 4 / (8 + 1 * 8) * 2
    want = first * np.array([1.0, 2.0]) + second * np.array([0.0, 1.0])
    np.testing.assert_allclose(grad_cam_plus_plus(a, g)[0, 0, 0].numpy(), want, rtol=1e-6)


def test_eigencam_agrees_in_sign_with_the_activation(rng):
    for seed in range(8):
        a = torch.from_numpy(np.random.default_rng(seed).random((2, 3, 4, 5)))
        maps = eigen_cam(a, torch.zeros(2, 6, 3, 4, 5))
        assert maps.shape == (2, 6, 4, 5) and torch.equal(maps[:, 0], maps[:, 5])
        for i in range(2):
            flat = a[i].reshape(3, -1).numpy().T
            centred = flat - flat.mean(axis=0)
            first = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
            first *= np.sign(np.corrcoef(first, flat.sum(axis=1))[0, 1])
            np.testing.assert_allclose(maps[i, 0].numpy().ravel(), first, atol=1e-9)


def test_the_sign_is_that_of_the_differences_and_not_of_the_level():
    """A large common level says nothing about which places stand out."""
    a = torch.zeros(1, 2, 1, 4, dtype=torch.float64)
    a[0, 0, 0] = torch.tensor([10.0, 10.0, 10.0, 14.0])
    a[0, 1, 0] = 50.0
    assert eigen_cam(a, torch.zeros(1, 1, 2, 1, 4))[0, 0, 0].numpy() == pytest.approx([-1, -1, -1, 3])


class Custom(torch.autograd.Function):
    """An operation whose backward pass cannot be batched."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        if torch._C._functorch.is_batchedtensor(g):
            raise RuntimeError("no batching rule")
        return 2 * x * g


@pytest.mark.parametrize("kind", ["linear", "convolution", "custom"])
def test_gradients_of_each_class_however_they_are_taken(kind):
    torch.manual_seed(0)
    x = torch.rand(3, 2, 4, 4, requires_grad=True)
    conv, fc = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(32, 5)
    y = conv(x) if kind == "convolution" else Custom.apply(x) if kind == "custom" else torch.tanh(x)
    logits = fc(y.flatten(1))
    got = class_gradients(logits, x, [4, 1])
    assert got.shape == (3, 2, 2, 4, 4)
    for n in range(3):
        for at, k in enumerate([4, 1]):
            want = torch.autograd.grad(logits[n, k], x, retain_graph=True)[0][n]
            torch.testing.assert_close(got[n, at], want)


def test_one_pass_for_channels_last(rng):
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.patches, self.stage, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x):
            return self.head(torch.tanh(self.stage(self.patches(x).permute(0, 2, 3, 1))).mean(dim=(1, 2)))

    model = TorchModel(Last().eval(), ("a", "b", "c"))
    engine = CamEngine(model, "stage")
    x = rng.random((2, 3, 16, 24)).astype(np.float32)
    maps, _ = engine.of_answers(x, ("grad-cam", "layercam", "hirescam"), lambda i, z: "cb"[i])
    for i, label in enumerate("cb"):
        for method, one in maps[i].items():
            np.testing.assert_allclose(one, engine(x[i : i + 1], method, [label]).maps[0, 0], atol=1e-6)


def test_batches_are_put_together_in_order(rng):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = TorchModel(net.eval(), ("a", "b"))
    x = rng.random((5, 1, 8, 8)).astype(np.float32)
    whole, parts = CamEngine(model, "0")(x), CamEngine(model, "0", 2)(x)
    np.testing.assert_allclose(whole.maps, parts.maps, atol=1e-6)
    np.testing.assert_allclose(whole.logits, parts.logits, atol=1e-6)
    assert parts.method == "hirescam" and parts.layer == "0" and parts.labels == ("a", "b")
