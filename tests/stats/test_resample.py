import numpy as np
import pytest
from scipy.stats import kstest

from affectlens.stats.resample import bootstrap, permutation_p, sign_flip_test, wilson


def test_permutation_p_by_hand():
    null = np.array([1.0, 2.0, 3.0, 4.0])
    assert permutation_p(3.0, null) == pytest.approx(3 / 5)
    assert permutation_p(9.0, null) == pytest.approx(1 / 5)
    assert permutation_p(0.0, null, "less") == pytest.approx(1 / 5)
    assert permutation_p(2.5, null, "two") == 1.0
    assert np.isnan(permutation_p(float("nan"), null))  # what is not defined is not extreme


def test_sign_flip_enumerates_small_samples(rng):
    d = np.array([1.0, 2.0, 3.0])
    # Of the 8 sign patterns only the observed one has a mean as large.
    assert sign_flip_test(d, rng) == pytest.approx(1 / 8)
    assert sign_flip_test(d, rng, side="two") == pytest.approx(2 / 8)
    assert sign_flip_test(-d, rng) == 1.0
    assert sign_flip_test(np.array([]), rng) == 1.0


def test_sign_flip_holds_its_level_and_has_power(rng):
    null = [sign_flip_test(rng.standard_t(3, 12), rng) for _ in range(200)]
    assert np.mean(np.array(null) <= 0.05) <= 0.1
    assert kstest(null, "uniform").pvalue > 0.01
    power = [sign_flip_test(rng.normal(1, 1, 12), rng) <= 0.05 for _ in range(100)]
    assert np.mean(power) > 0.9


def test_bootstrap_covers_the_mean(rng):
    hits = 0
    for _ in range(200):
        x = rng.normal(0, 1, 60)
        e = bootstrap(lambda r, x=x: float(x[r].mean()), len(x), rng, draws=300)
        hits += e.low <= 0 <= e.high
    assert 0.88 <= hits / 200 <= 0.99


def test_groups_widen_the_interval(rng):
    x = np.repeat(rng.normal(0, 1, 20), 30)
    groups = np.repeat(np.arange(20), 30)
    alone = bootstrap(lambda r: float(x[r].mean()), len(x), rng, draws=300)
    together = bootstrap(lambda r: float(x[r].mean()), len(x), rng, groups=groups, draws=300)
    assert together.high - together.low > 3 * (alone.high - alone.low)
    assert together.groups == 20 and together.n == 600


def test_same_seed_same_interval():
    x = np.arange(30.0)
    a, b = (bootstrap(lambda r: float(x[r].mean()), 30, np.random.default_rng(1)) for _ in range(2))
    assert a == b


def test_wilson_matches_statsmodels_value():
    e = wilson(9, 9)  # proportion_confint(9, 9, method="wilson") = (0.7008, 1.0)
    assert e.low == pytest.approx(0.70085, abs=1e-4) and e.high == 1.0
    assert np.isnan(wilson(0, 0).value)


def test_sequential_p_is_uniform_under_the_null_and_stops_early(rng):
    from affectlens.stats.resample import sequential_p

    asked = []

    def draw(k):
        asked.append(k)
        return rng.random(k)

    p = np.array([sequential_p(rng.random(), draw, most=1999, stop=20) for _ in range(400)])
    assert (p <= 0.05).mean() < 0.09 and abs(np.mean(p) - 0.5) < 0.06
    assert sum(asked) / 400 < 400  # most need few draws
    assert sequential_p(2.0, draw, most=999) == 1 / 1000
    assert np.isnan(sequential_p(float("nan"), draw, most=999))
    assert sequential_p(-1.0, draw, most=999, stop=50) == 1


def test_sequential_p_by_hand():
    from affectlens.stats.resample import sequential_p

    values = iter(np.array([0.0, 3, 0, 0, 3, 0, 0, 0, 0, 0]))

    def draw(k):
        return np.array([next(values) for _ in range(k)])

    assert sequential_p(2.0, draw, most=10, stop=2, size=3) == 2 / 5


def test_an_estimate_in_words():
    from affectlens.stats.resample import Estimate

    assert str(Estimate(0.12345, 0.1, 0.2, 10, 3)) == "0.123 [0.100, 0.200]"


def test_bootstrap_interval_is_the_quantiles_of_the_draws():
    values = np.arange(10.0)
    drawn = []

    def mean(rows):
        drawn.append(float(values[rows].mean()))
        return drawn[-1]

    e = bootstrap(mean, 10, np.random.default_rng(3), draws=200, level=0.8)
    assert len(drawn) == 201 and e.value == 4.5 and (e.n, e.groups) == (10, 10)
    assert (e.low, e.high) == tuple(np.quantile(drawn[1:], [0.1, 0.9]))
    wide = bootstrap(mean, 10, np.random.default_rng(3), draws=200)
    assert (wide.low, wide.high) == tuple(np.quantile(drawn[-200:], [0.025, 0.975]))
    standard = bootstrap(lambda r: float(values[r].mean()), 10, np.random.default_rng(3))
    thousand = bootstrap(lambda r: float(values[r].mean()), 10, np.random.default_rng(3), draws=1000)
    assert standard == thousand


def test_groups_are_drawn_whole():
    groups = np.array(["b", "a", "b", "c"])
    seen = []

    def count(rows):
        seen.append(sorted(rows.tolist()))
        return float(len(rows))

    bootstrap(count, 4, np.random.default_rng(0), groups=groups, draws=50)
    for rows in seen[1:]:
        assert rows.count(0) == rows.count(2) and rows.count(0) + rows.count(1) + rows.count(3) == 3
    assert len({tuple(r) for r in seen[1:]}) > 5


def test_a_statistic_that_is_never_a_number_has_no_interval():
    e = bootstrap(lambda r: float("nan"), 5, np.random.default_rng(0), draws=10)
    assert np.isnan([e.value, e.low, e.high]).all() and (e.n, e.groups) == (5, 5)
    half = bootstrap(lambda r: float("nan") if r[0] == 0 else 1.0, 5, np.random.default_rng(0), draws=50)
    assert (half.low, half.high) == (1.0, 1.0)


def test_wilson_by_its_formula():
    z = 1.959963984540054
    for k, n in ((0, 1), (3, 10), (10, 10)):
        p = k / n
        middle, half = (p + z**2 / (2 * n)) / (1 + z**2 / n), z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        e = wilson(k, n)
        assert (e.value, e.n, e.groups) == (p, n, n)
        assert e.low == pytest.approx(max(middle - half, 0), abs=1e-12) and e.high == pytest.approx(min(middle + half, 1))
    assert wilson(5, 10, 0.5).low == pytest.approx(0.3957, abs=1e-4)  # z = .6745
    nothing = wilson(0, 0)
    assert np.isnan([nothing.low, nothing.high]).all() and (nothing.n, nothing.groups) == (0, 0)


def test_equal_values_count_as_extreme_also_by_rounding():
    assert permutation_p(1e6, np.array([1e6 * (1 - 1e-14), 0.0])) == pytest.approx(2 / 3)
    assert permutation_p(0.1, np.array([0.1 + 1e-13, 1.0]), "less") == pytest.approx(2 / 3)
    assert permutation_p(3.0, np.array([1.0, 2.0, 3.0, 4.0]), "less") == pytest.approx(4 / 5)
    assert permutation_p(9.0, np.arange(9.0), "two") == pytest.approx(2 / 10)
    assert permutation_p(-9.0, np.arange(9.0), "two") == pytest.approx(2 / 10)


def test_sign_flips_by_hand_on_every_side(rng):
    d = np.array([3.0, 1.0, -1.0])
    # Means times 3 of the eight patterns: 5, 3, 3, 1, -1, -3, -3, -5; the observed is 3.
    assert sign_flip_test(d, rng) == pytest.approx(3 / 8)
    assert sign_flip_test(d, rng, side="less") == pytest.approx(7 / 8)
    assert sign_flip_test(d, rng, side="two") == pytest.approx(6 / 8)
    assert sign_flip_test(np.array([1.0, np.nan, 2.0, 3.0]), rng) == pytest.approx(1 / 8)
    assert sign_flip_test(np.array([0.1, 0.2, 0.3]) * 1e-3, rng, side="two") == pytest.approx(2 / 8)


def test_many_differences_are_flipped_at_random():
    d = np.full(12, 1.0)
    exact = sign_flip_test(d, np.random.default_rng(0))  # all 4,096 patterns
    assert exact == 1 / 4096
    drawn = sign_flip_test(d, np.random.default_rng(0), draws=99)
    assert drawn == 1 / 100
    assert (
        sign_flip_test(np.ones(6), np.random.default_rng(0), draws=63) == 1 / 64
    )  # as many patterns as draws and the observed
    p = sign_flip_test(np.tile([1.0, -1.0], 40), np.random.default_rng(0), draws=2000, side="two")
    assert p > 0.9
    assert sign_flip_test(np.full(70, 1.0), np.random.default_rng(0), draws=50) == 1 / 51
    normal = np.random.default_rng(1).normal(0.2, 1, 80)
    z = normal.mean() / np.sqrt((normal**2).mean() / 80)  # under flips the mean has this deviation, and is nearly normal
    from scipy.stats import norm

    assert sign_flip_test(normal, np.random.default_rng(0)) == pytest.approx(norm.sf(z), abs=0.01)


def test_sequential_draws_stop_where_enough_reached_it():
    from affectlens.stats.resample import sequential_p

    sizes = []

    def all_beyond(k):
        sizes.append(k)
        return np.ones(k)

    assert sequential_p(1.0, all_beyond) == 1.0 and sizes == [100]  # 50 of the first 50; equal values count
    assert sequential_p(1.0, all_beyond, stop=150) == 1.0 and sizes == [100, 100, 100]
    sizes.clear()

    def none_beyond(k):
        sizes.append(k)
        return np.zeros(k)

    assert sequential_p(1.0, none_beyond) == 1 / 10_000 and sum(sizes) == 9999 and sizes[-1] == 99
    assert sequential_p(1e-3, lambda k: np.full(k, 1e-3 - 1e-13), most=10, stop=50) == 1.0  # equal but for rounding


def test_all_flips_are_taken_while_there_are_no_more_than_draws():
    d = np.array([1.0, 2, 4, 8, 16, -32])  # 64 different sums, all odd numbers from -63 to 63; the observed is -1
    for seed in range(3):
        assert sign_flip_test(d, np.random.default_rng(seed), draws=63) == 33 / 64
    assert sign_flip_test(np.ones(40), np.random.default_rng(0)) == 1 / 10_000
