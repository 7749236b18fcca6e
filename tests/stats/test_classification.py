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


def test_scores_of_nothing():
    none = np.zeros((2, 3), int)
    assert accuracy(none) == 0 and np.isnan(unweighted_recall(none)) and np.isnan(macro_f1(none))
    assert accuracy(np.array([[1, 0, 0], [0, 0, 0]])) == 1.0  # one row, and it is right


def test_confusion_by_hand():
    table = confusion(np.array([0, 0, 1, 1]), np.array([0, -1, 0, 1]), 2)
    assert table.tolist() == [[1, 0, 1], [1, 1, 0]]
    # F1: class 0 has 1 hit, 2 labels and 2 predictions; class 1 has 1 hit, 2 labels and 1 prediction.
    assert macro_f1(table) == pytest.approx((2 / 4 + 2 / 3) / 2)
    only = confusion(np.array([0, 0]), np.array([0, 0]), 3)  # classes that occur nowhere do not count
    assert unweighted_recall(only) == macro_f1(only) == 1.0


def test_a_label_that_occurs_nowhere_counts_as_nothing():
    truth, predicted = np.array([[1, 0, 0], [0, 0, 1]]), np.array([[1, 0, 0], [0, 0, 0]])
    # F1 of the columns: 1, 0 (nowhere), 0 (one label, never predicted).
    assert multilabel_macro_f1(truth, predicted) == pytest.approx(1 / 3)
    assert multilabel_macro_f1(np.array([[1]]), np.array([[0]])) == 0
    assert multilabel_macro_f1(np.array([[1], [0]]), np.array([[1], [1]])) == pytest.approx(2 / 3)


def test_certain_answers_lie_in_the_last_bin():
    # .999 and 1 share the last of ten bins: |1.999 - 1| / 2. A bin of its own for 1 would give (.001 + 1) / 2 as well, so the
    # rows are such that the two differ: one right, one wrong.
    assert expected_calibration_error(np.array([0.999, 1.0]), np.array([1, 0]), bins=10) == pytest.approx(0.999 / 2)
    assert expected_calibration_error(np.array([0.25]), np.array([1]), bins=2) == pytest.approx(0.75)
    assert expected_calibration_error(np.array([]), np.array([])) == 0
    # Fifteen bins unless told: .13 and .14 lie on either side of 2/15.
    assert expected_calibration_error(np.array([0.13, 0.14]), np.array([1, 0])) == pytest.approx((0.87 + 0.14) / 2)


def test_temperature_minimises_the_cross_entropy(rng):
    logits = rng.normal(0, 3, (300, 3))
    targets = np.eye(3)[rng.integers(0, 3, 300)] * 0.7 + 0.1

    def loss(t):
        return -(targets * np.log(softmax(logits / t))).sum(axis=1).mean()

    grid = np.exp(np.linspace(-2.5, 2.5, 2001))
    best = fit_temperature(logits, targets)
    assert best == pytest.approx(grid[np.argmin([loss(t) for t in grid])], rel=0.01)


def test_softmax_by_hand():
    np.testing.assert_allclose(softmax(np.array([[0.0, np.log(3)], [1e4, 1e4]])), [[0.25, 0.75], [0.5, 0.5]])


def test_the_conformal_quantile_counts_one_row_more():
    """With n scores the quantile is the ceil((n + 1) coverage)-th smallest (Angelopoulos & Bates 2021, algorithm 1)."""
    p = np.array([[1 - s, s] for s in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85)])
    y = np.tile([1.0, 0.0], (9, 1))  # the scores are .1, .2, …, .8, .85
    assert conformal_threshold(p, y, 0.9) == pytest.approx(0.85)  # ceil(10 x .9) = 9th; without the one more it is also the 9th
    assert conformal_threshold(p, y, 0.8) == pytest.approx(0.8)  # ceil(10 x .8) = 8th; without it the 8th (7.2)
    assert conformal_threshold(p, y, 0.75) == pytest.approx(0.8)  # 7.5 is the 8th; without it 6.75, the 7th
    assert conformal_threshold(p, y) == pytest.approx(0.85)
    assert conformal_threshold(p[:8], y[:8], 0.9) == 1.0  # eight rows cannot promise .9
    half = np.tile([0.5, 0.5], (2, 1))  # two labels count half each: scores .3 and .7 with weights of a half, twice
    assert conformal_threshold(np.tile([0.7, 0.3], (2, 1)), half, 0.3) == pytest.approx(0.3)  # .3 x 3 of 1 + 1
    assert conformal_threshold(np.tile([0.7, 0.3], (2, 1)), half, 0.5) == pytest.approx(0.7)


def test_coverage_and_size_by_hand():
    p = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8]])
    coverage, size = conformal_coverage(p, np.eye(2)[[0, 1, 0]], threshold=0.6)
    assert coverage == pytest.approx(2 / 3) and size == pytest.approx(4 / 3)  # {0}, {0, 1}, {1}; the bound itself is inside


def test_entropy_explained_by_hand():
    y = np.eye(2)[[0, 1]]
    p = np.array([[0.8, 0.2], [0.2, 0.8]])
    assert entropy_explained(p, y) == pytest.approx(1 + np.log(0.8) / np.log(2))
    assert entropy_explained(1 - p, y) == 0  # worse than the base rate
    sure = np.eye(2)[[0, 0]]  # one class alone: no entropy to explain, and no error
    assert entropy_explained(np.array([[0.9, 0.1]] * 2), sure) == 0


def test_a_class_that_never_occurs_has_no_entropy():
    y = np.eye(3)[[0, 1, 0, 1]]
    p = np.tile([0.45, 0.45, 0.1], (4, 1))
    assert entropy_explained(y * 0.9 + 0.05, y) == pytest.approx(1 + np.log(0.95) / np.log(2))
    assert entropy_explained(p, y) == 0
