"""The recipe of the words network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


def _no_words(path: Path | None) -> str:
    known = path is None or Path(path).is_file()
    return "" if known else "no such file; a words.safetensors of `affectlens train words` was expected"


@dataclass(frozen=True)
class WordsRecipe(Settings):
    """Every choice of training the words network."""

    assets: ClassVar[tuple[str, ...]] = ("minilm",)

    epochs: int = fields.epochs(4)
    each: int = fields.whole(10000, "Texts that an epoch draws of a corpus at most, so that none rules; 0: all.", 0)
    errors: float = fields.share(0.3, "Share of the texts that are learnt with errors of recognition.")
    batch: int = fields.batch(32)
    rate: float = fields.rate(1e-3)
    head_rate: float = setting(2e-3, "Highest learning rate of the classifier.", least=0, most=10)
    warmup: float = fields.share(0.06, "Share of the run in which the rate rises.")
    weight_decay: float = fields.weight_decay(0.01)
    bfloat16: bool = setting(False, "Learn in bfloat16, which is faster on processors that have it.")
    start: Path | None = setting(None, "Weights of an earlier run to go on from.", check=_no_words)  # noqa: RUF009
    from_weights: str = fields.from_weights()
    seed: int = fields.seed()


declare_training(
    "words",
    WordsRecipe,
    "affectlens.training.words:train_words_model",
    about="""Train the adapters of the words network on corpora of texts or dialogues with the splits train, dev and test.

    Each corpus counts alike, and the network's answers are for the mean of their class shares. A run that was stopped goes on
    from its last finished epoch.
    """,
    several=True,
)
