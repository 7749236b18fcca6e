import numpy as np
import pytest

from affectlens.stats.resample import bootstrap, wilson


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
