"""A model's answers on one split of a corpus; what does not meet is refused before any work, what cannot be read is named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError, ModelFailedError, ScoresError, UsageError
from affectlens.core.failures import failure_of
from affectlens.core.listing import some
from affectlens.core.progress import Progress, silent
from affectlens.corpora.account import how_read
from affectlens.corpora.base import Corpus, CorpusInfo, check_split, items_of, label_targets
from affectlens.models.scores import dimensions_in, scores_of

BATCH = 256  # inputs that a model is asked about together
DEFAULT_SPLITS = ("four", "test", "seven", "val", "dev")  # four: classes of speech and gait, which their models know
# Modalities of the corpora that a model of each modality can be asked about.
READABLE: dict[str, tuple[str, ...]] = {
    "face": ("face", "scene"),
    "scene": ("scene", "face"),
    "background": ("scene", "face"),
    "words": ("words", "utterances"),
    "voice": ("voice",),
    "gait": ("gait",),
    "posture": ("gait",),
    "utterances": ("utterances",),
}


@dataclass(frozen=True)
class Predictions:
    """A model's answers on one split, in the corpus's order.

    Attributes
    ----------
    probabilities : numpy.ndarray
        Calibrated, ``(n, classes)``; a row of NaN where an item was missed.
    targets : numpy.ndarray
        Target distributions ``(n, classes)``: each item's mass is shared among its labels.
    groups : numpy.ndarray
        People or recordings ``(n,)``.
    keys : list of str
        Names of the items.
    labels : tuple of str
        The classes.
    missed : dict of str to str
        Items that could not be read, and why.
    notes : tuple of str
        What has to be known of how items were read.
    """

    probabilities: np.ndarray
    targets: np.ndarray
    groups: np.ndarray
    keys: list[str]
    labels: tuple[str, ...]
    missed: dict[str, str]
    notes: tuple[str, ...] = ()


def split_of(corpus: Corpus, split: str = "") -> str:
    """The split that was asked for, or where none was, the one that a model is scored on.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    CorpusError
        The corpus has no such split.
    """
    if split:
        return check_split(corpus, split)
    return next((name for name in DEFAULT_SPLITS if name in corpus.info.splits), corpus.info.splits[0])


def check_modality(model: Any, info: CorpusInfo) -> None:
    """Refuse a corpus of another modality than a model reads.

    Raises
    ------
    UsageError
        It holds something else.
    """
    readable = READABLE.get(model.modality, ())
    if info.modality not in readable:
        expected = f"a corpus of {' or '.join(readable)}" if readable else "deep features of several modules, not a corpus"
        raise UsageError(f"{model.name} reads {model.modality}: {expected} was expected; {info.name} holds {info.modality}")


def check_meets(model: Any, corpus: Corpus, split: str) -> None:
    """Refuse a corpus that a model cannot be scored on; a table of predictions is matched with the corpus's keys.

    Raises
    ------
    UsageError
        It holds another modality than the model reads, or a table has no classes or no prediction of its items.
    CorpusError
        The split has no items, or items with a label that is none of the model's classes.
    """
    check_modality(model, corpus.info)
    table = corpus.table(split)
    if table.empty:
        raise CorpusError(f"{corpus.info.name} has no rows in split {split}")
    if set(getattr(model, "units", ())) == set(model.labels) and not dimensions_in(model.labels):
        raise UsageError(
            f"{model.name} has intensities of action units and no classes, so there is nothing to score; "
            "`affectlens audit properties --predictions` tests what they depend on"
        )
    scores = scores_of(model)
    if not scores.are_probabilities:
        raise UsageError(
            f"{model.name} gives {', '.join(model.labels)} ({scores}), no classes that could be scored; "
            "`affectlens audit properties` tests what they depend on"
        )
    unknown = Counter(label for labels in _labels(table) for label in labels if label not in model.labels)
    if unknown:
        shown = some((f"{label!r} ({count} items)" for label, count in unknown.most_common()), 5)
        other_splits = [name for name in corpus.info.splits if name != split]
        raise CorpusError(
            f"{corpus.info.name}, {split}: label {shown} not among the classes of {model.name} ({', '.join(model.labels)})"
            + (f"; other splits: {', '.join(other_splits)}" if other_splits else "")
        )
    if hasattr(model, "meet"):
        model.meet(list(table.key), corpus.info.name)


def corpus_labels(corpus: Corpus, split: str) -> list[str]:
    """Every label of a split, as often as it occurs."""
    return [label for labels in _labels(corpus.table(split)) for label in labels]


def _labels(table: pd.DataFrame) -> list[tuple[str, ...]]:
    if "labels" in table:
        return [tuple(labels) for labels in table.labels]
    return [(label,) for label in table.label] if "label" in table else []


def predict_corpus(model: Any, corpus: Corpus, split: str, *, progress: Progress = silent, batch: int = BATCH) -> Predictions:
    """Ask a model about every item of a split.

    Parameters
    ----------
    model : Model
        The model.
    corpus : Corpus
        Where the items are from.
    split : str
        Which of them.
    progress : callable
        Takes the corpus and split, items done, and items in all.
    batch : int
        Inputs that the model is asked about together.

    Returns
    -------
    Predictions
        One row an item, in the corpus's order.

    Raises
    ------
    CorpusError
        An item's label is none of the model's classes.
    ModelError
        The model answers none of the items, or what it gives is not what is said of its scores.
    """  # noqa: DOC502
    total = len(corpus.table(split))
    labels: tuple[str, ...] = tuple(model.labels)
    probabilities = np.full((total, len(labels)), np.nan)
    item_labels: list[tuple[str, ...]] = []
    groups: list[str] = []
    keys: list[str] = []
    missed: dict[str, str] = {}
    noted: dict[str, tuple[str, ...]] = {}
    failed: list[Exception] = []  # what the model itself raised
    cut = 0
    rows: list[int] = []
    inputs: list[Any] = []
    limit = total if getattr(model, "contextual", False) else batch  # context must not be cut

    def ask() -> None:
        answers, why, raised = _answers(model, inputs, [keys[row] for row in rows])
        failed.extend(raised)
        for row, answer in zip(rows, answers, strict=True):
            if answer is not None:
                probabilities[row] = answer
        missed.update(why)
        rows.clear()
        inputs.clear()

    for i, item in enumerate(items_of(corpus, split)):
        unknown = [label for label in item.labels if label not in labels]
        if unknown:
            raise CorpusError(f"{item.key}: label {unknown[0]!r} is not among the model's classes {labels}")
        item_labels.append(item.labels)
        groups.append(item.group)
        keys.append(item.key)
        if item.notes:
            noted[item.key] = item.notes
        if item.data is None:
            missed[item.key] = item.problem
        else:
            try:
                inputs.append(model.read(item))
                rows.append(i)
                cut += bool(getattr(inputs[-1], "truncated", False))
            except Exception as error:
                missed[item.key] = failure_of(item.key, error).reason
                failed.extend([error] if isinstance(error, ModelFailedError) else [])
        if len(rows) >= limit:
            ask()
        progress(f"{corpus.info.name}, {split}", i + 1, total)
    ask()
    if total and len(missed) == total and failed:
        raise failed[0]  # the model's own fault, not that of the items
    if total and len(missed) == total:
        first = next(iter(missed.values()))
        raise CorpusError(f"{corpus.info.name}, {split}: none of {total} items could be read or answered; first: {first}")
    shortened = (f"{cut} items are longer than {model.name} reads and were cut at their end",) if cut else ()
    notes = (*shortened, *(f"{corpus.info.name}: {line}" for line in how_read(noted)))
    people = np.array(groups, dtype=object)
    return Predictions(probabilities, label_targets(item_labels, labels), people, keys, labels, missed, notes)


def _answers(model: Any, inputs: list[Any], keys: list[str]) -> tuple[list[np.ndarray | None], dict[str, str], list[Exception]]:
    """What a model answers to each input, all asked together, or one by one where that fails; why some have no answer.

    Last what it raised; what is not what is said of its scores is no matter of single inputs, and passes.
    """  # noqa: DOC201, DOC501
    if not inputs:
        return [], {}, []
    alike = isinstance(inputs[0], np.ndarray) and len({np.shape(one) for one in inputs}) == 1
    try:
        return list(model.probabilities(np.stack(inputs) if alike else list(inputs))), {}, []
    except ScoresError:
        raise
    except Exception as error:
        if len(inputs) == 1 or getattr(model, "contextual", False):
            return [None] * len(inputs), {key: failure_of(key, error).reason for key in keys}, [error]
    answers: list[np.ndarray | None] = []
    reasons: dict[str, str] = {}
    failed: list[Exception] = []
    for one, key in zip(inputs, keys, strict=True):
        answer, reason, raised = _answers(model, [one], [key])
        answers += answer
        reasons |= reason
        failed += raised
    return answers, reasons, failed
