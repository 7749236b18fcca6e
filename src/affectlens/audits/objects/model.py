"""How the audit of objects opens a model and asks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import TableModel, TorchModel
from affectlens.models.base import Model
from affectlens.models.open import PICTURES, open_model
from affectlens.stats.classification import softmax


def open_pictures_model(spec: str | Path | Model | None, weights: Path | None = None, layer: str = "") -> Any:
    """The model of pictures that ``spec`` names, or that was opened already.

    Returns
    -------
    Model
        A ``TorchModel`` with a layer that maps are drawn of, or a black box.

    Raises
    ------
    UsageError
        No model, nothing of that kind, one that reads no pictures, or weights that are needed and missing.
    ModelError
        A file or layer that cannot be used, or a network without a grid.
    """
    if spec is None:
        raise UsageError("an audit of objects asks the model about every picture; give --model")
    model: Any = open_model(spec, weights=weights, modality="scene", layer=layer)
    if model.modality not in PICTURES or isinstance(model, TableModel):
        problem = "is a table of predictions" if isinstance(model, TableModel) else f"reads {model.modality}"
        raise UsageError(f"--model {model.name} {problem}; a model that can be asked about pictures was expected")
    if isinstance(model, TorchModel) and not model.layer:
        raise ModelError(model.no_layer)
    return model


def answers(model: Any, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Probabilities ``(n, classes)`` float64 of prepared pictures.

    Those of a network are the softmax of its logits without calibration, on purpose: maps are of these logits, and before
    and after a change have to be asked alike. A black box gives its own probabilities.

    Returns
    -------
    ndarray
        Rows sum to one.
    """
    if isinstance(model, TorchModel):
        return softmax(model.predict(np.stack(list(inputs))).astype(np.float64))
    return np.asarray(model.probabilities(list(inputs)))
