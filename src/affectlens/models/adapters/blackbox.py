"""What models have in common that can be asked, but not looked into."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.core.barrier import reason_of
from affectlens.core.disk.files import sha256_of
from affectlens.core.errors import AffectlensError, ModelError, ModelFailedError
from affectlens.models.adapters.outputs import chosen_output
from affectlens.models.base import BaseModel
from affectlens.models.scores import Scores, stated_scores

BATCH = 64  # inputs that a network in a file is asked about together


class BlackBox(BaseModel, ABC):
    """A model that is asked through ``answers`` alone.

    Parameters
    ----------
    name, modality, labels, meta, reader, prepare
        See ``BaseModel``.
    scores : str or Scores
        What the answers are, one of ``scores.KINDS``; where nothing is said, the first answers decide between probabilities
        (every row sums to one) and logits of exclusive classes, and what they leave open is an error.
    output : str
        Which of several outputs holds the scores, see ``chosen_output``.
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
        scores: str | Scores = "",
        output: str = "",
    ) -> None:
        super().__init__(name, modality, labels, meta, reader=reader, prepare=prepare)
        self.scores = stated_scores(scores, self.labels, name)
        self.output = output

    @abstractmethod
    def answers(self, inputs: Any) -> Any:
        """What the model gives of ``n`` inputs as it is: ``(n, scores)``, or several outputs of which one is that."""

    def predict(self, inputs: Any) -> np.ndarray:
        """Logits ``(n, classes)`` float32, whatever the model answers with; of a regression its values."""
        given = self._checked(inputs)
        return np.asarray(self.scores.logits(given), np.float32)

    def probabilities(self, inputs: Any) -> np.ndarray:
        """Probabilities ``(n, classes)`` float64; those that the model gives are not squashed again."""
        given = self._checked(inputs)
        if not self.scores.are_probabilities:
            return self.scores.probabilities(given)  # the error that says so
        return self.scores.as_given(given)

    def outputs(self, inputs: Any) -> np.ndarray:
        """Probabilities, or of a regression the values, ``(n, labels)`` float64."""
        return self.scores.as_given(self._checked(inputs))

    def _checked(self, inputs: Any) -> np.ndarray:
        if not len(inputs):
            return np.zeros((0, self.scores.width(self.labels)))
        with faults_of(self.name, inputs):
            chosen = self._chosen(self.answers(inputs))
        numbers = chosen.detach().float().cpu().numpy() if hasattr(chosen, "detach") else _array(chosen, self.name)
        return self.scores.checked(numbers, self.labels, self.name, len(inputs))

    def _chosen(self, given: Any) -> Any:
        """The scores among what the model gave."""
        return chosen_output(given, self.scores.width(self.labels), self.output, self.name)


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
    scores, output
        See ``BlackBox``.

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
        scores: str | Scores = "",
        output: str = "",
    ) -> None:
        file = Path(path)
        if not file.exists():
            raise ModelError(f"{path}: no such file")
        self._open(file)
        super().__init__(
            file.stem, modality, labels, {"sha256": sha256_of(file)}, reader=reader, prepare=prepare, scores=scores,
            output=output,
        )  # fmt: skip

    def __fingerprint__(self) -> Any:
        how = (self._reader, self.preprocessing, self.labels, self.scores, self.output)
        return type(self), self.meta["sha256"], *how

    @abstractmethod
    def _open(self, file: Path) -> None:
        """Read the network."""

    @abstractmethod
    def _run(self, batch: Any) -> Any:
        """What the network gives of some inputs: one array, or several by name or in a tuple."""

    def answers(self, inputs: Any) -> np.ndarray:
        """What the network gives, ``(n, scores)``; inputs that it does not take are a ModelFailedError."""
        parts = [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]
        rows = [super(FileModel, self)._chosen(self._run(part)) for part in parts]
        return np.concatenate([np.asarray(row.numpy() if hasattr(row, "numpy") else row, np.float32) for row in rows])

    def _chosen(self, given: Any) -> Any:
        return given  # from every batch already


@contextmanager
def faults_of(name: str, inputs: Any) -> Iterator[None]:
    """Make whatever a model raises on its inputs an error of the model, with class and shape, and what to do about it.

    Raises
    ------
    ModelFailedError
        In place of an exception that is none of this package's own.
    """  # noqa: DOC501
    try:
        yield
    except AffectlensError:
        raise
    except Exception as error:
        raise fault_of(name, inputs, error) from error


def fault_of(name: str, inputs: Any, error: BaseException) -> ModelFailedError:
    """An error of a model on its inputs.

    Returns
    -------
    ModelFailedError
        With the class of what was raised, the form of the inputs, the library's own words and advice.
    """
    advice = (
        "see that size, order of axes and type are those it was trained with; --preprocess (preprocess=) names what makes it"
    )
    if isinstance(error, MemoryError):
        advice = "its memory does not suffice: ask about fewer inputs at a time"
    kind = type(error).__name__
    return ModelFailedError(f"{name}: cannot be run on inputs {form_of(inputs)}: {kind}: {reason_of(error)}; {advice}")


def form_of(inputs: Any) -> str:
    """What inputs are, for an error: shape and type, or how many of which."""
    shape, dtype = getattr(inputs, "shape", None), getattr(inputs, "dtype", None)
    if shape is not None:
        return f"{tuple(shape)} {str(dtype).removeprefix('torch.')}"
    if isinstance(inputs, list | tuple) and inputs:
        first = inputs[0]
        inner = form_of(first) if hasattr(first, "shape") else type(first).__name__
        return f"{len(inputs)} of {inner}"
    return type(inputs).__name__


def _array(given: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(given)
    except ValueError as error:
        raise ModelError(
            f"{name}: its answers are no array ({reason_of(error)}); a row of scores an input was expected"
        ) from error


def last_line(error: Exception) -> str:
    """The end of what an error says, which in those of other packages is what matters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:160]
