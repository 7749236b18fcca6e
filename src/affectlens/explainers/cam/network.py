"""A network with one layer of it open: passes with the layer recorded or replaced, whatever the layer's form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError
from affectlens.explainers.cam.grids import Grid, channels_by_form, grid_of
from affectlens.models.adapters import TorchModel
from affectlens.models.adapters.blackbox import faults_of
from affectlens.models.layers import (
    Probe,
    as_dtype_of,
    axes_of,
    captured_layers,
    channels_axis,
    frozen,
    layer_name,
    logits_of,
    one_row_each,
    replaced_layer,
    with_batch_axis,
)
from affectlens.models.layers.axes import kind_of
from affectlens.models.layers.capture import calls_of, chosen_call


@dataclass(frozen=True)
class Layout:
    """How a layer's output lies for pictures of one size.

    Attributes
    ----------
    grid : Grid
        Its grid.
    inputs_axis : int
        The axis of the inputs.
    call, calls : int
        Which call of the layer is drawn, and how many there are in a forward pass.
    """

    grid: Grid
    inputs_axis: int
    call: int
    calls: int


class OpenNetwork:
    """A model's network with one layer that is recorded or replaced.

    Parameters
    ----------
    model : TorchModel
        The network with its labels.
    layer : str or torch.nn.Module
        The layer.
    grid : (int, int), optional
        Height and width of its grid, where the shape does not tell them.
    channels : str
        Where its channels lie: ``first``, ``last``, or found out (``auto``).
    call : int, optional
        Which call is meant where the layer is called several times in a forward pass.
    """

    def __init__(
        self, model: TorchModel, layer: str | nn.Module, grid: tuple[int, int] | None, channels: str, call: int | None
    ) -> None:
        if not isinstance(layer, nn.Module):
            model.module(layer)  # also says why a network has none to draw
        self.model, self.net, self.layer = model, model.net, layer_name(model.net, layer)
        self.grid, self.channels, self.call = grid, channels, call
        self._layouts: dict[tuple[int, ...], Layout] = {}

    def tensor(self, batch: Any) -> Tensor:
        """Pictures ``(n, ...)`` in the precision of the network; one picture alone becomes a batch of one."""
        return with_batch_axis(self.net, as_dtype_of(self.net, self.model.tensor(batch)), self.run)

    def run(self, pictures: Tensor) -> Tensor:
        """Logits ``(n, classes)``, one row a picture."""
        with faults_of(self.model.name, pictures):  # what the network raises is its own fault
            return one_row_each(self._answer(pictures), len(pictures))

    def _answer(self, pictures: Tensor) -> Tensor:
        with self.model.evaluating():  # a model may make logits of what its network gives
            return logits_of(self.net(pictures))

    def logits(self, pictures: Tensor) -> Tensor:
        """Logits of pictures as they are, without gradients."""
        with frozen(self.net), torch.no_grad():
            return self.run(pictures)

    def layout(self, pictures: Tensor) -> Layout:
        """How the layer lies for pictures of this size; it is looked at once, on two of them at most.

        Returns
        -------
        Layout
            Grid, axes and call.

        Raises
        ------
        ModelError
            The layer took no part, is called several times and no call was named, or has no grid.
        """
        key = tuple(pictures.shape[1:])
        if key not in self._layouts:
            self._layouts[key] = self._looked_at(pictures[:2])
        return self._layouts[key]

    def _looked_at(self, pictures: Tensor) -> Layout:
        with captured_layers(self.net, [self.layer]) as calls:
            self.run(pictures)
        outputs = calls_of(calls, self.layer)
        call = chosen_call(outputs, self.call, self.layer)
        output, module = outputs[call].detach(), self.net.get_submodule(self.layer)
        size, probe = picture_size(pictures), Probe(self.net, self.layer, self.run, pictures, call)
        channels = self._channels(tuple(output.shape), module, size)
        axes = axes_of(output, module, self.layer, len(pictures), probe, channels)
        channels = "first" if axes.channels == (1 if axes.inputs == 0 else 0) else "last"
        grid = grid_of(output.movedim(axes.inputs, 0), size, self.layer, self.grid, channels)
        return Layout(grid, axes.inputs, call, len(outputs))

    def _channels(self, shape: tuple[int, ...], module: nn.Module, size: tuple[int, int]) -> str:
        """Where the channels lie, as far as the caller, the module's kind, the grid or the picture's form settles it."""
        if self.channels != "auto" or len(shape) != 4:
            return self.channels
        if kind_of(module, 4):
            return kind_of(module, 4)
        if self.grid is not None:
            return "last" if shape[1:3] == self.grid and shape[2:] != self.grid else "first"
        return channels_by_form(shape, size) or "auto"

    @contextmanager
    def captured(
        self, pictures: Tensor, layout: Layout, change: Callable[[Tensor], Tensor] | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Run the network once with the layer recorded.

        Parameters
        ----------
        pictures : Tensor
            What is looked at.
        layout : Layout
            How the layer lies.
        change : callable, optional
            What it makes of the layer's output goes on instead of that; inputs lie along the layer's own axis.

        Yields
        ------
        logits, output : torch.Tensor
            ``(n, classes)``, and the layer's output as the network has it, both in the graph.

        Raises
        ------
        ModelError
            The layer is called more or less often than for other pictures of this size.
        """
        with captured_layers(self.net, [self.layer], change) as calls:
            logits = self.run(pictures)
            outputs = calls_of(calls, self.layer)
            if len(outputs) != layout.calls:
                raise ModelError(
                    f"layer {self.layer!r} was called {layout.calls} times for one batch of pictures and {len(outputs)} times "
                    "for another of the same size; a layer that is always called as often was expected"
                )
            yield logits, outputs[layout.call]

    def with_layer(self, pictures: Tensor, layout: Layout, states: Tensor) -> Tensor:
        """Logits ``(n, classes)`` when the layer gives ``states`` ``(n, ...)``, with the inputs first."""
        own = states.movedim(0, layout.inputs_axis)
        with replaced_layer(self.net, self.layer, own, layout.call):
            return self._answer(pictures)


def picture_size(pictures: Tensor) -> tuple[int, int]:
    """Height and width of a batch of pictures, channels first, last or without."""
    shape = pictures.shape[1:3] if channels_axis(pictures) == 3 else pictures.shape[-2:]
    return int(shape[0]), int(shape[1])
