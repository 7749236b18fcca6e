"""Small autoencoders of acoustic features (Das et al. 2021, arXiv 2105.02055; 2022, arXiv 2203.14865); widths are ours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from affectlens.models.nets.config import NetConfig
from affectlens.models.nets.names import KINDS


@dataclass(frozen=True)
class SpeechNetConfig(NetConfig):
    """Shape of the network.

    ``kind`` is one of ``KINDS``: undercomplete (a narrow latent alone), denoising (rebuilds what noise and dropped features
    took away, Vincent et al. 2008), variational (Kingma & Welling 2014), semi-supervised (denoising, with a classifier on
    the latent trained along).
    """

    kind: str = "semi-supervised"
    features: int = 88
    hidden: int = 64
    latent: int = 24
    classes: int = 4
    dropout: float = 0.3


class SpeechNet(nn.Module):
    """Normalised features ``(n, features)`` to a latent ``(n, latent)``, back to the features, and to class logits."""

    def __init__(self, config: SpeechNetConfig | None = None) -> None:
        super().__init__()
        self.config = chosen = config or SpeechNetConfig()
        if chosen.kind not in KINDS:
            raise ValueError(f"kind {chosen.kind!r} is not one of {', '.join(KINDS)}")
        self.encoder = nn.Sequential(nn.Linear(chosen.features, chosen.hidden), nn.GELU(), nn.Dropout(chosen.dropout))
        self.latent = nn.Linear(chosen.hidden, chosen.latent)
        self.spread = nn.Linear(chosen.hidden, chosen.latent) if chosen.kind == "variational" else None
        self.decoder = nn.Sequential(
            nn.Linear(chosen.latent, chosen.hidden), nn.GELU(), nn.Linear(chosen.hidden, chosen.features)
        )
        self.head = nn.Sequential(nn.Dropout(chosen.dropout), nn.Linear(chosen.latent, chosen.classes))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The latent (its mean in a variational net) and, there, its log variance."""
        h = self.encoder(x)
        return self.latent(h), self.spread(h) if self.spread is not None else None

    def decode(self, z: Tensor) -> Tensor:
        """Features rebuilt from latents ``(n, latent)``."""
        rebuilt: Tensor = self.decoder(z)
        return rebuilt

    def forward(self, x: Tensor) -> Tensor:
        """Class logits ``(n, classes)``."""
        logits: Tensor = self.head(self.encode(x)[0])
        return logits


def reparametrised(mean: Tensor, log_variance: Tensor | None, generator: torch.Generator) -> Tensor:
    """A draw from the latent's distribution; the mean where there is none."""
    if log_variance is None:
        return mean
    return mean + torch.exp(log_variance / 2) * torch.randn(mean.shape, generator=generator)
