"""The recipe of the words network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class WordsRecipe(Settings):
    """Every choice of training the words network."""

    assets: ClassVar[tuple[str, ...]] = ("minilm",)

    epochs: int = fields.epochs(2)
    batch: int = fields.batch(32)
    rate: float = fields.rate(1e-3)
    head_rate: float = setting(2e-3, "Highest learning rate of the classifier.", least=0, most=10)
    warmup: float = fields.share(0.06, "Share of the run in which the rate rises.")
    weight_decay: float = fields.weight_decay(0.01)
    seed: int = fields.seed()


declare_training(
    "words",
    WordsRecipe,
    "affectlens.training.face_words:train_words_model",
    about="""Train the adapters of the words network on a corpus of texts with the splits train, dev and test (GoEmotions).

    A run that was stopped goes on from its last finished epoch.
    """,
)
