"""Scores of a model on a corpus split, each with a bootstrap interval; what cannot be read counts as an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.corpora.base import Corpus, Item, label_targets
from affectlens.models.base import Calibration
from affectlens.stats.classification import (
    accuracy,
    conformal_coverage,
    confusion,
    expected_calibration_error,
    macro_f1,
    multilabel_macro_f1,
    unweighted_recall,
)
from affectlens.stats.resample import Estimate, bootstrap


@dataclass(frozen=True)
class Predictions:
    """A model's answers on one split: calibrated ``probabilities`` ``(n, classes)`` (NaN rows where an item was missed),
    target distributions, group names and keys, in the corpus's order."""

    probabilities: np.ndarray
    targets: np.ndarray
    groups: np.ndarray
    keys: list[str]
    labels: tuple[str, ...]
    missed: dict[str, str]


@dataclass(frozen=True)
class Evaluation:
    """Scores by name, the confusion table (misses last), group scores, and what was missed."""

    scores: dict[str, Estimate]
    confusion: pd.DataFrame
    groups: pd.DataFrame
    missed: dict[str, str]
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        scores = {k: {"value": v.value, "low": v.low, "high": v.high} for k, v in self.scores.items()}
        table = {str(k): {str(c): int(v) for c, v in row.items()} for k, row in self.confusion.to_dict("index").items()}
        return {"n": self.n, "missed": len(self.missed), "scores": scores, "confusion": table}


def predict_corpus(
    model: Any,
    corpus: Corpus,
    split: str,
    read: Callable[[Item], tuple[Any, str]],
    progress: Callable[[int, int], None] | None = None,
    batch: int = 256,
) -> Predictions:
    """Run ``model`` over a split. ``read`` turns an item into the model's input, or gives None and a reason."""
    total = len(corpus.table(split))
    labels: tuple[str, ...] = tuple(model.labels)
    probabilities = np.full((total, len(labels)), np.nan)
    given: list[tuple[str, ...]] = []
    groups, keys, missed = [], [], {}
    waiting: list[tuple[int, Any]] = []

    def flush() -> None:
        if waiting:
            inputs = [x for _, x in waiting]
            stacked = np.stack(inputs) if isinstance(inputs[0], np.ndarray) else inputs
            calibration: Calibration = model.calibration
            probabilities[[i for i, _ in waiting]] = calibration.probabilities(model.predict(stacked))
            waiting.clear()

    for i, item in enumerate(corpus.items(split)):
        unknown = [v for v in item.labels if v not in labels]
        if unknown:
            raise CorpusError(f"{item.key}: label {unknown[0]!r} is not among the model's classes {labels}")
        given.append(item.labels)
        groups.append(item.group)
        keys.append(item.key)
        value, reason = read(item) if item.data is not None else (None, item.problem)
        if value is None:
            missed[item.key] = reason
        else:
            waiting.append((i, value))
        if len(waiting) >= batch:
            flush()
        if progress:
            progress(i + 1, total)
    flush()
    return Predictions(probabilities, label_targets(given, labels), np.array(groups, dtype=object), keys, labels, missed)


def score(
    predictions: Predictions,
    calibration: Calibration,
    rng: np.random.Generator,
    *,
    thresholds: np.ndarray | None = None,
    draws: int = 1000,
    level: float = 0.95,
) -> Evaluation:
    """Accuracy, UAR, macro F1, ECE and conformal coverage with intervals.

    A row is right when its most probable class is one of its labels. Where rows have several labels and ``thresholds``
    ``(classes,)`` are given, macro F1 is the multi-label one (a class is predicted when its probability reaches its
    threshold; the most probable class always is), as published for GoEmotions. Groups are resampled whole.
    """
    p, targets, labels = predictions.probabilities, predictions.targets, predictions.labels
    n, classes = targets.shape
    if n == 0:
        raise CorpusError("this split has no rows")
    got = ~np.isnan(p[:, 0])
    filled = np.where(got[:, None], p, 1 / classes)
    predicted = np.where(got, filled.argmax(axis=1), -1)
    right = got & (targets[np.arange(n), np.maximum(predicted, 0)] > 0)
    # The label that a prediction is compared with: the predicted one where it is among the row's, else its first.
    truth = np.where(right, predicted, targets.argmax(axis=1))
    confidence = np.where(got, filled.max(axis=1), 0.0)
    several = bool((np.count_nonzero(targets, axis=1) > 1).any())
    named = predictions.groups.astype(str)
    groups = named if len(set(named)) > 1 else None

    def of(table_score: Callable[[np.ndarray], float]) -> Callable[[np.ndarray], float]:
        return lambda rows: table_score(confusion(truth[rows], predicted[rows], classes))

    statistics: dict[str, Callable[[np.ndarray], float]] = {
        "accuracy": of(accuracy),
        "UAR": of(unweighted_recall),
        "macro F1": of(macro_f1),
        "ECE": lambda rows: expected_calibration_error(confidence[rows], right[rows]),
        "coverage": lambda rows: conformal_coverage(filled[rows], targets[rows], calibration.conformal)[0],
        "set size": lambda rows: conformal_coverage(filled[rows], targets[rows], calibration.conformal)[1],
    }
    if several and thresholds is not None:
        chosen = (filled >= thresholds) & got[:, None]
        chosen[got, predicted[got]] = True
        actual = targets > 0
        statistics["multi-label macro F1"] = lambda rows: multilabel_macro_f1(actual[rows], chosen[rows])
    scores = {
        name: bootstrap(statistic, n, rng, groups=groups, draws=draws, level=level) for name, statistic in statistics.items()
    }
    table = pd.DataFrame(confusion(truth, predicted, classes), index=list(labels), columns=[*labels, "(missed)"])
    return Evaluation(scores, table, _by_group(named, right, truth, predicted, classes), predictions.missed, n)


def _by_group(names: np.ndarray, right: np.ndarray, truth: np.ndarray, predicted: np.ndarray, classes: int) -> pd.DataFrame:
    rows = []
    for name in sorted(set(names)):
        mine = names == name
        table = confusion(truth[mine], predicted[mine], classes)
        rows.append(
            {
                "group": name,
                "n": int(mine.sum()),
                "accuracy": float(right[mine].mean()),
                "UAR": unweighted_recall(table),
            }
        )
    return pd.DataFrame(rows)


def fit_thresholds(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each class the probability threshold with the best F1 on validation data ``(n, classes)``."""
    out = []
    for c in range(probabilities.shape[1]):
        order = np.argsort(-probabilities[:, c], kind="stable")
        hits = np.cumsum(targets[order, c] > 0)
        f1 = 2 * hits / (np.arange(1, len(order) + 1) + (targets[:, c] > 0).sum())
        out.append(float(probabilities[order[int(f1.argmax())], c]))
    return np.array(out)


class FaceReader:
    """An item to the face model's crop: 48 x 48 grey pictures as they are, others through detector and landmarks."""

    def __init__(self) -> None:
        self._finder: Any = None

    def __call__(self, item: Item) -> tuple[np.ndarray | None, str]:
        """The crop ``(48, 48)`` uint8, or None with the reason."""
        if item.data.shape == (48, 48):
            return item.data, ""
        from affectlens.assets.store import locate
        from affectlens.media.frames import Frame
        from affectlens.perception.face.crops import grey_crop
        from affectlens.perception.face.detector import FaceDetector
        from affectlens.perception.face.landmarks import FaceLandmarker
        from affectlens.perception.people.finder import PeopleFinder

        if self._finder is None:
            self._finder = (FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker")))
        image = item.data if item.data.ndim == 3 else cv2.cvtColor(item.data, cv2.COLOR_GRAY2RGB)
        if max(image.shape[:2]) < 160:  # the detector misses tiny faces
            image = cv2.resize(image, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        people = PeopleFinder(*self._finder)(Frame(0.0, image))
        if not people:
            return None, "no face found"
        largest = max(people, key=lambda p: p.quality.eye_distance)
        return grey_crop(image, largest.marks), ""


def read_text(item: Item) -> tuple[str | None, str]:
    """The text of an item."""
    return item.data, ""


def reader_for(modality: str) -> Callable[[Item], tuple[Any, str]]:
    """The reader that feeds a model of that modality."""
    return FaceReader() if modality == "face" else read_text


def save_evaluation(evaluation: Evaluation, folder: Path) -> None:
    """Write scores.json, confusion.csv, groups.csv and missed.csv."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scores.json").write_text(json.dumps(evaluation.to_dict(), indent=1), encoding="utf-8")
    evaluation.confusion.to_csv(folder / "confusion.csv")
    evaluation.groups.to_csv(folder / "groups.csv", index=False)
    pd.DataFrame(evaluation.missed.items(), columns=["key", "reason"]).to_csv(folder / "missed.csv", index=False)
