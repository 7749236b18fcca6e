"""Gait after EMERSK (Palash & Bhargava 2023): convolutions and an LSTM over a skeleton sequence, beside the measured features.

The paper's widths are not known to us; ours are here. What is missing is told to the network by masks, never by zeros alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from affectlens.models.nets.config import NetConfig
from affectlens.perception.body.gait import FEATURES
from affectlens.perception.body.joints import JOINTS


@dataclass(frozen=True)
class GaitNetConfig(NetConfig):
    """Shape of the network; ``parts`` says what it reads."""

    classes: int = 4
    width: int = 48
    deep: int = 64
    dropout: float = 0.4
    parts: tuple[str, ...] = ("sequence", "features")


class GaitNet(nn.Module):
    """Joints and features of windows of a gait to logits ``(n, classes)``.

    Joints ``(n, t, 18, 3)`` are in body coordinates, features ``(n, 36)`` standardised; NaN is missing. ``deep`` gives the
    vector before the classifier.
    """

    def __init__(self, config: GaitNetConfig | None = None) -> None:
        super().__init__()
        self.config = chosen = config or GaitNetConfig()
        inputs = len(JOINTS) * 7  # place, velocity, known
        self.frames = nn.Sequential(
            nn.Conv1d(inputs, chosen.width, 5, padding=2),
            nn.GELU(),
            nn.Dropout(chosen.dropout),
            nn.Conv1d(chosen.width, chosen.width, 5, stride=2, padding=2),
            nn.GELU(),
        )
        self.lstm = nn.LSTM(chosen.width, chosen.width, batch_first=True)
        self.measured = nn.Sequential(nn.Linear(2 * len(FEATURES), chosen.width), nn.GELU(), nn.Dropout(chosen.dropout))
        self.join = nn.Sequential(nn.Linear(2 * chosen.width, chosen.deep), nn.GELU(), nn.Dropout(chosen.dropout))
        self.head = nn.Linear(chosen.deep, chosen.classes)

    def deep(self, joints: Tensor, features: Tensor) -> Tensor:
        """Deep features ``(n, deep)``."""
        batch = len(features)
        sequence = measured = torch.zeros(batch, self.config.width, device=features.device, dtype=features.dtype)
        if "sequence" in self.config.parts:
            sequence = self._sequence(joints)
        if "features" in self.config.parts:
            known = torch.isfinite(features)
            measured = self.measured(torch.cat([torch.nan_to_num(features), known.to(features.dtype)], dim=1))
        out: Tensor = self.join(torch.cat([sequence, measured], dim=1))
        return out

    def _sequence(self, joints: Tensor) -> Tensor:
        known = torch.isfinite(joints).all(-1, keepdim=True)
        pelvis = joints[:, :, :1]
        # Against the pelvis, and the pelvis against its own start: place in the room says nothing.
        place = torch.cat([pelvis - pelvis[:, :1], joints[:, :, 1:] - pelvis], dim=2)
        velocity = torch.cat([torch.zeros_like(place[:, :1]), place[:, 1:] - place[:, :-1]], dim=1) * 10
        x = torch.cat([torch.nan_to_num(place), torch.nan_to_num(velocity), known.to(joints.dtype)], dim=-1)
        states: Tensor = self.lstm(self.frames(x.flatten(2).transpose(1, 2)).transpose(1, 2))[0]
        return states.mean(1)

    def forward(self, joints: Tensor, features: Tensor) -> Tensor:
        """Logits ``(n, classes)``."""
        logits: Tensor = self.head(self.deep(joints, features))
        return logits
