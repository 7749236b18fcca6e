"""The parts that read layers, one by one: axes, modes, gradients, names, channels."""

import pytest
import torch
from torch import nn

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.layers.axes import Axes, Probe
from affectlens.models.layers.capture import captured_layers, frozen
from affectlens.models.layers.gradients import gradients_at
from affectlens.models.layers.inputs import channels_axis, with_batch_axis
from affectlens.models.layers.names import layer_name
from affectlens.models.layers.outputs import logits_of


def test_places_last_and_back_are_inverse():
    states = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    axes = Axes(inputs=2, channels=1)
    turned = axes.places_last(states)
    assert turned.shape == (4, 3, 2, 5) and torch.equal(axes.back(turned), states)
    assert axes.places_last(states[None], lead=1).shape == (1, 4, 3, 2, 5)


def test_a_probe_measures_which_axes_follow():
    net = nn.Sequential(nn.Conv1d(1, 4, 3, padding=1), nn.Flatten(1), nn.LazyLinear(2))
    signals = torch.zeros(3, 1, 8)
    net(signals)
    probe = Probe(net, "0", net, signals)
    assert probe.follows_inputs() == {0} and probe.follows_size() == {2}
    assert Probe(net, "0", net, signals[:1]).follows_inputs() == {0}
    assert Probe(net, "0", lambda rows: net(torch.stack(rows)), list(signals)).follows_size() == set()


def test_a_frozen_network_neither_drops_nor_learns_and_is_then_as_it_was():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
    net[0].bias.requires_grad_(False)
    net[0].eval()
    with frozen(net):
        assert not any(module.training for module in net.modules())
        assert not any(weight.requires_grad for weight in net.parameters())
    assert net.training and net[1].training and not net[0].training
    assert net[0].weight.requires_grad and not net[0].bias.requires_grad


def test_one_call_without_a_part_in_the_sum_is_none_and_a_layer_without_any_is_an_error():
    layer, head = nn.Linear(2, 2), nn.Linear(2, 1)
    net = nn.ModuleDict({"layer": layer, "head": head})
    inputs = torch.ones(1, 2)
    with captured_layers(net, ["layer", "head"]) as calls:
        layer(inputs)
        total = head(layer(inputs)).sum()
    given = gradients_at(total, calls)
    assert given["layer"][0] is None
    torch.testing.assert_close(given["layer"][1], head.weight.detach())
    with captured_layers(net, ["layer", "head"]) as calls:
        layer(inputs)
        total = head(inputs).sum()
    with pytest.raises(ModelError, match="no gradient at layer 'layer'"):
        gradients_at(total, calls)


def test_a_layer_of_another_network_is_refused_with_those_of_its_kind():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with pytest.raises(UsageError, match=r"no part of this network Sequential; its layers of that kind: 0, 2$"):
        layer_name(net, nn.Linear(2, 2))
    with pytest.raises(UsageError, match=r"its layers of that kind: none$"):
        layer_name(net, nn.Sequential())


@pytest.mark.parametrize(("shape", "axis"), [
    ((2, 3, 9, 9), 1), ((2, 9, 9, 3), 3), ((2, 9, 9, 2), 3), ((2, 9, 9, 4), 3), ((2, 9, 9, 5), 1), ((2, 4, 9, 4), 1), ((2, 5, 9, 4), 3),
    ((2, 9, 9, 1), 3), ((2, 2, 9, 3), 1), ((2, 9, 9), None),
])  # fmt: skip
def test_where_channels_lie(shape, axis):
    assert channels_axis(torch.zeros(shape)) == axis


def test_one_picture_gets_an_axis_of_inputs_and_pictures_do_not():
    net = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert with_batch_axis(net, torch.zeros(3, 9, 9), net).shape == (1, 3, 9, 9)
    grey = nn.Sequential(nn.Unflatten(0, (-1, 1)), nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert with_batch_axis(grey, torch.zeros(4, 9, 9), grey).shape == (4, 9, 9)
    assert with_batch_axis(net, torch.zeros(5, 9, 9), net).shape == (5, 9, 9)  # it is taken neither way
    lines = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
    assert with_batch_axis(lines, torch.zeros(3, 9, 9), lines).shape == (3, 9, 9)


def test_logits_that_are_none_are_named():
    with pytest.raises(ModelError, match="the network gave str without real numbers"):
        logits_of("joy")
    with pytest.raises(ModelError, match=r"the network gave a tensor \(2,\); logits \(n, classes\) were expected"):
        logits_of((torch.zeros(2), torch.zeros(2, 3, 4)))
    assert logits_of((torch.zeros(2), torch.zeros(2, 3))).shape == (2, 3)
