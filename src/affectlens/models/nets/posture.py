"""Posture after EMERSK (Palash & Bhargava 2023): a network over the graph of one skeleton, and a denoising autoencoder of it.

The paper's widths are not known to us; ours are here.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from affectlens.models.nets.config import NetConfig
from affectlens.perception.body.joints import BONES, JOINTS


@dataclass(frozen=True)
class PostureNetConfig(NetConfig):
    """Shape of the network."""

    classes: int = 4
    width: int = 48
    deep: int = 64
    layers: int = 3
    dropout: float = 0.3


def adjacency() -> Tensor:
    """The skeleton's bones and every joint with itself, each row a mean ``(18, 18)`` (Kipf & Welling 2017)."""
    adjacency = torch.eye(len(JOINTS))
    for first, second in BONES:
        row, column = JOINTS.index(first), JOINTS.index(second)
        adjacency[row, column] = adjacency[column, row] = 1
    return adjacency / adjacency.sum(1, keepdim=True)


class GraphLayer(nn.Module):
    """Each joint from itself and from the mean of its neighbours."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.own, self.near = nn.Linear(inputs, outputs), nn.Linear(inputs, outputs)
        self.norm, self.drop = nn.LayerNorm(outputs), nn.Dropout(dropout)
        self.register_buffer("mean", adjacency(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Joints ``(n, 18, inputs)`` to ``(n, 18, outputs)``."""
        mean: Tensor = self.mean  # type: ignore[assignment]
        y: Tensor = self.drop(nn.functional.gelu(self.norm(self.own(x) + self.near(mean @ x))))
        return x + y if x.shape[-1] == y.shape[-1] else y


class PostureNet(nn.Module):
    """Joints ``(n, 18, 3)`` (NaN: missing) to logits ``(n, classes)``; ``rebuild`` gives all joints back, also missing ones."""

    def __init__(self, config: PostureNetConfig | None = None) -> None:
        super().__init__()
        self.config = chosen = config or PostureNetConfig()
        self.place = nn.Parameter(torch.zeros(len(JOINTS), 8))  # which joint it is
        nn.init.normal_(self.place, std=0.2)
        widths = [4 + 8] + [chosen.width] * chosen.layers
        self.graph = nn.Sequential(
            *(GraphLayer(inputs, outputs, chosen.dropout) for inputs, outputs in itertools.pairwise(widths))
        )
        self.pool = nn.Sequential(nn.Linear(len(JOINTS) * chosen.width, chosen.deep), nn.GELU(), nn.Dropout(chosen.dropout))
        self.head = nn.Linear(chosen.deep, chosen.classes)
        self.back = nn.Sequential(
            nn.Linear(chosen.deep, 2 * chosen.deep), nn.GELU(), nn.Linear(2 * chosen.deep, len(JOINTS) * 3)
        )

    def deep(self, joints: Tensor) -> Tensor:
        """Deep features ``(n, deep)``."""
        known = torch.isfinite(joints).all(-1, keepdim=True)
        x = torch.where(known, joints, torch.zeros_like(joints))
        which = self.place.expand(len(joints), -1, -1)
        out: Tensor = self.pool(self.graph(torch.cat([x, known.to(x.dtype), which], dim=-1)).flatten(1))
        return out

    def rebuild(self, joints: Tensor) -> Tensor:
        """All joints ``(n, 18, 3)`` from those that are seen."""
        out: Tensor = self.back(self.deep(joints)).view(-1, len(JOINTS), 3)
        return out

    def forward(self, joints: Tensor) -> Tensor:
        """Logits ``(n, classes)``."""
        logits: Tensor = self.head(self.deep(joints))
        return logits
