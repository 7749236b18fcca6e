"""How pictures become the input of a network that others made; written down in a file ``MODEL.json`` beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from affectlens.core.errors import ModelError
from affectlens.core.settings import nearest
from affectlens.core.untrusted.documents import json_of
from affectlens.models.scores import Scores

KEYS = ("labels", "size", "grey", "mean", "deviation", "layout", "scores", "input", "output")
LAYOUTS = ("channels-first", "channels-last")


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
    channels_last : bool
        ``(size, size, channels)`` instead.
    whole : bool
        Pixels from 0 to 255 as they are, uint8; neither mean nor deviation is used.
    """

    labels: tuple[str, ...]
    size: int
    grey: bool
    mean: np.ndarray
    deviation: np.ndarray
    channels_last: bool = False
    whole: bool = False

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The input of a picture ``(h, w)`` or ``(h, w, 3)`` uint8."""
        pixels = picture
        if self.grey:
            pixels = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        elif pixels.ndim == 2:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)
        pixels = cv2.resize(pixels, (self.size, self.size), interpolation=cv2.INTER_AREA)
        if not self.whole:
            pixels = pixels.astype(np.float32) / 255
        channels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
        if not self.whole:
            shape = (-1, 1, 1)
            channels = (channels - self.mean.reshape(shape)) / self.deviation.reshape(shape)
        made = channels.transpose(1, 2, 0) if self.channels_last else channels
        return np.ascontiguousarray(made, np.uint8 if self.whole else np.float32)


@dataclass(frozen=True)
class Facts:
    """What a file ``MODEL.json`` says: how pictures are prepared, and of the network what its numbers and outputs are.

    Attributes
    ----------
    recipe : Recipe
        Of pictures; the labels of any network.
    scores : str
        One of ``scores.KINDS``, or empty.
    input, output : str
        Names in the graph of an ONNX file, or empty.
    given : frozenset of str
        The keys that are in the file.
    source : str
        The file.
    """

    recipe: Recipe
    scores: str = ""
    input: str = ""
    output: str = ""
    given: frozenset[str] = frozenset()
    source: str = ""

    def stated_scores(self) -> Scores:
        """What the file says of the network's numbers."""
        return Scores(self.scores, self.source if self.scores else "")

    def fitted(self, shape: tuple[int | None, ...], dtype: np.dtype[Any]) -> Recipe:
        """The recipe for an input that a graph declares: its layout and size where the file says none, and its type.

        Returns
        -------
        Recipe
            With the graph's layout, size and type.

        Raises
        ------
        ModelError
            The graph and the file contradict each other.
        """
        recipe = self.recipe
        if len(shape) == 4:
            last, first = _is_channels(shape[3]), _is_channels(shape[1])
            channels_last = recipe.channels_last if "layout" in self.given else last and not first
            if "layout" in self.given and last != first and recipe.channels_last != last:
                raise ModelError(
                    f"{self.source}: layout is {LAYOUTS[recipe.channels_last]}, and the graph takes {_shown(shape)}"
                )
            side = shape[1] if channels_last else shape[2]
            size = side if side is not None and "size" not in self.given else recipe.size
            recipe = replace(recipe, channels_last=channels_last, size=size)
        if dtype == np.uint8:
            if {"mean", "deviation"} & self.given:
                raise ModelError(f"{self.source}: the graph takes pixels as they are, uint8; leave mean and deviation out")
            recipe = replace(recipe, whole=True)
        return recipe


def read_recipe(model: Path, labels: tuple[str, ...] = ()) -> Facts:
    """What ``MODEL.json`` says of ``MODEL.onnx`` or ``MODEL.pt`` beside it; ``labels`` that the caller names go before its own.

    It holds ``labels``, of pictures ``size``, ``grey``, ``mean``, ``deviation`` and ``layout``, of any network ``scores`` and
    ``output``, and of ONNX ``input``.

    Returns
    -------
    Facts
        Missing keys are 224, colour, 0, 1 and channels first.

    Raises
    ------
    ModelError
        No such file, one that is not readable or has no labels, or a key that is not known.
    """
    beside = model.with_suffix(".json")
    if not beside.exists() and not labels:
        raise ModelError(
            f"{beside} is not there; it has to hold labels, size, grey, mean and deviation of {model.name} (or name the labels "
            "by labels, on the command line --model-labels, where the others are as usual)"
        )
    try:
        facts = json_of(beside) if beside.exists() else {}
        if labels:
            facts["labels"] = list(labels)
        if "labels" not in facts:
            raise ModelError(f"{beside}: no labels in it")
        mean, deviation = (
            np.atleast_1d(np.array(facts.get(key, default), np.float32)) for key, default in (("mean", 0), ("deviation", 1))
        )
        size, grey = int(facts.get("size", 224)), bool(facts.get("grey", False))
        labels = tuple(map(str, facts["labels"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(f"{beside}: not readable ({error}); labels, size, grey, mean and deviation were expected") from error
    for key in facts:
        if near := nearest(key, KEYS) if key not in KEYS else "":
            raise ModelError(f"{beside}: unknown key {key!r}{near}")
    layout = str(facts.get("layout", LAYOUTS[0]))
    if layout not in LAYOUTS:
        raise ModelError(f"{beside}: layout {layout!r}; {' or '.join(LAYOUTS)} was expected{nearest(layout, LAYOUTS)}")
    recipe = Recipe(labels, size, grey, mean, deviation, layout == LAYOUTS[1])
    named = {key: str(facts.get(key, "")) for key in ("scores", "input", "output")}
    return Facts(recipe, **named, given=frozenset(facts), source=str(beside))


def _is_channels(axis: int | None) -> bool:
    return axis in (1, 3)


def _shown(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("any" if axis is None else str(axis) for axis in shape) + ")"
