"""The settings of an audit of a speech latent."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.audits.registry import declare_audit
from affectlens.core.settings import Settings, setting
from affectlens.models.nets.names import KINDS


@dataclass(frozen=True)
class LatentSettings(Settings):
    """Settings of ``affectlens audit latent``."""

    kind: str = setting(
        "semi-supervised", "Autoencoder: undercomplete, denoising, variational or semi-supervised.", choices=KINDS
    )
    seeds: int = setting(5, "Networks trained, to see what is stable.", least=1, most=1000)
    draws: int = setting(999, "Permutations of each test.", least=1, most=1_000_000)
    epochs: int = setting(60, "Rounds of training of each network.", least=1, most=100_000)
    seed: int = setting(0, "Seed of everything random.", least=0)


declare_audit(
    "latent",
    LatentSettings,
    "affectlens.audits.latent.audit:latent",
    help="Audit the latent of a speech autoencoder on people that its training never heard.",
    model=None,
    several=True,
)
