"""Information of mixed data, and labels by themselves, against brute force."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.special import digamma

from affectlens.stats.independence import test
from affectlens.stats.independence.effect import correlation
from affectlens.stats.independence.labels import within_labels
from affectlens.stats.independence.mixed import cmi_mixed, entropy
from affectlens.stats.independence.permutation import centred_in
from affectlens.stats.independence.variables import normal_scores, variable


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


def test_labels_of_different_sign_by_enumeration():
    x, y = np.array([[0.0], [1.0], [3.0], [0.0], [1.0], [3.0]]), np.array([[0.0], [1.0], [2.0], [2.0], [1.0], [0.0]])
    strata = np.array([0, 0, 0, 1, 1, 1])
    a, b = centred_in(x, strata), centred_in(y, strata)

    def value(first, second):
        return sum((a[s].T @ b[s][list(o)]).item() ** 2 for s, o in ((slice(0, 3), first), (slice(3, 6), second)))

    every = [value(o, q) for o in permutations(range(3)) for q in permutations(range(3))]
    exact = np.mean([v >= value(range(3), range(3)) - 1e-9 for v in every])
    assert within_labels(a, b, strata, np.random.default_rng(0), draws=4999) == pytest.approx(exact, abs=0.02)
    mixed = np.array([0, 3, 1, 4, 2, 5])
    again = within_labels(a[mixed], b[mixed], strata[mixed], np.random.default_rng(1), draws=4999)
    assert again == pytest.approx(exact, abs=0.02)


def test_labels_of_many_rows_share_the_level(rng):
    k = np.arange(80) % 4
    x, y = rng.normal(size=(2, 80))
    found = test(x, y, k.astype(str), rng=rng)
    assert len(found.each) == 2 and found.p == pytest.approx(min(1, found.each[0] / 0.8, found.each[1] / 0.2))
    assert len(test(x[:79], y[:79], k[:79].astype(str), rng=rng).each) == 1  # fewer than 20 rows a label
    assert len(test(x, y, rng=rng).each) == 1


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
