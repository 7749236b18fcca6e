"""The recipe of the contextual LSTM."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


@dataclass(frozen=True)
class BcLstmRecipe(Settings):
    """Every choice of training the contextual LSTM."""

    modalities: tuple[str, ...] = setting((), "Features that are read; all that the corpus comes with when absent.")
    speakers: bool = setting(False, "Also follow each speaker's own utterances.")
    target: bool = setting(True, "Learn from the test part's features, not its labels, how far each modality can be trusted.")
    balanced: bool = setting(False, "Weigh rare classes up.")
    epochs: int = fields.epochs(40)
    patience: int = fields.whole(8, "Epochs without a better one after which the search for their number ends.")
    batch: int = fields.batch(8)
    rate: float = fields.rate(1e-3)
    weight_decay: float = fields.weight_decay(1e-3)
    smoothing: float = fields.smoothing(0.1)
    branch: float = fields.amount(0.5, "Weight of the loss of each modality's own answer.")
    limit: float = setting(3.0, "Deviations at which features are clipped.", least=0.1, most=100, flag="clip")
    share: float = setting(0.2, "Share of the training dialogues that choose the number of epochs.", least=0.01, most=0.9)
    seeds: int = fields.seeds(5)
    seed: int = fields.seed()


declare_training(
    "bclstm",
    BcLstmRecipe,
    "affectlens.training.bclstm.train:train_bclstm_model",
    about="""Train the contextual LSTM on a corpus of dialogues, on its own split.""",
)
