"""Networks that join the deep features of whichever modules are present: early fusion and a gated peer.

Early fusion after EMERSK (Palash & Bhargava 2023), whose widths are not known to us; gates after Arevalo et al. 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from affectlens.core.errors import ModelError, unknown
from affectlens.models.nets.config import NetConfig

KINDS = ("early", "gated")


@dataclass(frozen=True)
class FusionConfig(NetConfig):
    """Shape of the network: ``modules`` are names with the width of their deep features, in a fixed order."""

    modules: tuple[tuple[str, int], ...]
    classes: int = 4
    width: int = 32
    dropout: float = 0.2
    kind: str = "early"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown("kind of fusion", self.kind, list(KINDS))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the modules."""
        return tuple(name for name, _ in self.modules)


@dataclass(frozen=True)
class Part:
    """What one module brings for ``n`` cases: ``joined`` ``(n, width)``, ``answer`` ``(n, classes)``, ``gate`` ``(n, 1)``."""

    joined: Tensor
    answer: Tensor
    gate: Tensor


class FusionNet(nn.Module):
    """Deep features of several modules and a mask of who is present to logits.

    ``early``: logits are the sum of what every present module says by itself (its own calibrated log probabilities, scaled,
    and a correction from its deep features) and of a network over the sum of their projections, which for features that are
    all present equals a layer over their concatenation. It begins as the product of the modules' answers and learns where
    that is wrong. ``gated``: a network over the projections' mean under a softmax of gates. An absent module enters no sum:
    nothing is filled in for it.
    """

    def __init__(self, config: FusionConfig) -> None:
        super().__init__()
        self.config = chosen = config
        self.scales = nn.ParameterDict()
        for name, size in chosen.modules:
            self.scales[f"{name}_mean"] = nn.Parameter(torch.zeros(size), requires_grad=False)
            self.scales[f"{name}_deviation"] = nn.Parameter(torch.ones(size), requires_grad=False)
        self.project = nn.ModuleDict(
            {
                name: nn.Sequential(nn.Dropout(chosen.dropout), nn.Linear(size, chosen.width), nn.GELU())
                for name, size in chosen.modules
            }
        )
        self.say = nn.ModuleDict({name: nn.Linear(chosen.width, chosen.classes) for name, _ in chosen.modules})
        self.trust = nn.ParameterDict({name: nn.Parameter(torch.ones(())) for name, _ in chosen.modules})
        self.gate = nn.ModuleDict({name: nn.Linear(chosen.width, 1) for name, _ in chosen.modules})
        self.present = nn.Linear(len(chosen.modules), chosen.width, bias=False)
        self.head = nn.Sequential(
            nn.LayerNorm(chosen.width),
            nn.Dropout(chosen.dropout),
            nn.Linear(chosen.width, chosen.width),
            nn.GELU(),
            nn.Linear(chosen.width, chosen.classes),
        )
        if chosen.kind == "early":
            last = self.head[-1]
            assert isinstance(last, nn.Linear)
            for layer in (last, *(module for module in self.say.values() if isinstance(module, nn.Linear))):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)

    def fit_scale(self, name: str, deep: Tensor) -> None:
        """Take mean and deviation of a module's features ``(n, size)`` from training data."""
        self.scales[f"{name}_mean"].data = deep.mean(0)
        self.scales[f"{name}_deviation"].data = deep.std(0) + 1e-3

    def part(self, name: str, z: Tensor, answer: Tensor) -> Part:
        """What the module ``name`` brings.

        Parameters
        ----------
        name : str
            One of the network's modules.
        z : torch.Tensor
            Features ``(n, size)``; clipped at four deviations.
        answer : torch.Tensor
            Its own calibrated log probabilities ``(n, classes)``, which the gated kind does not use.

        Returns
        -------
        Part
            For ``join``.
        """
        x = ((z - self.scales[f"{name}_mean"]) / self.scales[f"{name}_deviation"]).clamp(-4, 4)
        joined = self.project[name](x)
        return Part(joined, self.trust[name] * answer + self.say[name](joined), self.gate[name](torch.tanh(joined)))

    def join(self, parts: dict[str, Part], present: Tensor) -> Tensor:
        """Logits ``(n, classes)`` of parts and the mask ``(n, modules)``; a module without a part must be absent.

        The mask may hold weights between 0 and 1: a module counts by so much.

        Returns
        -------
        torch.Tensor
            ``(n, classes)``.

        Raises
        ------
        ModelError
            A case without any module.
        """
        if not bool(present.any(1).all()):
            raise ModelError("a case without any module cannot be fused")
        weights = present.to(torch.float32)
        early = self.config.kind == "early"
        joined: Tensor = self.present(weights) if early else torch.zeros(len(present), self.config.width)
        answers = torch.zeros(len(present), self.config.classes)
        gates = torch.full(present.shape, float("-inf"))
        for place, name in enumerate(self.config.names):
            if name in parts:
                gates[:, place] = parts[name].gate[:, 0] + weights[:, place].log()
        weight = gates.softmax(1)
        for place, name in enumerate(self.config.names):
            if name not in parts:
                continue
            on = weights[:, place : place + 1]
            joined = joined + (on if early else weight[:, place : place + 1]) * parts[name].joined
            answers = answers + on * parts[name].answer
        logits: Tensor = self.head(joined)
        return logits + answers if early else logits

    def forward(self, deep: dict[str, Tensor], answers: dict[str, Tensor], present: Tensor) -> Tensor:
        """Logits ``(n, classes)`` of deep features and log probabilities by module and the mask ``(n, modules)``."""
        return self.join({name: self.part(name, features, answers[name]) for name, features in deep.items()}, present)
