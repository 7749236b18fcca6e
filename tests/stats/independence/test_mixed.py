"""Information of mixed data, and labels by themselves, against brute force."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.special import digamma
from scipy.stats import kstest

from affectlens.stats.independence import permutation, test
from affectlens.stats.independence.contrast import APART, Contrast, Tail
from affectlens.stats.independence.effect import correlation
from affectlens.stats.independence.peers.mixed import cmi_mixed, entropy
from affectlens.stats.independence.permutation import centred_in
from affectlens.stats.independence.variables import normal_scores, variable
from affectlens.stats.resolution import Resolution


def brute_entropy(numbers, codes):
    total = 0.0
    for code in set(codes):
        rows = numbers[codes == code]
        share = len(rows) / len(codes)
        total -= share * np.log(share)
        if numbers.shape[1] and len(rows) > 1:
            far = np.sort(cdist(rows, rows, "chebyshev"), axis=1)
            k = max(1, round(0.1 * len(rows)))
            total += share * (digamma(len(rows)) - digamma(k) + rows.shape[1] * np.log(2 * far[:, k]).mean())
    return total


def test_entropy_by_brute_force(rng):
    codes = np.array([0] * 40 + [1] * 20 + [2])
    numbers = rng.normal(size=(61, 2))
    for columns in (numbers, numbers[:, :0], numbers[:, :1]):
        assert entropy(columns, codes) == pytest.approx(brute_entropy(columns, codes))
    flat = entropy(rng.uniform(0, 3, (4000, 1)), np.zeros(4000, int))
    assert flat == pytest.approx(np.log(3), abs=0.1)
    assert entropy(np.zeros((9, 1)), np.zeros(9, int)) == 0.0  # equal rows have no distance


def test_information_of_labels_is_that_of_their_counts(rng):
    k = rng.integers(0, 3, 300)
    x, y = np.where(rng.random((2, 300)) < 0.6, k, rng.integers(0, 3, (2, 300)))
    parts = [variable(v, kind="categorical") for v in (x, y, k)]
    observed, p = cmi_mixed(*parts, np.random.default_rng(0), draws=19)
    table = pd.crosstab([x, y], k).stack()
    expected = 0.0
    for (a, b, c), count in table.items():
        if count:
            of_c, of_ac, of_bc = (k == c).sum(), ((x == a) & (k == c)).sum(), ((y == b) & (k == c)).sum()
            expected += count / 300 * np.log(count * of_c / of_ac / of_bc)
    assert observed == pytest.approx(expected) and p in {i / 20 for i in range(1, 21)}


def test_information_of_mixed_data(rng):
    z = pd.DataFrame({"k": np.array(list("ab"))[rng.integers(0, 2, 120)], "v": rng.normal(size=120)})
    x, y = z.v.to_numpy() + rng.normal(size=(2, 120))
    observed, _ = cmi_mixed(variable(x), variable(y), variable(z), rng, draws=0)
    a, b, c = (normal_scores(v[:, None]) for v in (x, y, z.v.to_numpy()))
    codes = (z.k == "a").to_numpy().astype(int)
    expected = (
        brute_entropy(np.column_stack([a, c]), codes) + brute_entropy(np.column_stack([b, c]), codes)
        - brute_entropy(np.column_stack([a, b, c]), codes) - brute_entropy(c, codes)
    )  # fmt: skip
    assert observed == pytest.approx(expected)
    found = test(x, x + 0.2 * y, z, method="cmih", rng=rng)
    assert found.method == "cmih" and found.p == 1 / 200
    assert test(x, y, method="cmih", rng=rng).p < 0.05  # without a condition z binds them


def test_labels_of_different_sign_share_the_level_with_those_of_one_by_enumeration():
    """The p-value of the smallest of three is counted over the same orders, so that nothing is lost to Bonferroni's rule."""
    x, y = np.array([[0.0], [1.0], [3.0], [7.0]] * 2), np.array([[0.0], [1.0], [2.0], [4.0], [4.0], [2.0], [1.0], [0.0]])
    strata = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    a, b = centred_in(x, strata), centred_in(y, strata)
    contrast = Contrast.of(a, b, strata, 1, 1, apart=True)
    parts = [np.kron(a[s].T @ a[s], b[s].T @ b[s]) / 3 for s in (slice(0, 4), slice(4, 8))]
    whole, apart = Tail.of(sum(parts) / 8), Tail.of(np.diag([part.item() / 4 for part in parts]))

    def value(first, second):
        c = [(a[s][list(o)].T @ b[s]).item() for s, o in ((slice(0, 4), first), (slice(4, 8), second))]
        together, alone = whole.surprise(np.array(sum(c) ** 2 / 8)), apart.surprise(np.array((c[0] ** 2 + c[1] ** 2) / 4))
        return max(float(together) + np.log(1 - APART), float(alone) + np.log(APART))

    every = np.array([value(o, q) for o in permutations(range(4)) for q in permutations(range(4))])
    assert contrast.observed() == pytest.approx(value(range(4), range(4)))
    orders = np.array([[*o, *(4 + np.array(q))] for o in permutations(range(4)) for q in permutations(range(4))])
    np.testing.assert_allclose(contrast.over(orders), every)
    mixed = np.array([0, 4, 1, 5, 2, 6, 3, 7])
    assert Contrast.of(a[mixed], b[mixed], strata[mixed], 1, 1, apart=True).observed() == pytest.approx(contrast.observed())


def test_labels_of_different_sign_are_seen_with_few_rows_and_many(monkeypatch):
    rng = np.random.default_rng(0)
    k = np.arange(400) % 2
    e = rng.normal(size=400)
    y = 0.4 * (2 * k - 1) * e + rng.normal(size=400)
    assert test(e, y, k.astype(str), rng=rng).p < 0.01 < test(e, y, rng=rng).p
    assert test(e[:30], y[:30], (np.arange(30) % 3).astype(str), rng=rng).p > 0.01  # ten rows a label: too few to be looked at
    monkeypatch.setattr(permutation, "MANY", 399)
    assert test(e, y, k.astype(str), rng=rng).p < 0.01  # by the limit, as of very many rows


def test_labels_by_themselves_cost_no_level():
    p = []
    for seed in range(200):
        rng = np.random.default_rng([seed, 3])
        k = rng.integers(0, 2, 60)
        p.append(test(k + rng.normal(size=60) * (1 + k), -k + rng.normal(size=60), k, rng=rng).p)
    assert 0.02 <= (np.array(p) <= 0.05).mean() <= 0.09 and kstest(p, "uniform").pvalue > 0.01


def test_a_family_of_tests_gets_p_values_as_small_as_it_needs():
    rng = np.random.default_rng(0)
    x, k, z = rng.normal(size=60), np.arange(60) % 3, rng.normal(size=60)
    for condition in (None, k.astype(str), z):
        assert test(x, x, condition, rng=np.random.default_rng(1), resolution=Resolution(tests=136)).p * 136 <= 0.05
    assert test(x, x, z, rng=np.random.default_rng(1)).p == 1 / 500  # alone: as fine as a single test needs


def test_few_rows_have_intervals_that_hold_the_truth():
    for n in (10, 25):
        inside = []
        for seed in range(300):
            rng = np.random.default_rng([seed, n])
            a, b = rng.normal(size=(2, n)) * np.sqrt(3 / rng.chisquare(3, n))
            effect = correlation(a, 0.5 * a + np.sqrt(0.75) * b)
            inside.append(effect.low <= 0.5 <= effect.high)
        assert np.mean(inside) >= 0.91
    assert correlation(np.arange(3.0), np.array([1.0, 0.0, 2.0])).low == -1
    a, b = np.random.default_rng(0).normal(size=(2, 60))
    wide, narrow = (correlation(a, b, spent) for spent in (30.0, 0.0))
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)
