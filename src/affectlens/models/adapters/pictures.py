"""Networks of square pictures: which layer of theirs a map is drawn of, and how a picture becomes their input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from affectlens.core.errors import ModelError
from affectlens.models.adapters.blackbox import faults_of
from affectlens.models.adapters.preprocess import Preprocessing
from affectlens.models.adapters.recipe import Recipe
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.readers import picture_of
from affectlens.models.scores import Scores
from affectlens.perception.scene.objects import GREY

SIDE = 224  # pixels of the blank picture that the layers are looked at with


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
    scores: str | Scores = "",
    output: str = "",
    preprocess: Preprocessing | None = None,
) -> TorchModel:
    """Any ``torch.nn.Module`` that is asked about pictures.

    Parameters
    ----------
    net, labels, name, modality, meta, scores, output
        See ``TorchModel``.
    size, grey, mean, deviation
        See ``Recipe``.
    preprocess : Preprocessing, optional
        What makes the network's input of a picture, instead of size, grey, mean and deviation.
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
    means, deviations = (np.atleast_1d(np.array(value, np.float32)) for value in (mean, deviation))
    prepare = preprocess or Preprocessing(Recipe(tuple(labels), size, grey, means, deviations), name)
    model = TorchModel(
        net, labels, modality, name=name, layer=layer, prepare=prepare, reader=reader, meta=meta, scores=scores, output=output
    )
    return with_layer(model)


def with_layer(model: TorchModel) -> TorchModel:
    """The model, with the layer that its maps are drawn of chosen where none is named; else ``no_layer`` says why.

    Returns
    -------
    TorchModel
        The same.
    """
    if not model.layer:
        try:
            model.layer = last_grid(model, np.asarray(model.prepare(np.full((SIDE, SIDE, 3), GREY, np.uint8)))[None])
        except ModelError as error:
            model.no_layer = str(error)
    return model


def pixel_gradients(model: TorchModel, picture: np.ndarray, target: int | str) -> np.ndarray:
    """Gradient of a class's logit with respect to the pixels of a picture, through the model's own preprocessing.

    Parameters
    ----------
    model : TorchModel
        One whose ``prepare`` is a ``Preprocessing``.
    picture : numpy.ndarray
        ``(h, w, 3)`` uint8.
    target : int or str
        The class.

    Returns
    -------
    numpy.ndarray
        ``(h, w, 3)`` float32: the change of the logit by one grey level of a pixel, where the network sees it; else zero.

    Raises
    ------
    ModelError
        The model has no preprocessing that can be followed, or its network fails.

    Examples
    --------
    >>> net = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(3, 2, bias=False))
    >>> model = picture_network(net, ("calm", "upset"), size=4)
    >>> pixel_gradients(model, np.zeros((4, 4, 3), np.uint8), "upset").shape
    (4, 4, 3)
    """
    if not isinstance(model.preprocessing, Preprocessing):
        raise ModelError(f"{model.name}: it has no preprocessing of pictures that a gradient could go through")
    index = model.labels.index(target) if isinstance(target, str) else target
    pixels = torch.tensor(picture, dtype=torch.float32, requires_grad=True)
    batch = model.tensor(model.preprocessing.differentiable(pixels)[None])
    with torch.enable_grad(), model.evaluating(), faults_of(model.name, batch):
        logits = model.net(batch)
        (gradient,) = torch.autograd.grad(logits[0, index], pixels)
    return np.asarray(gradient.numpy())


def last_grid(model: TorchModel, blank: np.ndarray) -> str:
    """The last layer run whose output has a grid of more than one cell, for a picture ``blank`` ``(1, c, h, w)``.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    ModelError
        There is none.
    """
    seen = model.shapes(blank)
    grids = [place for place, (_, shape) in enumerate(seen) if len(shape) == 4 and shape[2] * shape[3] > 1 and shape[1] > 3]
    last = grids[-1] if grids else -1
    tokens = [name for name, shape in seen[last + 1 :] if len(shape) == 3 and shape[1] > 3]
    if tokens:  # the last layer of a transformer answers from one token alone: the norm before the last attention is drawn
        norms = [name for name in tokens if "norm" in name.lower() or "ln" in name.lower()]
        return (norms or tokens)[-3 if len(norms) >= 3 else 0 if norms else -1]
    if grids:
        return seen[last][0]
    shown = ", ".join(f"{name} {shape}" for name, shape in seen[-6:])
    raise ModelError(
        "no layer of this network has a spatial grid or patch tokens, so no class activation map can be drawn; its last "
        f"layers give {shown}. Export it to ONNX or wrap it in a function: then it is mapped from outside"
    )
