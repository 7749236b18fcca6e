"""Differences over people, effect sizes, power and mixed models, against scipy, statsmodels and tables of power."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import nct, ttest_1samp, ttest_ind

from affectlens.core.errors import UsageError
from affectlens.stats.mixed import mixed_model
from affectlens.stats.people import detectable_effect, group_permutation_p, mean_difference, power_of

RNG = np.random.default_rng(3)
ONE, TWO = RNG.normal(0.8, 1, 12), RNG.normal(0, 1, 9)


def test_differences_are_those_of_scipy():
    made, known = mean_difference(np.append(ONE, np.nan)), ttest_1samp(ONE, 0)
    interval = known.confidence_interval()
    assert (made.p_value, made.low, made.high) == pytest.approx((known.pvalue, interval.low, interval.high)) and made.n == 12
    made, known = mean_difference(ONE, TWO), ttest_ind(ONE, TWO)
    interval = known.confidence_interval()
    assert (made.p_value, made.low, made.high) == pytest.approx((known.pvalue, interval.low, interval.high))
    assert (made.n, made.other) == (12, 9)


def test_the_interval_of_an_effect_has_its_ends_at_a_fortieth():
    made = mean_difference(ONE)
    t, correction = ttest_1samp(ONE, 0).statistic, 1 - 3 / (4 * 11 - 1)
    assert made.effect == pytest.approx(correction * ONE.mean() / ONE.std(ddof=1))
    shifts = [end / correction * np.sqrt(12) for end in (made.effect_low, made.effect_high)]
    assert [nct.cdf(t, 11, shift) for shift in shifts] == pytest.approx([0.975, 0.025], abs=1e-6)


def test_nothing_is_made_up_of_too_few():
    for given in ([], [1.0], [2.0, 2.0]):
        made = mean_difference(np.array(given))
        assert np.isnan(made.p_value) and np.isnan(made.effect) and made.n == len(given)
    assert np.isnan(power_of(0.5, 1)) and np.isnan(detectable_effect(1)) and np.isnan(group_permutation_p(np.array([]), ONE, 0))


@pytest.mark.parametrize(
    ("effect", "n", "other", "power"), [(0.5, 34, 0, 0.8078), (0.8, 26, 26, 0.8075), (0.2, 199, 0, 0.8027)]
)
def test_power_is_that_of_published_tables(effect, n, other, power):
    assert power_of(effect, n, other) == pytest.approx(power, abs=0.002)  # G*Power 3.1
    assert power_of(detectable_effect(n, other), n, other) == pytest.approx(0.8, abs=1e-4)
    assert detectable_effect(n, other) > detectable_effect(10 * n, 10 * other)


def test_dealing_people_anew_by_all_deals():
    one, two = np.array([3.0, 4, 5]), np.array([0.0, 1, 2])
    assert group_permutation_p(one, two, 0, draws=20_000) == pytest.approx(2 / 20, abs=0.01)
    with pytest.raises(UsageError, match="draws 0"):
        group_permutation_p(one, two, 0, draws=0)


def frame(effect=1.0, people=10):
    rng = np.random.default_rng(5)
    rows = []
    for person in range(people):
        own = rng.normal(0, 2)
        for condition in "ab":
            for _ in range(3):
                rows.append((f"p{person}", "uv"[person % 2], condition, own + effect * (condition == "b") + rng.normal(0, 0.5)))
    return pd.DataFrame(rows, columns=["participant", "group", "condition", "value"])


def test_a_mixed_model_of_two_conditions_is_the_paired_t_test():
    pytest.importorskip("statsmodels")
    data = frame()
    made = mixed_model(data, "value", "condition")
    wide = data.groupby(["participant", "condition"]).value.mean().unstack()
    known = ttest_1samp(wide.b - wide.a, 0)
    row = made.table.set_index("term").loc["condition[b]"]
    assert (row.value, row.p_value) == pytest.approx(((wide.b - wide.a).mean(), known.pvalue), rel=1e-3)
    assert (made.people, made.rows) == (10, 20) and row.freedom == 9


def test_a_model_of_groups_alone_is_the_t_test_of_groups():
    pytest.importorskip("statsmodels")
    data = frame().query("condition == 'a'")
    means = data.groupby(["participant", "group"], as_index=False).value.mean()
    known = ttest_ind(means.value[means.group == "v"], means.value[means.group == "u"])
    row = mixed_model(data, "value", between="group").table.iloc[1]
    assert (row.t, row.p_value) == pytest.approx((known.statistic, known.pvalue))


def test_models_of_both_have_an_interaction_and_too_few_are_errors():
    pytest.importorskip("statsmodels")
    terms = list(mixed_model(frame(), "value", "condition", "group").table.term)
    assert terms == ["intercept", "condition[b]", "group[v]", "condition[b] × group[v]"]
    with pytest.raises(UsageError, match="needs conditions"):
        mixed_model(frame(), "value")
    with pytest.raises(UsageError, match="of 2 people with 2 of condition"):
        mixed_model(frame(people=2), "value", "condition")
