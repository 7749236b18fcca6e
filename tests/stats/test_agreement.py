"""Agreement: published examples, a hand oracle by listing all pairs, and what must not change it."""

from itertools import permutations

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.stats.agreement import (
    FORMS,
    cohen_kappa,
    cohen_kappa_interval,
    icc,
    icc_interval,
    krippendorff_alpha,
    krippendorff_alpha_interval,
)

NONE = float("nan")
# Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section C: four observers, twelve units.
KRIPPENDORFF = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
])  # fmt: skip
# Shrout & Fleiss (1979), tables 2 and 4: six targets, four judges.
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]])


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_the_published_alpha(level, value):
    assert krippendorff_alpha(KRIPPENDORFF, level) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(("form", "value"), list(zip(FORMS, (0.17, 0.29, 0.71, 0.44, 0.62, 0.91), strict=True)))
def test_the_published_intraclass_correlations(form, value):
    assert icc(SHROUT, form) == pytest.approx(value, abs=5e-3)


def by_pairs(table, distance):
    """Alpha from every ordered pair of ratings, as its definition has it."""
    items = [[value for value in column if value == value] for column in table.T]
    items = [values for values in items if len(values) > 1]
    every = [value for values in items for value in values]
    observed = sum(sum(distance(*pair) for pair in permutations(values, 2)) / (len(values) - 1) for values in items)
    expected = sum(distance(*pair) for pair in permutations(every, 2)) / (len(every) - 1)
    return 1 - observed / expected


def test_alpha_by_hand_on_drawn_ratings():
    rng = np.random.default_rng(3)
    table = rng.integers(0, 4, (5, 30)).astype(float)
    table[rng.random(table.shape) < 0.4] = NONE
    assert krippendorff_alpha(table, "interval") == pytest.approx(by_pairs(table, lambda a, b: (a - b) ** 2))
    assert krippendorff_alpha(table) == pytest.approx(by_pairs(table, lambda a, b: a != b))


def test_alpha_of_names_does_not_know_their_order_and_takes_none_for_missing():
    names = np.array(["a", "b", "c", "d", "e"], object)
    named = np.where(np.isnan(KRIPPENDORFF), None, names[np.nan_to_num(KRIPPENDORFF, nan=1).astype(int) - 1])
    assert krippendorff_alpha(named) == pytest.approx(krippendorff_alpha(KRIPPENDORFF))
    assert krippendorff_alpha(named[::-1, ::-1]) == pytest.approx(krippendorff_alpha(KRIPPENDORFF))


def test_kappa_against_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(4)
    first = rng.integers(0, 5, 80)
    second = np.where(rng.random(80) < 0.6, first, rng.integers(0, 5, 80))
    for weights in (None, "linear", "quadratic"):
        assert cohen_kappa(first, second, weights) == pytest.approx(metrics.cohen_kappa_score(first, second, weights=weights))


def test_what_one_rater_left_out_does_not_count():
    assert cohen_kappa(["a", "b", None, "a"], ["a", "b", "b", NONE]) == 1.0
    assert np.isnan(cohen_kappa([None], ["a"]))
    assert np.isnan(cohen_kappa(["a", "a"], ["a", "a"]))  # chance agrees always
    assert np.isnan(krippendorff_alpha([[1, NONE], [NONE, 2]]))
    table = np.vstack([SHROUT.astype(float), [NONE, 1, 2, 3]])
    assert icc(table) == pytest.approx(icc(SHROUT)) and np.isnan(icc(table[:1]))


def test_raters_of_a_third_kind_ignore_a_rater_who_is_always_higher():
    shifted = SHROUT + [0, 0, 5, 0]
    assert icc(shifted, "ICC(3,1)") == pytest.approx(icc(SHROUT, "ICC(3,1)"))
    assert icc(shifted, "ICC(2,1)") != pytest.approx(icc(SHROUT, "ICC(2,1)"))


@pytest.mark.parametrize("interval", [
    lambda rng: krippendorff_alpha_interval(KRIPPENDORFF, rng=rng, draws=200),
    lambda rng: cohen_kappa_interval(KRIPPENDORFF[1], KRIPPENDORFF[3], rng=rng, draws=200),
    lambda rng: icc_interval(SHROUT, rng=rng, draws=200),
])  # fmt: skip
def test_intervals_hold_the_value_and_are_the_same_for_the_same_seed(interval):
    first = interval(7)
    assert first.low <= first.value <= first.high and first.low < first.high
    assert first == interval(np.random.default_rng(7))


def test_an_interval_covers_what_many_items_give():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 3, 20_000)
    noisy = [np.where(rng.random(20_000) < 0.7, truth, rng.integers(0, 3, 20_000)) for _ in range(2)]
    whole = cohen_kappa(*noisy)
    inside = 0
    for start in range(0, 6000, 60):
        part = cohen_kappa_interval(noisy[0][start : start + 60], noisy[1][start : start + 60], rng=start, draws=100)
        inside += part.low <= whole <= part.high
    assert inside >= 86  # of 100


@pytest.mark.parametrize(("call", "says"), [
    (lambda: krippendorff_alpha([1, 2]), r"\(raters, items\) was expected"),
    (lambda: krippendorff_alpha([["a"], ["b"]], "ordinal"), "takes numbers"),
    (lambda: krippendorff_alpha([[1], [2]], "ratio"), "one of nominal"),
    (lambda: cohen_kappa([1], [1, 2]), "as many of both"),
    (lambda: cohen_kappa([1], [1], "cubic"), "'linear' or 'quadratic'"),
    (lambda: icc([[1, 2]], "ICC(4,1)"), "one of ICC"),
    (lambda: icc([[1], [2]]), "at least two raters"),
    (lambda: icc([["a", "b"]]), "takes numbers"),
])  # fmt: skip
def test_wrong_values(call, says):
    with pytest.raises(UsageError, match=says):
        call()
