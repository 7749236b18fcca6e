"""P-values by permutations and sign flips: by hand, at the level, as fine as a family needs, and never of what is undefined."""

import numpy as np
import pytest
from scipy.stats import chi2, expon, kstest, norm

from affectlens.stats.randomization import column_p, exact_test, permutation_p, randomization_test, sign_flip_test
from affectlens.stats.resolution import Resolution, reach_sentence, reachable
from affectlens.stats.tail import Tail, fitted_tail


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
    assert sign_flip_test(d, rng).pvalue == pytest.approx(1 / 8)
    assert sign_flip_test(d, rng, side="two").pvalue == pytest.approx(2 / 8)
    assert sign_flip_test(-d, rng).pvalue == 1.0
    assert np.isnan(sign_flip_test(np.array([]), rng).pvalue)


def test_sign_flip_holds_its_level_and_has_power(rng):
    null = [sign_flip_test(rng.standard_t(3, 12), rng).pvalue for _ in range(200)]
    assert np.mean(np.array(null) <= 0.05) <= 0.1
    assert kstest(null, "uniform").pvalue > 0.01
    power = [sign_flip_test(rng.normal(1, 1, 12), rng).pvalue <= 0.05 for _ in range(100)]
    assert np.mean(power) > 0.9


def test_equal_values_count_as_extreme_also_by_rounding():
    assert permutation_p(1e6, np.array([1e6 * (1 - 1e-14), 0.0])) == pytest.approx(2 / 3)
    assert permutation_p(0.1, np.array([0.1 + 1e-13, 1.0]), "less") == pytest.approx(2 / 3)
    assert permutation_p(3.0, np.array([1.0, 2.0, 3.0, 4.0]), "less") == pytest.approx(4 / 5)
    assert permutation_p(9.0, np.arange(9.0), "two") == pytest.approx(2 / 10)
    assert permutation_p(-9.0, np.arange(9.0), "two") == pytest.approx(2 / 10)


def test_sign_flips_by_hand_on_every_side(rng):
    d = np.array([3.0, 1.0, -1.0])
    # Means times 3 of the eight patterns: 5, 3, 3, 1, -1, -3, -3, -5; the observed is 3.
    assert sign_flip_test(d, rng).pvalue == pytest.approx(3 / 8)
    assert sign_flip_test(d, rng, side="less").pvalue == pytest.approx(7 / 8)
    assert sign_flip_test(d, rng, side="two").pvalue == pytest.approx(6 / 8)
    assert sign_flip_test(np.array([1.0, np.nan, 2.0, 3.0]), rng).pvalue == pytest.approx(1 / 8)
    assert sign_flip_test(np.array([0.1, 0.2, 0.3]) * 1e-3, rng, side="two").pvalue == pytest.approx(2 / 8)


def given(values):
    """Draws of the null that are these, one after the other."""
    left = iter(values)
    return lambda k: np.array([next(left) for _ in range(k)])


def test_drawing_ends_with_the_twentieth_value_that_is_as_large():
    null = np.tile([0.0, 3.0], 500)
    found = randomization_test(2.0, given(null))
    assert (found.pvalue, found.draws, found.how) == (20 / 40, 40, "draws")  # every second one, the last at the fortieth
    equal = randomization_test(1.0, lambda k: np.ones(k))
    assert equal.pvalue == 1.0 and equal.draws == 20
    nearly = randomization_test(1e-3, lambda k: np.full(k, 1e-3 - 1e-13))
    assert nearly.pvalue == 1.0  # equal but for rounding


def test_as_many_draws_as_the_family_needs():
    counted = []

    def counts(k):
        counted.append(k)
        return np.zeros(k)

    alone = randomization_test(1.0, counts)
    assert alone.pvalue == alone.smallest == 1 / 1000 and sum(counted) == alone.draws == 999
    family = randomization_test(1.0, counts, Resolution(tests=136))
    assert family.draws == 4 * 136 * 20 - 1 and family.pvalue * 136 == pytest.approx(0.05 / 4)
    costly = randomization_test(1.0, counts, Resolution(tests=136), size=10_000)
    assert costly.draws == 2000 and costly.smallest == 1 / 2001
    few = randomization_test(1.0, counts, Resolution(tests=136), arrangements=20)
    assert few.smallest == 1 / 20


def test_a_randomization_test_is_uniform_under_the_null_and_stops_early(rng):
    found = [randomization_test(rng.random(), rng.random) for _ in range(400)]
    p = np.array([test.pvalue for test in found])
    assert (p <= 0.05).mean() < 0.09 and abs(p.mean() - 0.5) < 0.06 and kstest(p, "uniform").pvalue > 0.001
    assert np.mean([test.draws for test in found]) < 400


@pytest.mark.parametrize("law", [expon(), chi2(1), chi2(8), norm()])
def test_the_fitted_tail_rejects_no_more_than_it_says(law):
    """Where the bound falls to a level, the probability of values as large is compared with that level, over 60 fits."""
    for draws, level in ((999, 2e-4), (4999, 1e-5)):
        shares = []
        for seed in range(60):
            tail = fitted_tail(law.rvs(size=draws, random_state=seed))
            edge = tail.threshold
            while tail.pvalue(edge) > level:
                edge += 0.02 * tail.scale
            shares.append(float(law.sf(edge)) / level)
        assert np.mean(shares) < 1


def test_a_tail_by_hand():
    tail = Tail(threshold=2.0, shape=0.0, scale=0.5, beyond=100, drawn=1000)
    assert tail.survival(3.0, 0.0) == pytest.approx(0.1 * np.exp(-2)) and tail.error == pytest.approx(0.1)
    assert tail.survival(3.0, 0.5) == pytest.approx(0.1 * 2.0**-2)
    assert tail.pvalue(3.0) == pytest.approx(0.1 * (1 + 0.1645 * 2) ** (-1 / 0.1645)) and tail.pvalue(1.0) == pytest.approx(0.1)
    fitted = fitted_tail(np.random.default_rng(0).exponential(2.0, size=5000))
    assert fitted.beyond == 250 and fitted.drawn == 5000 and fitted.scale == pytest.approx(2.0, rel=0.3) and fitted.shape < 0.2
    heavy = fitted_tail(np.random.default_rng(0).pareto(2.0, size=5000))
    assert heavy.shape == pytest.approx(0.5, abs=0.15)


def test_counts_and_few_values_have_no_smooth_tail(rng):
    assert fitted_tail(rng.poisson(2.0, size=5000)) is None and fitted_tail(rng.normal(size=400)) is None
    assert fitted_tail(np.append(rng.normal(size=5000), np.nan)) is None
    rare = randomization_test(30.0, lambda k: rng.poisson(2.0, size=k).astype(float))
    assert (rare.pvalue, rare.how) == (1 / 1000, "draws")
    far = randomization_test(30.0, lambda k: rng.exponential(size=k))
    assert far.how == "tail" and 1e-14 < far.pvalue < 1e-4 and far.smallest == far.pvalue


def test_exact_tests_by_hand():
    found = exact_test(3.0, np.array([1.0, 3.0, 3.0, 4.0, 4.0]))
    assert (found.pvalue, found.smallest, found.draws) == (4 / 5, 2 / 5, 5)


def test_all_flips_are_taken_of_up_to_fifteen():
    d = np.array([1.0, 2, 4, 8, 16, -32])  # 64 different sums, all odd numbers from -63 to 63; the observed is -1
    found = sign_flip_test(d, np.random.default_rng(0))
    assert (found.pvalue, found.how, found.draws, found.smallest) == (33 / 64, "exact", 64, 1 / 64)
    assert found.statistic == pytest.approx(d.mean())
    assert sign_flip_test(np.ones(15), np.random.default_rng(0), side="two").pvalue == 2 / 2**15
    drawn = sign_flip_test(np.ones(16), np.random.default_rng(0), resolution=Resolution(tests=100))
    assert (drawn.how, drawn.draws, drawn.smallest) == ("draws", 7999, 1 / 8000) and drawn.pvalue <= 3 / 8000
    normal = np.random.default_rng(1).normal(0.2, 1, 80)
    z = normal.mean() / np.sqrt((normal**2).mean() / 80)  # under flips the mean has this deviation, and is nearly normal
    assert sign_flip_test(normal, np.random.default_rng(0)).pvalue == pytest.approx(
        norm.sf(z), rel=0.45
    )  # drawing ends at twenty: within two standard errors


def test_units_of_any_size_are_flipped_alike():
    d = np.array([1.0, 2.0, -0.5, 3.0])
    tiny, huge = (sign_flip_test(d * scale, np.random.default_rng(0), side="two").pvalue for scale in (1e-15, 1e15))
    assert tiny == huge == sign_flip_test(d, np.random.default_rng(0), side="two").pvalue


def test_what_a_family_can_show_at_most():
    assert reachable(np.full(20, 1 / 400)) == 20 and reachable(np.full(20, 1 / 399)) == 0
    assert reachable(np.array([0.01, 0.04, 0.5]), "Benjamini-Hochberg") == 1 and reachable(np.array([0.01, np.nan])) == 1
    sentence = reach_sentence(np.array([0.01, 0.3, np.nan]))
    assert sentence.startswith("With this design the smallest p is 0.01, so at most 1 of the 2 tests")
    assert reach_sentence(np.array([np.nan])) == "No test could be made."
    assert Resolution(tests=0).needed == 999


def test_what_is_not_defined_is_never_significant(rng):
    null = np.array([0.0, np.nan, np.nan, 1.0])
    assert permutation_p(5.0, null) == 3 / 5 and permutation_p(-5.0, null, "less") == 3 / 5
    assert np.isnan(column_p(np.array([np.nan, 5.0]), np.stack([null, null], axis=1))[0])
    assert column_p(np.array([5.0]), null[:, None])[0] == 3 / 5
    assert np.isnan(randomization_test(np.nan, rng.random).pvalue) and np.isnan(exact_test(np.nan, null).pvalue)
    assert randomization_test(5.0, lambda k: np.full(k, np.nan)).pvalue == 1
    assert np.isnan(sign_flip_test(np.array([np.nan, np.nan]), rng).pvalue)
    assert sign_flip_test(np.zeros(4), rng, side="two").pvalue == 1


def test_a_tail_needs_fifty_values_of_which_nine_in_ten_differ():
    values = np.arange(1.0, 501.0)
    assert fitted_tail(values).beyond == 50 and fitted_tail(values[:499]) is None
    for repeated, smooth in ((5, True), (6, False)):  # of 50 values in the tail 45 differ, or 44
        again = values.copy()
        again[-repeated - 1 : -1] = again[-repeated - 2]
        assert (fitted_tail(again) is not None) == smooth
