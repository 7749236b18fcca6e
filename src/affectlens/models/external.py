"""The older way to open classifiers, for callers that make a model's input themselves; ``models.open`` takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from affectlens.models.open import imported, open_model

__all__ = ["Classifier", "imported", "open_classifier", "stamp"]


@dataclass(frozen=True)
class Classifier:
    """``predict`` takes a list of data (upright crops, texts, features) and gives probabilities ``(n, classes)``."""

    name: str
    modality: str
    labels: tuple[str, ...]
    predict: Callable[[list[Any]], np.ndarray]


def open_classifier(spec: str, modality: str = "face") -> Classifier:
    """The model that ``spec`` names; see ``open_model``."""
    model: Any = open_model(spec, modality=modality)
    prepare = getattr(model, "prepare", lambda datum: datum)
    return Classifier(
        model.name, model.modality, model.labels, lambda data: model.probabilities([prepare(datum) for datum in data])
    )


def stamp(spec: str) -> str:
    """What tells one state of a model from another."""
    return str(open_model(spec).meta.get("sha256", ""))
