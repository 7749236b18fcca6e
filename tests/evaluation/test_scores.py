"""Scores against scikit-learn and by hand; misses are errors; groups are drawn whole."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, recall_score

from affectlens.core.errors import CorpusError
from affectlens.evaluation.predictions import Predictions
from affectlens.evaluation.scores import fit_thresholds, score
from affectlens.models.base import Calibration

LABELS = ("a", "b", "c")


def predictions(p, truth, groups=None, missed=()):
    p, targets = np.array(p, float), np.eye(len(LABELS))[truth]
    p[list(missed)] = np.nan
    keys = [f"k{i}" for i in range(len(p))]
    groups = np.array(groups if groups is not None else [""] * len(p), dtype=object)
    return Predictions(p, targets, groups, keys, LABELS, {keys[i]: "gone" for i in missed})


def test_scores_are_those_of_scikit_learn(rng):
    truth, p = rng.integers(0, 3, 200), rng.dirichlet(np.ones(3), 200)
    result = score(predictions(p, truth), Calibration(conformal=0.5), rng, draws=20)
    guess = p.argmax(axis=1)
    value = {k: e.value for k, e in result.scores.items()}
    assert value["accuracy"] == pytest.approx(accuracy_score(truth, guess))
    assert value["mean_recall"] == pytest.approx(recall_score(truth, guess, average="macro"))
    assert value["macro_f1"] == pytest.approx(f1_score(truth, guess, average="macro"))
    sets = p >= 0.5
    sets[~sets.any(axis=1), p[~sets.any(axis=1)].argmax(axis=1)] = True
    assert value["coverage"] == pytest.approx(sets[np.arange(200), truth].mean())
    assert value["set_size"] == pytest.approx(sets.sum(axis=1).mean())
    assert all(e.low <= e.value <= e.high for k, e in result.scores.items() if k != "calibration_error")


def test_misses_are_errors_and_stand_in_a_column_of_their_own(rng):
    right = np.eye(3)[[0, 1, 2, 0]] * 0.8 + 0.2 / 3
    result = score(predictions(right, [0, 1, 2, 0], missed=(3,)), Calibration(), rng, draws=10)
    assert result.scores["accuracy"].value == 0.75
    assert result.scores["mean_recall"].value == pytest.approx((0.5 + 1 + 1) / 3)
    assert result.confusion.loc["a"].tolist() == [1, 0, 0, 1] and result.missed == {"k3": "gone"}
    assert "coverage" not in result.scores  # nothing was calibrated


def test_groups_are_drawn_whole():
    truth = np.zeros(40, int)
    p = np.eye(3)[[0] * 20 + [1] * 20] * 0.9 + 0.1 / 3
    apart = score(predictions(p, truth), Calibration(), np.random.default_rng(0), draws=400)
    people = score(predictions(p, truth, ["x"] * 20 + ["y"] * 20), Calibration(), np.random.default_rng(0), draws=400)
    assert people.scores["accuracy"].groups == 2 and apart.scores["accuracy"].groups == 40
    assert people.scores["accuracy"].low == 0 and people.scores["accuracy"].high == 1
    assert apart.scores["accuracy"].low > 0.3
    assert people.groups.set_index("group").accuracy.to_dict() == {"x": 1.0, "y": 0.0}


def test_any_of_several_labels_is_right_and_thresholds_choose_several(rng):
    targets = np.array([[0.5, 0.5, 0], [0, 0, 1.0], [0, 1.0, 0]])
    p = np.array([[0.3, 0.6, 0.1], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1]])
    found = Predictions(p, targets, np.array([""] * 3, dtype=object), list("xyz"), LABELS, {})
    result = score(found, Calibration(), rng, thresholds=np.array([0.3, 0.5, 0.4]), draws=5)
    assert result.scores["accuracy"].value == pytest.approx(2 / 3)
    chosen = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 0]])
    want = f1_score((targets > 0).astype(int), chosen, average="macro", zero_division=0)
    assert result.scores["multilabel_macro_f1"].value == pytest.approx(want)
    assert "multilabel_macro_f1" not in score(found, Calibration(), rng, draws=5).scores


def test_thresholds_have_the_best_f1(rng):
    p, y = rng.random((100, 2)), rng.random((100, 2)) < 0.3
    for c, threshold in enumerate(fit_thresholds(p, y)):
        best = max(f1_score(y[:, c], p[:, c] >= t) for t in p[:, c])
        assert f1_score(y[:, c], p[:, c] >= threshold) == pytest.approx(best)


def test_nothing_to_score(rng):
    with pytest.raises(CorpusError, match="no rows"):
        score(predictions(np.zeros((0, 3)), np.zeros(0, int)), Calibration(), rng)
