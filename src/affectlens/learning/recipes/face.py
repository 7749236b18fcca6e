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


declare_training(
    "face",
    FaceRecipe,
    "affectlens.training.face_words:train_face_model",
    about="""Train the face network on a corpus of face crops with the splits train, val and test (FER2013).

    A run that was stopped goes on from its last finished epoch. The epoch that does best on the validation split ships,
    calibrated there, and is scored on the test split once.
    """,
)
