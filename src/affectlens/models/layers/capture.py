"""Reading and replacing what layers give in a forward pass, by hooks that are gone afterwards.

Every call of a layer counts, in order. What follows a layer works on a copy of its output, so that operations in place
(``ReLU(inplace=True)``, ``x += y``) change neither what was read nor its gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError
from affectlens.models.layers.outputs import states_of, with_states


@contextmanager
def frozen(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients of the weights inside; every module and every weight is as it was outside."""
    learning = [module for module in net.modules() if module.training]
    learned = [weight for weight in net.parameters() if weight.requires_grad]
    if learning:
        net.eval()
    for weight in learned:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for module in learning:
            module.training = True
        for weight in learned:
            weight.requires_grad_(True)


@contextmanager
def captured_layers(
    net: nn.Module, layers: Sequence[str], change: Callable[[Tensor], Tensor] | None = None
) -> Iterator[dict[str, list[Tensor]]]:
    """Record what layers give in the forward passes made inside, with gradients from there on.

    The graph begins at the first layer that is recorded: what lies before it has no gradient, weights have none at all.

    Parameters
    ----------
    net : torch.nn.Module
        The network; it is in evaluation mode inside.
    layers : sequence of str
        Dotted names.
    change : callable, optional
        What it makes of a layer's output goes on instead of that.

    Yields
    ------
    dict of str to list of Tensor
        For each layer its outputs, a call each, in order.

    Examples
    --------
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    >>> with captured_layers(net, ["0"]) as calls:
    ...     total = net(torch.ones(3, 2)).sum()
    >>> torch.autograd.grad(total, calls["0"])[0].shape
    torch.Size([3, 2])
    """
    calls: dict[str, list[Tensor]] = {layer: [] for layer in layers}

    def recording(layer: str) -> Callable[..., Any]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            states = states_of(output, layer)
            if change is not None:
                states = change(states)
            # A copy is kept, for the module may hand out a tensor that others change too; another one goes on.
            recorded = states.clone()
            if not recorded.requires_grad:
                recorded = recorded.detach().requires_grad_(True)  # the graph begins here
            calls[layer].append(recorded)
            return with_states(output, recorded.clone())

        return hook

    handles = [net.get_submodule(layer).register_forward_hook(recording(layer)) for layer in layers]
    try:
        with frozen(net), torch.inference_mode(False), torch.enable_grad():
            yield calls
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def replaced_layer(net: nn.Module, layer: str, replacement: Tensor, call: int = 0) -> Iterator[None]:
    """Inside, a layer gives other states in its call of that number; its other calls give their own."""
    count = 0

    def hook(_module: nn.Module, _inputs: Any, output: Any) -> Any:
        nonlocal count
        count += 1
        return with_states(output, replacement.clone()) if count - 1 == call else None

    handle = net.get_submodule(layer).register_forward_hook(hook)
    try:
        with frozen(net), torch.no_grad():
            yield
    finally:
        handle.remove()


def calls_of(calls: dict[str, list[Tensor]], layer: str) -> list[Tensor]:
    """What a layer gave, a call each.

    Returns
    -------
    list of Tensor
        At least one.

    Raises
    ------
    ModelError
        It was not used.
    """
    if not calls[layer]:
        raise ModelError(f"layer {layer!r} took no part in the forward pass; name a layer that is used")
    return calls[layer]


def chosen_call(outputs: Sequence[Tensor], call: int | None, layer: str) -> int:
    """The number of the call that is meant; of a layer that is called once there is no choice.

    Parameters
    ----------
    outputs : sequence of Tensor
        What the layer gave.
    call : int or None
        The call, counted from 0, or from -1 backwards.
    layer : str
        Its name, for errors.

    Returns
    -------
    int
        Counted from 0.

    Raises
    ------
    ModelError
        The layer is called several times and no call was named, or there is no such call.
    """
    count = len(outputs)
    if call is None and count == 1:
        return 0
    if call is None:
        raise ModelError(
            f"layer {layer!r} is called {count} times in one forward pass; say which call is meant (call=0 to {count - 1}, in "
            "their order), or name a layer that is called once"
        )
    if not -count <= call < count:
        raise ModelError(f"call {call} of layer {layer!r}: it is called {count} times; 0 to {count - 1} was expected")
    return call % count
