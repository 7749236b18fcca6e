"""How pictures become the input of a network that others made; written down in a file ``MODEL.json`` beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from affectlens.core.errors import ModelError
from affectlens.core.untrusted.documents import json_of


@dataclass(frozen=True)
class Recipe:
    """How a picture becomes a network's input ``(channels, size, size)`` float32.

    Attributes
    ----------
    labels : tuple of str
        The network's classes, in the order of its answers.
    size : int
        Pixels of a side.
    grey : bool
        One channel instead of three.
    mean, deviation : numpy.ndarray
        Of values in [0, 1], one number or one a channel: the mean is taken away, then the rest divided by the deviation.
    """

    labels: tuple[str, ...]
    size: int
    grey: bool
    mean: np.ndarray
    deviation: np.ndarray

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The input of a picture ``(h, w)`` or ``(h, w, 3)`` uint8."""
        x = picture
        if self.grey:
            x = x if x.ndim == 2 else cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)
        elif x.ndim == 2:
            x = cv2.cvtColor(x, cv2.COLOR_GRAY2RGB)
        x = cv2.resize(x, (self.size, self.size), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        channels = x[None] if x.ndim == 2 else x.transpose(2, 0, 1)
        shape = (-1, 1, 1)
        return np.asarray((channels - self.mean.reshape(shape)) / self.deviation.reshape(shape), dtype=np.float32)


def read_recipe(model: Path) -> Recipe:
    """The recipe of ``MODEL.onnx`` or ``MODEL.pt``, in ``MODEL.json`` beside it.

    It holds ``labels``, and of pictures ``size``, ``grey``, ``mean`` and ``deviation``.

    Returns
    -------
    Recipe
        Missing keys are 224, colour, 0 and 1.

    Raises
    ------
    ModelError
        No such file, or one that is not readable or has no labels.
    """
    beside = model.with_suffix(".json")
    if not beside.exists():
        raise ModelError(f"{beside} is not there; it has to hold labels, size, grey, mean and deviation of {model.name}")
    try:
        facts = json_of(beside)
        if "labels" not in facts:
            raise ModelError(f"{beside}: no labels in it")
        mean, deviation = (np.atleast_1d(np.array(facts.get(k, d), np.float32)) for k, d in (("mean", 0), ("deviation", 1)))
        size, grey = int(facts.get("size", 224)), bool(facts.get("grey", False))
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{beside}: not readable ({error}); labels, size, grey, mean and deviation were expected") from error
    return Recipe(tuple(map(str, facts["labels"])), size, grey, mean, deviation)
