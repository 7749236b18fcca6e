"""Networks in ONNX files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.errors import ModelError
from affectlens.core.files import sha256_of
from affectlens.models.adapters.blackbox import BlackBox

BATCH = 64


class OnnxModel(BlackBox):
    """An ONNX classifier: the first input takes the batch, the first output gives logits or probabilities.

    Parameters
    ----------
    path : str or Path
        The file.
    labels : sequence of str
        Its classes, in the order of its answers.
    modality : str
        What it looks at.
    reader, prepare : callable, optional
        See ``BlackBox``.

    Raises
    ------
    ModelError
        No such file, or one that ONNX Runtime cannot read.
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
        import onnxruntime

        file = Path(path)
        if not file.exists():
            raise ModelError(f"{path}: no such ONNX file")
        try:
            self._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"{path}: not a readable ONNX model ({str(error)[:160]})") from error
        super().__init__(file.stem, modality, labels, {"sha256": sha256_of(file)}, reader=reader, prepare=prepare)

    def answers(self, inputs: Any) -> np.ndarray:
        """The first output, ``(n, classes)`` float32."""
        name = self._session.get_inputs()[0].name
        parts = [np.asarray(inputs[i : i + BATCH], np.float32) for i in range(0, len(inputs), BATCH)]
        try:
            return np.concatenate([np.asarray(self._session.run(None, {name: x})[0], np.float32) for x in parts])
        except Exception as error:
            raise ModelError(f"{self.name}: cannot be run on inputs {parts[0].shape} ({str(error)[:160]})") from error
