import numpy as np
import pytest
from sklearn import metrics

from affectlens.stats.classification import (
    accuracy,
    conformal_coverage,
    conformal_threshold,
    confusion,
    entropy_explained,
    expected_calibration_error,
    fit_temperature,
    macro_f1,
    multilabel_macro_f1,
    softmax,
    unweighted_recall,
)


def test_scores_equal_scikit_learn(rng):
    truth, predicted = rng.integers(0, 5, 400), rng.integers(0, 5, 400)
    table = confusion(truth, predicted, 5)
    assert accuracy(table) == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert unweighted_recall(table) == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    assert macro_f1(table) == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    y, p = rng.random((50, 4)) < 0.3, rng.random((50, 4)) < 0.4
    assert multilabel_macro_f1(y, p) == pytest.approx(metrics.f1_score(y, p, average="macro"))


def test_a_miss_is_an_error():
    table = confusion(np.array([0, 0, 1, 1]), np.array([0, -1, 1, 1]), 2)
    assert accuracy(table) == pytest.approx(3 / 4)
    assert unweighted_recall(table) == pytest.approx((0.5 + 1) / 2)


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    correct = np.array([1, 1, 1, 0])
    # Two bins: |0.95 - 1| and |0.55 - 0.5|, each half of the rows.
    assert expected_calibration_error(confidence, correct) == pytest.approx(0.05)


def test_temperature_is_recovered(rng):
    logits = rng.normal(0, 2, (6000, 4))
    labels = np.array([rng.choice(4, p=row) for row in softmax(logits / 2.5)])
    assert fit_temperature(logits, np.eye(4)[labels]) == pytest.approx(2.5, rel=0.1)


def test_conformal_sets_cover(rng):
    coverage = []
    for _ in range(40):
        p = softmax(rng.normal(0, 1.5, (800, 6)))
        y = np.eye(6)[[rng.choice(6, p=row) for row in p]]
        threshold = conformal_threshold(p[:400], y[:400], 0.9)
        coverage.append(conformal_coverage(p[400:], y[400:], threshold)[0])
    assert 0.885 <= np.mean(coverage) <= 0.92


@pytest.mark.parametrize(("rows", "expected"), [(10, 0.10), (9, 0.09), (8, 1.0)])
def test_the_conformal_quantile_is_that_of_one_row_more(rows, expected):
    """Scores .01, .02, …: of 10 rows the tenth (9.9 of 11 are needed), of 9 the ninth, of 8 none reaches 8.1 of 9."""
    scores = np.arange(1, rows + 1) / 100
    p = np.stack([1 - scores, scores], axis=1)
    assert conformal_threshold(p, np.tile([1.0, 0.0], (rows, 1)), 0.9) == pytest.approx(expected)


def test_conformal_sets_are_never_empty():
    p = np.full((3, 4), 0.25)
    assert conformal_coverage(p, np.eye(4)[[0, 1, 2]], threshold=0.1)[1] == 1.0


def test_entropy_explained_is_zero_for_the_base_rate_and_one_for_the_truth():
    y = np.eye(3)[[0, 1, 2, 0]]
    assert entropy_explained(np.tile(y.mean(axis=0), (4, 1)), y) == pytest.approx(0)
    assert entropy_explained(y, y) == pytest.approx(1, abs=1e-6)
