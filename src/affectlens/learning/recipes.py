"""The recipes of all trainings: every choice with its help and bounds, importable without the networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from affectlens.core.settings import Settings, setting
from affectlens.learning import recipe as fields
from affectlens.models.nets.names import KINDS

BASELINES = ("logistic", "svm", "boosting")  # classifiers that stand beside the autoencoders of speech


def _no_file(path: Path | None) -> str:
    known = path is None or Path(path).is_file()
    return "" if known else "no such file; a face.safetensors of `affectlens train face` was expected"


@dataclass(frozen=True)
class FaceRecipe(Settings):
    """Every choice of training the face network; ``augmentation`` has how crops are changed."""

    epochs: int = fields.epochs(30)
    batch: int = fields.batch(96)
    rate: float = fields.rate(0.05)
    weight_decay: float = fields.weight_decay(5e-4)
    warmup: float = fields.share(0.1, "Share of the run in which the rate rises.")
    label_smoothing: float = fields.smoothing(0.1)
    teacher_share: float = fields.share(0.5, "Share of the targets that an earlier network's answers make up (--start).")
    small_size: int = fields.whole(40, "Side of the pictures at first, in pixels.", 16, 48)
    small_until: float = fields.share(0.4, "Share of the run with small pictures.")
    strong_until: float = fields.share(0.5, "Share of the run with strong changes of the pictures.")
    average_decay: float = fields.share(0.999, "Decay of the averaged weights, which are what ships.")
    plain_last_epochs: int = fields.whole(3, "Epochs at the end with hardly any change of the pictures.", 0)
    zooms: tuple[float, ...] = setting(
        (1.0, 0.92, 0.85), "Views of a crop that are averaged; chosen on validation.", least=0.1, most=1
    )
    start: Path | None = setting(None, "Weights of an earlier run to go on from, which also teach.", check=_no_file)  # noqa: RUF009
    seed: int = fields.seed()


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
    seed: int = fields.seed()


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
