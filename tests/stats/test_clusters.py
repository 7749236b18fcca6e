"""Cluster-based permutation tests: by hand, against all arrangements, with missing values, and at their level."""

import itertools

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind

from affectlens.core.errors import UsageError
from affectlens.stats.clusters import cluster_test


def test_statistics_are_those_of_scipy():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(9, 2, 5))
    assert cluster_test(values, 0, draws=9).statistic == pytest.approx(ttest_1samp(values, 0).statistic)
    members = np.arange(9) < 4
    made = cluster_test(values, 0, groups=members, draws=9).statistic
    assert made == pytest.approx(ttest_ind(values[members], values[~members]).statistic)


def test_p_values_are_shares_of_all_sign_flips():
    rng = np.random.default_rng(1)
    values = rng.normal(0.6, 1, size=(6, 2, 6))
    made = cluster_test(values, 0)
    assert made.how == "all" and made.draws == 64

    def mass(flipped):
        best = 0.0
        for course in ttest_1samp(flipped, 0).statistic:
            for sign in (1, -1):
                total = 0.0
                for t in course:
                    total = total + t if sign * t > made.threshold else 0.0
                    best = max(best, abs(total))
        return best

    everything = [mass(values * np.array(signs)[:, None, None]) for signs in itertools.product((1, -1), repeat=6)]
    assert abs(made.clusters[0].mass) == pytest.approx(mass(values))
    assert made.p_value == pytest.approx(np.mean(np.array(everything) >= mass(values) - 1e-9))


def test_neighbours_of_different_sign_are_two_clusters():
    values = np.zeros((8, 1, 4)) + np.random.default_rng(0).normal(0, 0.1, (8, 1, 4))
    values[:, 0, :2] += 1
    values[:, 0, 2:] -= 1
    made = cluster_test(values, 0)
    assert sorted((one.start, one.end, np.sign(one.mass)) for one in made.clusters) == [(0, 2, 1.0), (2, 4, -1.0)]


def test_missing_values_lower_the_number_of_people_and_are_never_filled():
    values = np.random.default_rng(2).normal(size=(8, 1, 3))
    values[:6, 0, 0] = np.nan
    values[0, 0, 1] = np.nan
    made = cluster_test(values, 0, draws=50)
    assert np.isnan(made.statistic[0, 0])
    assert made.statistic[0, 1] == pytest.approx(ttest_1samp(values[1:, 0, 1], 0).statistic)


def test_too_few_people_and_other_forms_are_errors():
    with pytest.raises(UsageError, match="2 people; at least 3 are needed"):
        cluster_test(np.zeros((2, 1, 3)), 0)
    with pytest.raises(UsageError, match="2 and 4 people; at least 3 are needed in each group"):
        cluster_test(np.zeros((6, 1, 3)), 0, groups=np.arange(6) < 2)
    with pytest.raises(UsageError, match=r"of the form \(3, 4\)"):
        cluster_test(np.zeros((3, 4)), 0)


@pytest.mark.parametrize("groups", [None, np.arange(10) < 5])
def test_the_level_holds_over_all_moments_and_measures(groups):
    found = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=(10, 3, 14))
        found += (
            cluster_test(noise[..., 2:] + noise[..., 1:-1] + noise[..., :-2], rng, groups=groups, draws=199).p_value <= 0.05
        )
    assert found <= 16  # of 150 at .05 more are seen once in 1,000; the long simulation is benchmarks/study.py


def test_the_null_is_of_the_same_clusters_as_the_statistic():
    from affectlens.stats.clusters import _clusters, _largest

    rng = np.random.default_rng(4)
    drawn = rng.choice([-3.0, -2.5, 0.5, 2.5, 3.0, np.nan], size=(200, 2, 7))  # neighbours often change their sign
    known = [max((abs(mass) for *_, mass in _clusters(one, 2.0)), default=0.0) for one in drawn]
    assert _largest(drawn, 2.0) == pytest.approx(known)
