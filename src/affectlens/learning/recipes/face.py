"""The recipe of the face network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from affectlens.core.settings import Settings, setting
from affectlens.learning.recipes import fields
from affectlens.learning.recipes.registry import declare_training


def _no_file(path: Path | None) -> str:
    known = path is None or Path(path).is_file()
    return "" if known else "no such file; a face.safetensors of `affectlens train face` was expected"


def _no_table(path: Path | None) -> str:
    known = path is None or Path(path).is_file()
    return "" if known else "no such file; a csv or parquet table with the column name and one for each class was expected"


def _no_corpus(unseen: str) -> str:
    name, _, path = unseen.partition("=")
    return "" if not unseen or (name and path and Path(path).exists()) else "NAME=PATH of a corpus that is there was expected"


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
    photometric: float = fields.share(0.8, "Strength of changes of tone, light, sharpness and size as recordings have them.")
    zooms: tuple[float, ...] = setting((1.0,), "Views of a crop that are averaged; chosen on validation.", least=0.1, most=1)
    mirror: bool = setting(False, "Whether each view is averaged with its mirror image.")  # noqa: RUF009
    votes: Path | None = setting(None, "Table of raters' votes (FER+): name and one column a class.", check=_no_table)  # noqa: RUF009
    votes_share: float = fields.share(0.6, "Share of the target that votes make up where there are any.")
    answers: Path | None = setting(None, "Table of another network's answers to learn from.", check=_no_table)  # noqa: RUF009
    answers_share: float = fields.share(0.25, "Share of the target that those answers make up.")
    answers_temperature: float = setting(3.0, "Temperature that softens those answers.", least=0.1, most=20)
    prior_strength: float = fields.share(0.0, "How far the class shares of the targets are taken out of the answers.")
    unseen: str = setting(
        "", "Corpus of faces that nothing is learnt from, as NAME=PATH, to calibrate and score on.", check=_no_corpus
    )  # noqa: RUF009
    device: str = fields.word("cpu", "Where to train; pictures are changed there too.", ("cpu", "cuda"))
    precision: str = fields.word("float32", "Numbers of the forward pass in training.", ("float32", "bfloat16"))
    start: Path | None = setting(None, "Weights of an earlier run to go on from, which also teach.", check=_no_file)  # noqa: RUF009
    from_weights: str = fields.from_weights()
    seed: int = fields.seed()


declare_training(
    "face",
    FaceRecipe,
    "affectlens.training.face.train:train_face_model",
    about="""Train the face network on a corpus of face crops with the splits train, val and test (FER2013).

    A run that was stopped goes on from its last finished epoch. The epoch that does best on the validation split ships,
    calibrated there, and is scored on the test split once.
    """,
)
