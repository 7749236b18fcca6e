"""Gradients of logits at recorded layers; a layer without one is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from affectlens.core.errors import ModelError


def no_gradient(layer: str) -> ModelError:
    """The error for a layer from which no gradient comes back."""
    return ModelError(
        f"the logits have no gradient at layer {layer!r}: what follows it runs under torch.no_grad, is detached, cannot be "
        "differentiated, or does not use it; name a layer behind that, or explain the model as a black box"
    )


def gradients_at(
    total: Tensor, calls: Mapping[str, Sequence[Tensor]], *, keep_graph: bool = True
) -> dict[str, list[Tensor | None]]:
    """Gradients of a sum of logits at every call of some layers.

    Parameters
    ----------
    total : Tensor
        A number.
    calls : mapping of str to sequence of Tensor
        What the layers gave, as ``captured_layers`` records it.
    keep_graph : bool
        Whether more gradients are taken of the same pass.

    Returns
    -------
    dict of str to list of Tensor or None
        As ``calls``; None where a call has no part in the sum while another call of the same layer has.

    Raises
    ------
    ModelError
        No call of a layer has a gradient; the layer is named.
    """  # noqa: DOC501
    flat = [states for outputs in calls.values() for states in outputs]
    if not total.requires_grad:
        raise no_gradient(next(iter(calls)))
    taken = iter(torch.autograd.grad(total, flat, retain_graph=keep_graph, allow_unused=True))
    out: dict[str, list[Tensor | None]] = {}
    for layer, outputs in calls.items():
        out[layer] = [next(taken) for _ in outputs]
        if all(gradient is None for gradient in out[layer]):
            raise no_gradient(layer)
    return out
