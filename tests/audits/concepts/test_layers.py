"""Activations and gradients of layers of every kind, against finite differences; the model is left as it was."""

import numpy as np
import pytest
import torch
from benchmarks.planted_dialogues import dialogues
from torch import nn

from affectlens.audits.concepts.layers import cached, content_hash, read_layers
from affectlens.audits.concepts.recurrent import context_layers, read_dialogues, rerun
from affectlens.core.errors import ModelError, UsageError
from affectlens.learning.trainers.bclstm import pack, predict, scale_of
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet


class Conv(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.act = nn.Tanh()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.act(self.conv(x)).mean((2, 3)) ** 2)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.3)
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.layer(x).mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 6, batch_first=True, bidirectional=True)
        self.head = nn.Linear(12, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.lstm(x)[0]).mean(1))


CASES = [(Conv, (9, 1, 8, 8), "act", 4), (Tokens, (9, 5, 8), "layer", 8), (Recurrent, (9, 4, 5), "lstm", 12)]


@pytest.mark.parametrize(("make", "shape", "layer", "width"), CASES)
def test_pooled_gradient_is_a_step_added_everywhere(make, shape, layer, width):
    torch.manual_seed(0)
    net, x = make().double(), torch.randn(shape, dtype=torch.float64)
    net.train()
    read = read_layers(net, x, [layer], [0, 1], batch_size=4)[layer]
    assert read.activations.shape == (9, width)
    assert read.gradients is not None and read.gradients.shape == (9, 2, width)
    assert net.training and all(p.requires_grad and p.grad is None for p in net.parameters())
    v = torch.randn(width, dtype=torch.float64)
    net.eval()

    def moved(step):
        def hook(_m, _i, out):
            first = out[0] if isinstance(out, tuple) else out
            first = first + step * (v[:, None, None] if first.ndim == 4 else v)
            return (first, *out[1:]) if isinstance(out, tuple) else first

        handle = dict(net.named_modules())[layer].register_forward_hook(hook)
        try:
            return net(x).detach().numpy()
        finally:
            handle.remove()

    slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
    np.testing.assert_allclose(np.einsum("ncd,d->nc", read.gradients, v.numpy()), slope[:, :2], atol=1e-5)


def test_flat_first_and_several_layers_at_once():
    torch.manual_seed(0)
    net, x = Conv(), torch.randn(7, 1, 8, 8)
    one = read_layers(net, x, ["conv", "act", "head"], [2], pool="flat", batch_size=3)
    assert one["conv"].activations.shape == (7, 144) and one["head"].activations.shape == (7, 3)
    alone = read_layers(net, x, ["conv"], [2], pool="flat")["conv"]
    np.testing.assert_allclose(one["conv"].gradients, alone.gradients, atol=1e-7)
    np.testing.assert_allclose(one["head"].gradients[:, 0], np.tile([0, 0, 1], (7, 1)))
    tokens = read_layers(Tokens(), torch.randn(3, 5, 8), ["layer"], pool="first")["layer"]
    assert tokens.activations.shape == (3, 8) and tokens.gradients is None


def test_batch_size_changes_nothing():
    torch.manual_seed(0)
    net, x = Tokens(), torch.randn(20, 5, 8)
    a, b = (read_layers(net, x, ["layer"], [0, 1], batch_size=n)["layer"] for n in (1, 64))
    np.testing.assert_allclose(a.activations, b.activations, atol=1e-6)
    np.testing.assert_allclose(a.gradients, b.gradients, atol=1e-6)


def test_clear_errors():
    net, x = Conv(), torch.randn(2, 1, 8, 8)
    with pytest.raises(UsageError, match="conv"):
        read_layers(net, x, ["cnov"])
    with pytest.raises(UsageError, match="unknown pooling 'men'; did you mean mean"):
        read_layers(net, x, ["act"], pool="men")

    class Dead(Conv):
        def forward(self, x):
            return super().forward(x).detach()

    with pytest.raises(ModelError, match="no gradient"):
        read_layers(Dead(), x, ["act"], [0])
    with pytest.raises(UsageError, match="cannot be pooled"):
        read_layers(net, x, ["act"], pool="first")


def test_cache_by_content(tmp_path):
    torch.manual_seed(0)
    net, x = Conv(), torch.randn(4, 1, 8, 8)
    key = content_hash(net, {"x": x.numpy()}, "act")
    calls = []

    def read():
        calls.append(1)
        return read_layers(net, x, ["act"], [0])

    first = cached(tmp_path, key, read)["act"]
    again = cached(tmp_path, key, read)["act"]
    assert len(calls) == 1
    np.testing.assert_array_equal(first.gradients, again.gradients)
    next(tmp_path.glob("*.npz")).write_bytes(b"broken")
    cached(tmp_path, key, read)
    assert len(calls) == 2
    with torch.no_grad():
        net.head.bias += 1
    assert content_hash(net, {"x": x.numpy()}, "act") != key
    assert content_hash(net, {"x": x.numpy() + 1}, "act") != content_hash(net, {"x": x.numpy()}, "act")


@pytest.fixture
def dialogue_case():
    data, _ = dialogues(0, 5, turns=4)
    data = data.take(np.arange(18))  # the last dialogue is shorter
    torch.manual_seed(1)
    net = BcLstmNet(BcLstmConfig({"text": 20, "audio": 10}, 3, hidden=6, dense=5, anchor="text")).eval()
    return net, pack(data, scale_of(data), 3.0)


@pytest.mark.parametrize("step", ["own", "all"])
def test_dialogue_gradients_by_finite_differences(dialogue_case, step):
    net, packed = dialogue_case
    layers = context_layers(net)
    assert layers[:2] == ("branches.text.context", "branches.text.dense") and layers[-1] == "dense"
    read = read_dialogues(net, packed, layers, [0, 2], step=step, batch=2)
    rows = packed.rows.numpy()
    for layer in layers:
        r = read[layer]
        v = np.random.default_rng(0).normal(size=r.activations.shape[1]).astype(np.float32)
        base = r.activations
        for target in (0, 6, 17):
            d = int(np.where(rows == target)[0][0])
            moved = np.zeros_like(base)
            moved[[target] if step == "own" else rows[d][rows[d] >= 0]] = v
            up, down = (rerun(net, packed, layer, base + s * moved)[target] for s in (3e-3, -3e-3))
            slope = (up - down) / 6e-3
            np.testing.assert_allclose(r.gradients[target] @ v, slope[[0, 2]], atol=2e-3)


def test_rerun_with_the_same_state_is_the_same(dialogue_case):
    net, packed = dialogue_case
    for layer in ("context", "branches.audio.context"):
        state = read_dialogues(net, packed, [layer])[layer].activations
        np.testing.assert_allclose(rerun(net, packed, layer, state), predict(net, packed), atol=1e-5)


def test_unknown_dialogue_layer(dialogue_case):
    net, packed = dialogue_case
    with pytest.raises(UsageError, match="context"):
        read_dialogues(net, packed, ["contxt"])
