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
    assert sequential_p(-1.0, draw, most=999, stop=50) == 1


def test_sequential_p_by_hand():
    from affectlens.stats.resample import sequential_p

    values = iter(np.array([0.0, 3, 0, 0, 3, 0, 0, 0, 0, 0]))

    def draw(k):
        return np.array([next(values) for _ in range(k)])

    assert sequential_p(2.0, draw, most=10, stop=2, size=3) == 2 / 5
