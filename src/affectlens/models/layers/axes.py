"""Which axis of a layer's output holds the inputs, and which the channels.

The kind of a module tells it where it can; else it is measured: the network is run on fewer inputs and on shorter or smaller
ones, and the axes that shrink are those of inputs and of places. Nothing is taken from the order of axes alone where a
measurement says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.layers.capture import captured_layers

CHANNELS = ("auto", "first", "last")
_FIRST = (
    nn.modules.conv._ConvNd, nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm,
    nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd, nn.modules.pooling._AdaptiveAvgPoolNd,
    nn.modules.pooling._AdaptiveMaxPoolNd, nn.Upsample, nn.PixelShuffle,
)  # fmt: skip
# Exactly these: a LayerNorm of others may turn the axes itself, as that of ConvNeXt does.
_LAST = (nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding)
_RECURRENT = (nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerDecoderLayer, nn.TransformerEncoder)


@dataclass(frozen=True)
class Axes:
    """Where inputs and channels lie; all other axes are places.

    Attributes
    ----------
    inputs, channels : int
        Axes of a layer's output.
    """

    inputs: int
    channels: int

    def places_last(self, states: Tensor, lead: int = 0) -> Tensor:
        """``(..., n, c, *places)`` of states with ``lead`` leading axes before those of the layer."""
        return states.movedim((lead + self.inputs, lead + self.channels), (lead, lead + 1))

    def back(self, states: Tensor) -> Tensor:
        """The inverse of ``places_last`` without leading axes."""
        return states.movedim((0, 1), (self.inputs, self.channels))


class Probe:
    """Measures which axes of a layer's output follow the number of inputs, and which follow their size.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    layer : str
        Dotted name.
    run : callable
        Runs the network on inputs.
    inputs : Tensor, ndarray or list
        Inputs along the first axis; two of them are used.
    call : int
        Which call of the layer is looked at.
    """

    def __init__(self, net: nn.Module, layer: str, run: Callable[[Any], Any], inputs: Any, call: int = 0) -> None:
        self.net, self.layer, self.run, self.call = net, layer, run, call
        self.inputs = inputs[:2]

    def shape(self, inputs: Any) -> tuple[int, ...] | None:
        """Shape of the layer's output, also where the network fails behind it; None where it is not reached."""
        # What lies behind the layer may take one size alone.
        with captured_layers(self.net, [self.layer]) as calls, suppress(Exception):
            self.run(inputs)
        outputs = calls[self.layer]
        return tuple(outputs[self.call].shape) if len(outputs) > self.call else None

    def follows_inputs(self) -> set[int]:
        """Axes whose size follows the number of inputs."""
        two = self.inputs
        if len(two) == 1:
            two = torch.cat([two, two]) if isinstance(two, Tensor) else [*two, *two]
        return _changed(self.shape(two), self.shape(two[:1]))

    def follows_size(self) -> set[int]:
        """Axes whose size follows the size of an input; empty where the network takes one size alone."""
        if not isinstance(self.inputs, Tensor):
            return set()
        whole, changed = self.shape(self.inputs), set()
        for axis in range(1, self.inputs.ndim):
            size = self.inputs.shape[axis]
            if size > 1:
                changed |= _changed(whole, self.shape(self.inputs.narrow(axis, 0, (size + 1) // 2)))
        return changed


def _changed(one: tuple[int, ...] | None, other: tuple[int, ...] | None) -> set[int]:
    if one is None or other is None or len(one) != len(other):
        return set()
    return {axis for axis, (before, after) in enumerate(zip(one, other, strict=True)) if before != after}


def axes_of(
    states: Tensor, module: nn.Module, layer: str, inputs: int, probe: Probe | None = None, channels: str = "auto"
) -> Axes:
    """Tell which axes of a layer's output hold inputs and channels.

    Parameters
    ----------
    states : Tensor
        The output, with at least two axes.
    module : torch.nn.Module
        The layer.
    layer : str
        Its name, for errors.
    inputs : int
        How many inputs the network was given.
    probe : Probe, optional
        Measures where kind and shape leave it open.
    channels : str
        One of ``CHANNELS``: ``first`` after the inputs, ``last``, or found out.

    Returns
    -------
    Axes
        Of ``states``.

    Raises
    ------
    UsageError
        ``channels`` is none of those.
    ModelError
        The output has not one row an input.

    Examples
    --------
    >>> axes_of(torch.zeros(5, 8, 20), nn.Conv1d(4, 8, 3), "conv", 5)
    Axes(inputs=0, channels=1)
    >>> axes_of(torch.zeros(20, 5, 8), nn.LSTM(4, 8), "lstm", 5)
    Axes(inputs=1, channels=2)
    """
    if channels not in CHANNELS:
        raise UsageError(f"channels {channels!r}; one of {', '.join(CHANNELS)} was expected")
    along = _inputs_axis(states, module, layer, inputs, probe)
    if channels == "auto":
        kind = kind_of(module, states.ndim)
        channels = kind or _measured(states, probe, along)
    first = 1 if along == 0 else 0
    return Axes(along, first if channels == "first" else states.ndim - 1)


def kind_of(module: nn.Module, ndim: int) -> str:
    """Where a module of that kind puts channels, in an output of ``ndim`` axes: first, last, or unknown (empty)."""
    if isinstance(module, _FIRST):
        return "first" if ndim >= 3 else ""
    if type(module) in _LAST or isinstance(module, _RECURRENT):
        return "last"
    return ""


def _inputs_axis(states: Tensor, module: nn.Module, layer: str, inputs: int, probe: Probe | None) -> int:
    shape = tuple(states.shape)
    if states.ndim < 2:
        raise ModelError(f"layer {layer!r} gives {shape} for {inputs} inputs; one row an input was expected")
    along = _declared(module, states.ndim)
    if along is None:
        fitting = [axis for axis in range(min(states.ndim, 2)) if shape[axis] == inputs]
        if states.ndim > 2 and fitting != [0] and probe is not None:
            measured = sorted(probe.follows_inputs())
            fitting = measured if measured and measured[0] < 2 else fitting
        along = fitting[0] if fitting else 0
    if shape[along] != inputs:
        raise ModelError(
            f"layer {layer!r} gives {shape} for {inputs} inputs: {shape[along]} rows where one row an input was expected "
            "(parts of an input that pass as rows, such as windows or segments, cannot be told apart); name another layer"
        )
    return along


def _declared(module: nn.Module, ndim: int) -> int | None:
    """The axis of the inputs where the kind of the module settles it."""
    if isinstance(module, _FIRST):
        return 0
    if ndim == 3 and isinstance(module, _RECURRENT):
        deciding: Any = module.layers[0] if isinstance(module, nn.TransformerEncoder) else module
        deciding = getattr(deciding, "self_attn", deciding)
        return 0 if getattr(deciding, "batch_first", False) else 1
    return None


def _measured(states: Tensor, probe: Probe | None, along: int) -> str:
    """Where channels lie, by what follows the inputs' size; without a measurement tokens have them last, maps first."""
    others = [axis for axis in range(states.ndim) if axis != along]
    if len(others) == 1:
        return "last"
    if probe is not None:
        still = [axis for axis in others if axis not in probe.follows_size()]
        if len(still) == 1 and still[0] in (others[0], others[-1]):
            return "first" if still[0] == others[0] else "last"
    return "last" if states.ndim == 3 else "first"
