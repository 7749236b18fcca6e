"""The background network: features of a frame without its people to classes.

Weights come from training; none are shipped, since no corpus of labelled scenes is openly to be had.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.base import register_model
from affectlens.models.nets.config import NetConfig
from affectlens.models.readers import background_of
from affectlens.models.shipped.loaded import TrainedModel
from affectlens.perception.scene.objects import FEATURES


@dataclass(frozen=True)
class BackgroundNetConfig(NetConfig):
    """Shape of the network over the detector's backbone."""

    classes: int = 7
    deep: int = 64
    dropout: float = 0.3


class BackgroundNet(nn.Module):
    """Features ``(n, 320)`` of the backbone to logits ``(n, classes)``."""

    def __init__(self, config: BackgroundNetConfig | None = None) -> None:
        super().__init__()
        self.config = chosen = config or BackgroundNetConfig()
        self.body = nn.Sequential(
            nn.BatchNorm1d(FEATURES), nn.Dropout(chosen.dropout), nn.Linear(FEATURES, chosen.deep), nn.GELU()
        )
        self.head = nn.Sequential(nn.Dropout(chosen.dropout), nn.Linear(chosen.deep, chosen.classes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, classes)``."""
        logits: Tensor = self.head(self.body(x))
        return logits


class OnGrid(nn.Module):
    """The background network over the detector's feature map.

    Features ``(n, 320, 10, 10)`` and one more plane with 1 where the background is seen, to logits ``(n, classes)``.
    """

    def __init__(self, net: BackgroundNet) -> None:
        super().__init__()
        self.grid, self.net = nn.Identity(), net

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``(n, classes)``."""
        grid, seen = self.grid(x[:, :-1]), x[:, -1:]
        mean = (grid * seen).sum(dim=(2, 3)) / seen.sum(dim=(2, 3)).clamp_min(1)
        logits: Tensor = self.net(mean)
        return logits


def on_grid(grid: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The input of ``OnGrid``.

    Parameters
    ----------
    grid : numpy.ndarray
        Feature map ``(10, 10, 320)``.
    seen : numpy.ndarray
        Which of its cells ``(10, 10)`` are seen.

    Returns
    -------
    numpy.ndarray
        ``(321, 10, 10)`` float32.
    """
    return np.concatenate([grid.transpose(2, 0, 1), seen[None]]).astype(np.float32)


@register_model("background", needs="`affectlens train background` makes them")
class BackgroundModel(TrainedModel, TorchModel):
    """Pictures on the object detector's grid to logits; people are hidden before it looks.

    Inputs are ``(n, 321, 10, 10)``, or features ``(n, 320)`` as ``ObjectDetector.features`` gives them; maps lie on the grid.
    """

    kind = reads = "background"
    network, shape = BackgroundNet, BackgroundNetConfig

    def __init__(self, path: Path) -> None:
        TrainedModel.__init__(self, path)
        TorchModel.__init__(
            self,
            OnGrid(self.net).eval(),
            self.labels,
            self.reads,
            name=self.kind,
            layer="grid",
            meta=self.meta,
            calibration=self.calibration,
        )

    def prepare(self, datum: np.ndarray) -> np.ndarray:
        """A picture without its people on the grid ``(321, 10, 10)``; see ``read``."""
        return self.read(datum)

    def read(self, item: Any) -> np.ndarray:
        """A picture without its people on the grid ``(321, 10, 10)``.

        Returns
        -------
        numpy.ndarray
            Float32; the last plane is 1 where the background is seen.

        Raises
        ------
        ModelError
            It is no picture, or people fill it.
        """
        return on_grid(*background_of(item))

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32."""
        vectors = np.asarray(inputs, np.float32)
        return self.run(self.net.net, vectors) if vectors.ndim == 2 else TorchModel.predict(self, vectors)

    def deep(self, inputs: np.ndarray) -> np.ndarray:
        """Deep features ``(n, 64)`` of features ``(n, 320)``."""
        return self.run(self.net.net.body, inputs)
