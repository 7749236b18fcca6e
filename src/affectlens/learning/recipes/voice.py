"""The recipe of the head on Whisper's states, which joins the autoencoder of speech."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class VoiceRecipe(Settings):
    """Every choice of training the head on Whisper's states, which joins the autoencoder of speech."""

    assets: ClassVar[tuple[str, ...]] = ("whisper-base",)

    copies: int = fields.whole(1, "Copies of each clip that are changed as other recordings would have them.", 0, 20)
    draws: int = fields.whole(1, "Times that the clips are dealt to recordings.", 1, 20)
    turns: int = fields.whole(20, "Turns of a speaker in a recording that is drawn, at most.")
    shrink: float = setting(10.0, "Turns that a speaker's own mean must outweigh.", least=0.01, most=1000)
    limit: float = setting(5.0, "Deviations at which states are clipped.", least=0.1, most=100, flag="clip")
    components: int = fields.whole(400, "Principal axes of the states that the head looks at, at most.")
    penalty: float = fields.amount(2.0, "Weight of the squared size of the head.")
    invariance: float = fields.amount(0.1, "Weight of what the head says of how corpora and speakers differ by themselves.")
    epochs: int = fields.epochs(100)
    least_typical: float = fields.share(0.05, "P-value under which a turn is unlike all that was learnt from.")
    seed: int = fields.seed()


declare_training(
    "voice",
    VoiceRecipe,
    "affectlens.training.voice.train:train_voice_model",
    about="""Train the head on Whisper's states, and how it joins the speech autoencoder, on two or more corpora of speech.

    Each corpus is left out in turn; weights of the two answers, calibration and scores come from corpora that were not heard.
    What the encoder heard is kept, and a stopped run goes on.
    """,
    several=True,
)
