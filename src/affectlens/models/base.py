"""What a model is to this package, and the registry of the models that come with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from affectlens.core.errors import unknown


@runtime_checkable
class Model(Protocol):
    """Anything that turns a batch of one modality into logits ``(n, classes)`` float32 over ``labels``."""

    labels: tuple[str, ...]
    modality: str

    def predict(self, batch: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        ...


@runtime_checkable
class WhiteBox(Model, Protocol):
    """A model whose inside can be read: named layers, their activations and gradients."""

    layers: tuple[str, ...]

    def activations(self, batch: Any, layer: str) -> np.ndarray:
        """Activations ``(n, ...)`` of a named layer."""
        ...

    def gradients(self, batch: Any, layer: str, target: int | str) -> np.ndarray:
        """Gradient of the target's logit with respect to the layer, ``(n, ...)``."""
        ...


@dataclass(frozen=True)
class Calibration:
    """What was fitted on validation data: ``temperature`` divides the logits; classes with probability at least
    ``1 - conformal`` form the set that covers the label with probability ``coverage``; ``reliability`` in [0, 1] is the
    share of label entropy that the calibrated probabilities explain."""

    temperature: float = 1.0
    conformal: float = 1.0
    coverage: float = 0.9
    reliability: float = 0.5
    prior: tuple[float, ...] = ()

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Calibrated probabilities ``(n, classes)`` float64, each row sums to one."""
        scaled = np.asarray(logits, dtype=np.float64) / self.temperature
        scaled -= scaled.max(axis=-1, keepdims=True)
        powers = np.exp(scaled)
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

    def conformal_set(self, probabilities: np.ndarray, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Classes in the prediction set of one distribution, most probable first; never empty (the top one at least)."""
        order = np.argsort(-probabilities, kind="stable")
        inside = [labels[i] for i in order if probabilities[i] >= 1 - self.conformal]
        return tuple(inside) or (labels[int(order[0])],)


_REGISTRY: dict[str, Callable[..., Any]] = {}


def register_model(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: make a model available by name; the decorated class or function loads it with no arguments."""

    def add(loader: Callable[..., Any]) -> Callable[..., Any]:
        _REGISTRY[name] = loader
        return loader

    return add


def model_names() -> list[str]:
    """Names of the models that come with the package."""
    _load_all()
    return sorted(_REGISTRY)


def load_model(name: str, weights: Path | None = None) -> Any:
    """The model of that name, ready to predict; with ``weights`` from another file, for example of a training run."""
    _load_all()
    if name not in _REGISTRY:
        raise unknown("model", name, list(_REGISTRY))
    return _REGISTRY[name](weights) if weights else _REGISTRY[name]()


def _load_all() -> None:
    import importlib
    import pkgutil

    import affectlens.models as package

    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
