"""The recipe of the background network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from affectlens.core.settings import Settings
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class BackgroundRecipe(Settings):
    """Every choice of training the background network."""

    assets: ClassVar[tuple[str, ...]] = ("efficientdet-lite0",)

    epochs: int = fields.epochs(30)
    batch: int = fields.batch(64, least=2)
    rate: float = fields.rate(1e-3)
    weight_decay: float = fields.weight_decay(5e-2)
    smoothing: float = fields.smoothing(0.1)
    noise: float = fields.amount(0.1, "Deviation of the noise on the features, in deviations of each.")
    parts: int = fields.whole(4, "Parts into which people or pictures are cut; one is kept for calibration and scores.", 2, 100)
    seed: int = fields.seed()


declare_training(
    "background",
    BackgroundRecipe,
    "affectlens.training.background:train_background_model",
    about="""Train the background network on a corpus of whole pictures: what they say without their people.""",
)
