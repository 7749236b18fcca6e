"""Layers of a contextual network, one row an utterance.

``step="own"``: how the logit of an utterance changes when a vector is added to the layer's state at that utterance.
``step="all"``: when it is added at every utterance of the dialogue: what the concept does as context too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from affectlens.audits.concepts.layers import LayerReading, frozen
from affectlens.audits.concepts.settings import STEPS
from affectlens.core.errors import unknown
from affectlens.models.nets.bclstm import BcLstmNet


def context_layers(net: BcLstmNet) -> tuple[str, ...]:
    """Layers that hold a state an utterance, from the input's side to the output's."""
    out = [f"branches.{modality}.{part}" for modality in net.branches for part in ("context", "dense")]
    return (*out, "context", "dense") if net.joined else tuple(out)


def read_dialogues(
    net: BcLstmNet, data: Any, layers: Sequence[str], classes: Sequence[int] = (), *, step: str = "own", batch: int = 16
) -> dict[str, LayerReading]:
    """Read layers on packed dialogues (``training.bclstm.Packed``); rows come in the order of the set that was packed.

    The gradient of every utterance's own logit is exact: one backward pass for each place in the dialogue and class.

    Returns
    -------
    dict of str to LayerReading
        By layer.
    """  # noqa: DOC501
    if step not in STEPS:
        raise unknown("step", step, list(STEPS))
    named = dict(net.named_modules())
    for layer in layers:
        if layer not in named:
            raise unknown("layer", layer, list(context_layers(net)))
    n = int(data.mask.sum())
    out: dict[str, LayerReading] = {}
    with frozen(net):
        for at in torch.split(torch.arange(len(data.mask)), batch):
            part = data.take(at)
            for layer, (states, slopes) in _read(net, named, part, layers, classes, step).items():
                if layer not in out:
                    grads = np.zeros((n, len(classes), states.shape[-1]), np.float32) if classes else None
                    out[layer] = LayerReading(np.zeros((n, states.shape[-1]), np.float32), grads)
                rows = part.rows[part.mask].numpy()
                out[layer].activations[rows] = states[part.mask].numpy()
                gradients = out[layer].gradients
                if gradients is not None:
                    gradients[rows] = slopes[part.mask].numpy()
    return out


def _read(
    net: BcLstmNet, named: dict[str, Any], part: Any, layers: Sequence[str], classes: Sequence[int], step: str
) -> dict[str, tuple[Tensor, Tensor]]:
    kept: dict[str, Tensor] = {}

    def catch(layer: str) -> Any:
        def hook(_m: Any, _i: Any, output: Tensor) -> Tensor:
            # Every layer is its own leaf's child, so that one backward pass serves all of them.
            states = output if output.requires_grad else output.clone().requires_grad_(True)
            kept[layer] = states
            return states

        return hook

    handles = [named[layer].register_forward_hook(catch(layer)) for layer in layers]
    try:
        with torch.enable_grad():
            logits = net(part.features, part.mask, part.speaker)
        grads = {layer: torch.zeros(*kept[layer].shape[:2], len(classes), kept[layer].shape[-1]) for layer in layers}
        real = part.mask.unsqueeze(-1)
        for position in range(logits.shape[1] if classes else 0):
            for j, label in enumerate(classes):
                gradients = torch.autograd.grad(
                    logits[:, position, label].sum(), [kept[name] for name in layers], retain_graph=True, allow_unused=True
                )
                for layer, gradient in zip(layers, gradients, strict=True):
                    if gradient is not None:
                        grads[layer][:, position, j] = gradient[:, position] if step == "own" else (gradient * real).sum(1)
        return {layer: (kept[layer].detach(), grads[layer]) for layer in layers}
    finally:
        for handle in handles:
            handle.remove()


def rerun(net: BcLstmNet, data: Any, layer: str, replaced: np.ndarray, batch: int = 32) -> np.ndarray:
    """Logits ``(n, classes)`` when the layer's state at every utterance is replaced by ``replaced`` ``(n, d)``."""
    module = dict(net.named_modules())[layer]
    out = np.zeros((len(replaced), net.config.classes), np.float32)
    states = torch.from_numpy(replaced.astype(np.float32))
    with frozen(net):
        for at in torch.split(torch.arange(len(data.mask)), batch):
            part = data.take(at)
            state = torch.where(part.mask.unsqueeze(-1), states[part.rows.clamp(min=0)], torch.zeros(()))
            handle = module.register_forward_hook(lambda _m, _i, _o, state=state: state)
            try:
                with torch.inference_mode():
                    logits = net(part.features, part.mask, part.speaker)
            finally:
                handle.remove()
            out[part.rows[part.mask].numpy()] = logits[part.mask].numpy()
    return out
