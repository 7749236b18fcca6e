"""Classifiers of Hugging Face's transformers in a local folder; nothing is fetched, and no code of the folder is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError
from affectlens.core.untrusted.documents import read_json
from affectlens.models.adapters.blackbox import BlackBox
from affectlens.models.adapters.folder_check import check_folder
from affectlens.models.adapters.pictures import picture_network
from affectlens.models.adapters.torch_module import TorchModel

TASKS = {"voice": "audio-classification", "words": "text-classification"}


class TransformersModel(BlackBox):
    """A classifier of sounds or texts with its own preprocessing.

    Parameters
    ----------
    folder : Path
        The saved model, with its tokenizer or feature extractor.
    modality : str
        words or voice.
    reader : callable, optional
        See ``BlackBox``.

    Raises
    ------
    ModelError
        transformers is not installed, or there is no such classifier in the folder.
    """

    def __init__(self, folder: Path, modality: str, *, reader: Callable[[Any], Any] | None = None) -> None:
        try:
            from transformers import pipeline
        except ImportError as error:
            raise ModelError(f"{folder} needs transformers: pip install transformers") from error
        task = TASKS[modality]
        check_folder(folder)
        try:
            self._run = pipeline(task, model=str(folder), device="cpu", top_k=None, trust_remote_code=False)
        except Exception as error:
            raise ModelError(f"{folder}: no {task.replace('-', ' ')} of transformers ({str(error)[:200]})") from error
        names = self._run.model.config.id2label
        super().__init__(folder.name, modality, labels_of(names), {"sha256": sha256_of(folder)}, reader=reader)

    def answers(self, inputs: Any) -> np.ndarray:
        """Probabilities ``(n, classes)``."""
        with torch.random.fork_rng(devices=[]):  # its loader of data draws a number of the global state
            answered = self._run(list(inputs))
        rows = [{answer["label"]: answer["score"] for answer in answers} for answers in answered]
        return np.array([[row[label] for label in self.labels] for row in rows])


class _Logits(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x).logits
        return logits


def picture_transformer(folder: Path, modality: str, reader: Callable[[Any], Any], layer: str = "") -> TorchModel:
    """A classifier of pictures whose inside can be read.

    Size, mean and deviation are those of its ``preprocessor_config.json``.

    Returns
    -------
    TorchModel
        Ready to read pictures, to be asked and to be drawn.

    Raises
    ------
    ModelError
        transformers is not installed, there is no image classifier in the folder, or no such ``layer``.
    """
    try:
        from transformers import AutoModelForImageClassification
    except ImportError as error:
        raise ModelError(f"{folder} needs transformers: pip install transformers") from error
    check_folder(folder)
    try:
        net = AutoModelForImageClassification.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise ModelError(f"{folder}: no image classifier of transformers ({str(error)[:200]})") from error
    file = folder / "preprocessor_config.json"
    facts = read_json(file, ModelError) if file.exists() else {}
    return picture_network(
        _Logits(net.eval()),
        labels_of(net.config.id2label),
        name=folder.name,
        modality=modality,
        size=_side(facts.get("size", getattr(net.config, "image_size", 224))),
        mean=facts.get("image_mean", (0.5,) * 3),
        deviation=facts.get("image_std", (0.5,) * 3),
        layer=layer,
        reader=reader,
        meta={"sha256": sha256_of(folder)},
    )


def labels_of(names: dict[int, Any]) -> tuple[str, ...]:
    """The classes of a model's configuration, in order."""
    return tuple(str(names[i]) for i in range(len(names)))


def _side(size: Any) -> int:
    """Pixels of a side: a number, (height, width), or a mapping such as ``{"height": 224}``."""
    if isinstance(size, dict):
        return int(next(iter(size.values())))
    return int(size if isinstance(size, int) else size[0])
