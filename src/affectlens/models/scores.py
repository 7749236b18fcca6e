"""What the numbers are that a model gives: logits of classes, independent labels, probabilities, or valence and arousal.

A model, its configuration or the caller says it; the answers are checked against it. Nothing is softmaxed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from affectlens.core.errors import ModelError, ScoresError, UsageError
from affectlens.core.options import SCORES as KINDS
from affectlens.core.settings import nearest
from affectlens.stats.classification import softmax

SOFTMAX, SIGMOID, BINARY, PROBABILITIES, INDEPENDENT, BINARY_PROBABILITY, REGRESSION = KINDS
MEANINGS = {
    SOFTMAX: "logits of classes of which one holds",
    SIGMOID: "logits of labels each of which may hold",
    BINARY: "one logit, of the second of two classes",
    PROBABILITIES: "probabilities of classes, each row with the sum one",
    INDEPENDENT: "probabilities of labels each of which may hold",
    BINARY_PROBABILITY: "one probability, of the second of two classes",
    REGRESSION: "values such as valence and arousal, no probabilities",
}
# What configurations of transformers call them.
PROBLEM_TYPES = {
    "single_label_classification": SOFTMAX,
    "multi_label_classification": SIGMOID,
    "regression": REGRESSION,
}
DIMENSIONS = ("valence", "arousal", "dominance", "pleasure", "activation")
SUM, RANGE = 5e-3, 1e-3  # how far a sum of probabilities may be from one, and a probability outside of [0, 1]: half precision
ROWS, VALUES = 3, 30  # rows, and values, from which on answers may contradict what the caller says they are
SPREAD = 0.5  # by which a score varies between inputs, from which on values that never leave [0, 1] are no logits
_TINY = 1e-12
_ONE_NUMBER = (BINARY, BINARY_PROBABILITY)
_MANY_HOLD = (SIGMOID, INDEPENDENT)


@dataclass(eq=False)
class Scores:
    """The kind of a model's scores and how it is known.

    Parameters
    ----------
    kind : str
        One of ``KINDS``; empty where nothing says it, then the first answers decide between probabilities and logits.
    source : str
        Who says it, for pages and errors.

    Raises
    ------
    UsageError
        No such kind.

    Examples
    --------
    >>> scores = Scores("sigmoid", "the caller")
    >>> scores.probabilities(scores.logits(np.array([[0.0, 3.7]]))).round(3)
    array([[0.5  , 0.976]])
    """

    kind: str = ""
    source: str = ""
    stated: str = field(init=False, default="")  # what was said before any answer was seen
    rows: int = field(init=False, default=0)  # answers that were looked at
    values: int = field(init=False, default=0)
    distributions: int = field(init=False, default=0)  # rows with the sum one
    low: np.ndarray = field(init=False, default_factory=lambda: np.array(np.inf), repr=False)  # of each score so far
    high: np.ndarray = field(init=False, default_factory=lambda: np.array(-np.inf), repr=False)

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise UsageError(f"scores {self.kind!r}: one of {', '.join(KINDS)} was expected{nearest(self.kind, KINDS)}")
        self.stated = self.kind

    def __str__(self) -> str:
        if not self.kind:
            return "not known before the first answer"
        return f"{self.kind} ({MEANINGS[self.kind]}), known from {self.source}"

    def __fingerprint__(self) -> str:
        return self.stated  # what was seen in answers is no part of the model

    @property
    def exclusive(self) -> bool:
        """Whether one class of them holds, so that probabilities sum to one."""
        return self.kind not in (*_MANY_HOLD, REGRESSION)

    @property
    def are_probabilities(self) -> bool:
        """Whether there are probabilities at all."""
        return self.kind != REGRESSION

    def caveat(self, name: str) -> str:
        """What is to be known of a model's answers where nobody said what they are; empty where it is known."""
        if not self.kind:
            return f"nobody said what the scores of {name} are, and its answers do not tell; say scores= (--scores) to be sure"
        return f"what the scores of {name} are is said by {self.source}" if self.source == ASSUMED else ""

    def width(self, labels: Sequence[str]) -> int:
        """How many numbers an answer has."""
        return 1 if self.kind in _ONE_NUMBER else len(labels)

    def fits_labels(self, labels: Sequence[str], name: str = "the model") -> None:
        """See that labels can be of scores of this kind.

        Raises
        ------
        UsageError
            They cannot: dimensions where classes are said, other than two classes of one number, or one class alone.
        """
        dimensions = dimensions_in(labels)
        if self.kind and self.kind != REGRESSION and dimensions:
            raise UsageError(
                f"{name}: {', '.join(dimensions)} are no classes, and {self._by_whom()}; say scores={REGRESSION!r} of valence "
                "and arousal, or leave these labels and their outputs out"
            )
        if self.kind in _ONE_NUMBER and len(labels) != 2:
            raise UsageError(
                f"{name}: {self._by_whom()}, one number for two classes; {len(labels)} labels were given "
                f"({', '.join(labels)}); give the class that does not hold first, then the one that does"
            )
        if self.kind in (SOFTMAX, PROBABILITIES) and len(labels) < 2:
            raise UsageError(
                f"{name}: one class ({', '.join(labels)}) and {self._by_whom()}: its probability would be 1 for every input; "
                f"say scores={SIGMOID!r}, or scores={BINARY!r} with two labels, or scores={REGRESSION!r}"
            )

    def checked(self, raw: np.ndarray, labels: Sequence[str], name: str = "the model", count: int | None = None) -> np.ndarray:
        """Answers ``(n, width)``, once their form and values are seen to be what is said of them.

        Parameters
        ----------
        raw : numpy.ndarray
            What the model gave.
        labels : sequence of str
            Its labels.
        name : str
            What errors call it.
        count : int, optional
            How many inputs it was given.

        Returns
        -------
        numpy.ndarray
            ``raw``; of one number an input as a column.

        Raises
        ------
        ScoresError
            Another form, values that are not numbers, or values that contradict what is said of them.
        ModelError
            Answers that are not numbers.
        UsageError
            Labels that do not fit the kind.
        """  # noqa: DOC502
        self.fits_labels(labels, name)
        numbers = np.asarray(raw)
        if numbers.dtype.kind not in "fiub":
            raise ScoresError(f"{name}: it gave {numbers.dtype}; numbers ({self._form(labels)}) were expected")
        if numbers.ndim == 1 and self.width(labels) == 1 and (count is None or len(numbers) == count):
            numbers = numbers[:, None]
        self._check_form(numbers, labels, name, count)
        if not np.isfinite(numbers).all():
            bad = int((~np.isfinite(numbers)).any(axis=1).sum())
            raise ModelError(f"{name}: {bad} of {len(numbers)} answers are not numbers (NaN or infinite)")
        if len(numbers):
            self._look_at(numbers.astype(np.float64), labels, name)
        return numbers

    def recognised(self, numbers: np.ndarray) -> None:
        """Settle the kind by answers ``(n, width)`` that maps are drawn of, where nobody says it.

        Rows that are distributions are probabilities, values that cannot be are taken as logits. Numbers from 0 to 1 are left
        open: a map is of the output as it is, and whoever wants probabilities of it is asked.
        """
        if self.kind or not len(numbers) or numbers.shape[1] < 2:
            return
        if _sum_to_one(numbers).all():
            self.kind, self.source = PROBABILITIES, f"its answers: all {len(numbers)} of the first rows sum to one"
        elif numbers.min() < -RANGE or numbers.max() > 1 + RANGE:
            self.kind, self.source = SOFTMAX, ASSUMED

    def _check_form(self, numbers: np.ndarray, labels: Sequence[str], name: str, count: int | None) -> None:
        width = self.width(labels)
        if numbers.ndim == 2 and numbers.shape[1] == width and (count is None or len(numbers) == count):
            return
        given = f"{name}: expected {self._form(labels)}; it gave {numbers.shape}"
        if count is not None and numbers.ndim and len(numbers) != count:
            raise ScoresError(f"{given} for {count} inputs: one row an input was expected")
        one = numbers.ndim == 1 or (numbers.ndim == 2 and numbers.shape[1] == 1)
        if one and width == 2:
            raise ScoresError(
                f"{given}. One number for two classes is the second one's: say scores={BINARY!r} of a logit, "
                f"scores={BINARY_PROBABILITY!r} of a probability"
            )
        raise ScoresError(f"{given}. Give as many labels as it has outputs, in their order, or choose the output")

    def _form(self, labels: Sequence[str]) -> str:
        what = "scores" if self.kind else "logits"
        return f"{what} (n, {self.width(labels)}) for {', '.join(labels)}"

    def _look_at(self, numbers: np.ndarray, labels: Sequence[str], name: str) -> None:
        """Count what speaks for and against probabilities; settle what nobody said."""
        low, high = float(numbers.min()), float(numbers.max())
        sums_to_one = _sum_to_one(numbers)
        several = numbers.shape[1] > 1
        self.rows += len(numbers)
        self.values += numbers.size
        self.distributions += int(sums_to_one.sum()) if several else 0
        self.low, self.high = np.minimum(self.low, numbers.min(axis=0)), np.maximum(self.high, numbers.max(axis=0))
        if not self.kind:
            self._settle(labels, name)
            return
        if self.kind == PROBABILITIES and not sums_to_one.all():
            row = numbers[int(np.argmin(sums_to_one))]
            raise ScoresError(
                f"{name}: {self._by_whom()}, and {int((~sums_to_one).sum())} of {len(numbers)} rows do not sum to one or have "
                f"values below zero, such as {_shown(row)} (sum {row.sum():.3g}); {self._what_to_say()}"
            )
        if self.kind in (INDEPENDENT, BINARY_PROBABILITY) and not self.inside:
            raise ScoresError(
                f"{name}: {self._by_whom()}, and values go from {low:.3g} to {high:.3g}; from 0 to 1 were expected; "
                f"{self._what_to_say()}"
            )
        self._contradicted(several, name)

    @property
    def inside(self) -> bool:
        """Whether every value so far lies in [0, 1]."""
        return bool((self.low >= -RANGE).all() and (self.high <= 1 + RANGE).all())

    def _contradicted(self, several: bool, name: str) -> None:
        all_sum = several and self.rows >= ROWS and self.distributions == self.rows
        if all_sum and self.kind != PROBABILITIES:
            raise ScoresError(
                f"{name}: {self._by_whom()}, and all {self.rows} rows of answers so far sum to one and have nothing below "
                f"zero: they are probabilities already; say scores={PROBABILITIES!r}"
            )
        varied = self.values >= VALUES and float((self.high - self.low).max()) > SPREAD
        if self.kind in (SOFTMAX, SIGMOID, BINARY) and self.inside and varied:
            wanted = BINARY_PROBABILITY if self.kind == BINARY else INDEPENDENT
            raise ScoresError(
                f"{name}: {self._by_whom()}, and all {self.values} values so far lie from 0 to 1, which logits do not: a "
                f"sigmoid is in the model already; say scores={wanted!r}"
            )

    def _settle(self, labels: Sequence[str], name: str) -> None:
        """The kind by the first answers, where nobody says it."""
        if self.rows == self.distributions:
            self.kind, self.source = PROBABILITIES, f"its answers: all {self.rows} of the first rows sum to one"
        elif self.inside:
            raise ScoresError(
                f"{name}: nothing says what its scores are, and all values lie from 0 to 1 without rows that sum to one, so "
                f"they may be probabilities of independent labels or logits; {self._what_to_say()}"
            )
        else:
            self.kind, self.source = SOFTMAX, ASSUMED
        self.fits_labels(labels, name)

    def _by_whom(self) -> str:
        return f"scores are {self.kind} ({MEANINGS[self.kind]}) by {self.source}"

    def _what_to_say(self) -> str:
        return "say scores= (--scores): " + "; ".join(f"{kind}, {meaning}" for kind, meaning in MEANINGS.items())

    @overload
    def logits(self, raw: Tensor) -> Tensor: ...
    @overload
    def logits(self, raw: np.ndarray) -> np.ndarray: ...
    def logits(self, raw: Any) -> Any:
        """Logits ``(n, labels)`` of checked answers, differentiable where they are a tensor.

        Their softmax (of exclusive classes) or sigmoid (of labels that may hold together) are the probabilities. One logit
        becomes those of both classes, half of it for the second and against the first; values of a regression stay.

        Returns
        -------
        tensor or array
            As it was given.
        """
        numbers: Any = raw if isinstance(raw, Tensor) else np.asarray(raw, np.float64)
        if self.kind == BINARY:
            return _side_by_side(-numbers / 2, numbers / 2)
        if self.kind == BINARY_PROBABILITY:
            return _side_by_side(_log(1 - numbers), _log(numbers))
        if self.kind == PROBABILITIES:
            return _log(numbers)
        if self.kind == INDEPENDENT:
            return _log(numbers) - _log(1 - numbers)
        return numbers

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities ``(n, labels)`` float64 of logits as ``logits`` gives them.

        Returns
        -------
        numpy.ndarray
            Rows sum to one where one class holds.

        Raises
        ------
        ModelError
            There are none: it gives values of a regression.
        """
        numbers = np.asarray(logits, np.float64)
        if not self.are_probabilities:
            raise ModelError(
                "valence and arousal are no probabilities of classes: ask `outputs` for the values, or give a classifier"
            )
        if self.exclusive:
            return softmax(numbers)
        return np.asarray(1 / (1 + np.exp(-np.clip(numbers, -700, 700))))

    def as_given(self, raw: np.ndarray) -> np.ndarray:
        """Probabilities, or values of a regression, ``(n, labels)`` float64 of checked answers: never squashed twice."""
        numbers = np.asarray(raw, np.float64)
        if self.kind == PROBABILITIES:  # what half precision rounded is made whole
            clipped = np.clip(numbers, 0, None)
            total = clipped.sum(axis=1, keepdims=True)
            return np.asarray(np.where(np.abs(total - 1) > 1e-6, clipped / np.maximum(total, _TINY), clipped))
        if self.kind == INDEPENDENT:
            return np.clip(numbers, 0, 1)
        if self.kind == BINARY_PROBABILITY:
            second = np.clip(numbers, 0, 1)
            return np.concatenate([1 - second, second], axis=1)
        if self.kind == REGRESSION:
            return numbers
        return self.probabilities(self.logits(numbers))


ASSUMED = "no one: they are taken as logits of classes of which one holds; say scores= (--scores) to be sure"


def stated_scores(scores: str | Scores, labels: Sequence[str] = (), name: str = "the model") -> Scores:
    """What the caller says of scores; a kind, or scores that are described already.

    Returns
    -------
    Scores
        Checked against the labels.

    Raises
    ------
    UsageError
        No such kind, or labels that cannot be of it.
    """
    given = (scores.kind, scores.source) if isinstance(scores, Scores) else (scores, "the caller" if scores else "")
    made = Scores(*given)  # what one model was seen to answer is not known of another
    if labels and not made.kind and len(dimensions_in(labels)) == len(labels):
        made = Scores(REGRESSION, f"the names of its outputs ({', '.join(labels)})")
    if labels:
        made.fits_labels(labels, name)
    return made


def scores_of(model: Any) -> Scores:
    """What a model says of its scores; one that says nothing keeps to the contract: logits of exclusive classes."""
    known = getattr(model, "scores", None)
    return known if isinstance(known, Scores) else Scores(SOFTMAX, "the contract of models")


def dimensions_in(labels: Sequence[str]) -> list[str]:
    """Labels that are no classes but dimensions of affect."""
    return [label for label in labels if label.strip().lower() in DIMENSIONS]


def _sum_to_one(numbers: np.ndarray) -> np.ndarray:
    """Which rows are distributions."""
    return np.asarray((numbers.min(axis=1) >= -RANGE) & (np.abs(numbers.sum(axis=1) - 1) <= SUM))


def _log(numbers: Any) -> Any:
    if isinstance(numbers, Tensor):
        return torch.log(numbers.clamp_min(_TINY))
    return np.log(np.clip(numbers, _TINY, None))


def _side_by_side(first: Any, second: Any) -> Any:
    return torch.cat([first, second], dim=1) if isinstance(first, Tensor) else np.concatenate([first, second], axis=1)


def _shown(row: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.3g}" for value in row[:6]) + (", …)" if len(row) > 6 else ")")
