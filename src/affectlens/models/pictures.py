"""The older way to open models of pictures; ``models.open`` takes its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters.pictures import last_grid, picture_network
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.open import named, open_model
from affectlens.models.shipped.background import OnGrid, on_grid
from affectlens.stats.classification import softmax

__all__ = ["OnGrid", "PictureModel", "last_grid", "on_grid", "open_picture_model", "picture_model"]


@dataclass(frozen=True)
class PictureModel:
    """``prepare`` makes a picture uint8 the network's input; ``white`` is the network and ``layer`` the layer to draw, or
    ``black`` a function from pictures to probabilities ``(n, classes)``."""

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


def picture_model(net: nn.Module, labels: Sequence[str], **given: Any) -> PictureModel:
    """A network of square pictures; see ``picture_network``."""
    return _of(picture_network(net, labels, **given))


def open_picture_model(spec: str, weights: Path | None = None, layer: str = "") -> PictureModel:
    """The model that ``spec`` names; see ``open_model``."""
    target = named(spec) if ":" in spec and not Path(spec).exists() else None
    if isinstance(target, PictureModel):
        if layer and target.white is None:
            raise UsageError(f"--layer {layer}: {spec} is a black box, it has no layers to draw")
        return replace(target, layer=layer or target.layer)
    return _of(open_model(spec, weights=weights, modality="scene", layer=layer))


def _of(model: Any) -> PictureModel:
    if not isinstance(model, TorchModel):
        return PictureModel(model.name, model.labels, model.prepare, black=model.probabilities)
    if not model.layer:
        raise ModelError(model.no_layer)
    return PictureModel(model.name, model.labels, model.prepare, model, model.layer)
