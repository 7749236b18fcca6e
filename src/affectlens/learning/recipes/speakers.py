"""The recipe of the space in which voices are told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class SpeakersRecipe(Settings):
    """Every choice of fitting the space of voices."""

    assets: ClassVar[tuple[str, ...]] = ("voice-encoder",)

    directions: int = fields.whole(60, "Directions that are kept.", 2, 256)
    shrink: float = fields.share(0.9, "How far the variance within a person is drawn towards the same in all directions.")
    worth: float = setting(0.3, "Independent observations that a clip counts for.", least=0.05, most=1)
    conversations: int = fields.whole(240, "Conversations that the threshold is chosen on.", 10)
    seed: int = fields.seed()


declare_training(
    "speakers",
    SpeakersRecipe,
    "affectlens.training.speakers:train_speakers_model",
    about="""Fit the space in which voices are told apart, on two or more corpora of speech by several people each.

    Nothing is learnt by gradient: within-person and between-person variance of the encoder's vectors, and a threshold chosen on
    conversations of corpora that the variances were not fitted on.
    """,
    several=True,
)
