"""How the audit of properties opens a classifier: the one place that knows."""

from __future__ import annotations

from pathlib import Path

from affectlens.models.external import Classifier, open_classifier

SHIPPED = ("face", "speech", "words")


def open_model(model: str | Path | Classifier | None, modality: str) -> Classifier | None:
    """The classifier that ``model`` names, or that was opened already; None where there is none.

    Raises
    ------
    UsageError
        Nothing of that kind.
    ModelError
        A file that cannot be used.
    """
    if model is None or model == "":
        return None
    return open_classifier(str(model), modality) if isinstance(model, str | Path) else model


def title_of(model: str | Path | Classifier, classifier: Classifier) -> str:
    """What the page calls the model."""
    if not isinstance(model, str | Path):
        return classifier.name
    return f"the {model} model" if model in SHIPPED else str(model)
