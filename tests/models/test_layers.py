"""Layers of any form: in place, channels last, over time, inputs behind time, called often, without gradient, any precision."""

from collections import namedtuple

import numpy as np
import pytest
import torch
from torch import nn

from affectlens.audits.concepts.layers import read_layers
from affectlens.core.errors import ModelError, UsageError
from affectlens.explainers.cam import METHODS, CamEngine
from affectlens.models.adapters import TorchModel
from affectlens.models.adapters.pictures import last_grid
from affectlens.models.layers import captured_layers, channels_axis, layer_name, logits_of, replaced_layer

LABELS = ("anger", "joy")


class Of(nn.Module):
    """A network of named parts and a function that runs them."""

    def __init__(self, run, **parts):
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def made(run, seed=0, **parts):
    torch.manual_seed(seed)
    return Of(run, **{name: make() for name, make in parts.items()}).double().eval()


def pooled_step(net, inputs, layer, classes, step=1e-5, seed=0):
    """Slopes of the logits when one vector is added at every place and call of a layer, by finite differences."""
    width = read_layers(net, inputs, [layer])[layer].activations.shape[1]
    vector = torch.from_numpy(np.random.default_rng(seed).normal(size=width))

    def moved(by, axis):
        def hook(_module, _inputs, output):
            states = output[0] if isinstance(output, tuple) else output
            shape = [1] * states.ndim
            shape[axis] = width
            states = states + by * vector.reshape(shape)
            return (states, *output[1:]) if isinstance(output, tuple) else states

        handle = net.get_submodule(layer).register_forward_hook(hook)
        try:
            return logits_of(net(inputs)).detach().numpy()[:, classes]
        finally:
            handle.remove()

    return vector.numpy(), lambda axis: (moved(step, axis) - moved(-step, axis)) / (2 * step)


def linear(width):
    return lambda: nn.Linear(width, 2)


IMAGES, CLIPS, STEPS = (5, 3, 12, 8), (5, 4, 16), (5, 7, 4)
# Each: the network, the form of what it is given, the layer, the axis of its channels. Dead ends are chosen on purpose: sizes
# that are equal to the number of inputs or of channels.
FORMS = {
    "in place behind": (
        made(lambda n, x: n.head(n.relu(n.conv(x)).mean((2, 3))), conv=lambda: nn.Conv2d(3, 6, 3),
             relu=lambda: nn.ReLU(inplace=True), head=linear(6)), IMAGES, "conv", 1),
    "added to in place": (
        made(lambda n, x: n.head(n.conv(x).add_(1.0).tanh_().mean((2, 3))), conv=lambda: nn.Conv2d(3, 6, 3), head=linear(6)),
        IMAGES, "conv", 1),
    "hands on its input": (
        made(lambda n, x: n.head((lambda y: (n.same(y), y.mul_(2.0).tanh_())[0])(n.conv(x)).mean((2, 3))),
             conv=lambda: nn.Conv2d(3, 6, 3), same=nn.Identity, head=linear(6)), IMAGES, "same", 1),
    "channels last": (
        made(lambda n, x: n.head(torch.tanh(n.mix(n.patch(x).permute(0, 2, 3, 1))).mean((1, 2))),
             patch=lambda: nn.Conv2d(3, 6, 4, 4), mix=lambda: nn.Linear(6, 6), head=linear(6)),
        (5, 3, 24, 16), "mix", 3),
    "channels last, of no known kind, as many as rows and columns": (
        made(lambda n, x: n.head(n.act(n.patch(x).permute(0, 2, 3, 1)).mean((1, 2))),
             patch=lambda: nn.Conv2d(3, 4, 4, 4), act=nn.Tanh, head=linear(4)), (4, 3, 16, 16), "act", 3),
    "channels first, of no known kind, as many as rows and columns": (
        made(lambda n, x: n.head(n.act(n.patch(x)).mean((2, 3))),
             patch=lambda: nn.Conv2d(3, 4, 4, 4), act=nn.Tanh, head=linear(4)), (4, 3, 16, 16), "act", 1),
    "pictures with channels last": (
        made(lambda n, x: n.head(n.act(n.patch(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)).mean((1, 2))),
             patch=lambda: nn.Conv2d(3, 6, 4, 4), act=nn.Tanh, head=linear(6)), (5, 24, 16, 3), "act", 3),
    "convolution over time": (
        made(lambda n, x: n.head(torch.tanh(n.conv(x)).mean(2)), conv=lambda: nn.Conv1d(4, 6, 3), head=linear(6)),
        CLIPS, "conv", 1),
    "function behind a convolution over time": (
        made(lambda n, x: n.head(n.act(n.conv(x)).mean(2)), conv=lambda: nn.Conv1d(4, 6, 3), act=nn.Tanh, head=linear(6)),
        CLIPS, "act", 1),
    "tokens": (
        made(lambda n, x: n.head(n.layer(x).mean(1)),
             layer=lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), head=linear(4)), STEPS, "layer", 2),
    "tokens, inside a layer of torch": (
        made(lambda n, x: n.head(n.layer(x).mean(1)),
             layer=lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), head=linear(4)), STEPS, "layer.linear1", 2),
    "tokens, inputs behind them": (
        made(lambda n, x: n.head(n.layer(x.transpose(0, 1)).mean(0)),
             layer=lambda: nn.TransformerEncoderLayer(4, 2, 8), head=linear(4)), STEPS, "layer", 2),
    "tokens, inputs behind them, inside": (
        made(lambda n, x: n.head(n.layer(x.transpose(0, 1)).mean(0)),
             layer=lambda: nn.TransformerEncoderLayer(4, 2, 8), head=linear(4)), STEPS, "layer.norm2", 2),
    "recurrent, inputs behind the steps": (
        made(lambda n, x: n.head(torch.tanh(n.lstm(x.transpose(0, 1))[0]).mean(0)),
             lstm=lambda: nn.LSTM(4, 6), head=linear(6)), STEPS, "lstm", 2),
    "inputs behind the steps, of no known kind, as many as steps": (
        made(lambda n, x: n.head(n.act(n.lstm(x.transpose(0, 1))[0]).mean(0)),
             lstm=lambda: nn.LSTM(4, 6), act=nn.Tanh, head=linear(6)), (7, 7, 4), "act", 2),
    "recurrent, several layers and directions": (
        made(lambda n, x: n.head(n.gru(x)[0].mean(1)),
             gru=lambda: nn.GRU(4, 3, 2, batch_first=True, bidirectional=True), head=linear(6)), STEPS, "gru", 2),
    "called at every step": (
        made(lambda n, x: n.head(sum(n.cell(x[:, i]).tanh() * (i + 1) for i in range(x.shape[1]))),
             cell=lambda: nn.Linear(4, 6), head=linear(6)), STEPS, "cell", 1),
    "one function used twice, in place": (
        made(lambda n, x: n.head((lambda y: n.relu(n.two(y) + y))(n.relu(n.one(x))).mean((2, 3))),
             one=lambda: nn.Conv2d(3, 6, 3, padding=1), two=lambda: nn.Conv2d(6, 6, 3, padding=1),
             relu=lambda: nn.ReLU(inplace=True), head=linear(6)), IMAGES, "relu", 1),
    "film": (
        made(lambda n, x: n.head(torch.tanh(n.conv(x)).mean((2, 3, 4))), conv=lambda: nn.Conv3d(2, 5, 3), head=linear(5)),
        (3, 2, 5, 6, 6), "conv", 1),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_of_a_pooled_layer_is_a_step_at_every_place_and_call(form):
    net, shape, layer, axis = FORMS[form]
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(1)).double()
    vector, slopes = pooled_step(net, inputs, layer, [1, 0])
    for batch_size in (64, 3):
        reading = read_layers(net, inputs, [layer], [1, 0], batch_size=batch_size)[layer]
        assert reading.activations.shape == (shape[0], len(vector)) and reading.gradients.dtype == np.float64
        np.testing.assert_allclose(np.einsum("ncd,d->nc", reading.gradients, vector), slopes(axis), atol=1e-7)


@pytest.mark.parametrize("form", FORMS)
def test_a_row_is_its_inputs_own(form):
    """Activations do not depend on those beside, and come in the order of the inputs, however the layer lies."""
    net, shape, layer, _ = FORMS[form]
    inputs = torch.randn(shape, generator=torch.Generator().manual_seed(2)).double()
    whole = read_layers(net, inputs, [layer])[layer].activations
    alone = np.concatenate([read_layers(net, inputs[i : i + 1], [layer])[layer].activations for i in range(shape[0])])
    np.testing.assert_allclose(whole, alone, atol=1e-12)
    assert np.ptp(whole, axis=0).max() > 1e-3


def test_what_a_layer_gave_is_not_changed_by_what_follows_in_place():
    net, shape, layer, _ = FORMS["added to in place"]
    inputs = torch.randn(shape).double()
    want = net.conv(inputs).mean((2, 3)).detach().numpy()
    np.testing.assert_allclose(read_layers(net, inputs, [layer])[layer].activations, want)
    net, shape, layer, _ = FORMS["hands on its input"]  # which others change afterwards
    np.testing.assert_allclose(read_layers(net, inputs, [layer])[layer].activations, net.conv(inputs).mean((2, 3)).detach())
    # Several layers one after the other, each in place: every one is read as it was.
    chain = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), nn.Hardtanh(-1, 0.1, inplace=True), nn.Linear(4, 2)).double()
    x = torch.randn(6, 4).double()
    read = read_layers(chain, x, ["0", "1", "2"], [0])
    first = chain[0](x).detach()
    np.testing.assert_allclose(read["0"].activations, first)
    np.testing.assert_allclose(read["1"].activations, first.clamp(min=0))
    np.testing.assert_allclose(read["2"].activations, first.clamp(0, 0.1))
    slope = ((first > 0) & (first < 0.1)).double() * chain[3].weight[0]
    np.testing.assert_allclose(read["0"].gradients[:, 0], slope.detach())


def test_one_call_of_several_can_be_named():
    net, shape, layer, _ = FORMS["called at every step"]
    inputs = torch.randn(shape).double()
    every = read_layers(net, inputs, [layer], [0])[layer]
    single = [read_layers(net, inputs, [layer], [0], call=i)[layer] for i in range(shape[1])]
    np.testing.assert_allclose(every.activations, np.mean([one.activations for one in single], axis=0))
    np.testing.assert_allclose(every.gradients, np.sum([one.gradients for one in single], axis=0))
    np.testing.assert_allclose(single[2].activations, net.cell(inputs[:, 2]).detach())
    np.testing.assert_allclose(read_layers(net, inputs, [layer], call=-1)[layer].activations, single[-1].activations)
    flat = read_layers(net, inputs, [layer], pool="flat")[layer].activations
    np.testing.assert_allclose(flat, np.concatenate([one.activations for one in single], axis=1))
    with pytest.raises(ModelError, match=r"call 7 of layer 'cell': it is called 7 times; 0 to 6"):
        read_layers(net, inputs, [layer], call=7)


def test_the_first_step_is_the_first_step_wherever_it_lies():
    for form, first in (("recurrent, inputs behind the steps", lambda n, x: n.lstm(x.transpose(0, 1))[0][0]),
                        ("function behind a convolution over time", lambda n, x: torch.tanh(n.conv(x))[:, :, 0])):  # fmt: skip
        net, shape, layer, _ = FORMS[form]
        inputs = torch.randn(shape).double()
        read = read_layers(net, inputs, [layer], pool="first")[layer].activations
        np.testing.assert_allclose(read, first(net, inputs).detach())


class Windows(nn.Module):
    """Parts of an input that pass as rows."""

    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.inner(x.reshape(-1, 4)).reshape(len(x), -1, 4).mean(1))


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_layer_with_more_rows_than_inputs_is_refused(rows):
    with pytest.raises(ModelError, match=rf"layer 'inner' gives \({3 * rows}, 4\) for {rows} inputs: {3 * rows} rows"):
        read_layers(Windows(), torch.randn(rows, 3, 4), ["inner"])


def test_a_network_with_other_rows_than_inputs_is_refused():
    net = Of(lambda n, x: n.head(x).mean(0), head=nn.Linear(4, 2))
    with pytest.raises(ModelError, match="the network gave 3 rows of logits for 5 inputs"):
        read_layers(net, torch.randn(5, 3, 4), ["head"])


# Gradients that there are not.


class Stopped(nn.Module):
    """What comes before the head runs without gradients."""

    def __init__(self, how):
        super().__init__()
        self.conv, self.more, self.head, self.how = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3), nn.Linear(4, 2), how

    def forward(self, x):
        if self.how == "no_grad":
            with torch.no_grad():
                x = torch.relu(self.conv(x))
        elif self.how == "detach":
            x = torch.relu(self.conv(x)).detach()
        else:
            x = torch.relu(self.conv(x))
        return self.head(self.more(x).mean((2, 3)))


@pytest.mark.parametrize("how", ["no_grad", "detach"])
def test_a_layer_without_gradient_is_named_and_not_chosen(how):
    net = Stopped(how).eval()
    model, x = TorchModel(net, LABELS), np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
    for method in ("grad-cam", "lift-cam"):
        with pytest.raises(ModelError, match="no gradient at layer 'conv'"):
            CamEngine(model, "conv")(x, method)
    with pytest.raises(ModelError, match="no gradient at layer 'conv'"):
        CamEngine(model, "conv").of_answers(x, ["grad-cam"], lambda i, z: 0)
    with pytest.raises(ModelError, match="no gradient at layer 'conv'"):
        read_layers(net, torch.from_numpy(x), ["more", "conv"], [0])
    assert read_layers(net, torch.from_numpy(x), ["conv"])["conv"].activations.shape == (3, 4)  # no gradient is asked for
    assert CamEngine(model, "conv")(x, "score-cam").maps.shape == (3, 2, 6, 6)  # nor here
    assert last_grid(model, x[:1]) == "more"
    net.more = nn.Identity()
    with pytest.raises(ModelError, match="no gradient of the logits comes back"):
        last_grid(TorchModel(Of(lambda n, x: n.net(x).detach(), net=Stopped("")), LABELS), x[:1])


def test_frozen_weights_and_inference_mode_are_no_hindrance():
    net = Stopped("").eval().requires_grad_(False)
    model, x = TorchModel(net, LABELS), np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
    free = CamEngine(TorchModel(Stopped("").eval(), LABELS), "conv")
    free.model.net.load_state_dict(net.state_dict())
    want = free(x, "grad-cam").maps
    np.testing.assert_allclose(CamEngine(model, "conv")(x, "grad-cam").maps, want)
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            np.testing.assert_allclose(CamEngine(model, "conv")(x, "grad-cam").maps, want)
            read = read_layers(net, torch.from_numpy(x) * 1, ["conv"], [0])["conv"]
        assert np.abs(read.gradients).max() > 0
    assert not any(weight.requires_grad for weight in net.parameters())
    assert last_grid(model, x[:1]) == "more"


def test_a_layer_that_is_called_twice_is_not_chosen():
    net = Of(lambda n, x: n.head(n.act(n.two(n.act(n.one(x)))).mean((2, 3))), one=nn.Conv2d(1, 4, 3), two=nn.Conv2d(4, 4, 3),
             act=nn.ReLU(), head=nn.Linear(4, 2))  # fmt: skip
    assert last_grid(TorchModel(net.eval(), LABELS), np.zeros((1, 1, 12, 12), np.float32)) == "two"


# Maps.


GRIDS = {
    "channels last": ("mix", None, (24, 16)),
    "tokens": ("mix", 1, (24, 16)),
    "tokens, inputs behind them": ("mix", 1, (24, 16)),
}


def picture_net(form):
    """One network in three arrangements: a 6 x 4 grid of 4 x 4 patches, a product of places, one linear layer."""
    torch.manual_seed(3)
    net = Of(None, patch=nn.Conv2d(3, 5, 4, 4), mix=nn.Linear(5, 5), head=nn.Linear(5, 2)).double()

    def run(n, x):
        states = n.patch(x).permute(0, 2, 3, 1)
        if form != "channels last":
            states = torch.cat([states.new_zeros(len(x), 1, 5), states.flatten(1, 2)], 1)
        behind = form.endswith("behind them")
        states = n.mix(states.transpose(0, 1)).transpose(0, 1) if behind else n.mix(states)
        if form != "channels last":
            states = states[:, 1:].reshape(len(x), 6, 4, 5)
        return n.head((torch.tanh(states) ** 2).mean((1, 2)))

    net.run = run
    return net.eval()


@pytest.mark.parametrize("method", METHODS)
def test_the_maps_are_the_same_however_a_layer_lies(method):
    pictures = np.random.default_rng(0).normal(size=(6, 3, 24, 16)).astype(np.float32)
    maps = {form: CamEngine(TorchModel(picture_net(form), LABELS), "mix", 4)(pictures, method).maps for form in GRIDS}
    first = maps["channels last"]
    assert first.shape == (6, 2, 6, 4) and np.ptp(first) > 0
    for form, other in maps.items():
        np.testing.assert_allclose(other, first, atol=1e-6 * np.abs(first).max(), err_msg=form)


@pytest.mark.parametrize("method", METHODS)
def test_pictures_with_channels_last_or_without_have_the_same_maps(method):
    torch.manual_seed(0)
    parts = {"conv": nn.Conv2d(1, 4, 3), "head": nn.Linear(4, 2)}
    forms = {
        "first": (Of(lambda n, x: n.head(torch.tanh(n.conv(x)).mean((2, 3))), **parts), lambda x: x),
        "last": (Of(lambda n, x: n.head(torch.tanh(n.conv(x.permute(0, 3, 1, 2))).mean((2, 3))), **parts),
                 lambda x: x.transpose(0, 2, 3, 1)),
        "none": (Of(lambda n, x: n.head(torch.tanh(n.conv(x[:, None])).mean((2, 3))), **parts), lambda x: x[:, 0]),
    }  # fmt: skip
    x = np.random.default_rng(0).random((5, 1, 10, 8)).astype(np.float32)
    maps = [CamEngine(TorchModel(net.eval(), LABELS), "conv")(turn(x), method).maps for net, turn in forms.values()]
    assert maps[0].shape == (5, 2, 8, 6)
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], atol=1e-6)


def test_a_signal_over_time_is_no_grid_of_tokens():
    net, _, _, _ = FORMS["convolution over time"]
    wide = Of(lambda n, x: n.net(x.flatten(2)[:, :, :64].float().double()), net=net).eval()
    x = np.random.default_rng(0).random((2, 4, 16, 16)).astype(np.float32)
    for layer in ("net.conv",):
        with pytest.raises(ModelError, match=r"channels, then one axis of time\): no map can be drawn"):
            CamEngine(TorchModel(wide, LABELS), layer)(x)
    behind = FORMS["function behind a convolution over time"][0]
    wide = Of(lambda n, x: n.net(x.flatten(2)), net=behind).eval()
    with pytest.raises(ModelError, match="one axis of time"):
        CamEngine(TorchModel(wide, LABELS), "net.act")(x)


def test_a_call_of_a_layer_has_to_be_named_for_a_map():
    net, shape, layer, _ = FORMS["one function used twice, in place"]
    model, x = TorchModel(net, LABELS), torch.randn(shape).numpy()
    for method in ("hirescam", "score-cam", "lift-cam"):
        with pytest.raises(ModelError, match=r"layer 'relu' is called 2 times in one forward pass; say which.*call=0 to 1"):
            CamEngine(model, layer)(x, method)
    y = torch.from_numpy(x).double()
    first = net.relu(net.one(y)).detach().requires_grad_(True)
    second = torch.relu(net.two(first) + first)
    logits = net.head(second.mean((2, 3)))
    for call, states in enumerate((first, second)):
        gradient = torch.autograd.grad(logits[:, 1].sum(), states, retain_graph=True)[0]
        want = (gradient * states).sum(1).detach().numpy()
        np.testing.assert_allclose(CamEngine(model, layer, call=call)(x, "hirescam", "joy").maps[:, 0], want, atol=1e-12)
        # Channels are taken away in that call alone.
        drop = []
        for channel in range(6):
            kept = torch.ones(6).double()
            kept[channel] = 0
            changed = states * kept[:, None, None]
            after = torch.relu(net.two(changed) + changed) if call == 0 else changed
            drop.append(((logits - net.head(after.mean((2, 3)))) / logits.abs())[:, 1])
        want = torch.einsum("cn,nchw->nhw", torch.stack(drop), states).detach().numpy()
        np.testing.assert_allclose(
            CamEngine(model, layer, call=call)(x, "ablation-cam", 1).maps[:, 0], want, rtol=1e-4, atol=1e-6
        )


def test_a_grid_that_is_not_the_layers_is_refused():
    net, shape, layer, _ = FORMS["in place behind"]
    engine = CamEngine(TorchModel(net, LABELS), layer, grid=(3, 3))
    with pytest.raises(ModelError, match="a grid of 10 x 6, not the 3 x 3 that was given"):
        engine(torch.zeros(shape))


# What is given and what comes out.


def test_classes_by_name_and_position_with_near_names():
    net, shape, layer, _ = FORMS["in place behind"]
    engine, x = CamEngine(TorchModel(net, LABELS), layer), torch.randn(shape).numpy()
    want = engine(x, targets=["joy"])
    for target in ("joy", 1, -1, [1], np.int64(1), [np.int64(-1)]):
        got = engine(x, targets=target)
        assert got.labels == ("joy",)
        np.testing.assert_array_equal(got.maps, want.maps)
    with pytest.raises(UsageError, match="unknown class 'jox'; did you mean joy"):
        engine(x, targets=["jox"])
    with pytest.raises(UsageError, match=r"class 2: there are 2, anger, joy; 0 to 1"):
        engine(x, targets=2)
    with pytest.raises(UsageError, match="class 1.5; a name"):
        engine(x, targets=[1.5])
    with pytest.raises(UsageError, match="no class was asked for"):
        engine(x, targets=[])
    inputs = torch.from_numpy(x)
    named = read_layers(net, inputs, [layer], ["joy"], labels=LABELS)[layer].gradients
    np.testing.assert_array_equal(named, read_layers(net, inputs, [layer], [1])[layer].gradients)
    with pytest.raises(UsageError, match="unknown class 'jox'; did you mean joy"):
        read_layers(net, inputs, [layer], ["jox"], labels=LABELS)
    with pytest.raises(UsageError, match="class 4: the network has 2"):
        read_layers(net, inputs, [layer], [4])


@pytest.mark.parametrize("form", ["in place behind", "pictures with channels last"])
def test_one_picture_alone(form):
    net, shape, layer, _ = FORMS[form]
    engine, x = CamEngine(TorchModel(net, LABELS), layer), torch.randn(shape).numpy()
    np.testing.assert_allclose(engine(x[0], "grad-cam").maps, engine(x[:1], "grad-cam").maps)
    one, many = (read_layers(net, torch.from_numpy(x)[i], [layer], [0])[layer] for i in (0, slice(0, 1)))
    np.testing.assert_allclose(one.gradients, many.gradients)


def test_a_grey_picture_alone_for_a_network_without_channels():
    net = Of(lambda n, x: n.head(n.conv(x[:, None]).mean((2, 3))), conv=nn.Conv2d(1, 4, 3), head=nn.Linear(4, 2)).eval()
    x = np.random.default_rng(0).random((9, 7)).astype(np.float32)
    assert CamEngine(TorchModel(net, LABELS), "conv")(x).maps.shape == (1, 2, 7, 5)


def test_layers_as_modules_and_by_name():
    net, shape, _, _ = FORMS["in place behind"]
    x, model = torch.randn(shape), TorchModel(net, LABELS)
    np.testing.assert_array_equal(CamEngine(model, net.conv)(x).maps, CamEngine(model, "conv")(x).maps)
    assert CamEngine(model, net.conv).layer == "conv" and list(read_layers(net, x, [net.conv, "head"])) == ["conv", "head"]
    with pytest.raises(UsageError, match="unknown layer 'cnv'; did you mean conv"):
        read_layers(net, x, ["cnv"])
    with pytest.raises(UsageError, match="the layer Conv2d is no part of this network Of; its layers of that kind: conv"):
        CamEngine(model, nn.Conv2d(1, 1, 1))
    with pytest.raises(UsageError, match="the layer is the whole network"):
        layer_name(net, net)


Answer = namedtuple("Answer", "logits more")
OUTPUTS = {
    "tuple": lambda logits: (logits, logits.new_zeros(3)),
    "tuple, loss first": lambda logits: (logits.sum(), logits),
    "dictionary": lambda logits: {"loss": logits.sum(), "logits": logits},
    "dictionary of one": lambda logits: {"answer": logits},
    "named tuple": lambda logits: Answer(logits, logits.new_zeros(3)),
}


@pytest.mark.parametrize("form", OUTPUTS)
def test_answers_of_every_form(form):
    inner, shape, layer, _ = FORMS["in place behind"]
    wrapped = Of(lambda n, x: OUTPUTS[form](n.net(x)), net=inner).eval()
    x = torch.randn(shape)
    want = CamEngine(TorchModel(inner, LABELS), layer)
    for method in ("grad-cam", "score-cam", "ablation-cam", "lift-cam"):
        got = CamEngine(TorchModel(wrapped, LABELS), f"net.{layer}")(x, method)
        maps = want(x, method).maps
        np.testing.assert_allclose(got.maps, maps, atol=1e-6 * np.abs(maps).max())
    read = read_layers(wrapped, x, [f"net.{layer}"], [0])[f"net.{layer}"]
    np.testing.assert_allclose(read.gradients, read_layers(inner, x, [layer], [0])[layer].gradients)


def test_layers_that_give_tuples_dictionaries_and_records():
    from transformers.modeling_outputs import BaseModelOutput

    makers = (lambda y: (y, 1), lambda y: [y, 1], lambda y: {"last_hidden_state": y, "n": 1}, lambda y: Answer(y, 1),
              lambda y: BaseModelOutput(last_hidden_state=y))  # fmt: skip
    takers = (lambda o: o[0], lambda o: o[0], lambda o: o["last_hidden_state"], lambda o: o.logits,
              lambda o: o.last_hidden_state)  # fmt: skip
    x = torch.randn(5, 4)
    for make, take in zip(makers, takers, strict=True):
        torch.manual_seed(0)
        inner = Of(lambda n, x, make=make: make(n.linear(x)), linear=nn.Linear(4, 3))
        net = Of(lambda n, x, take=take: n.head(torch.tanh(take(n.inner(x)))), inner=inner, head=nn.Linear(3, 2)).eval()
        read = read_layers(net, x, ["inner", "inner.linear"], [1])
        np.testing.assert_allclose(read["inner"].activations, read["inner.linear"].activations)
        np.testing.assert_allclose(read["inner"].gradients, read["inner.linear"].gradients)
        assert np.abs(read["inner"].gradients).max() > 0
        with replaced_layer(net, "inner", torch.zeros(5, 3)):
            torch.testing.assert_close(net(x), net.head.bias.expand(5, 2))


@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float64, 1e-6), (torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_networks_of_every_precision(precision, tolerance):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2)
    ).eval()
    x = np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
    maps = {m: CamEngine(TorchModel(net, LABELS), "0")(x, m).maps for m in METHODS}
    read = read_layers(net, x, ["0"], [0, 1])["0"]
    net = net.to(precision)
    double = precision == torch.float64
    for method, want in maps.items():
        got = CamEngine(TorchModel(net, LABELS), "0")(x, method).maps
        assert got.dtype == (np.float64 if double else np.float32)
        if method not in ("ablation-cam", "lime-cam") or double:  # differences of nearly equal logits, which half cannot hold
            np.testing.assert_allclose(got, want, atol=tolerance * np.abs(want).max(), err_msg=method)
    again = read_layers(net, x, ["0"], [0, 1])["0"]
    np.testing.assert_allclose(again.gradients, read.gradients, atol=tolerance * np.abs(read.gradients).max())
    assert {w.dtype for w in net.parameters()} == {precision}


def test_the_number_or_the_generator_draws_lime():
    net, shape, layer, _ = FORMS["in place behind"]
    model, x = TorchModel(net, LABELS), torch.randn(shape).numpy()
    zero, again, other = (CamEngine(model, layer, rng=rng)(x, "lime-cam").maps for rng in (0, 0, 5))
    np.testing.assert_array_equal(zero, again)
    assert np.abs(zero - other).max() > 0
    drawn = [CamEngine(model, layer, rng=np.random.default_rng(3))(x, "lime-cam").maps for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
    with pytest.raises(UsageError, match="rng None; a whole number of at least 0 or a numpy"):
        CamEngine(model, layer, rng=None)


def test_hooks_modes_and_weights_are_as_before_also_after_an_error():
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 2)).train()
    net[2].weight.requires_grad_(False)
    with pytest.raises(ZeroDivisionError), captured_layers(net, ["0"]):
        _ = 1 / 0
    with pytest.raises(ZeroDivisionError), replaced_layer(net, "0", torch.zeros(1, 4)):
        _ = 1 / 0
    assert not any(m._forward_hooks for m in net.modules()) and all(m.training for m in net.modules())
    assert [w.requires_grad for w in net.parameters()] == [True, True, False, True] and torch.is_grad_enabled()


def test_where_channels_of_pictures_lie():
    forms = {(2, 3, 8, 8): 1, (2, 8, 8, 3): 3, (2, 8, 8): None, (2, 13, 8, 8): 1, (2, 1, 4, 4): 1, (2, 8, 8, 1): 3}
    assert {shape: channels_axis(torch.zeros(shape)) for shape in forms} == forms
