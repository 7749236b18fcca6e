"""The shipped posture model: one skeleton to four classes, and the joints that are not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from affectlens.models.base import register_model
from affectlens.models.nets.posture import PostureNet, PostureNetConfig
from affectlens.models.weights import read_weights, weights_path


class PostureModel:
    """Skeletons ``(n, 18, 3)`` as ``perception.skeleton.posture.upright`` gives them to logits ``(n, 4)``."""

    name = "posture"
    modality = "posture"

    def __init__(self, path: Path | None = None) -> None:
        tensors, self.meta, self.calibration = read_weights(path or weights_path("posture"))
        self.net = PostureNet(PostureNetConfig(**self.meta["config"]))
        self.net.load_state_dict({k: v.float() for k, v in tensors.items()})
        self.net.eval()
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """Logits ``(n, 4)`` float32; missing joints are NaN."""
        with torch.inference_mode():
            return np.asarray(self.net(torch.from_numpy(np.asarray(batch, np.float32))).numpy())

    def deep(self, batch: np.ndarray) -> np.ndarray:
        """Deep features ``(n, 64)`` for early fusion."""
        with torch.inference_mode():
            return np.asarray(self.net.deep(torch.from_numpy(np.asarray(batch, np.float32))).numpy())

    def rebuild(self, batch: np.ndarray) -> np.ndarray:
        """All joints ``(n, 18, 3)``, also those that are missing: a guess, not a measurement."""
        with torch.inference_mode():
            return np.asarray(self.net.rebuild(torch.from_numpy(np.asarray(batch, np.float32))).numpy())


@register_model("posture")
def load(path: Path | None = None) -> PostureModel:
    """The shipped posture model."""
    return PostureModel(path)
