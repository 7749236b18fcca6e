"""Layers of a contextual network, one row an utterance.

``step="own"``: how the logit of an utterance changes when a vector is added to the layer's state at that utterance.
``step="all"``: when it is added at every utterance of the dialogue: what the concept does as context too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.audits.concepts.layers import LayerReading
from affectlens.audits.concepts.settings import STEPS
from affectlens.core.errors import ModelError, unknown
from affectlens.models.layers import captured_layers, gradients_at, layer_name, replaced_layer
from affectlens.models.layers.capture import calls_of, chosen_call
from affectlens.models.nets.bclstm import BcLstmNet

BLOCK = 16  # dialogues that go through the network at once


def context_layers(net: BcLstmNet) -> tuple[str, ...]:
    """Layers that hold a state an utterance, from the input's side to the output's."""
    out = [f"branches.{modality}.{part}" for modality in net.branches for part in ("context", "dense")]
    return (*out, "context", "dense") if net.joined else tuple(out)


def read_dialogues(
    net: BcLstmNet,
    data: Any,
    layers: Sequence[str | nn.Module],
    classes: Sequence[int] = (),
    *,
    step: str = "own",
    batch: int = BLOCK,
) -> dict[str, LayerReading]:
    """Read layers on packed dialogues (``learning.trainers.bclstm.Packed``); rows come in the order of the set that was packed.

    The gradient of every utterance's own logit is exact: one backward pass for each place in the dialogue and class.

    Returns
    -------
    dict of str to LayerReading
        By layer.
    """  # noqa: DOC501
    if step not in STEPS:
        raise unknown("step", step, list(STEPS))
    names = [_named(net, layer) for layer in layers]
    count = int(data.mask.sum())
    out: dict[str, LayerReading] = {}
    for at in torch.split(torch.arange(len(data.mask)), batch):
        part = data.take(at)
        for layer, (states, slopes) in _read(net, part, names, classes, step).items():
            if layer not in out:
                grads = np.zeros((count, len(classes), states.shape[-1]), np.float32) if classes else None
                out[layer] = LayerReading(np.zeros((count, states.shape[-1]), np.float32), grads)
            rows = part.rows[part.mask].numpy()
            out[layer].activations[rows] = states[part.mask].numpy()
            gradients = out[layer].gradients
            if gradients is not None:
                gradients[rows] = slopes[part.mask].numpy()
    return out


def _named(net: BcLstmNet, layer: str | nn.Module) -> str:
    """The layer's dotted name; an unknown one is an error with the layers that hold a state an utterance."""
    if isinstance(layer, str) and layer not in dict(net.named_modules()):
        raise unknown("layer", layer, list(context_layers(net)))
    return layer_name(net, layer)


def _read(
    net: BcLstmNet, part: Any, layers: Sequence[str], classes: Sequence[int], step: str
) -> dict[str, tuple[Tensor, Tensor]]:
    with captured_layers(net, layers) as calls:
        logits = net(part.features, part.mask, part.speaker)
        states = {layer: [_only_call(calls, layer, part.mask)] for layer in layers}
        grads = {layer: torch.zeros(*own.shape[:2], len(classes), own.shape[-1]) for layer, (own,) in states.items()}
        real = part.mask.unsqueeze(-1)
        for position in range(logits.shape[1] if classes else 0):
            for column, label in enumerate(classes):
                for layer, (gradient,) in gradients_at(logits[:, position, label].sum(), states).items():
                    assert gradient is not None  # of a layer that is called once, this would have been an error
                    grads[layer][:, position, column] = gradient[:, position] if step == "own" else (gradient * real).sum(1)
    return {layer: (own.detach(), grads[layer]) for layer, (own,) in states.items()}


def _only_call(calls: dict[str, list[Tensor]], layer: str, mask: Tensor) -> Tensor:
    """What a layer gave in its only call, a state an utterance ``(dialogues, turns, d)``."""
    outputs = calls_of(calls, layer)
    states = outputs[chosen_call(outputs, None, layer)]
    if states.ndim != 3 or states.shape[:2] != mask.shape:
        raise ModelError(
            f"layer {layer!r} gives {tuple(states.shape)} for {mask.shape[0]} dialogues of {mask.shape[1]} turns; one state an "
            "utterance (dialogues, turns, d) was expected"
        )
    return states


def rerun(net: BcLstmNet, data: Any, layer: str, replaced: np.ndarray, batch: int = 32) -> np.ndarray:
    """Logits ``(n, classes)`` when the layer's state at every utterance is replaced by ``replaced`` ``(n, d)``."""
    out = np.zeros((len(replaced), net.config.classes), np.float32)
    states = torch.from_numpy(replaced.astype(np.float32))
    for at in torch.split(torch.arange(len(data.mask)), batch):
        part = data.take(at)
        state = torch.where(part.mask.unsqueeze(-1), states[part.rows.clamp(min=0)], torch.zeros(()))
        with replaced_layer(net, layer, state):
            logits = net(part.features, part.mask, part.speaker)
        out[part.rows[part.mask].numpy()] = logits[part.mask].numpy()
    return out
