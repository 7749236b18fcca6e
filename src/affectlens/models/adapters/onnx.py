"""Networks in ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from affectlens.core.errors import LimitError, ModelError
from affectlens.models.adapters.blackbox import FileModel, last_line
from affectlens.models.adapters.onnx_file import check_onnx


class OnnxModel(FileModel):
    """An ONNX classifier: the first input takes the batch, the first output gives logits or probabilities.

    Parameters
    ----------
    path, labels, modality, reader, prepare
        See ``FileModel``.

    Examples
    --------
    >>> OnnxModel("no.onnx", ("calm", "upset"))
    Traceback (most recent call last):
    affectlens.core.errors.ModelError: no.onnx: no such file
    >>> model = OnnxModel("net.onnx", ("calm", "upset"), "voice")  # doctest: +SKIP
    >>> model.probabilities([np.zeros(40, np.float32)])  # doctest: +SKIP
    array([[0.5, 0.5]])
    """

    def _open(self, file: Path) -> None:
        import onnxruntime

        try:
            check_onnx(file)
            self._session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        except LimitError:
            raise
        except Exception as error:
            raise ModelError(f"{file}: not a readable ONNX model ({last_line(error)})") from error

    def _run(self, batch: np.ndarray) -> np.ndarray:
        name = self._session.get_inputs()[0].name
        return np.asarray(self._session.run(None, {name: batch})[0], np.float32)
