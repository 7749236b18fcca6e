"""Activations and gradients of any torch network's layers, one row an example.

What a row is depends on the layer: a vector as it is; maps pooled over places or flat, tokens and signals over time pooled, the
first one, or flat, wherever the layer has its channels and its inputs. The gradient with respect to a pooled activation is the
sum over what was pooled: the change of the logit when the same small vector is added everywhere. A layer that is called several
times in a forward pass is pooled over its calls as well, unless one call is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from affectlens.core.disk.cache import kept_arrays
from affectlens.core.errors import ModelError, UsageError, unknown
from affectlens.core.labels import class_index
from affectlens.core.results import SavedResult
from affectlens.models.layers import (
    Axes,
    Probe,
    as_dtype_of,
    axes_of,
    captured_layers,
    frozen,
    gradients_at,
    layer_name,
    logits_of,
    one_row_each,
    with_batch_axis,
)
from affectlens.models.layers.capture import calls_of, chosen_call
from affectlens.models.layers.outputs import as_numpy

__all__ = ["POOLS", "LayerReading", "cached", "content_hash", "frozen", "pooled", "read_layers"]

POOLS = ("auto", "mean", "first", "flat")


@dataclass(frozen=True, eq=False)
class LayerReading(SavedResult):
    """What a layer gives for some inputs.

    Attributes
    ----------
    activations : ndarray
        ``(n, d)``; float64 of a network in double precision, else float32.
    gradients : ndarray or None
        ``(n, classes, d)`` of the logits of the classes that were asked for; None without any.
    """

    kind: ClassVar[str] = "layer reading"

    activations: np.ndarray
    gradients: np.ndarray | None

    def to_frame(self) -> pd.DataFrame:
        """One row an input, in order; a column a unit of the layer, by its number."""
        return pd.DataFrame(self.activations.reshape(len(self.activations), -1))

    def charts(self) -> dict[str, Callable[[], Any]]:
        """``units``: mean and standard deviation of each unit's activation, of the first thousand units."""
        return {"units": self._chart}

    def _chart(self) -> Any:
        import altair as alt

        values = self.to_frame().iloc[:, :1000]
        mean, deviation = values.mean(), values.std(ddof=0)
        frame = pd.DataFrame({"unit": values.columns, "mean": mean, "low": mean - deviation, "high": mean + deviation})
        base = alt.Chart(frame).encode(x=alt.X("unit:Q", title="unit"))
        rule = base.mark_rule().encode(y=alt.Y("low:Q", title="activation, mean and deviation"), y2="high:Q")
        return rule + base.mark_point(filled=True).encode(y="mean:Q")


def pooled(states: Tensor, pool: str, gradient: bool, axes: Axes | None = None) -> Tensor:
    """Rows ``(n, d)`` of activations ``(n, ...)``, or of gradients with respect to them.

    Parameters
    ----------
    states : Tensor
        Activations or gradients.
    pool : str
        One of ``POOLS``.
    gradient : bool
        Whether they are gradients, which are summed where activations are averaged.
    axes : Axes, optional
        Where inputs and channels lie; maps have channels first and tokens last when absent.

    Returns
    -------
    Tensor
        ``(n, d)``.

    Raises
    ------
    UsageError
        No such pooling of such an output.
    """
    if axes is None:
        axes = Axes(0, states.ndim - 1 if states.ndim <= 3 else 1)
    if states.ndim == 2 or pool == "flat":
        return states.movedim(axes.inputs, 0).flatten(1)
    if pool in ("auto", "mean"):
        places = axes.places_last(states).flatten(2)
        return places.sum(2) if gradient else places.mean(2)
    if states.ndim == 3 and pool == "first":
        return axes.places_last(states)[..., 0]
    raise UsageError(f"a layer that gives {tuple(states.shape)} cannot be pooled by {pool!r}; use one of {', '.join(POOLS)}")


def read_layers(
    net: nn.Module,
    batch: Any,
    layers: Sequence[str | nn.Module],
    classes: Sequence[int | str] = (),
    *,
    pool: str = "auto",
    batch_size: int = 64,
    forward: Callable[[Any, Any], Any] | None = None,
    labels: Sequence[str] = (),
    channels: str = "auto",
    call: int | None = None,
) -> dict[str, LayerReading]:
    """Read layers of a network on a batch: one forward pass, one backward pass a class, all layers at once.

    Layers may give a tensor, a tuple (recurrent layers), a dictionary or a record; channels may lie first or last, inputs
    first or behind the time steps (``batch_first=False``). Modes, parameters and their gradients are as before afterwards.

    Parameters
    ----------
    net : torch.nn.Module
        Any network, in half, single or double precision.
    batch : Tensor, ndarray or list of n inputs
        What it reads, the inputs along the first axis; one picture without that axis is a batch of one.
    layers : sequence of str or torch.nn.Module
        Dotted names, or the modules themselves.
    classes : sequence of int or str
        Logits whose gradients are taken, by position, or by name where ``labels`` are given; none for activations alone.
    pool : str
        One of ``POOLS``.
    batch_size : int
        Inputs at a time.
    forward : callable, optional
        Turns network and part of the batch into logits ``(n, classes)`` where ``net(batch)`` does not. Give logits, not
        probabilities: a softmax mixes the classes and fades where the network is sure.
    labels : sequence of str
        Names of all classes, in the order of the logits.
    channels : str
        Where layers of three and more axes have their channels: ``first``, ``last``, or found out (``auto``).
    call : int, optional
        Which call of each layer is read, from 0; without it all calls are pooled (mean of activations, sum of gradients;
        ``flat`` puts them side by side).

    Returns
    -------
    dict of str to LayerReading
        By dotted name.

    Raises
    ------
    UsageError
        An unknown layer or class (with the near names) or pooling.
    ModelError
        A layer that took no part, has not one row an input, or has no gradient; the layer is named.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    >>> read_layers(net, torch.zeros(5, 3), [net[1]], ["upset"], labels=("calm", "upset"))["1"].gradients.shape
    (5, 1, 4)
    """  # noqa: DOC501
    if pool not in POOLS:
        raise unknown("pooling", pool, list(POOLS))
    names = [layer_name(net, layer) for layer in layers]
    wanted = [class_index(target, labels) if labels or isinstance(target, str) else int(target) for target in classes]

    def run(inputs: Any) -> Tensor:
        answer = forward(net, inputs) if forward else net(inputs)
        return one_row_each(logits_of(answer), len(inputs))

    if isinstance(batch, np.ndarray) and forward is None:
        batch = torch.from_numpy(np.ascontiguousarray(batch))
    if isinstance(batch, Tensor):
        batch = as_dtype_of(net, batch)
        with frozen(net):
            batch = with_batch_axis(net, batch, run)
    if not len(batch):
        raise UsageError("no inputs were given; at least one was expected")
    reader = _Reader(net, names, run, wanted, pool, channels, call)
    for start in range(0, len(batch), batch_size):
        reader.read(batch[start : start + batch_size])
    return reader.readings()


class _Reader:
    """Reads layers part by part."""

    def __init__(
        self,
        net: nn.Module,
        layers: Sequence[str],
        run: Callable[[Any], Tensor],
        classes: Sequence[int],
        pool: str,
        channels: str,
        call: int | None,
    ) -> None:
        self.net, self.layers, self.run, self.classes = net, layers, run, classes
        self.pool, self.channels, self.call = pool, channels, call
        self.activations: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        self.gradients: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        self.known: dict[tuple[Any, ...], Axes] = {}  # axes of outputs that were looked at, so that each form is measured once

    def read(self, part: Any) -> None:
        """Read the layers on some inputs."""
        with captured_layers(self.net, self.layers) as calls:
            logits = self.run(part)
            chosen = {layer: self._chosen(calls_of(calls, layer), layer) for layer in self.layers}
        axes = {
            layer: [self._axes(states, layer, number, part) for number, states in outputs] for layer, outputs in chosen.items()
        }
        states = {layer: [states for _, states in outputs] for layer, outputs in chosen.items()}
        for layer in self.layers:
            self.activations[layer].append(self._row(layer, list(map(Tensor.detach, states[layer])), axes[layer], False))
        if self.classes:
            with torch.inference_mode(False), torch.enable_grad():  # whatever mode the caller is in
                self._add_gradients(logits, states, axes)

    def _add_gradients(self, logits: Tensor, states: dict[str, list[Tensor]], axes: dict[str, list[Axes]]) -> None:
        by_class: dict[str, list[Tensor]] = {layer: [] for layer in self.layers}
        for label in self.classes:
            if not -logits.shape[1] <= label < logits.shape[1]:
                raise UsageError(f"class {label}: the network has {logits.shape[1]}; 0 to {logits.shape[1] - 1} was expected")
            taken = gradients_at(logits[:, label].sum(), states)
            for layer, gradients in taken.items():
                # A call that has no part in the answer while another has: nothing changes when a vector is added there.
                whole = [
                    torch.zeros_like(own) if gradient is None else gradient
                    for own, gradient in zip(states[layer], gradients, strict=True)
                ]
                by_class[layer].append(self._row(layer, whole, axes[layer], True))
        for layer in self.layers:
            self.gradients[layer].append(torch.stack(by_class[layer], dim=1))

    def readings(self) -> dict[str, LayerReading]:
        """What was read, in the order of the inputs."""
        return {
            layer: LayerReading(
                as_numpy(torch.cat(self.activations[layer])),
                as_numpy(torch.cat(self.gradients[layer])) if self.classes else None,
            )
            for layer in self.layers
        }

    def _chosen(self, outputs: list[Tensor], layer: str) -> list[tuple[int, Tensor]]:
        if self.call is None:
            return list(enumerate(outputs))
        call = chosen_call(outputs, self.call, layer)
        return [(call, outputs[call])]

    def _axes(self, states: Tensor, layer: str, call: int, part: Any) -> Axes:
        key = (layer, call, tuple(states.shape), len(part))
        if key not in self.known:
            probe = Probe(self.net, layer, self.run, part, call)
            self.known[key] = axes_of(states, self.net.get_submodule(layer), layer, len(part), probe, self.channels)
        return self.known[key]

    def _row(self, layer: str, calls: list[Tensor], axes: list[Axes], gradient: bool) -> Tensor:
        """Rows ``(n, d)`` of one layer, pooled over its calls."""
        rows = [pooled(states, self.pool, gradient, own) for states, own in zip(calls, axes, strict=True)]
        if self.pool == "flat":
            return torch.cat(rows, dim=1)
        if len({row.shape[1] for row in rows}) > 1:
            widths = ", ".join(str(row.shape[1]) for row in rows)
            raise ModelError(
                f"layer {layer!r} is called {len(rows)} times with {widths} channels, which cannot be pooled; name one call "
                f"(call=0 to {len(rows) - 1}) or take pool='flat'"
            )
        stacked = torch.stack(rows)
        return stacked.sum(0) if gradient else stacked.mean(0)


def content_hash(net: nn.Module, arrays: dict[str, np.ndarray], *settings: object) -> str:
    """A name for what a reading depends on: the network's structure and weights, the data, the settings."""
    digest = hashlib.sha256(str(net).encode())
    for key, value in net.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f"{key}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    digest.update(repr(settings).encode())
    return digest.hexdigest()[:24]


def cached(folder: Path | None, key: str, read: Callable[[], dict[str, LayerReading]]) -> dict[str, LayerReading]:
    """The reading of that name from ``folder``, or made and kept there."""
    if folder is None:
        return read()

    def make() -> dict[str, np.ndarray]:
        readings = read()
        arrays = {f"a:{layer}": reading.activations for layer, reading in readings.items()}
        return arrays | {
            f"g:{layer}": reading.gradients for layer, reading in readings.items() if reading.gradients is not None
        }

    kept = kept_arrays(folder, "layers", key, make)
    names = [name[2:] for name in kept if name.startswith("a:")]
    return {layer: LayerReading(kept[f"a:{layer}"], kept.get(f"g:{layer}")) for layer in names}
