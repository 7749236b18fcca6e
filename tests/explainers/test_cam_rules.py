"""LIFT-, LRP- and LIME-CAM against Captum and by hand; transformers' grids."""

import copy

import numpy as np
import pytest
import torch
from captum.attr import LRP, DeepLift
from torch import nn
from torch.nn import functional as F

from affectlens.core.errors import ModelError
from affectlens.explainers.cam import METHODS, CamEngine
from affectlens.models.adapters import TorchModel

LABELS = ("a", "b", "c")


class Head(nn.Module):
    """What follows the layer: a maximum, two kinds of function, linear layers with biases."""

    def __init__(self, act=nn.ReLU):
        super().__init__()
        self.act, self.pool = act(), nn.MaxPool2d(2)
        self.one, self.act2, self.two = nn.Linear(6 * 9, 16), act(), nn.Linear(16, 3)

    def forward(self, x):
        x = self.pool(self.act(x))
        return self.two(self.act2(self.one(x.flatten(1))))


class Net(nn.Module):
    def __init__(self, act=nn.ReLU, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.conv, self.head = nn.Conv2d(1, 6, 3, 2, 1), Head(act)

    def forward(self, x):
        return self.head(self.conv(x))


@pytest.fixture
def pictures(rng):
    return rng.random((4, 1, 12, 12)).astype(np.float32)


def channel_map(model, pictures, contributions):
    a = model.activations(pictures, "conv")
    return np.einsum("nc,nchw->nhw", contributions.detach().numpy().sum(axis=(2, 3)), a)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:captum")
@pytest.mark.parametrize("act", [nn.ReLU, nn.Tanh, nn.ELU])
def test_lift_cam_equals_captums_deeplift(pictures, act):
    model = TorchModel(Net(act).eval(), LABELS)
    got = CamEngine(model, "conv")(pictures, "lift-cam")
    a = torch.from_numpy(model.activations(pictures, "conv"))
    peer = DeepLift(model.net.head)
    for k in range(3):
        theirs = peer.attribute(a, torch.zeros_like(a), target=k)
        np.testing.assert_allclose(got.maps[:, k], channel_map(model, pictures, theirs), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(got.logits, model.predict(pictures), atol=1e-5)


def test_contributions_of_lift_sum_to_the_change_of_the_logit(pictures):
    """Completeness: with a one everywhere for the activation, the map sums the channels' contributions."""
    from affectlens.explainers.cam.gradients import class_gradients
    from affectlens.explainers.cam.grids import zeros
    from affectlens.explainers.cam.rules import Rule

    model, rule = TorchModel(Net(nn.ELU).eval(), LABELS), Rule("lift-cam")

    def begin(out):
        rule.on = True
        return zeros(out)

    x = torch.from_numpy(pictures)
    with rule, model.captured(torch.cat([x, x]), "conv", begin) as (z, a):
        m = class_gradients(z[:4], a, [0, 1, 2])[:4]
        total = (m * a[:4, None]).sum(dim=(2, 3, 4))
        torch.testing.assert_close(total, z[:4] - z[4:], atol=1e-4, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:captum")
@pytest.mark.parametrize("act", [nn.ReLU, nn.Tanh])
def test_lrp_cam_equals_captums_lrp(pictures, act):
    model = TorchModel(Net(act).eval(), LABELS)
    got = CamEngine(model, "conv")(pictures, "lrp-cam").maps
    a = torch.from_numpy(model.activations(pictures, "conv"))
    for k in range(3):
        theirs = LRP(copy.deepcopy(model.net.head)).attribute(a, target=k)  # it changes what it is given
        np.testing.assert_allclose(got[:, k], channel_map(model, pictures, theirs), rtol=2e-3, atol=1e-3)


def test_rules_see_functions_as_they_see_modules(pictures):
    class Plain(Net):
        def forward(self, x):
            h = self.head
            x = F.max_pool2d(F.relu(self.conv(x)), 2)
            return h.two(torch.relu_(h.one(x.flatten(1))))

    a, b = (TorchModel(kind().eval(), LABELS) for kind in (Net, Plain))
    for method in ("lift-cam", "lrp-cam"):
        np.testing.assert_allclose(
            CamEngine(a, "conv")(pictures, method).maps, CamEngine(b, "conv")(pictures, method).maps, atol=1e-5
        )


def test_lime_finds_a_linear_head_exactly(pictures):
    class Linear(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(1)
            self.conv, self.fc = nn.Conv2d(1, 6, 3, 2, 1), nn.Linear(6, 3)

        def forward(self, x):
            return self.fc(self.conv(x).mean(dim=(2, 3)))

    model = TorchModel(Linear().eval(), LABELS)
    a = model.activations(pictures, "conv")
    weight = model.net.fc.weight.detach().numpy()
    contribution = weight[None] * a.mean(axis=(2, 3))[:, None]
    want = np.einsum("nkc,nchw->nkhw", contribution, a)
    for method in ("lime-cam", "lift-cam", "lrp-cam"):
        np.testing.assert_allclose(CamEngine(model, "conv")(pictures, method).maps, want, atol=2e-3)


class Block(nn.Module):
    """A transformer's block: attention and a small network over tokens."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """Patches of 4, ``prefix`` tokens before them; the first token, or the mean of all, answers."""

    def __init__(self, prefix=1, size=(16, 24)):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.prefix = nn.Conv2d(3, 8, 4, 4), nn.Parameter(torch.randn(1, prefix, 8))
        self.place = nn.Parameter(torch.randn(1, prefix + size[0] * size[1] // 16, 8))
        self.blocks, self.head = nn.Sequential(Block(8), Block(8)), nn.Linear(8, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.prefix.expand(len(x), -1, -1), x], dim=1) + self.place
        x = self.blocks(x)
        return self.head(x[:, 0] if self.prefix.shape[1] else x.mean(dim=1))


class Swin(nn.Module):
    """Windows on a grid with channels last."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.stage, self.head = nn.Conv2d(3, 8, 4, 4), nn.Sequential(nn.Linear(8, 8), nn.GELU()), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.stage(self.patches(x).permute(0, 2, 3, 1)).mean(dim=(1, 2)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("net", "layer"), [(Vit(1), "blocks.1.norm"), (Vit(5), "blocks.1.norm"), (Vit(0), "blocks.0"), (Swin(), "stage")]
)
def test_transformers_have_maps(rng, net, layer, method):
    model = TorchModel(net.eval(), LABELS)
    x = rng.random((3, 3, 16, 24)).astype(np.float32)
    engine = CamEngine(model, layer)
    maps = engine(x, method).maps
    assert maps.shape == (3, 3, 4, 6) and np.isfinite(maps).all()
    single = np.concatenate([CamEngine(model, layer, 1)(x[i : i + 1], method).maps for i in range(3)])
    np.testing.assert_allclose(maps, single, rtol=1e-4, atol=1e-5)


def test_tokens_are_drawn_where_their_patches_lie():
    """Only the patch in row 2, column 5 of 4 x 6 is seen by the head: HiResCAM has to be there and nowhere else."""

    class One(Vit):
        def forward(self, x):
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = self.blocks(torch.cat([self.prefix.expand(len(x), -1, -1), x], dim=1))
            return self.head(x[:, 1 + 2 * 6 + 5])

    model = TorchModel(One().eval(), LABELS)
    maps = CamEngine(model, "blocks.1.mlp.2")(np.random.default_rng(0).random((1, 3, 16, 24)), "hirescam").maps[0]
    assert (np.abs(maps).reshape(3, -1).argmax(axis=1) == 17).all() and (maps != 0).sum() == 3


def test_a_grid_that_cannot_be_told_is_named():
    model = TorchModel(Vit(1).eval(), LABELS)
    x = np.zeros((1, 3, 16, 24), np.float32)
    with pytest.raises(ModelError, match="tokens"):
        CamEngine(model, "blocks.1", grid=(9, 9))(x)
    with pytest.raises(ModelError, match="no map"):
        CamEngine(model, "head")(x)
    assert CamEngine(model, "blocks.1", grid=(6, 4))(x).maps.shape == (1, 3, 6, 4)
