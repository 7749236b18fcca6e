"""Models of whole pictures or faces with what a class activation map needs: how a picture is prepared, and which layer to draw.

Opened by what they are: face, emonet, background (with weights), a folder of Hugging Face's transformers, ``module:name`` of a
``torch.nn.Module`` or a ``PictureModel``; ONNX, TorchScript and functions are black boxes, mapped from outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.assets.store import locate
from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import TorchModel
from affectlens.models.base import load_model
from affectlens.models.external import Recipe, grey48, imported, open_classifier
from affectlens.models.shipped.background import BackgroundModel, BackgroundNet
from affectlens.models.shipped.emonet import EmoNetModel
from affectlens.perception.scene.objects import GREY, object_detector
from affectlens.stats.classification import softmax


@dataclass(frozen=True)
class PictureModel:
    """``prepare`` makes an RGB or grey picture uint8 the network's input; ``white`` is the network and ``layer`` the layer to
    draw, or ``black`` a function from pictures to probabilities ``(n, classes)``."""

    name: str
    labels: tuple[str, ...]
    prepare: Callable[[np.ndarray], np.ndarray]
    white: TorchModel | None = None
    layer: str = ""
    black: Callable[[list[Any]], np.ndarray] | None = None

    def probabilities(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """``(n, classes)`` float64 of prepared pictures."""
        if self.white is not None:
            return softmax(self.white.predict(np.stack(list(inputs))).astype(np.float64))
        assert self.black is not None
        return self.black(list(inputs))


def picture_model(
    net: nn.Module, labels: Sequence[str], *, name: str = "network", size: int = 224, grey: bool = False,
    mean: Sequence[float] = (0.0,), deviation: Sequence[float] = (1.0,), layer: str = "",
) -> PictureModel:  # fmt: skip
    """Any ``torch.nn.Module`` that gives logits of square pictures of ``size``, values in [0, 1] less ``mean`` over
    ``deviation``; without ``layer`` the last one with a grid of more than one cell is drawn.

    Raises:
        ModelError: no layer has a grid, or ``layer`` is not there.
    """
    recipe = Recipe(tuple(labels), size, grey, np.array(mean, np.float32), np.array(deviation, np.float32))
    white = TorchModel(net, labels, "scene")
    if layer:
        white.layer(layer)
    blank = recipe([np.full((size, size, 3), GREY, np.uint8)])
    return PictureModel(name, white.labels, lambda x: recipe([x])[0], white, layer or last_grid(white, blank))


def last_grid(model: TorchModel, blank: np.ndarray) -> str:
    """The last layer run whose output has a grid of more than one cell, for a picture ``blank`` ``(1, c, h, w)``.

    Raises:
        ModelError: there is none.
    """
    seen: list[tuple[str, tuple[int, ...]]] = []
    handles = [
        m.register_forward_hook(
            lambda _m, _i, out, n=n: seen.append((n, tuple(out.shape))) if isinstance(out, Tensor) else None
        )
        for n, m in model.net.named_modules()
        if n
    ]
    try:
        model.predict(blank)
    finally:
        for handle in handles:
            handle.remove()
    grids = [i for i, (_, shape) in enumerate(seen) if len(shape) == 4 and shape[2] * shape[3] > 1 and shape[1] > 3]
    last = grids[-1] if grids else -1
    tokens = [name for name, shape in seen[last + 1 :] if len(shape) == 3 and shape[1] > 3]
    if tokens:  # the last layer of a transformer answers from one token alone: the norm before the last attention is drawn
        norms = [n for n in tokens if "norm" in n.lower() or "ln" in n.lower()]
        return (norms or tokens)[-3 if len(norms) >= 3 else 0 if norms else -1]
    if grids:
        return seen[last][0]
    shown = ", ".join(f"{n} {s}" for n, s in seen[-6:])
    raise ModelError(
        "no layer of this network has a spatial grid or patch tokens, so no class activation map can be drawn; its last layers "
        f"give {shown}. Export it to ONNX or wrap it in a function: then it is mapped from outside"
    )


class OnGrid(nn.Module):
    """The background network over the detector's feature map: features ``(n, 320, 10, 10)`` and one more plane with 1 where
    the background is seen."""

    def __init__(self, net: BackgroundNet) -> None:
        super().__init__()
        self.grid, self.net = nn.Identity(), net

    def forward(self, x: Tensor) -> Tensor:
        grid, seen = self.grid(x[:, :-1]), x[:, -1:]
        mean = (grid * seen).sum(dim=(2, 3)) / seen.sum(dim=(2, 3)).clamp_min(1)
        logits: Tensor = self.net(mean)
        return logits


def on_grid(grid: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """What ``OnGrid`` takes ``(321, 10, 10)`` of a feature map ``(10, 10, 320)`` and which of its cells ``(10, 10)`` are
    seen."""
    return np.concatenate([grid.transpose(2, 0, 1), seen[None]]).astype(np.float32)


def background_model(weights: Path) -> PictureModel:
    """The background network: people are hidden before it looks, and its map lies on the detector's grid of 10 x 10."""
    model, find = BackgroundModel(weights), object_detector(locate("efficientdet-lite0"))

    def prepare(picture: np.ndarray) -> np.ndarray:
        grid, seen = find.grid(picture, [t.box for t in find(picture) if t.name == "person"])
        if not seen.any():
            raise ModelError("people fill the picture, nothing of the background is left")
        return on_grid(grid, seen)

    return PictureModel("background", model.labels, prepare, TorchModel(OnGrid(model.net), model.labels, "scene"), "grid")


def open_picture_model(spec: str, weights: Path | None = None, layer: str = "") -> PictureModel:
    """The model that ``spec`` names (see the module); ``layer`` overrides the layer that is drawn.

    Raises:
        UsageError: weights are needed, or nothing of that kind; ModelError: a file or layer that cannot be used.
    """
    if spec in ("emonet", "background") and weights is None:
        offered = "the authors offer them" if spec == "emonet" else "`affectlens train background` makes them"
        raise UsageError(f"--model {spec} needs --weights FILE; {offered}")
    if spec == "face":
        net = load_model("face", weights)
        found = PictureModel("face", net.labels, grey48, net, net.cam_layer)
    elif spec == "emonet":
        emonet = EmoNetModel(Path(str(weights)))
        found = PictureModel("emonet", emonet.labels, emonet.prepare, emonet, emonet.cam_layer)
    elif spec == "background":
        found = background_model(Path(str(weights)))
    elif (Path(spec) / "config.json").exists():
        found = _transformers(Path(spec), layer)
    elif ":" in spec and not Path(spec).exists():
        found = _named(spec)
    else:
        other = open_classifier(spec, "scene")
        found = PictureModel(other.name, other.labels, lambda x: x, black=other.predict)
    if not layer:
        return found
    if found.white is None:
        raise UsageError(f"--layer {layer}: {spec} is a black box, it has no layers to draw")
    found.white.layer(layer)
    return PictureModel(found.name, found.labels, found.prepare, found.white, layer)


def _named(spec: str) -> PictureModel:
    """``module:name``: a PictureModel, a network with an attribute ``labels``, a function that makes either, or a
    classifier."""
    held = imported(spec, "--model")
    kind = isinstance(held, type) and issubclass(held, nn.Module)
    if kind or (callable(held) and not isinstance(held, nn.Module) and not getattr(held, "labels", ())):
        held = held()
    if isinstance(held, PictureModel):
        return held
    if isinstance(held, nn.Module):
        labels = tuple(getattr(held, "labels", ()))
        if not labels:
            raise UsageError(f"--model {spec}: give the network an attribute labels, the classes in the order of its answers")
        more = {k: getattr(held, k) for k in ("size", "grey", "mean", "deviation") if hasattr(held, k)}
        return picture_model(held, labels, name=spec, layer=str(getattr(held, "layer", "")), **more)
    other = open_classifier(spec, "scene")
    return PictureModel(other.name, other.labels, lambda x: x, black=other.predict)


class _Logits(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x).logits
        return logits


def _transformers(folder: Path, layer: str) -> PictureModel:
    try:
        from transformers import AutoModelForImageClassification
    except ImportError as error:
        raise ModelError(f"{folder} needs transformers: pip install transformers") from error
    try:
        net = AutoModelForImageClassification.from_pretrained(str(folder), local_files_only=True).eval()
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder}: no image classifier of transformers ({str(error)[:200]})") from error
    names = net.config.id2label
    labels = [str(names[i]) for i in range(len(names))]
    file = folder / "preprocessor_config.json"
    held = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    told = held.get("size", getattr(net.config, "image_size", 224))
    size = int(next(iter(told.values()))) if isinstance(told, dict) else int(told if isinstance(told, int) else told[0])
    with torch.inference_mode():
        return picture_model(
            _Logits(net), labels, name=folder.name, size=size, mean=held.get("image_mean", (0.5,) * 3),
            deviation=held.get("image_std", (0.5,) * 3), layer=layer,
        )  # fmt: skip
