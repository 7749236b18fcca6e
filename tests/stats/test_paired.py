"""Paired tests against enumeration by hand and against scipy."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binomtest

from affectlens.stats.paired import exact_flips, exact_places, parted_by_groups, sums_of_units
from affectlens.stats.resolution import Resolution


@pytest.mark.parametrize("seed", range(6))
def test_all_flips_by_hand(seed):
    rng = np.random.default_rng(seed)
    differences = rng.integers(-4, 5, 9)
    all_sums = [abs(sum(s * d for s, d in zip(signs, differences, strict=True))) for signs in product((-1, 1), repeat=9)]
    expected = np.mean([value >= abs(differences.sum()) for value in all_sums])
    found = exact_flips(differences)
    assert found.pvalue == pytest.approx(expected) and found.statistic == differences.mean() and found.how == "exact"


@pytest.mark.parametrize(("first", "second"), [(6, 1), (30, 12), (5, 5), (1, 0), (400, 300)])
def test_mcnemar_is_the_binomial_test(first, second):
    found = exact_flips(np.array([1] * first + [-1] * second + [0] * 7))
    assert found.pvalue == pytest.approx(binomtest(first, first + second).pvalue)
    # People who differ by two each are the same pairs.
    assert exact_flips(2 * np.array([1] * first + [-1] * second)).pvalue == pytest.approx(found.pvalue)


def test_edges():
    assert np.isnan(exact_flips(np.array([])).pvalue)
    assert exact_flips(np.zeros(5)).pvalue == 1.0
    assert 0 < exact_flips(np.ones(5000)).pvalue < 1e-300
    with pytest.raises(ValueError, match="whole numbers"):
        exact_flips(np.array([0.5]))
    rng = np.random.default_rng(0)
    large = rng.integers(-9, 10, 6000)
    limit = exact_flips(large)
    assert limit.how == "limit"
    part = large[:2000]
    exact = exact_flips(part)
    assert exact.how == "exact"
    z = abs(part.sum()) / np.sqrt((part.astype(float) ** 2).sum())
    from scipy.stats import norm

    assert exact.pvalue == pytest.approx(2 * norm.sf(z), abs=0.02)


def test_people_are_the_units():
    """Ten items of one person are one piece of evidence, not ten."""
    rows, who = np.ones(40), np.repeat(["a", "b", "c", "d"], 10)
    assert exact_flips(rows).pvalue < 1e-9
    assert exact_flips(sums_of_units(rows, who)).pvalue == pytest.approx(2 / 16)


def test_level_of_the_exact_test():
    rng = np.random.default_rng(1)
    wrong = sum(exact_flips(rng.integers(-2, 3, 40)).pvalue <= 0.05 for _ in range(600))
    assert wrong <= 45  # 30 expected at most, three deviations above


def test_groups_that_part_two_models_are_found_and_others_are_not():
    rng = np.random.default_rng(2)
    groups = np.repeat(["x", "y"], 150)
    planted = np.where(groups == "x", rng.choice([0, 0, 1], 300), rng.choice([0, 0, -1], 300))
    assert parted_by_groups(planted, groups, None, 3).pvalue <= 0.001
    everywhere = rng.choice([0, 0, 1], 300)  # better in both groups alike
    assert parted_by_groups(everywhere, groups, None, 3).pvalue > 0.05
    wrong = 0
    for seed in range(200):
        noise = np.random.default_rng(seed).choice([-1, 0, 0, 1], 120)
        wrong += parted_by_groups(noise, groups[90:210], None, seed).pvalue <= 0.05
    assert wrong <= 20
    one = parted_by_groups(planted, np.full(300, "x"), None, 0)
    assert np.isnan(one.pvalue)
    people = np.repeat(np.arange(30), 10).astype(str)
    assert parted_by_groups(planted, groups, people, 3, Resolution(20)).pvalue < 0.01
    assert parted_by_groups(np.zeros(300), groups, None, 0).pvalue == 1.0


def test_the_statistic_by_hand():
    found = parted_by_groups(np.array([1, 1, 0, -1]), np.array(["a", "a", "b", "b"]), None, 0)
    # Means 1 and -1/2 about 1/4: 2 · (3/4)² + 2 · (3/4)².
    assert found.statistic == pytest.approx(np.sqrt(2 * 2 * 0.75**2))


@pytest.mark.parametrize("seed", range(5))
def test_any_column_may_be_the_base_by_hand(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 3, (6, 3))
    each = values.sum(axis=1, keepdims=True) - 3 * values
    all_sums = [abs(sum(row[place] for row, place in zip(each, places, strict=True))) for places in product(range(3), repeat=6)]
    found = exact_places(values, base=1)
    assert found.pvalue == pytest.approx(np.mean([value >= abs(each[:, 1].sum()) for value in all_sums]))
    assert found.statistic == pytest.approx(each[:, 1].mean())


def test_a_shared_base_keeps_the_level_where_flips_do_not():
    """Right answers are common: the differences of two doses from one base are skewed."""
    places = flips = 0
    for seed in range(1500):
        right = (np.random.default_rng(seed).random((60, 3)) < 0.93).astype(int)
        places += exact_places(right).pvalue <= 0.01
        flips += exact_flips(right[:, 1] + right[:, 2] - 2 * right[:, 0]).pvalue <= 0.01
    assert places <= 26 and places <= flips  # 15 expected at most, three deviations above


def test_places_edges():
    assert np.isnan(exact_places(np.zeros((0, 3))).pvalue) and exact_places(np.ones((5, 3))).pvalue == 1.0
    with pytest.raises(ValueError, match="whole numbers"):
        exact_places(np.array([[0.5, 1.0]]))
    assert exact_places(np.random.default_rng(0).integers(0, 30, (900, 3))).how == "limit"
