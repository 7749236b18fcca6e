"""The recipe of the speech autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

from affectlens.core.settings import Settings
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training
from affectlens.models.nets.names import KINDS

BASELINES = ("logistic", "svm", "boosting")  # classifiers that stand beside the autoencoders of speech


@dataclass(frozen=True)
class SpeechRecipe(Settings):
    """Every choice of training a speech autoencoder. Denoising networks rebuild what ``mask`` and ``noise`` took away."""

    kind: str = fields.word("semi-supervised", "Kind of autoencoder.", KINDS)
    epochs: int = fields.epochs(60)
    batch: int = fields.batch(64)
    rate: float = fields.rate(3e-3)
    weight_decay: float = fields.weight_decay(1e-2)
    mask: float = fields.share(0.3, "Share of the features that are dropped.")
    noise: float = fields.amount(0.3, "Deviation of the noise on the features, in deviations of each.")
    supervision: float = fields.amount(1.0, "Weight of the classifier's loss against the reconstruction's.")
    smoothing: float = fields.smoothing(0.1)
    divergence: float = fields.amount(0.05, "Weight of the divergence from a normal latent, of a variational network.")
    seeds: int = fields.seeds(5)
    from_weights: str = fields.from_weights()
    seed: int = fields.seed()


declare_training(
    "speech",
    SpeechRecipe,
    "affectlens.training.speech.train:train_speech_model",
    several=True,
    about="""Train the speech autoencoder on two or more corpora of speech.

    Scores come from models that are trained by the same recipe within each corpus, across corpora, and on all corpora but the
    one tested; what a stopped run has measured is used again.
    """,
)
