"""What every model has to keep to, whoever made it: callable with any model and items that it reads."""

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.corpora.base import Item
from affectlens.models.base import Model, WhiteBox


def keeps_the_contract(model, items, tolerance=1e-4):
    """``items``: at least three different ones, items of a corpus or bare data."""
    assert isinstance(model, Model) and len(items) >= 3
    assert model.name and model.modality and isinstance(model.labels, tuple) and len(set(model.labels)) == len(model.labels)
    assert isinstance(model.meta, dict)
    inputs = _reads(model, items)
    _answers(model, inputs)
    if not getattr(model, "contextual", False):
        _each_by_itself(model, inputs, tolerance)
    _leaves_no_trace(model, inputs)
    if isinstance(model, WhiteBox):
        _opens(model, inputs)


def _reads(model, items):
    inputs = [model.read(item) for item in items]
    for first, again in zip(inputs, [model.read(item) for item in reversed(items)][::-1], strict=True):
        np.testing.assert_equal(_plain(first), _plain(again))  # whatever was read before
    with pytest.raises(ModelError, match="the file is gone"):
        model.read(Item("no such key", None, model.labels[:1], problem="the file is gone"))
    return inputs


def _plain(value):
    return vars(value) if hasattr(value, "__dataclass_fields__") else value


def _answers(model, inputs):
    logits, p = model.predict(inputs), model.probabilities(inputs)
    assert logits.shape == p.shape == (len(inputs), len(model.labels))
    assert logits.dtype == np.float32 and p.dtype == np.float64 and np.isfinite(logits).all()
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(logits.argmax(axis=1), p.argmax(axis=1))
    assert np.ptp(logits, axis=0).max() > 0, "the items have to differ"


def _each_by_itself(model, inputs, tolerance):
    whole = model.predict(inputs)
    np.testing.assert_allclose(np.concatenate([model.predict([x]) for x in inputs]), whole, atol=tolerance)
    np.testing.assert_allclose(model.predict(inputs[::-1])[::-1], whole, atol=tolerance)


def _leaves_no_trace(model, inputs):
    net = getattr(model, "net", None)
    torch_net = isinstance(net, torch.nn.Module)
    before = _state(net) if torch_net else None
    seeds = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    gradients = torch.is_grad_enabled()
    first = model.predict(inputs)
    np.testing.assert_array_equal(model.predict(inputs), first)
    assert (np.random.get_state()[1] == seeds[0]).all() and torch.equal(torch.get_rng_state(), seeds[1])  # noqa: NPY002
    assert torch.is_grad_enabled() == gradients
    if torch_net:
        assert _state(net) == before


def _state(net):
    modes = [m.training for m in net.modules()]
    hooks = [len(m._forward_hooks) + len(m._backward_hooks) for m in net.modules()]
    return (
        modes,
        hooks,
        [p.grad is None for p in net.parameters()],
        [float(p.detach().double().sum()) for p in net.parameters()],
    )


def _opens(model, inputs):
    assert not model.layer or model.layer in model.layers
    layer = model.layer or model.layers[-1]
    activations = model.activations(inputs, layer)
    assert len(activations) == len(inputs)
    assert model.gradients(inputs, layer, model.labels[0]).shape == activations.shape
