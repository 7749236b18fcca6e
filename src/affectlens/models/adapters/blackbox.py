"""What models have in common that can be asked, but not looked into."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import ModelError
from affectlens.models.base import BaseModel, check_logits
from affectlens.stats.classification import softmax

BATCH = 64  # inputs that a network in a file is asked about together


class BlackBox(BaseModel, ABC):
    """A model that answers with logits or with probabilities; which of both is told by the values. See ``BaseModel``."""

    @abstractmethod
    def answers(self, inputs: Any) -> np.ndarray:
        """What the model gives of ``n`` inputs as it is, ``(n, classes)``."""

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32; of probabilities their logarithm."""
        given = self._checked(inputs)
        if is_distribution(given):
            given = np.log(np.clip(given, 1e-12, 1))
        return given.astype(np.float32)

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Probabilities ``(n, classes)`` float64: the answers where they are probabilities already, else their softmax."""
        given = self._checked(inputs).astype(np.float64)
        return given if is_distribution(given) else softmax(given)

    def _checked(self, inputs: Any) -> np.ndarray:
        if not len(inputs):
            return np.zeros((0, len(self.labels)))
        return check_logits(np.asarray(self.answers(inputs)), self.labels, self.name)


class FileModel(BlackBox):
    """A network in a file that takes batches of arrays.

    Parameters
    ----------
    path : str or Path
        The file.
    labels : sequence of str
        Its classes, in the order of its answers.
    modality : str
        What it looks at.
    reader, prepare : callable, optional
        See ``BaseModel``.

    Raises
    ------
    ModelError
        No such file, or one that cannot be read.
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
        file = Path(path)
        if not file.exists():
            raise ModelError(f"{path}: no such file")
        self._open(file)
        super().__init__(file.stem, modality, labels, {"sha256": sha256_of(file)}, reader=reader, prepare=prepare)

    @abstractmethod
    def _open(self, file: Path) -> None:
        """Read the network."""

    @abstractmethod
    def _run(self, batch: np.ndarray) -> np.ndarray:
        """What the network gives of a float32 batch ``(n, ...)``."""

    def answers(self, inputs: Any) -> np.ndarray:
        """What the network gives, ``(n, classes)``; inputs that it does not take are a ModelError."""
        parts = [np.asarray(inputs[i : i + BATCH], np.float32) for i in range(0, len(inputs), BATCH)]
        try:
            return np.concatenate([self._run(x) for x in parts])
        except Exception as error:
            raise ModelError(f"{self.name}: cannot be run on inputs {parts[0].shape} ({last_line(error)})") from error


def last_line(error: Exception) -> str:
    """The end of what an error says, which in those of other packages is what matters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:160]


def is_distribution(answers: np.ndarray) -> bool:
    """Whether every row is a distribution: nothing negative, a sum of one.

    Returns
    -------
    bool
        False also where there is no row.

    Examples
    --------
    >>> is_distribution(np.array([[0.25, 0.75]])), is_distribution(np.array([[2.0, -1.0]]))
    (True, False)
    """
    return bool(answers.size and answers.min() >= 0 and np.allclose(answers.sum(axis=1), 1, atol=1e-3))
