"""What is read of the layers of a network, and that it is left as it was."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from benchmarks.planted_dialogues import dialogues
from torch import nn

from affectlens.audits.concepts.layers import LayerReading, cached, content_hash, pooled, read_layers
from affectlens.audits.concepts.recurrent import context_layers, read_dialogues, rerun
from affectlens.audits.concepts.sources import known_layers
from affectlens.core.errors import ModelError, UsageError
from affectlens.learning.trainers.bclstm import pack, scale_of
from tests.audits.concepts.cases import small_net


def test_what_a_row_of_a_layer_is():
    maps, tokens, vector = torch.arange(48.0).reshape(2, 2, 3, 4), torch.arange(24.0).reshape(2, 3, 4), torch.ones(2, 5)
    assert pooled(vector, "first", False).shape == (2, 5)
    np.testing.assert_allclose(pooled(maps, "auto", False), maps.mean((2, 3)))
    np.testing.assert_allclose(pooled(maps, "mean", True), maps.sum((2, 3)))
    np.testing.assert_allclose(pooled(tokens, "auto", False), tokens.mean(1))
    np.testing.assert_allclose(pooled(tokens, "mean", True), tokens.sum(1))
    np.testing.assert_allclose(pooled(tokens, "first", True), tokens[:, 0])
    assert pooled(maps, "flat", False).shape == (2, 24) and pooled(tokens, "flat", True).shape == (2, 12)
    film = torch.arange(96.0).reshape(2, 2, 2, 3, 4)
    np.testing.assert_allclose(pooled(film, "auto", False), film.mean((2, 3, 4)))
    for states in (maps, film):
        with pytest.raises(UsageError, match="cannot be pooled by 'first'"):
            pooled(states, "first", False)


class Odd(nn.Module):
    """A network with layers that cannot be read."""

    def __init__(self):
        super().__init__()
        self.first, self.unused, self.words = nn.Linear(3, 4), nn.Linear(3, 4), nn.Identity()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        self.words(["no", "tensor"])
        return self.head(self.first(x))


def test_layers_that_cannot_be_read_are_named():
    net, x = Odd(), torch.ones(5, 3)
    with pytest.raises(ModelError, match="layer 'words' gives list; a tensor of real numbers"):
        read_layers(net, x, ["words"])
    with pytest.raises(ModelError, match="layer 'unused' took no part"):
        read_layers(net, x, ["unused"])
    with pytest.raises(ModelError, match=r"the network gave a tensor \(5,\); logits \(n, classes\)"):
        read_layers(net, x, ["first"], [0], forward=lambda n, b: n(b)[:, 0])
    assert not any(m._forward_hooks for m in net.modules())  # nothing of ours stays in it


def test_a_network_is_left_as_it_was_and_read_by_ones_own_forward():
    net, x = Odd(), torch.arange(15.0).reshape(5, 3)
    net.train()
    net.head.eval()
    net.first.weight.requires_grad_(False)
    read = read_layers(net, x, ["first", "head"], [1, 0], batch_size=2, forward=lambda n, b: 2 * n(b))
    assert net.training and not net.head.training and not net.first.weight.requires_grad and net.head.weight.requires_grad
    np.testing.assert_allclose(read["first"].activations, net.first(x).detach(), rtol=1e-5)
    weights = net.head.weight.detach().numpy()
    np.testing.assert_allclose(read["first"].gradients, np.tile(2 * weights[[1, 0]], (5, 1, 1)), rtol=1e-5)
    assert read["first"].gradients.dtype == np.float32
    # No gradient comes from a layer beside the way to the logit, as none comes from behind torch.no_grad: it is named.
    with pytest.raises(ModelError, match="no gradient at layer 'unused'"):
        read_layers(net, x, ["first", "unused"], [0], forward=lambda n, b: (n.unused(b), n(b))[1])


def test_readings_without_gradients_are_kept_too(tmp_path):
    first = {"l": LayerReading(np.ones((3, 2), np.float32), None), "m": LayerReading(np.zeros((3, 1)), np.ones((3, 2, 1)))}
    assert cached(None, "k", lambda: first) is first
    cached(tmp_path / "new", "k", lambda: first)
    again = cached(tmp_path / "new", "k", lambda: 1 / 0)
    assert list(again) == ["l", "m"] and again["l"].gradients is None
    np.testing.assert_array_equal(again["m"].gradients, first["m"].gradients)
    np.testing.assert_array_equal(again["l"].activations, first["l"].activations)
    (file,) = (tmp_path / "new").iterdir()
    assert file.match("layers-*.npz")


def test_the_name_of_a_reading_tells_everything_apart():
    torch.manual_seed(0)
    net, x = nn.Linear(2, 2), np.zeros((2, 3))
    base = content_hash(net, {"x": x}, "act", 1)
    others = [
        content_hash(net, {"x": x}, "act", 2), content_hash(net, {"y": x}, "act", 1), content_hash(net, {"x": x.T}, "act", 1),
        content_hash(net, {"x": x.astype(np.float32)}, "act", 1), content_hash(nn.Linear(2, 2), {"x": x}, "act", 1),
        content_hash(nn.Sequential(net), {"x": x}, "act", 1),
    ]  # fmt: skip
    assert len({base, *others}) == 7 and len(base) == 24 and content_hash(net, {"x": x.copy()}, "act", 1) == base
    both = {"a": x, "b": x + 1}
    assert content_hash(net, both) == content_hash(net, dict(reversed(both.items())))


def test_dialogues_are_read_in_pieces_and_the_network_is_left_as_it_was():
    data, _ = dialogues(0, 5, turns=3)
    net = small_net()
    packed = pack(data, scale_of(data), 3.0)
    whole = read_dialogues(net, packed, ["dense"], [1])
    net.train()
    next(net.parameters()).requires_grad_(False)
    part = read_dialogues(net, packed, ["dense"], [1], batch=2)
    assert net.training and [p.requires_grad for p in net.parameters()].count(False) == 1
    np.testing.assert_allclose(part["dense"].activations, whole["dense"].activations, atol=1e-6)
    np.testing.assert_allclose(part["dense"].gradients, whole["dense"].gradients, atol=1e-6)
    assert read_dialogues(net, packed, ["dense"])["dense"].gradients is None and whole["dense"].gradients.shape == (15, 1, 3)
    state = whole["dense"].activations
    np.testing.assert_allclose(rerun(net, packed, "dense", state, batch=2), rerun(net, packed, "dense", state), atol=1e-6)
    assert net.training and not any(m._forward_hooks for m in net.modules())
    with pytest.raises(UsageError, match="unknown step 'owns'; did you mean own"):
        read_dialogues(net, packed, ["dense"], step="owns")


def test_layers_of_one_modality_are_not_joined():
    assert context_layers(small_net(branches=("text",))) == ("branches.text.context", "branches.text.dense")
    model = SimpleNamespace(net=small_net())
    every = context_layers(model.net)
    assert every == (
        "branches.text.context",
        "branches.text.dense",
        "branches.audio.context",
        "branches.audio.dense",
        "context",
        "dense",
    )
    assert known_layers(model, ()) == every and known_layers(model, ["dense"]) == ("dense",)
    with pytest.raises(UsageError, match="unknown layer 'dens'; did you mean dense"):
        known_layers(model, ["dense", "dens"])
