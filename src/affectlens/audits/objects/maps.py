"""Maps of pictures by several methods, and their join with what lies in each picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from affectlens.audits.objects.groups import group_masks
from affectlens.audits.objects.model import answers
from affectlens.audits.objects.pictures import View
from affectlens.audits.objects.settings import RISE
from affectlens.core.errors import ModelError, unknown
from affectlens.explainers.cam import METHODS, CamEngine
from affectlens.explainers.cam.outside import rise
from affectlens.explainers.overlap import image_rows
from affectlens.models.adapters import TorchModel
from affectlens.models.adapters.preprocess import Seen
from affectlens.models.scores import scores_of

Mapped = tuple[dict[str, np.ndarray], str, np.ndarray]  # raw signed maps by method, the class they are of, probabilities


def default_methods(model: Any) -> tuple[str, ...]:
    """The maps that are compared where none are named; a black box has one."""
    return ("hirescam", "grad-cam", "lift-cam", "eigencam") if isinstance(model, TorchModel) else (RISE,)


class Mapper:
    """Maps ``(h, w)`` of one picture and emotion by several methods; black boxes have one method, ``rise``.

    Raises
    ------
    UsageError
        A method that is not known, or that needs a model's layers where the model has none.
    """

    def __init__(self, model: Any, methods: Sequence[str], seed: int = 0) -> None:
        allowed = METHODS if isinstance(model, TorchModel) else (RISE,)
        for method in methods:
            if method not in allowed:
                raise unknown("map", method, list(allowed))
        self.model, self.methods, self.seed = model, tuple(methods), seed
        self._engine = CamEngine(model, model.layer, rng=seed) if isinstance(model, TorchModel) else None

    def __call__(self, picture: np.ndarray, label: str = "") -> Mapped:
        """One prepared picture; the map is of ``label``, or where the model does not know it of its answer."""
        return self.many([picture], [label])[0]

    def many(self, pictures: Sequence[np.ndarray], asked_labels: Sequence[str]) -> list[Mapped]:
        """Several prepared pictures of one size, each with its label or an empty string."""
        labels = self.model.labels
        if not all(isinstance(picture, np.ndarray) for picture in pictures):
            raise ModelError(
                f"{self.model.name}: it is given several inputs a picture, and a map lies on one; give a network of one"
            )

        def chosen(i: int, scores: np.ndarray) -> str:
            return asked_labels[i] if asked_labels[i] in labels else labels[int(scores.argmax())]

        if self._engine is not None:
            maps, logits = self._engine.of_answers(pictures, self.methods, chosen)
            probabilities = scores_of(self.model).probabilities(logits)
        else:
            probabilities = answers(self.model, pictures)
            by_class = [rise(partial(answers, self.model), picture, np.random.default_rng(self.seed)) for picture in pictures]
            maps = [{RISE: class_maps[labels.index(chosen(i, probabilities[i]))]} for i, class_maps in enumerate(by_class)]
        return [(picture_maps, chosen(i, probabilities[i]), probabilities[i]) for i, picture_maps in enumerate(maps)]


def rows_of(view: View, emotion: str, maps: dict[str, np.ndarray], seen: Seen | None = None) -> list[dict[str, Any]]:
    """Rows of objects and of groups of objects under every map; ``seen`` is the part of the picture that the maps are of.

    What lies outside of that part has no row.

    Returns
    -------
    list of dict
        As ``image_rows`` gives them, with method and kind (object or group).
    """
    out: list[dict[str, Any]] = []
    masks = view.masks
    if seen is not None:
        masks = {name: seen.of_mask(mask, view.picture.shape) for name, mask in masks.items()}
        masks = {name: mask for name, mask in masks.items() if mask.any()}
    groups = group_masks(masks)
    for method, relevance in maps.items():
        objects = image_rows(view.key, emotion, relevance, masks, view.scores)
        out += [row | {"method": method, "kind": "object"} for row in objects]
        out += [row | {"method": method, "kind": "group"} for row in image_rows(view.key, emotion, relevance, groups)]
    return out
