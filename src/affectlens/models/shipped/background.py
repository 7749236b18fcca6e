"""The background network: features of a frame without its people to classes. Weights come from training; none are shipped,
since no corpus of labelled scenes is openly to be had."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.models.weights import read_weights
from affectlens.perception.scene.objects import FEATURES


@dataclass(frozen=True)
class BackgroundNetConfig:
    """Shape of the network over the detector's backbone."""

    classes: int = 7
    deep: int = 64
    dropout: float = 0.3

    def to_dict(self) -> dict[str, object]:
        """Plain types, for a weights file."""
        return asdict(self)


class BackgroundNet(nn.Module):
    """Features ``(n, 320)`` of the backbone to logits ``(n, classes)``."""

    def __init__(self, config: BackgroundNetConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or BackgroundNetConfig()
        self.body = nn.Sequential(nn.BatchNorm1d(FEATURES), nn.Dropout(c.dropout), nn.Linear(FEATURES, c.deep), nn.GELU())
        self.head = nn.Sequential(nn.Dropout(c.dropout), nn.Linear(c.deep, c.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, classes)``."""
        logits: Tensor = self.head(self.body(x))
        return logits


class BackgroundModel:
    """Features as ``ObjectDetector.features`` gives them to logits."""

    name = "background"
    modality = "background"

    def __init__(self, path: Path) -> None:
        tensors, self.meta, self.calibration = read_weights(path)
        self.path = path
        self.net = BackgroundNet(BackgroundNetConfig(**self.meta["config"]))
        self.net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})
        self.net.eval()
        self.labels: tuple[str, ...] = tuple(self.meta["labels"])

    def predict(self, batch: np.ndarray) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        with torch.inference_mode():
            return np.asarray(self.net(torch.from_numpy(np.asarray(batch, np.float32))).numpy())

    def deep(self, batch: np.ndarray) -> np.ndarray:
        """Deep features ``(n, 64)``."""
        with torch.inference_mode():
            return np.asarray(self.net.body(torch.from_numpy(np.asarray(batch, np.float32))).numpy())
