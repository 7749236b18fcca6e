"""Networks in TorchScript files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from affectlens.core.errors import ModelError
from affectlens.core.files import sha256_of
from affectlens.models.adapters.blackbox import BlackBox

BATCH = 64


class TorchScriptModel(BlackBox):
    """A network saved by ``torch.jit``: a batch ``(n, ...)`` to logits or probabilities.

    Parameters
    ----------
    path, labels, modality, reader, prepare
        See ``OnnxModel``.

    Raises
    ------
    ModelError
        A file that is not TorchScript.
    """

    def __init__(
        self,
        path: str | Path,
        labels: Sequence[str],
        modality: str = "face",
        *,
        reader: Callable[[Any], Any] | None = None,
        prepare: Callable[[Any], Any] | None = None,
    ) -> None:
        try:
            self.net = torch.jit.load(str(path), map_location="cpu").eval()  # type: ignore[no-untyped-call]
        except Exception as error:
            raise ModelError(
                f"{path}: not readable as TorchScript ({error}); save it with torch.jit.trace(net, x).save(path)"
            ) from error
        file = Path(path)
        super().__init__(file.stem, modality, labels, {"sha256": sha256_of(file)}, reader=reader, prepare=prepare)

    def answers(self, inputs: Any) -> np.ndarray:
        """What the network gives, ``(n, classes)``."""
        parts = [torch.from_numpy(np.asarray(inputs[i : i + BATCH], np.float32)) for i in range(0, len(inputs), BATCH)]
        try:
            with torch.inference_mode():
                return np.concatenate([self.net(x).numpy() for x in parts])
        except RuntimeError as error:
            raise ModelError(f"{self.name}: cannot be run on inputs {tuple(parts[0].shape)} ({str(error)[-160:]})") from error
