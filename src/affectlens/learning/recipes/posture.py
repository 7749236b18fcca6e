"""The recipe of the posture network."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.settings import Settings
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class PostureRecipe(Settings):
    """Every choice of training the posture network, which also rebuilds what is hidden from it."""

    epochs: int = fields.epochs(40)
    batch: int = fields.batch(64)
    rate: float = fields.rate(2e-3)
    weight_decay: float = fields.weight_decay(3e-2)
    smoothing: float = fields.smoothing(0.1)
    turn: float = fields.amount(0.3, "Largest turn about the vertical, in radians.")
    noise: float = fields.amount(0.03, "Deviation of the noise on joints, in torso lengths.")
    mask: float = fields.share(0.1, "Share of the joints that are hidden.")
    half: float = fields.share(0.4, "How often the whole lower body is hidden.")
    rebuild: float = fields.amount(10.0, "Weight of the reconstruction's loss.")
    seeds: int = fields.seeds(5)
    seed: int = fields.seed()


declare_training(
    "posture",
    PostureRecipe,
    "affectlens.training.motion:train_posture_model",
    about="""Train the posture network on single skeletons of a corpus of motion.

    For its scores one type of motion is left out at a time.
    """,
)
