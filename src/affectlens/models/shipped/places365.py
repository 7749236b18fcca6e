"""Places365's residual networks from the official checkpoints, when a user has them: 365 kinds of place and indoors or not.

The architecture is He et al.'s ResNet-18 or -50 with the names that the published state dicts use (Zhou et al. 2017).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.barrier import reading
from affectlens.core.errors import ModelError
from affectlens.core.untrusted.documents import read_text
from affectlens.models.checkpoints import read_checkpoint

_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def _norm_conv(inputs: int, outputs: int, size: int, stride: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs)


class Block(nn.Module):
    """Two 3 × 3 convolutions (``expansion`` 1), or 1 × 1, 3 × 3, 1 × 1 (``expansion`` 4), with a shortcut."""

    def __init__(self, inputs: int, width: int, stride: int, expansion: int) -> None:
        super().__init__()
        outputs = width * expansion
        self.conv1, self.bn1 = _norm_conv(inputs, width, 3 if expansion == 1 else 1, stride if expansion == 1 else 1)
        self.conv2, self.bn2 = _norm_conv(width, width, 3, 1 if expansion == 1 else stride)
        if expansion > 1:
            self.conv3, self.bn3 = _norm_conv(width, outputs, 1)
        self.deeper = expansion > 1
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(*_norm_conv(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        y = torch.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.deeper:
            y = self.bn3(self.conv3(torch.relu(y)))
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """Pictures ``(n, 3, 224, 224)`` to logits ``(n, classes)``; ``depth`` 18 or 50."""

    def __init__(self, depth: int = 18, classes: int = 365) -> None:
        super().__init__()
        counts, expansion = {18: ((2, 2, 2, 2), 1), 50: ((3, 4, 6, 3), 4)}[depth]
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for i, count in enumerate(counts):
            width = 64 * 2**i
            blocks = []
            for number in range(count):
                blocks.append(Block(inputs, width, 2 if i and not number else 1, expansion))
                inputs = width * expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for i in range(1, 5):
            x = getattr(self, f"layer{i}")(x)
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


class Places365:
    """The official checkpoint in a folder.

    ``*places365*.pth.tar`` with ``categories_places365.txt`` and ``IO_places365.txt`` beside it.

    Raises
    ------
    ModelError
        A file that is missing, or a checkpoint that is not of ResNet-18 or -50.
    """

    def __init__(self, folder: Path) -> None:
        weights = sorted(folder.glob("*places365*.pth*"))
        lists = [folder / "categories_places365.txt", folder / "IO_places365.txt"]
        if not weights or not all(path.exists() for path in lists):
            raise ModelError(
                f"{folder}: resnet18_places365.pth.tar (or resnet50), {lists[0].name} and {lists[1].name} were expected; "
                "they are at https://github.com/CSAILVision/places365"
            )
        rows = [line.split() for line in read_text(lists[0], ModelError).splitlines() if line.strip()]
        inside = [line.split() for line in read_text(lists[1], ModelError).splitlines() if line.strip()]
        self.labels: tuple[str, ...] = tuple(name.split("/", 2)[2] for name, _ in rows)
        self.indoor = np.array([side == "1" for _, side in inside])
        state = _state(weights[0])
        depth = 50 if "layer1.0.conv3.weight" in state else 18
        self.net = ResNet(depth, len(self.labels))
        try:
            self.net.load_state_dict(state)
        except RuntimeError as error:
            raise ModelError(f"{weights[0]}: not a ResNet-{depth} of {len(self.labels)} places ({str(error)[:200]})") from error
        self.net.eval()

    def __call__(self, image: np.ndarray) -> tuple[dict[str, float], float]:
        """Probabilities of the kinds of place of an RGB picture, largest first, and the probability of being indoors."""
        with torch.inference_mode():
            probabilities = self.net(torch.from_numpy(prepare(image)[None])).softmax(1)[0].double().numpy()
        order = np.argsort(-probabilities, kind="stable")
        return {self.labels[i]: float(probabilities[i]) for i in order}, float(probabilities[self.indoor].sum())


def prepare(image: np.ndarray) -> np.ndarray:
    """The middle of an RGB picture whose shorter side is 256, standardised as published, ``(3, 224, 224)`` float32."""
    height, width = image.shape[:2]
    factor = 256 / min(height, width)
    small = cv2.resize(image, (max(256, round(width * factor)), max(256, round(height * factor))), interpolation=cv2.INTER_AREA)
    top, left = (small.shape[0] - 224) // 2, (small.shape[1] - 224) // 2
    pixels = small[top : top + 224, left : left + 224].astype(np.float32) / 255
    return np.ascontiguousarray(((pixels - _MEAN) / _DEVIATION).transpose(2, 0, 1))


def _state(path: Path) -> dict[str, Any]:
    with reading(path, "a checkpoint", ModelError):
        stored = read_checkpoint(path)
        state = stored.get("state_dict", stored) if isinstance(stored, dict) else {}
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    if "layer1.0.conv1.weight" not in state:
        raise ModelError(f"{path}: no residual network in it; ResNet-18 or -50 of Places365 was expected")
    return state
