"""The recipe of the gait network."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.settings import Settings
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class GaitRecipe(Settings):
    """Every choice of training the gait network."""

    epochs: int = fields.epochs(60)
    batch: int = fields.batch(32)
    rate: float = fields.rate(2e-3)
    weight_decay: float = fields.weight_decay(3e-2)
    smoothing: float = fields.smoothing(0.1)
    turn: float = fields.amount(0.25, "Largest turn about the vertical, in radians.")
    scale: float = fields.amount(0.05, "Deviation of the change of size, as a share.")
    noise: float = fields.amount(0.01, "Deviation of the noise on joints, in leg lengths.")
    jitter: float = fields.amount(0.2, "Deviation of the noise on the standardised features.")
    mask: float = fields.share(0.15, "Share of the features that are made missing.")
    seeds: int = fields.seeds(5)
    seed: int = fields.seed()


declare_training(
    "gait",
    GaitRecipe,
    "affectlens.training.motion:train_gait_model",
    about="""Train the gait network on a corpus of motion.

    For its scores one type of motion is left out at a time.
    """,
)
