"""How the audit of objects opens a model and asks it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import TableModel, TorchModel
from affectlens.models.adapters.preprocess import Seen, seen_by
from affectlens.models.base import Model
from affectlens.models.open import PICTURES, open_model
from affectlens.models.scores import scores_of


def open_pictures_model(
    spec: str | Path | Model | None, weights: Path | None = None, layer: str = "", scores: str = "", preprocess: str = ""
) -> Any:
    """The model of pictures that ``spec`` names, or that was opened already.

    Parameters
    ----------
    spec, weights, layer, scores, preprocess
        See ``open_model``.

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
    model: Any = open_model(spec, weights=weights, modality="scene", layer=layer, scores=scores, preprocess=preprocess)
    if model.modality not in PICTURES or isinstance(model, TableModel):
        problem = "is a table of predictions" if isinstance(model, TableModel) else f"reads {model.modality}"
        raise UsageError(f"--model {model.name} {problem}; a model that can be asked about pictures was expected")
    known = scores_of(model)
    if not known.are_probabilities:
        raise UsageError(
            f"--model {model.name} gives {', '.join(model.labels)} ({known}): an audit of objects follows the probability of "
            "an emotion; `affectlens audit properties` tests what such values depend on"
        )
    if isinstance(model, TorchModel) and not model.layer:
        raise ModelError(model.no_layer)
    return model


def answers(model: Any, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """Probabilities ``(n, classes)`` float64 of prepared pictures.

    Those of a network are of its logits without calibration, on purpose: maps are of these logits, and before and after a
    change have to be asked alike. A black box gives its own probabilities.

    Returns
    -------
    ndarray
        Rows sum to one where one class holds.
    """
    if isinstance(model, TorchModel):
        return model.scores.probabilities(model.predict(np.stack(list(inputs))))
    return np.asarray(model.probabilities(list(inputs)))


def part_seen(model: Any, picture: np.ndarray) -> Seen:
    """The part of a picture that a model's own preprocessing shows it, which its maps lie on; all of it for other models."""
    return seen_by(getattr(model, "preprocessing", None), picture.shape)
