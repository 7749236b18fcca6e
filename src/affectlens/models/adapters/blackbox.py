"""What models have in common that can be asked, but not looked into."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from affectlens.models.base import BaseModel, check_logits
from affectlens.stats.classification import softmax


class BlackBox(BaseModel, ABC):
    """A model that answers with logits or with probabilities; which of both is told by the values.

    Parameters
    ----------
    name, modality, labels, meta
        See ``Model``.
    reader : callable, optional
        Makes an item of a corpus a datum.
    prepare : callable, optional
        Makes a datum the model's input.
    """

    def __init__(
        self,
        name: str,
        modality: str,
        labels: Iterable[str],
        meta: dict[str, Any] | None = None,
        *,
        reader: Callable[[Any], Any] | None = None,
        prepare: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(name, modality, labels, meta)
        self._reader, self._prepare = reader, prepare

    def prepare(self, datum: Any) -> Any:
        """The model's input of one datum: a whole picture, or a crop of a face that is upright already."""
        return self._prepare(datum) if self._prepare is not None else datum

    def read(self, item: Any) -> Any:
        """The model's input of one item of a corpus, or of a bare datum."""
        return self.prepare(self._reader(item) if self._reader is not None else super().read(item))

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


def is_distribution(answers: np.ndarray) -> bool:
    """Whether every row is a distribution: nothing negative, a sum of one.

    Examples
    --------
    >>> is_distribution(np.array([[0.25, 0.75]])), is_distribution(np.array([[2.0, -1.0]]))
    (True, False)
    """
    return bool(answers.size and answers.min() >= 0 and np.allclose(answers.sum(axis=1), 1, atol=1e-3))
