"""Permutation tests within strata: exact by hand, at their level, as fine as a family needs, and with the power they say."""

from __future__ import annotations

from itertools import permutations
from math import comb, factorial

import numpy as np
import pytest
from scipy.stats import chi2, norm, pearsonr

from affectlens.stats.exchanges import all_exchanges, count_exchanges, drawn_exchanges, members_of
from affectlens.stats.independence import permutation as module
from affectlens.stats.independence.contrast import STRAIGHT, Contrast, Tail
from affectlens.stats.independence.permutation import centred_in, exchange_test
from affectlens.stats.resolution import Resolution

NO_STRATA = np.zeros(4, dtype=np.int64)


def test_all_exchanges_by_hand():
    orders = all_exchanges(np.array([0, 0, 1, 1]), NO_STRATA)
    arranged = np.array([0, 0, 1, 1])[orders]
    assert len(orders) == len(np.unique(arranged, axis=0)) == count_exchanges(np.array([0, 0, 1, 1]), NO_STRATA) == comb(4, 2)
    assert (np.sort(orders, axis=1) == np.arange(4)).all()
    whole = all_exchanges(np.arange(4), NO_STRATA)
    assert sorted(map(tuple, whole.tolist())) == sorted(permutations(range(4)))
    strata = np.array([1, 0, 1, 0, 2])
    within = all_exchanges(np.arange(5), strata)
    assert len(within) == 4 and (strata[within] == strata).all() and (within[:, 4] == 4).all()
    assert (
        count_exchanges(np.array([5, 5, 5]), np.zeros(3, int)) == 1
        and len(all_exchanges(np.zeros(3, int), np.zeros(3, int))) == 1
    )
    assert count_exchanges(np.array([2, 1, 3, 1, 1, 2]), np.zeros(6, int)) == factorial(6) / (factorial(3) * 2)
    assert len(all_exchanges(np.array([2, 1, 3, 1, 1, 2]), np.zeros(6, int))) == 60
    assert count_exchanges(np.arange(500), np.zeros(500, int)) == np.inf


def test_drawn_exchanges_stay_in_their_strata_and_are_all_as_likely(rng):
    strata = np.array([0, 1, 0, 1, 0, 2])
    orders = drawn_exchanges(members_of(strata), 6, 6000, rng)
    assert (strata[orders] == strata).all() and (np.sort(orders, axis=1) == np.arange(6)).all()
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 12 and chi2.sf(((counts - 500) ** 2 / 500).sum(), 11) > 1e-4


def test_few_rows_have_the_p_value_of_all_orders():
    """Four rows of one stratum with distinct products: the p-value is that of all 24 orders."""
    x, y = np.array([[0.0], [1.0], [2.0], [4.0]]), np.array([[0.0], [2.0], [1.0], [3.0]])
    a, b = ((v - v.mean()) / v.std() for v in (x, y))
    every = [float((a[list(o)].T @ b).item() ** 2) for o in permutations(range(4))]
    exact = np.mean([e >= float((a.T @ b).item() ** 2) * (1 - 1e-12) for e in every])
    found = exchange_test(x, y, NO_STRATA, np.random.default_rng(0), own=0)
    assert found.test.pvalue == pytest.approx(exact) and (found.test.how, found.test.draws) == ("exact", 24)
    np.testing.assert_allclose(found.a, a)
    np.testing.assert_allclose(found.b, b)
    # Of two values against four the six arrangements of the two are enough, whichever of both they are.
    two = np.array([[0.0], [0.0], [1.0], [1.0]])
    for first, second in ((two, y), (y, two)):
        assert exchange_test(first, second, NO_STRATA, np.random.default_rng(0), own=0).test.draws == 6


def test_permutations_never_leave_their_stratum():
    """x differs between strata alone: no order within them changes anything."""
    x = np.array([[0.0], [0.0], [5.0], [5.0]])
    assert exchange_test(x, x, np.array([0, 0, 1, 1]), np.random.default_rng(0), own=0).test.pvalue == 1.0


def test_the_limit_of_a_sum_of_squares_by_a_library():
    single = Tail.of(np.array([[2.0]]))  # 2 chi-square of one degree of freedom
    values = np.array([0.5, 8.0, 60.0])
    np.testing.assert_allclose(single.surprise(values), -chi2.logsf(values / 2, 1), rtol=1e-9)
    three = Tail.of(np.eye(3))
    np.testing.assert_allclose(three.surprise(np.array([1e-9, 20.0])), -chi2.logsf([1e-9, 20.0], 3), atol=1e-9)
    far = three.surprise(np.array([1400.0, 1500.0, 4000.0]))  # where the probability is zero to a computer
    np.testing.assert_allclose(far, [-norm.logsf(np.sqrt(v)) - np.log1p(v) for v in (1400.0, 1500.0, 4000.0)], rtol=0.01)
    assert (np.diff(far) > 0).all() and (Tail.of(np.zeros((2, 2))).surprise(values) == 0).all()


def test_the_statistic_is_the_weighted_smaller_of_two_p_values(rng):
    n, strata = 60, np.arange(60) % 3
    a, b = (centred_in(rng.normal(size=(n, 3)), strata) for _ in range(2))
    contrast = Contrast.of(a, b, strata, 1, 1)
    covariance = np.zeros((9, 9))
    for s in range(3):
        i = strata == s
        covariance += np.kron(a[i].T @ a[i], b[i].T @ b[i]) / (i.sum() - 1) / n
    squares = ((a.T @ b) ** 2 / n).ravel()
    first = chi2.sf(squares[0] / covariance[0, 0], 1) / STRAIGHT
    everything = np.exp(-Tail.of(covariance).surprise(squares.sum())) / (1 - STRAIGHT)
    assert contrast.observed() == pytest.approx(-np.log(min(first, everything)))
    orders = drawn_exchanges(members_of(strata), n, 3, rng)
    arranged = [Contrast(a[order], b, contrast.straight, contrast.tails, (), True).observed() for order in orders]
    np.testing.assert_allclose(contrast.over(orders), arranged)
    np.testing.assert_allclose(contrast.turned().over(np.argsort(orders, axis=1)), contrast.over(orders))
    assert contrast.limit(700.0) == 1e-300 and contrast.limit(-0.1) == 1.0
    # The covariance is that of the exchanges themselves.
    drawn = drawn_exchanges(members_of(strata), n, 20_000, rng)
    products = np.stack([(a[:, 0][drawn] @ b[:, k]) for k in range(2)], axis=1) / np.sqrt(n)
    np.testing.assert_allclose(np.cov(products.T), covariance[:2, :2], atol=0.05)


def test_rare_marks_have_no_limit():
    """Ten marked rows of 6,000 in both: the limit would call one row in common impossible; it happens once in sixty times."""
    n, strata = 6000, np.zeros(6000, dtype=np.int64)
    x, y = np.zeros((n, 1)), np.zeros((n, 1))
    x[:10], y[9:19] = 1, 1
    found = exchange_test(x, y, strata, np.random.default_rng(0)).test
    assert found.how == "draws" and found.pvalue == pytest.approx(1 - (1 - 10 / n) ** 10, rel=0.5)
    z = np.random.default_rng(0).normal(size=(n, 1))
    smooth = exchange_test(z, z + 50 * np.random.default_rng(1).normal(size=(n, 1)), strata, np.random.default_rng(0), own=0)
    r = pearsonr(smooth.a[:, 0], smooth.b[:, 0])
    assert smooth.test.how == "limit" and smooth.test.pvalue == pytest.approx(r.pvalue, rel=0.02)


def test_labels_by_themselves_have_a_limit_too(monkeypatch):
    """Of many rows: the p-value of the limits is that of permutations, also for labels of very different size."""
    rng = np.random.default_rng(2)
    strata = (np.arange(2000) % 10 > 7).astype(np.int64)
    x = rng.normal(size=(2000, 1))
    y = np.where(strata[:, None], 0.15, -0.05) * x + rng.normal(size=(2000, 1))
    drawn = exchange_test(x, y, strata, np.random.default_rng(0), own=0, apart=True).test
    monkeypatch.setattr(module, "MANY", 1999)
    limit = exchange_test(x, y, strata, np.random.default_rng(0), own=0, apart=True).test
    assert (drawn.how, limit.how) == ("draws", "limit") and drawn.statistic == limit.statistic
    assert limit.pvalue < 0.05 and drawn.pvalue == pytest.approx(limit.pvalue, rel=0.4)


def test_permutations_take_over_below_the_limit(monkeypatch):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 1))
    y = 0.1 * x + rng.normal(size=(400, 1))
    drawn = exchange_test(x, y, np.arange(400) % 4, np.random.default_rng(0), own=0).test
    monkeypatch.setattr(module, "MANY", 399)
    limit = exchange_test(x, y, np.arange(400) % 4, np.random.default_rng(0), own=0).test
    assert (drawn.how, limit.how) == ("draws", "limit") and drawn.statistic == limit.statistic
    assert limit.pvalue == pytest.approx(drawn.pvalue, rel=0.4)


def test_a_perfect_dependence_of_few_rows_survives_a_large_family():
    for n in (20, 140, 290):
        x = np.random.default_rng(n).normal(size=(n, 1))
        found = exchange_test(x, x, np.arange(n) % 4, np.random.default_rng(0), Resolution(tests=136)).test
        assert found.pvalue * 136 <= 0.05 and found.smallest * 136 <= 0.05


def test_the_test_holds_its_level_and_sees_what_is_not_straight():
    rng = np.random.default_rng(5)
    p, bent = [], []
    for _ in range(120):
        strata = rng.integers(0, 3, 60)
        x = rng.normal(size=(60, 1)) * (1 + strata[:, None]) + strata[:, None]
        p.append(exchange_test(x, rng.standard_t(3, (60, 1)) + strata[:, None], strata, rng).test.pvalue)
    for _ in range(20):
        x = rng.normal(size=(150, 1))
        bent.append(exchange_test(x, x**2 + rng.normal(size=(150, 1)), np.zeros(150, int), rng).test.pvalue)
    assert (np.array(p) <= 0.05).mean() <= 0.1 and (np.array(bent) <= 0.01).mean() >= 0.9
