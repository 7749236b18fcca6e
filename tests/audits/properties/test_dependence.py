"""One property against one output: who changes places with whom, what is counted, and whether the power that is said is true."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from affectlens.audits.properties.dependence import TAIL_COST, _threshold, dependence_test
from affectlens.core.errors import UsageError
from affectlens.stats.independence.contrast import STRAIGHT
from affectlens.stats.independence.variables import normal_scores
from affectlens.stats.power import detectable_correlation
from affectlens.stats.resolution import Resolution


def people_of(count, each):
    names = np.repeat([f"p{i}" for i in range(count)], each)
    return pd.Series(names, index=[f"i{i}" for i in range(count * each)])


def scores(values):
    return normal_scores(np.asarray(values, float)[:, None])[:, 0]


def test_people_count_once_by_the_mean_of_their_outputs(rng):
    """Eight people of three items: all 56 ways to deal five and three of a kind to them."""
    person = people_of(8, 3)
    x = person.map({f"p{i}": "f" if i < 5 else "m" for i in range(8)})
    y = pd.Series(rng.normal(size=24) + 2 * (x == "m"), index=x.index)
    found = dependence_test(x, "categorical", y, None, person, np.random.default_rng(5))
    assert (found.method, found.how, found.n, found.units, found.missing) == ("people exchanged whole", "exact", 24, 8, 0)
    means = pd.Series(scores(y), index=y.index).groupby(person).mean()
    male = x.groupby(person).first() == "m"
    assert found.effect.value == pytest.approx(np.corrcoef(male, scores(means))[0, 1]) and found.effect.value > 0
    assert found.pvalue >= 1 / 56 and (found.pvalue * 56) == pytest.approx(round(found.pvalue * 56))
    assert found.smallest_found == detectable_correlation((8,), STRAIGHT * 0.05)


def test_numbers_of_people_count_by_their_order_and_words_by_their_categories(rng):
    person = people_of(8, 3)
    height = person.map({f"p{i}": float(i) ** 3 for i in range(8)})
    y = pd.Series(height.rank().to_numpy() + rng.normal(size=24), index=height.index)
    by_order = dependence_test(height, "continuous", y, None, person, rng)
    means = pd.Series(scores(y)).groupby(person.to_numpy()).mean()
    assert by_order.effect.value == pytest.approx(np.corrcoef(scores(rankdata(range(8))), scores(means))[0, 1])
    words = person.map({f"p{i}": "abc"[i % 3] for i in range(8)})
    by_word, same = (dependence_test(words, kind, y, None, person, rng) for kind in ("continuous", "categorical"))
    assert by_word.effect.kind == same.effect.kind == "strength" and np.isnan(same.smallest_found)


def test_the_label_is_taken_out_of_what_people_give(rng):
    """People differ in how often they were asked for joy; given the label nothing is left of that."""
    person = people_of(16, 6)
    own = person.map({f"p{i}": float(i) for i in range(16)})
    joy = np.tile(np.arange(6), 16) < np.repeat(np.arange(16) % 7, 6)
    z = pd.Series(np.where(joy, "joy", "fear"), index=person.index)
    y = pd.Series(3.0 * joy + 0.1 * rng.normal(size=96), index=person.index)
    asked = person.map({f"p{i}": float(i % 7) for i in range(16)})
    assert dependence_test(asked, "continuous", y, None, person, rng).pvalue < 0.01
    assert dependence_test(asked, "continuous", y, z, person, rng).pvalue > 0.01
    assert dependence_test(own, "continuous", y + own, z, person, rng).pvalue < 0.01


def test_people_of_one_item_are_items(rng):
    person = people_of(40, 1)
    x = pd.Series(rng.normal(size=40), index=person.index)
    z = pd.Series(["joy", "fear"] * 20, index=person.index)
    found = dependence_test(x, "continuous", x + 0.5 * (z == "joy"), z, person, rng)
    assert (found.method, found.units, found.n) == ("within labels", 40, 40) and found.effect.value > 0.9


def test_people_with_the_same_labels_are_exchanged_with_each_other(rng):
    """Half of the people have joy alone and half fear alone, and the property is the group: nothing can change places."""
    person = people_of(12, 4)
    group = person.map({f"p{i}": float(i % 2) for i in range(12)})
    z = group.map({0.0: "joy", 1.0: "fear"})
    with pytest.raises(
        UsageError, match=r"the property is constant wherever it could change places \(people exchanged whole\)"
    ):
        dependence_test(group, "binary", pd.Series(rng.normal(size=48), index=person.index), z, person, rng)


def test_rows_of_which_something_is_unknown_are_left_out_and_counted():
    person = people_of(8, 4)
    x = person.map({f"p{i}": float(i % 2) for i in range(8)})
    y = pd.Series(np.arange(32.0), index=person.index)
    z = pd.Series("joy", index=person.index, dtype=object)
    x.iloc[:2], y.iloc[5], z.iloc[[9, 10, 11]] = np.nan, np.nan, None
    for label, known in ((None, 29), (z, 26)):
        found = dependence_test(x, "binary", y, label, person, np.random.default_rng(0))
        assert (found.n, found.missing, found.units) == (known, 32 - known, 8)


def test_five_people_are_too_few_to_exchange_and_six_have_all_their_orders(rng):
    person = people_of(6, 5)
    x = person.map({f"p{i}": float(i) for i in range(6)})
    y = pd.Series(rng.normal(size=30), index=person.index)
    six = dependence_test(x, "continuous", y, None, person, rng, Resolution(tests=136))
    assert (six.n, six.how) == (30, "exact") and six.smallest_p >= 1 / 720
    five = person != "p5"
    with pytest.raises(UsageError, match="5 people: too few to exchange a property of theirs"):
        dependence_test(x[five], "continuous", y[five], None, person[five], rng)


@pytest.mark.parametrize(("given", "kept", "orders"), [(True, 7, 2 * 6 * 2), (False, 9, 3 * 6 * 6)])
def test_within_people_only_strata_of_two_or_more_are_compared(given, kept, orders):
    """Of nine items of three people; strata are people, or people and label together."""
    person = people_of(3, 3)
    x = pd.Series([1.0, 2, 2, 5, 6, 7, 6, 8, 9], index=person.index)
    y = pd.Series([1.0, 5, 2, 8, 3, 4, 9, 7, 6], index=person.index)
    z = pd.Series(["joy", "joy", "fear", "joy", "joy", "joy", "fear", "joy", "joy"], index=person.index)
    found = dependence_test(x, "ordinal", y, z if given else None, person, np.random.default_rng(0))
    assert (found.n, found.units, found.how) == (kept, kept, "exact")
    assert found.method == ("within people and label" if given else "within people")
    assert found.pvalue * orders == pytest.approx(round(found.pvalue * orders)) and found.smallest_p >= 1 / orders
    with pytest.raises(UsageError, match="no person has two items of one label"):
        alone = z[:4].mask([True, False, False, True], "anger")
        dependence_test(x[:4], "ordinal", y[:4], alone, person[:4], np.random.default_rng(0))


def test_the_threshold_is_that_of_the_family():
    family = Resolution(tests=100)
    assert _threshold(family, 290, "draws") == pytest.approx(STRAIGHT * 0.0005)
    many = Resolution(tests=100, values=999 * 290)
    assert _threshold(many, 290, "draws") == pytest.approx(STRAIGHT * 0.0005 / TAIL_COST)
    assert _threshold(many, 290, "limit") == pytest.approx(STRAIGHT * 0.0005)


@pytest.mark.parametrize(("n", "strata", "tests"), [(120, 4, 1), (90, 3, 10), (120, 60, 1)])
def test_the_power_that_is_said_is_true(n, strata, tests):
    """A correlation of the size that is said to be found four times in five is found in about four of five draws."""
    rng, resolution = np.random.default_rng(n), Resolution(tests=tests)
    z = pd.Series(np.arange(n) % strata)  # the label shifts the output far
    found, r = [], detectable_correlation((n // strata,) * strata, STRAIGHT * 0.05 / tests)
    for _ in range(60):
        x = pd.Series(rng.normal(size=n))
        y = r * x + np.sqrt(1 - r**2) * rng.normal(size=n) + z
        made = dependence_test(x, "continuous", y, z.astype(str), None, rng, resolution)
        assert made.smallest_found == pytest.approx(r)
        found.append(made.pvalue * tests <= 0.05)
    assert 0.65 <= np.mean(found) <= 0.95
