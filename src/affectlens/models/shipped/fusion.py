"""The shipped early fusion network: deep features of whichever modules are present to four classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from affectlens.core.errors import ModelError
from affectlens.models.base import data_of, register_model
from affectlens.models.nets.fusion import FusionConfig, FusionNet
from affectlens.models.readers import described
from affectlens.models.shipped.loaded import TrainedModel

if TYPE_CHECKING:
    from affectlens.fusion.pool import Opinion


@dataclass(frozen=True)
class Segment:
    """What the modules say of one segment of a recording.

    Attributes
    ----------
    deep : dict of str to numpy.ndarray
        Deep features ``(width,)`` of the modules that are present.
    answers : dict of str to numpy.ndarray
        Their probabilities ``(classes,)`` over the network's classes.
    quality : dict of str to float
        How far their signals can be trusted, in [0, 1].
    """

    deep: dict[str, np.ndarray]
    answers: dict[str, np.ndarray]
    quality: dict[str, float]


@register_model("fusion")
class EarlyFusionModel(TrainedModel):
    """Segments to logits over ``labels``, for any subset of the network's modules."""

    kind, reads = "fusion", "fused"
    network, shape = FusionNet, FusionConfig

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that the network knows."""
        names: tuple[str, ...] = self.net.config.names
        return names

    def knows(self, module: str, model: object) -> bool:
        """Whether a module's deep features mean what they meant when this network learnt: they come from the same weights."""
        learnt_from: dict[str, str] = self.meta.get("modules", {})
        return module in self.modules and learnt_from.get(module) in (None, getattr(model, "network_sha256", ""))

    def read(self, item: Any) -> Segment:
        """A ``Segment`` as it is.

        Returns
        -------
        Segment
            The segment.

        Raises
        ------
        ModelError
            It is something else, or says nothing of the network's modules.
        """
        segment = data_of(item)
        if not isinstance(segment, Segment):
            raise ModelError(f"a Segment was expected, {described(segment)} was given")
        if not set(segment.deep) & set(self.modules):
            raise ModelError(f"none of {', '.join(self.modules)} is in the segment")
        return segment

    def predict(self, inputs: Sequence[Segment]) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        present = np.zeros((len(inputs), len(self.modules)), np.float32)
        deep, answers = {}, {}
        for column, (module, width) in enumerate(self.net.config.modules):
            rows = [row for row, segment in enumerate(inputs) if module in segment.deep]
            if not rows:
                continue
            deep[module] = np.zeros((len(inputs), width), np.float32)
            answers[module] = np.zeros((len(inputs), len(self.labels)), np.float32)
            for row in rows:
                probabilities = np.clip(inputs[row].answers[module], 1e-9, 1)
                deep[module][row] = inputs[row].deep[module]
                answers[module][row] = np.log(np.clip(probabilities / probabilities.sum(), 1e-4, 1))
                # A signal of no quality at all still says that somebody is there.
                present[row, column] = max(inputs[row].quality[module], 1e-3)
        with torch.inference_mode():
            tensors = ({name: torch.from_numpy(values) for name, values in given.items()} for given in (deep, answers))
            return np.asarray(self.net(*tensors, torch.from_numpy(present)).numpy())

    def predict_one(self, opinions: Sequence[Opinion], labels: tuple[str, ...]) -> np.ndarray:
        """Calibrated probabilities ``(classes,)`` of one segment from opinions over ``labels`` that have deep features."""
        known = [labels.index(label) for label in self.labels]
        segment = Segment(
            {opinion.modality: opinion.deep for opinion in opinions if opinion.deep is not None},
            {opinion.modality: opinion.probabilities[known] for opinion in opinions},
            {opinion.modality: opinion.quality for opinion in opinions},
        )
        return np.asarray(self.probabilities([segment])[0])
