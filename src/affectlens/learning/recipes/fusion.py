"""The recipe of the network that fuses modules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from affectlens.core.settings import Settings
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class FusionRecipe(Settings):
    """Every choice of training a network that fuses.

    Chosen among five by the log loss on one half of the training people after training on the other, without test items.
    """

    assets: ClassVar[tuple[str, ...]] = ("minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0")

    epochs: int = fields.epochs(6)
    cases: int = fields.whole(4096, "Cases that are drawn anew for every epoch.", 4)
    batch: int = fields.batch(128)
    rate: float = fields.rate(2e-4)
    weight_decay: float = fields.weight_decay(1.0)
    smoothing: float = fields.smoothing(0.05)
    keep: float = fields.share(0.6, "Probability with which a module takes part in a case; at least one does.")
    noise: float = fields.amount(0.5, "Deviation of the noise on deep features, in deviations of each.")
    width: int = fields.whole(16, "Width of the layers that join the modules.", 1, 4096)
    folds: int = fields.whole(3, "Folds of people of the ablation.", 2, 20)
    draws: int = fields.whole(200, "Bootstrap draws of the ablation.", 2)
    seed: int = fields.seed()

    def of(self, kind: str) -> FusionRecipe:
        """The recipe of a kind: a gated network starts from nothing and has to learn for longer."""
        return self if kind == "early" else replace(self, epochs=10, rate=5e-4, weight_decay=0.3, noise=0.3)


declare_training(
    "fusion",
    FusionRecipe,
    "affectlens.training.fusion.train:train_fusion_model",
    several=True,
    about="""Train the network that fuses modules.

    Every subset of them is scored on held-out people under four ways of fusing first. Corpora of
    faces, speech, texts and motion are paired by class; one corpus of whole pictures holds everything by itself.
    """,
)
