"""What a model of the user's answers, as rows have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from affectlens.core.errors import UsageError
from affectlens.core.labels import LabelScheme, meant
from affectlens.core.options import Options, given_for
from affectlens.models.base import BaseModel
from affectlens.models.open import open_model
from affectlens.models.scores import scores_of

RELIABILITY = 0.5  # the weight of a model about which nothing was measured, before quality


class OwnModel:
    """A model that others made, given what a module of the main job has found.

    Parameters
    ----------
    spec : str
        What ``open_model`` opens.
    modality : str
        face, words or voice.
    options : Options
        Of the run.
    reader : callable
        Takes what the module gives in place of an item of a corpus.

    Attributes
    ----------
    model : BaseModel
        As it was opened.
    scheme : LabelScheme
        Its classes, in this package's spelling.

    Raises
    ------
    UsageError
        It is no model of that modality, or its classes do not exclude each other.
    ModelError
        It cannot be used.
    """

    def __init__(self, spec: str, modality: str, options: Options, reader: Callable[[Any], Any]) -> None:
        opened: Any = open_model(
            spec,
            modality=modality,
            scores=options.model_scores,
            preprocess=options.model_preprocess,
            labels=labels_of(options, modality),
        )
        if not isinstance(opened, BaseModel) or opened.modality != modality:
            kind = getattr(opened, "modality", type(opened).__name__)
            raise UsageError(f"--model {modality}={spec}: a network that reads {modality} was expected, this one reads {kind}")
        scores = scores_of(opened)
        if not scores.exclusive:
            raise UsageError(
                f"--model {modality}={spec}: its numbers are {scores.kind}; a row needs classes of which one holds "
                "(--model-scores says what they are, where that is wrong)"
            )
        self.model = opened.with_reader(reader)
        labels = tuple(meant(label) for label in opened.labels)
        if len(set(labels)) != len(labels):
            labels = tuple(opened.labels)
        self.scheme = LabelScheme(f"classes of {self.model.name}", labels, "the model")

    @property
    def notes(self) -> list[str]:
        """What is to be said of its answers."""
        caveat = scores_of(self.model).caveat(self.model.name)
        known = (
            f"{self.model.name} answers for {self.model.modality} in place of the model that ships; how reliable it is on new "
            f"recordings is not known here, so its weight is {RELIABILITY:.0%} of a perfect one's, and no label is ruled out"
        )
        return [known, caveat] if caveat else [known]

    def probabilities(self, inputs: Sequence[Any]) -> np.ndarray:
        """Probabilities ``(n, classes)`` of what the module found, each row with sum one."""
        answered = np.asarray(self.model.probabilities([self.model.read(one) for one in inputs]), float)
        return np.asarray(answered / answered.sum(axis=1, keepdims=True))


def spec_of(options: Options, modality: str) -> str:
    """What ``--model MODALITY=SPEC`` says of a modality; empty where it says nothing."""
    return given_for(options.model, modality)


def labels_of(options: Options, modality: str) -> tuple[str, ...]:
    """What ``--model-labels MODALITY=LABEL,LABEL`` says of a modality's model; empty where it says nothing."""
    given = given_for(options.model_labels, modality)
    return tuple(label.strip() for label in given.split(",")) if given else ()
