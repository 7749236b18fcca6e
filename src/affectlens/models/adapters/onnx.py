"""Networks in ONNX files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.errors import LimitError, ModelError
from affectlens.core.settings import nearest
from affectlens.models.adapters.blackbox import FileModel, last_line
from affectlens.models.adapters.onnx_file import check_onnx
from affectlens.models.scores import Scores

_TYPES = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64, "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8, "tensor(int32)": np.int32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_,
}  # fmt: skip


class OnnxModel(FileModel):
    """An ONNX network: its inputs get the type that it declares, a batch of fixed size is filled and cut.

    Parameters
    ----------
    path, labels, modality, reader, prepare, scores, output
        See ``FileModel``; ``output`` is a name in the graph.
    input : str
        The input that takes the batch, where the graph has several and the others have values of their own. A network that
        needs several is given a mapping by name for each item.

    Attributes
    ----------
    shape : tuple
        Of the batch's input as the graph declares it; an axis of any length is None.
    dtype : numpy.dtype
        Of that input.

    Examples
    --------
    >>> OnnxModel("no.onnx", ("calm", "upset"))
    Traceback (most recent call last):
    affectlens.core.errors.ModelError: no.onnx: no such file
    >>> model = OnnxModel("net.onnx", ("calm", "upset"), "voice")  # doctest: +SKIP
    >>> model.probabilities([np.zeros(40, np.float32)])  # doctest: +SKIP
    array([[0.5, 0.5]])
    """

    def __init__(
        self,
        path: str | Path,
        labels: Sequence[str],
        modality: str = "face",
        *,
        reader: Callable[[Any], Any] | None = None,
        prepare: Callable[[Any], Any] | None = None,
        scores: str | Scores = "",
        output: str = "",
        input: str = "",  # noqa: A002
    ) -> None:
        super().__init__(path, labels, modality, reader=reader, prepare=prepare, scores=scores, output=output)
        self._inputs = {entry.name: entry for entry in self._session.get_inputs()}
        self.input = input or next(iter(self._inputs))
        for kind, name, known in (("input", self.input, list(self._inputs)), ("output", output, self._output_names())):
            if name and name not in known:
                raise ModelError(f"{path}: no {kind} {name!r}; it has {', '.join(known)}{nearest(name, known)}")
        entry = self._inputs[self.input]
        self.shape = tuple(axis if isinstance(axis, int) and axis > 0 else None for axis in entry.shape)
        self.dtype = np.dtype(self._type(entry))

    def __fingerprint__(self) -> Any:
        return *super().__fingerprint__(), self.input

    def _open(self, file: Path) -> None:
        import onnxruntime

        try:
            check_onnx(file)
            self._session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        except LimitError:
            raise
        except Exception as error:
            raise ModelError(f"{file}: not a readable ONNX model ({last_line(error)})") from error

    def _output_names(self) -> list[str]:
        return [entry.name for entry in self._session.get_outputs()]

    def _type(self, entry: Any) -> Any:
        if entry.type not in _TYPES:
            raise ModelError(f"{self.name}: input {entry.name} takes {entry.type}; arrays of numbers are what can be given")
        return _TYPES[entry.type]

    def _run(self, batch: Any) -> dict[str, np.ndarray]:
        """Outputs by name of some inputs."""
        fed = self._fed(batch)
        count = len(batch)
        fixed = self.shape[0] if self.shape else None
        size = count if fixed is None else int(fixed)
        wanted = [self.output] if self.output else None
        names = wanted or self._output_names()
        parts: list[list[np.ndarray]] = []
        for start in range(0, count, size):
            chunk = {name: _filled(values[start : start + size], size) for name, values in fed.items()}
            rows = min(size, count - start)
            # What has another number of rows than the batch is no score of its inputs, and is left whole.
            parts.append([out[:rows] if np.ndim(out) and len(out) == size else out for out in self._session.run(wanted, chunk)])
        return {name: np.concatenate([np.atleast_1d(part[place]) for part in parts]) for place, name in enumerate(names)}

    def _fed(self, batch: Any) -> dict[str, np.ndarray]:
        """Arrays by the name of their input, in the types that the graph declares."""
        if isinstance(batch[0], Mapping):
            given = {str(name): np.stack([np.asarray(one[name]) for one in batch]) for name in batch[0]}
        else:
            given = {self.input: np.asarray(batch)}
        known = list(self._inputs)
        for name in given:
            if name not in known:
                raise ModelError(f"{self.name}: no input {name!r}; it has {', '.join(known)}{nearest(name, known)}")
        lacking = [name for name in known if name not in given]
        if lacking:
            raise ModelError(
                f"{self.name}: it has the inputs {', '.join(known)}, and {', '.join(lacking)} got nothing; give a "
                "preprocessing (--preprocess, preprocess=) that makes a dict of all of them for each item"
            )
        return {name: self._cast(name, values) for name, values in given.items()}

    def _cast(self, name: str, values: np.ndarray) -> np.ndarray:
        wanted = np.dtype(self._type(self._inputs[name]))
        if wanted.kind in "iu" and values.dtype.kind == "f":
            bounds = np.iinfo(wanted)
            if (values != np.round(values)).any() or values.min() < bounds.min or values.max() > bounds.max:
                raise ModelError(
                    f"{self.name}: input {name} takes {wanted} and was given {values.dtype} from {values.min():.3g} to "
                    f"{values.max():.3g}, which would be cut to whole numbers; give pixels as they are (no mean, no deviation)"
                )
        return np.ascontiguousarray(values, wanted)


def _filled(values: np.ndarray, size: int) -> np.ndarray:
    """A batch of the size that the graph wants: its last row again and again where it has fewer."""
    lacking = size - len(values)
    return values if lacking <= 0 else np.concatenate([values, np.repeat(values[-1:], lacking, axis=0)])
