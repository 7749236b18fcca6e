"""Networks of square pictures: which layer of theirs a map is drawn of, and how a picture becomes their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError
from affectlens.models.adapters.recipe import Recipe
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.layers import as_dtype_of, captured_layers, gradients_at, logits_of
from affectlens.models.layers.axes import kind_of
from affectlens.models.readers import picture_of
from affectlens.perception.scene.objects import GREY


def picture_network(
    net: nn.Module,
    labels: Sequence[str],
    *,
    name: str = "network",
    modality: str = "scene",
    size: int = 224,
    grey: bool = False,
    mean: Sequence[float] | float = (0.0,),
    deviation: Sequence[float] | float = (1.0,),
    layer: str = "",
    reader: Callable[[Any], Any] = picture_of,
    meta: dict[str, Any] | None = None,
) -> TorchModel:
    """Any ``torch.nn.Module`` that gives logits of square pictures.

    Parameters
    ----------
    net, labels, name, modality, meta
        See ``TorchModel``.
    size, grey, mean, deviation
        See ``Recipe``.
    layer : str
        The layer that maps are drawn of; without it the last one with a grid of more than one cell. A network that has none
        can be asked but not drawn; its ``no_layer`` says why.
    reader : callable
        Makes an item of a corpus a picture.

    Returns
    -------
    TorchModel
        Ready to read pictures, to be asked and to be drawn.

    Raises
    ------
    UsageError
        ``layer`` is not there.
    """
    arrays = (np.atleast_1d(np.array(v, np.float32)) for v in (mean, deviation))
    recipe = Recipe(tuple(labels), size, grey, *arrays)
    model = TorchModel(net, labels, modality, name=name, layer=layer, prepare=recipe, reader=reader, meta=meta)
    if not model.layer:
        try:
            model.layer = last_grid(model, recipe(np.full((size, size, 3), GREY, np.uint8))[None])
        except ModelError as error:
            model.no_layer = str(error)
    return model


def last_grid(model: TorchModel, blank: np.ndarray) -> str:
    """The last layer run whose output has a grid of more than one cell, for a picture ``blank`` ``(1, c, h, w)``.

    A layer that is called several times, or from which no gradient of the logits comes back (it runs under
    ``torch.no_grad``, or is detached), is passed over.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    ModelError
        There is none.
    """
    seen = _shapes(model, blank)
    candidates = _preferred(seen, model)
    for name in candidates:
        if _drawable(model, blank, name):
            return name
    if candidates:
        raise ModelError(
            f"no gradient of the logits comes back from a layer with a grid (the last are {', '.join(candidates[:3])}): the "
            "network runs under torch.no_grad, detaches them, or calls each several times; name a layer, or wrap the network "
            "in a function: then it is mapped from outside"
        )
    shown = ", ".join(f"{n} {s}" for n, s in seen[-6:])
    raise ModelError(
        "no layer of this network has a spatial grid or patch tokens, so no class activation map can be drawn; its last "
        f"layers give {shown}. Export it to ONNX or wrap it in a function: then it is mapped from outside"
    )


def _preferred(seen: list[tuple[str, tuple[int, ...]]], model: TorchModel) -> list[str]:
    """Layers that a map could be drawn of, the best first, then those before it."""
    grids = [i for i, (_, shape) in enumerate(seen) if len(shape) == 4 and shape[2] * shape[3] > 1 and shape[1] > 3]
    last = grids[-1] if grids else -1
    tokens = [
        name
        for name, shape in seen[last + 1 :]
        if len(shape) == 3 and shape[1] > 3 and kind_of(model.module(name), 3) != "first"  # no signal over time (Conv1d)
    ]
    out = []
    if tokens:  # the last layer of a transformer answers from one token alone: the norm before the last attention is drawn
        norms = [n for n in tokens if "norm" in n.lower() or "ln" in n.lower()]
        best = (norms or tokens)[-3 if len(norms) >= 3 else 0 if norms else -1]
        out = [best, *(name for name in reversed(tokens) if name != best)]
    return list(dict.fromkeys([*out, *(seen[i][0] for i in reversed(grids))]))


def _drawable(model: TorchModel, blank: np.ndarray, name: str) -> bool:
    """Whether a layer is called once, and a gradient of the logits comes back from it."""
    try:
        with captured_layers(model.net, [name]) as calls, model.evaluating():
            logits = logits_of(model.net(as_dtype_of(model.net, model.tensor(blank))))
            gradients_at(logits.sum(), calls)
    except ModelError:
        return False
    return len(calls[name]) == 1


def _shapes(model: TorchModel, blank: np.ndarray) -> list[tuple[str, tuple[int, ...]]]:
    """Names and output shapes of the layers in the order in which they run."""
    seen: list[tuple[str, tuple[int, ...]]] = []

    def note(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                seen.append((name, tuple(output.shape)))

        return hook

    handles = [model.module(name).register_forward_hook(note(name)) for name in model.layers]
    try:
        with torch.inference_mode():
            model.predict(blank)
    finally:
        for handle in handles:
            handle.remove()
    return seen
