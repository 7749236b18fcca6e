"""How the audit of objects opens a model: the one place that knows."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.errors import UsageError
from affectlens.models.pictures import PictureModel, open_picture_model

NAMED = ("face", "emonet", "background")


def open_model(model: str | Path | PictureModel | None, weights: Path | None = None, layer: str = "") -> PictureModel:
    """The model of pictures that ``model`` names, or that was opened already.

    Raises
    ------
    UsageError
        No model, nothing of that kind, or weights that are needed and missing.
    ModelError
        A file or layer that cannot be used.
    """
    if model is None:
        raise UsageError("an audit of objects asks the model about every picture; give --model")
    if not isinstance(model, str | Path):
        return model
    return open_picture_model(str(model), weights, layer)


def title_of(model: str | Path | PictureModel, name: str) -> str:
    """What the page calls the model."""
    return f"the {model} model" if model in NAMED else name
