"""The shipped early fusion network: deep features of whichever modules are present to four classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from affectlens.models.base import register_model
from affectlens.models.nets.fusion import FusionConfig, FusionNet
from affectlens.models.weights import read_weights, weights_path

if TYPE_CHECKING:
    from affectlens.fusion.pool import Opinion


class EarlyFusionModel:
    """Deep features and own answers by module to probabilities over ``labels``, for any subset of its modules."""

    name = "fusion"
    modality = "fused"

    def __init__(self, path: Path | None = None) -> None:
        tensors, self.meta, self.calibration = read_weights(path or weights_path("fusion"))
        config = dict(self.meta["config"])
        config["modules"] = tuple((str(n), int(s)) for n, s in config["modules"])
        self.net = FusionNet(FusionConfig(**config))
        self.net.load_state_dict({k: v.float() for k, v in tensors.items()})
        self.net.eval()
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])
        self.modules: tuple[str, ...] = self.net.config.names

    def predict(self, deep: dict[str, np.ndarray], answers: dict[str, np.ndarray], present: np.ndarray) -> np.ndarray:
        """Logits ``(n, classes)`` of deep features ``(n, size)`` and log probabilities ``(n, classes)`` by module; ``present``
        ``(n, modules)`` is 0 for an absent module, else how far its signal can be trusted, up to 1."""

        def tensors(given: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
            return {k: torch.from_numpy(np.asarray(v, np.float32)) for k, v in given.items()}

        with torch.inference_mode():
            mask = torch.from_numpy(np.asarray(present, np.float32))
            return np.asarray(self.net(tensors(deep), tensors(answers), mask).numpy())

    def predict_one(self, opinions: Sequence[Opinion], labels: tuple[str, ...]) -> np.ndarray:
        """Calibrated probabilities ``(classes,)`` of one segment from opinions over ``labels`` that have deep features."""
        four = [labels.index(c) for c in self.labels]
        deep, answers, present = {}, {}, np.zeros((1, len(self.modules)))
        for o in opinions:
            assert o.deep is not None
            p = np.clip(o.probabilities[four], 1e-9, 1)
            deep[o.modality] = o.deep[None]
            answers[o.modality] = np.log(np.clip(p / p.sum(), 1e-4, 1))[None]
            # A signal of no quality at all still says that somebody is there.
            present[0, self.modules.index(o.modality)] = max(o.quality, 1e-3)
        return np.asarray(self.calibration.probabilities(self.predict(deep, answers, present))[0])


@register_model("fusion")
def load(path: Path | None = None) -> EarlyFusionModel:
    """The shipped fusion network."""
    return EarlyFusionModel(path)
