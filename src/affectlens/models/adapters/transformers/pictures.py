"""Classifiers of pictures: the network open to maps, its input made by its own processor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.disk.files import sha256_of
from affectlens.models.adapters.pictures import with_layer
from affectlens.models.adapters.preprocess import Preprocessing
from affectlens.models.adapters.torch_module import TorchModel
from affectlens.models.adapters.transformers.loading import PROCESSORS, classes_and_scores, companion, loaded
from affectlens.models.readers import coloured
from affectlens.models.scores import Scores


def picture_transformer(
    folder: Path,
    modality: str,
    reader: Callable[[Any], Any],
    layer: str = "",
    *,
    scores: str | Scores = "",
    preprocess: Preprocessing | None = None,
) -> TorchModel:
    """A classifier of pictures whose inside can be read.

    Parameters
    ----------
    folder : Path
        The saved model with its image processor (``preprocessor_config.json``).
    modality : str
        face, scene or background.
    reader : callable
        Makes an item of a corpus a picture.
    layer : str
        See ``picture_network``.
    scores : str or Scores
        What its numbers are, instead of what its configuration says.
    preprocess : Preprocessing, optional
        Instead of the folder's processor.

    Returns
    -------
    TorchModel
        Ready to read pictures, to be asked and to be drawn.

    Raises
    ------
    ModelError
        transformers is not installed, there is no image classifier or processor in the folder, or no such ``layer``.
    """
    net = loaded(folder, "AutoModelForImageClassification", "image classifier")
    labels, known = classes_and_scores(net.config, scores)
    prepare = preprocess or Preprocessing(ProcessedPicture(folder), f"the image processor of {folder.name}")
    meta = {"sha256": sha256_of(folder)}
    model = TorchModel(
        net, labels, modality, name=folder.name, layer=layer, reader=reader, prepare=prepare, meta=meta, scores=known
    )
    return with_layer(model)


class ProcessedPicture:
    """A picture as the image processor of a folder prepares it, on the CPU by Pillow, the same on every machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processor = companion(folder, "AutoImageProcessor", "image processor", PROCESSORS, **_by_pillow())

    def __fingerprint__(self) -> str:
        return sha256_of(self.folder)

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """Pixel values ``(channels, height, width)`` float32 of a picture ``(h, w)`` or ``(h, w, 3)`` uint8."""
        made = self.processor(coloured(picture), return_tensors="np")
        return np.asarray(next(iter(made.values()))[0], np.float32)


def _by_pillow() -> dict[str, Any]:
    """How this version of transformers is asked for processors that do not need torchvision."""
    from importlib.metadata import version

    return {"backend": "pil"} if int(version("transformers").partition(".")[0]) >= 5 else {"use_fast": False}
