"""The head on Whisper's states: features in deviations, of limited size, to class logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from affectlens.models.nets.config import NetConfig


@dataclass(frozen=True)
class VoiceNetConfig(NetConfig):
    """Shape of the head.

    ``limit`` is the largest deviation from the mean that counts.
    """

    features: int = 5120
    classes: int = 4
    limit: float = 5.0


class VoiceNet(nn.Module):
    """Pooled states ``(n, features)`` to logits ``(n, classes)``: one linear layer, so that every part of a turn adds up."""

    running_mean: Tensor
    running_deviation: Tensor

    def __init__(self, config: VoiceNetConfig | None = None) -> None:
        super().__init__()
        self.config = chosen = config or VoiceNetConfig()
        self.register_buffer("running_mean", torch.zeros(chosen.features))
        self.register_buffer("running_deviation", torch.ones(chosen.features))
        self.head = nn.Linear(chosen.features, chosen.classes)

    def deep(self, x: Tensor) -> Tensor:
        """Features in deviations from the training corpora's mean, at most ``limit``."""
        scaled = (x - self.running_mean) / self.running_deviation
        return scaled.clamp(-self.config.limit, self.config.limit)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of turns that nothing else is known of."""
        logits: Tensor = self.head(self.deep(x))
        return logits
