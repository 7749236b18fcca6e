"""EmoNet of Kragel et al. 2019: AlexNet with local response norms and grouped convolutions, 20 categories of what pictures
evoke.

The published weights are the authors' and are not shipped; a user who has them names the file. The layout of the state dict is
that of the published PyTorch conversion (layers ``conv_0`` to ``conv_6`` and ``classifier``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from affectlens.errors import ModelError
from affectlens.models.adapters import TorchModel

LABELS = (
    "adoration", "aesthetic appreciation", "amusement", "anxiety", "awe", "boredom", "confusion", "craving", "disgust",
    "empathic pain", "entrancement", "excitement", "fear", "horror", "interest", "joy", "romance", "sadness", "sexual desire",
    "surprise",
)  # fmt: skip
SIDE = 227
CAM_LAYER = "conv_4.0"  # the last convolution with a spatial grid (13 x 13) before pooling
# The mean of ImageNet's channels stands in for the mean image where the file does not hold one.
_MEAN = np.array([122.679, 116.669, 104.006], np.float32)


def _norm() -> nn.LocalResponseNorm:
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)


class EmoNet(nn.Module):
    """Pictures ``(n, 3, 227, 227)``, RGB from 0 to 255 less the mean image, to logits ``(n, 20)``."""

    def __init__(self, classes: int = len(LABELS)) -> None:
        super().__init__()
        self.conv_0 = nn.Sequential(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), _norm(), nn.MaxPool2d(3, 2))
        self.conv_1 = nn.Sequential(nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), _norm(), nn.MaxPool2d(3, 2))
        self.conv_2 = nn.Sequential(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU())
        self.conv_3 = nn.Sequential(nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU())
        self.conv_4 = nn.Sequential(nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2))
        self.conv_5 = nn.Sequential(nn.Conv2d(256, 4096, 6), nn.ReLU())
        self.conv_6 = nn.Sequential(nn.Conv2d(4096, 4096, 1), nn.ReLU())
        self.classifier = nn.Sequential(nn.Conv2d(4096, classes, 1))

    def forward(self, x: Tensor) -> Tensor:
        for i in range(7):
            x = getattr(self, f"conv_{i}")(x)
        return self.classifier(x).flatten(1)


class EmoNetModel(TorchModel):
    """The network with its labels; ``prepare`` makes pictures what it wants. ``affect`` gives valence and arousal by fixed
    linear maps of the 20 probabilities where the file ``EmoNet_va.npz`` (``valence`` and ``arousal``, 20 weights and a bias
    each) lies beside the weights."""

    name = "emonet"

    def __init__(self, weights: Path) -> None:
        net = EmoNet()
        state, mean = _state(weights)
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise ModelError(f"{weights}: not in the layout of the published EmoNet ({str(error)[:300]})") from error
        super().__init__(net.eval(), LABELS, "scene")
        self.cam_layer = CAM_LAYER
        self.mean = mean
        beside = weights.with_name("EmoNet_va.npz")
        held = np.load(beside) if beside.exists() else None
        self._affect = np.stack([held["valence"], held["arousal"]]) if held is not None else None
        if self._affect is not None and self._affect.shape != (2, len(LABELS) + 1):
            raise ModelError(f"{beside}: shapes {self._affect.shape}; 20 weights and a bias each were expected")

    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """An RGB picture ``(h, w, 3)`` uint8 at 227 x 227 (bicubic), less the mean, ``(3, 227, 227)`` float32."""
        small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        return np.ascontiguousarray((small - self.mean).transpose(2, 0, 1))

    def affect(self, probabilities: np.ndarray) -> np.ndarray:
        """Valence and arousal ``(n, 2)`` of probabilities ``(n, 20)``."""
        if self._affect is None:
            raise ModelError("EmoNet_va.npz does not lie beside the weights: valence and arousal cannot be told")
        return np.asarray(probabilities) @ self._affect[:, :-1].T + self._affect[:, -1]


def _state(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """Tensors of the network and the mean image (or channel means) of a file."""
    if not path.exists():
        raise ModelError(
            f"{path}: no such file; the authors offer the weights on OSF, github.com/ecco-laboratory/emonet-pytorch"
        )
    try:
        held = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ModelError(f"{path}: not readable as a state dict ({error})") from error
    mean = held.pop("mean_image", None)
    state = {k: v for k, v in held.items() if k.startswith(("conv_", "classifier"))}
    return state, _MEAN if mean is None else np.asarray(mean, np.float32)
