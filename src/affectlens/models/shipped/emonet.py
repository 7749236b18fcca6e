"""EmoNet of Kragel et al. 2019: 20 categories of what pictures evoke.

AlexNet with local response norms and grouped convolutions. The published weights are the authors' and are not shipped; a
user who has them names the file. Both published PyTorch conversions are read: the layers ``conv_0`` … ``conv_6`` and
``classifier`` (github.com/ecco-laboratory/emonet-pytorch), and ``conv1`` … ``conv5``, ``fc1`` … ``fc3``
(github.com/EAVISE/emonet), whose first linear layer counts cells column by column.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch import Tensor, nn

from affectlens.core.barrier import reading
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError
from affectlens.core.untrusted.weight import file_within
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.base import register_model
from affectlens.models.checkpoints import read_checkpoint
from affectlens.models.readers import coloured, picture_of

LABELS = (
    "adoration", "aesthetic appreciation", "amusement", "anxiety", "awe", "boredom", "confusion", "craving", "disgust",
    "empathic pain", "entrancement", "excitement", "fear", "horror", "interest", "joy", "romance", "sadness", "sexual desire",
    "surprise",
)  # fmt: skip
SIDE = 227
CAM_LAYER = "conv5"  # the last convolution, a grid of 13 x 13 before pooling
# The mean of ImageNet's channels stands in where no mean image is given.
_MEAN = np.array([122.679, 116.669, 104.006], np.float32)
# Valence and arousal are linear in the probabilities: 20 weights and a constant each, as the authors publish them.
_VALENCE = (
    0.5990, 0.4576, 0.3248, -0.0634, 0.0035, 0.0560, 0.1163, -0.1370, -0.7719, -0.1210, -0.1862, 0.0214, -0.3015, -0.3680,
    0.2467, -0.2335, 0.1096, -0.3858, 0.1538, 0.5741, 3.2963,
)  # fmt: skip
_AROUSAL = (
    -0.0910, -0.0121, -0.3154, 0.0152, 0.3949, -0.2019, -0.1216, -0.1029, 0.0637, 0.0037, -0.1700, 0.0736, 0.2145, 0.1670,
    -0.2425, -0.0555, 0.1480, 0.1390, 0.1877, -0.0824, 6.5139,
)  # fmt: skip
_AFFECT = np.array([_VALENCE, _AROUSAL])
_TWINS = {f"conv_{i}.0": f"conv{i + 1}" for i in range(5)} | {"conv_5.0": "fc1", "conv_6.0": "fc2", "classifier.0": "fc3"}


class EmoNet(nn.Module):
    """Pictures ``(n, 3, 227, 227)``, RGB from 0 to 255 less the mean image, to logits ``(n, 20)``."""

    def __init__(self, classes: int = len(LABELS)) -> None:
        super().__init__()
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(3, 2)
        self.conv1 = nn.Conv2d(3, 96, 11, 4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc1, self.fc2, self.fc3 = nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        for convolution in (self.conv1, self.conv2):
            x = self.pool(self.norm(self.relu(convolution(x))))
        x = self.relu(self.conv4(self.relu(self.conv3(x))))
        x = self.pool(self.relu(self.conv5(x))).flatten(1)
        logits: Tensor = self.fc3(self.relu(self.fc2(self.relu(self.fc1(x)))))
        return logits


@register_model("emonet", needs="the authors offer them")
class EmoNetModel(TorchModel):
    """The network with its labels; ``affect`` gives valence and arousal.

    A file ``img_mean.txt`` beside the weights, as published, or ``mean_image`` in them gives the mean image.

    Raises
    ------
    ModelError
        No such file, or none of the published layouts.
    """

    def __init__(self, weights: Path) -> None:
        state, mean = _state(weights)
        net = EmoNet()
        try:
            net.load_state_dict(state)
        except RuntimeError as error:
            raise ModelError(f"{weights}: not in a layout of the published EmoNet ({str(error)[:300]})") from error
        meta = {"corpus": "EmoNet (Kragel et al. 2019)", "licence": "the authors' own", "sha256": sha256_of(weights)}
        super().__init__(net.eval(), LABELS, "scene", name="emonet", layer=CAM_LAYER, reader=picture_of, meta=meta)
        beside = weights.with_name("img_mean.txt")
        if mean is None:
            mean = _mean_image(beside) if beside.exists() else _MEAN
        self.mean = mean

    def prepare(self, datum: np.ndarray) -> np.ndarray:
        """A picture ``(h, w)`` or ``(h, w, 3)`` uint8 at 227 x 227 (bicubic), less the mean, ``(3, 227, 227)`` float32."""
        return prepared(datum, self.mean)

    @staticmethod
    def affect(probabilities: np.ndarray) -> np.ndarray:
        """Valence and arousal ``(n, 2)``, on the authors' scales of 1 to 9, of probabilities ``(n, 20)``."""
        return np.asarray(probabilities @ _AFFECT[:, :-1].T + _AFFECT[:, -1])


def prepared(picture: np.ndarray, mean: np.ndarray = _MEAN) -> np.ndarray:
    """An RGB or grey picture uint8 at 227 x 227 (bicubic), less ``mean`` ``(227, 227, 3)`` or ``(3,)``, channels first."""
    small = cv2.resize(coloured(picture), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return np.ascontiguousarray((small - mean).transpose(2, 0, 1))


def _mean_image(path: Path) -> np.ndarray:
    """The published text: 227 lines, each the red, then the green, then the blue values of a row."""
    try:
        file_within(path)
        values = np.loadtxt(path, delimiter=",", dtype=np.float32).reshape(SIDE, 3, SIDE)
    except ValueError as error:
        raise ModelError(f"{path}: {SIDE} lines of {3 * SIDE} numbers, separated by commas, were expected ({error})") from error
    return np.ascontiguousarray(values.transpose(0, 2, 1))


def _state(path: Path) -> tuple[dict[str, Any], np.ndarray | None]:
    """Tensors of the network in our layout, and the mean image of a file that holds one."""
    if not path.exists():
        raise ModelError(
            f"{path}: no such file; the authors offer the weights on OSF, github.com/ecco-laboratory/emonet-pytorch"
        )
    with reading(path, "a state dict", ModelError):
        return _renamed(read_checkpoint(path))


def _renamed(tensors: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray | None]:
    mean = tensors.pop("mean_image", None)
    state = {}
    for key, value in tensors.items():
        name, _, kind = key.rpartition(".")
        own = _TWINS.get(name, name)
        linear = own.startswith("fc") and kind == "weight"
        if linear and value.ndim == 4:
            value = value.flatten(1)
        elif linear and own == "fc1" and value.ndim == 2 and value.shape[1] == 9216:
            value = value.reshape(-1, 256, 6, 6).transpose(2, 3).flatten(1)  # written down column by column
        state[f"{own}.{kind}"] = value
    return state, None if mean is None else np.asarray(mean, np.float32)
