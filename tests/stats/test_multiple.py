import warnings

import numpy as np
import pytest

from affectlens.stats.multiple import benjamini_hochberg, holm, mean_of_units, permute_units, permute_within


def test_adjustments_by_hand():
    p = np.array([0.01, 0.04, np.nan, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.03, 0.06, np.nan, 0.06, 0.02])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.02, 0.04, np.nan, 0.04, 0.02])


def test_mean_of_units_keeps_its_level(rng):
    p = np.array([mean_of_units(rng.standard_t(5, 12))[3] for _ in range(2000)])
    assert 0.035 < (p <= 0.05).mean() < 0.065
    assert mean_of_units(np.array([0.4, 0.5, 0.45, np.nan]))[3] < 0.01
    assert mean_of_units(np.array([0.4, 0.5]))[3] == 1.0


def test_permutations_respect_people(rng):
    speaker = np.array(list("aaabbbbcc"))
    order = permute_within(speaker, rng)
    assert sorted(order) == list(range(9)) and (speaker[order] == speaker).all()
    gender = np.array(list("mmmffffmm"))
    dealt = {"".join(permute_units(gender, speaker, rng)) for _ in range(60)}
    assert dealt == {"mmmffffmm", "mmmmmmmff", "fffmmmmmm"}


def test_mean_of_units_equals_the_t_test(rng):
    from scipy.stats import ttest_1samp

    values = rng.normal(0.3, 1, 9)
    theirs = ttest_1samp(values, 0)
    mean, low, high, p = mean_of_units(np.append(values, np.nan))
    interval = theirs.confidence_interval(0.95)
    assert (mean, p) == (pytest.approx(values.mean()), pytest.approx(theirs.pvalue))
    assert (low, high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert mean_of_units(-values)[1:3] == (pytest.approx(-high), pytest.approx(-low))
    assert mean_of_units(values[:3])[3] == pytest.approx(ttest_1samp(values[:3], 0).pvalue)


@pytest.mark.parametrize(
    ("values", "mean"), [([], np.nan), ([np.nan], np.nan), ([0.4], 0.4), ([0.4, 0.6], 0.5), ([2, 2, 2], 2)]
)
def test_too_few_or_equal_units_have_no_interval(values, mean):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = mean_of_units(np.array(values))
    assert got[0] == pytest.approx(mean, nan_ok=True) and np.isnan(got[1:3]).all() and got[3] == 1.0


def test_adjusted_p_values_stop_at_one_and_may_be_absent():
    assert holm(np.array([0.7, 0.8])).tolist() == [1.0, 1.0]
    assert np.isnan(benjamini_hochberg(np.array([np.nan, np.nan]))).all() and np.isnan(holm(np.array([np.nan]))).all()


def test_a_value_goes_to_a_whole_unit_whatever_the_order_of_rows(rng):
    speaker = np.array(list("abcabc"))
    dealt = permute_units(np.array(list("xyzxyz")), speaker, rng)
    assert (dealt[:3] == dealt[3:]).all() and sorted(dealt[:3]) == list("xyz")
    orders = {tuple(permute_within(speaker, rng)) for _ in range(200)}
    assert len(orders) == 8  # each of three pairs one way or the other
