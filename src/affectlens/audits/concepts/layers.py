"""Activations and gradients of any torch network's named layers, one row an example.

What a row is depends on the layer: a vector as it is; a map ``(channels, h, w)`` pooled over places or flat; tokens
``(t, width)`` pooled, the first one, or flat. The gradient with respect to a pooled activation is the sum over what was
pooled: the change of the logit when the same small vector is added everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.disk.cache import kept_arrays
from affectlens.core.errors import ModelError, UsageError, unknown

POOLS = ("auto", "mean", "first", "flat")


@dataclass(frozen=True)
class LayerReading:
    """``activations`` ``(n, d)`` float32 and, for the classes asked for, ``gradients`` ``(n, classes, d)`` of the logits."""

    activations: np.ndarray
    gradients: np.ndarray | None


def pooled(x: Tensor, pool: str, gradient: bool) -> Tensor:
    """Rows ``(n, d)`` of activations ``(n, ...)``, or of gradients with respect to them."""
    if x.ndim == 2 or pool == "flat":
        return x.flatten(1)
    if x.ndim == 4 and pool in ("auto", "mean"):
        return x.sum((2, 3)) if gradient else x.mean((2, 3))
    if x.ndim == 3 and pool in ("auto", "mean"):
        return x.sum(1) if gradient else x.mean(1)
    if x.ndim == 3 and pool == "first":
        return x[:, 0]
    raise UsageError(f"a layer that gives {tuple(x.shape)} cannot be pooled by {pool!r}; use one of {', '.join(POOLS)}")


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients of the weights inside; every module and every weight is as it was outside."""
    modes = [(module, module.training) for module in net.modules()]
    learned = [(weight, weight.requires_grad) for weight in net.parameters()]
    net.eval()
    for weight, _ in learned:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
        for weight, required in learned:
            weight.requires_grad_(required)


def read_layers(
    net: nn.Module,
    batch: Any,
    layers: Sequence[str],
    classes: Sequence[int] = (),
    *,
    pool: str = "auto",
    batch_size: int = 64,
    forward: Callable[[Any, Any], Tensor] | None = None,
) -> dict[str, LayerReading]:
    """Read layers of a network on a batch: one forward pass, one backward pass a class, all layers at once.

    Recurrent layers that return a tuple are read by its first entry ``(n, t, width)``. Modes, parameters and their
    gradients are as before afterwards.

    Parameters
    ----------
    net : torch.nn.Module
        Any network.
    batch : array or list of n inputs
        What it reads.
    layers : sequence of str
        Names of modules.
    classes : sequence of int
        Logits whose gradients are taken; none for activations alone.
    pool : str
        One of ``POOLS``.
    batch_size : int
        Inputs at a time.
    forward : callable, optional
        Turns network and part of the batch into logits ``(n, classes)`` where ``net(batch)`` does not. Give logits, not
        probabilities: a softmax mixes the classes and fades where the network is sure.

    Returns
    -------
    dict of str to LayerReading

    Raises
    ------
    UsageError
        An unknown layer (with the near names) or pooling.
    ModelError
        A layer that took no part, or a network that has no gradient there.
    """  # noqa: DOC501
    named = {name: module for name, module in net.named_modules() if name}
    for layer in layers:
        if layer not in named:
            raise unknown("layer", layer, list(named))
    if pool not in POOLS:
        raise unknown("pooling", pool, list(POOLS))
    run = forward or (lambda network, inputs: network(inputs))
    out: dict[str, list[list[np.ndarray]]] = {layer: [[], []] for layer in layers}
    with frozen(net):
        for start in range(0, len(batch), batch_size):
            _read(net, named, batch[start : start + batch_size], layers, classes, pool, run, out)
    return {
        layer: LayerReading(np.concatenate(activations), np.concatenate(gradients) if classes else None)
        for layer, (activations, gradients) in out.items()
    }


def _read(
    net: nn.Module, named: dict[str, nn.Module], part: Any, layers: Sequence[str], classes: Sequence[int], pool: str,
    run: Callable[[Any, Any], Tensor], out: dict[str, list[list[np.ndarray]]],
) -> None:  # fmt: skip
    kept: dict[str, Tensor] = {}

    def catch(layer: str) -> Callable[..., Any]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            states = output[0] if isinstance(output, tuple) else output
            if not isinstance(states, Tensor) or not states.is_floating_point():
                raise ModelError(f"layer {layer!r} gives {type(states).__name__}, expected a tensor of numbers")
            if not states.requires_grad:
                states = states.clone().requires_grad_(True)  # the graph begins at the first layer that is read
            kept[layer] = states
            return (states, *output[1:]) if isinstance(output, tuple) else states

        return hook

    handles = [named[layer].register_forward_hook(catch(layer)) for layer in layers]
    try:
        with torch.enable_grad():
            logits = run(net, part)
        for layer in layers:
            if layer not in kept:
                raise ModelError(f"layer {layer!r} took no part in the forward pass")
            out[layer][0].append(pooled(kept[layer].detach(), pool, False).float().cpu().numpy())
        if not classes:
            return
        if logits.ndim != 2:
            raise ModelError(f"the network gave logits {tuple(logits.shape)}; expected (n, classes)")
        grads: dict[str, list[Tensor]] = {layer: [] for layer in layers}
        for label in classes:
            total = logits[:, label].sum()
            if not total.requires_grad:
                raise ModelError(
                    "the logits have no gradient at these layers: the network detaches them, or is not differentiable; "
                    "explain it as a black box instead"
                )
            gradients = torch.autograd.grad(total, [kept[name] for name in layers], retain_graph=True, allow_unused=True)
            for layer, gradient in zip(layers, gradients, strict=True):
                grads[layer].append(pooled(torch.zeros_like(kept[layer]) if gradient is None else gradient, pool, True))
        for layer in layers:
            out[layer][1].append(torch.stack(grads[layer], dim=1).float().cpu().numpy())
    finally:
        for handle in handles:
            handle.remove()


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
