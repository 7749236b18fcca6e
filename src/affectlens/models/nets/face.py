"""The two-stream face network: a plain CNN beside a CNN with encoder-decoder attention.

The layout follows the facial-expression module of EMERSK (Palash & Bhargava 2023, arXiv 2306.08657): one plain
convolutional stream, one whose features are gated by a spatial mask from a small encoder-decoder, both joined before the
classifier. Widths and depths are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from affectlens.models.nets.config import NetConfig

COVERED = "cover"  # begins the names of tensors that tell covered faces from the network's grid
BANDS = 3  # parts of the grid from top to bottom


@dataclass(frozen=True)
class FaceNetConfig(NetConfig):
    """Widths of the network: the channels of the three stages of each stream, and of the extra plain blocks."""

    classes: int = 7
    plain: tuple[int, int, int] = (48, 96, 192)
    attention: tuple[int, int, int] = (24, 48, 96)
    extra_blocks: int = 1
    dropout: float = 0.2


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut, projected where the grid is halved or the width changes."""

    def __init__(self, inputs: int, outputs: int, stride: int = 2) -> None:
        super().__init__()
        self.first = _conv(inputs, outputs, stride)
        self.second = nn.Sequential(nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class EncoderDecoderAttention(nn.Module):
    """A spatial mask in (0, 1) from an encoder that sees the whole face and a decoder that returns to the grid.

    Input ``(n, c, h, w)``; output the mask ``(n, 1, h, w)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = max(channels // 2, 8)
        self.encode1 = _conv(channels, half, 2)
        self.encode2 = _conv(half, channels, 2)
        self.decode1 = _conv(channels, half)
        self.decode2 = _conv(half, half)
        self.head = nn.Conv2d(half, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        fine = self.encode1(x)
        coarse = self.encode2(fine)
        up = F.interpolate(self.decode1(coarse), size=fine.shape[-2:], mode="bilinear", align_corners=False)
        up = F.interpolate(self.decode2(up + fine), size=x.shape[-2:], mode="bilinear", align_corners=False)
        return torch.sigmoid(self.head(up))


class TwoStreamFaceNet(nn.Module):
    """Grey face crop ``(n, 1, 48, 48)`` with values in [0, 1] to class logits ``(n, classes)``.

    Each crop is standardised by its own mean and deviation first, so that lighting does not decide. ``join`` is an
    identity over the concatenated feature maps ``(n, c, 6, 6)``: the layer that class activation maps are taken from.
    """

    def __init__(self, config: FaceNetConfig | None = None) -> None:
        super().__init__()
        self.config = config or FaceNetConfig()
        plain, attention = self.config.plain, self.config.attention
        self.plain = nn.Sequential(_conv(4, plain[0]), _Residual(plain[0], plain[1]), _Residual(plain[1], plain[2]))
        for _ in range(self.config.extra_blocks):
            self.plain.append(_Residual(plain[2], plain[2], stride=1))
        self.attend = nn.Sequential(_conv(4, attention[0]), _Residual(attention[0], attention[1]))
        self.mask = EncoderDecoderAttention(attention[1])
        self.attended = _Residual(attention[1], attention[2])
        self.join = nn.Identity()
        self.dropout = nn.Dropout(self.config.dropout)
        self.classifier = nn.Linear(plain[2] + attention[2], self.config.classes)

    def forward(self, x: Tensor) -> Tensor:
        """The output for a batch."""
        return self.forward_with_mask(x)[0]

    def deep(self, x: Tensor) -> Tensor:
        """Deep features ``(n, c)``: what the classifier sees."""
        return self._joined(x)[0].mean(dim=(2, 3))

    def grid(self, x: Tensor) -> Tensor:
        """The joined feature maps ``(n, c, 6, 6)``."""
        return self._joined(x)[0]

    def bands(self, x: Tensor) -> Tensor:
        """The grid averaged over three bands from brows to chin, ``(n, 3 * c)``: where something is, not only that it is."""
        return banded(self.grid(x))

    def forward_with_mask(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``(n, classes)`` and the attention mask ``(n, 1, 12, 12)``, every value in (0, 1)."""
        joined, mask = self._joined(x)
        return self.classifier(self.dropout(joined.mean(dim=(2, 3)))), mask

    def _joined(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        deviation = x.std(dim=(1, 2, 3), keepdim=True, unbiased=False)
        # 2x2 pixels become four channels: the first convolution then works on a quarter of the positions.
        x = F.pixel_unshuffle((x - mean) / (deviation + 0.02), 2)
        gated = self.attend(x)
        mask = self.mask(gated)
        # 2 * mask is 1 where the mask is undecided, so an untrained mask changes nothing.
        return self.join(torch.cat([self.plain(x), self.attended(gated * (2 * mask))], dim=1)), mask


def banded(grid: Tensor) -> Tensor:
    """A grid ``(n, c, h, w)`` averaged over bands from top to bottom, ``(n, 3 * c)``."""
    return F.adaptive_avg_pool2d(grid, (BANDS, 1)).flatten(1)
