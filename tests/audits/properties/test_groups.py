"""Groups of a property and how a classifier does in them, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import recall_score

from affectlens.audits.properties import groups as module
from affectlens.audits.properties.groups import group_metrics, grouped, matched_pairs, rate_gaps
from affectlens.audits.properties.statistics import audit_properties

CLASSES = ["x", "y", "z"]


def wilson(hits, n):
    interval = binomtest(hits, n).proportion_ci(method="wilson")
    return hits / n, interval.low, interval.high


def test_few_values_are_groups_of_their_own_and_many_are_thirds_of_the_range():
    six = pd.Series([1.0, 2, 3, 4, 5, 6, 6])
    assert grouped(six, "continuous").tolist() == ["1", "2", "3", "4", "5", "6", "6"]
    seven = grouped(pd.Series([1.0, 2, 3, 4, 5, 6, 7, 8, 9]), "ordinal")
    assert seven.tolist() == ["low (up to 3.67)"] * 3 + ["middle"] * 3 + ["high (from 6.33)"] * 3
    assert grouped(pd.Series(range(9), dtype=float), "continuous", most=9).nunique() == 9


def test_rare_words_are_others_and_what_is_missing_stays_missing():
    words = pd.Series([*"aaabbbccddee", "f", "f", "g", "h", None])
    names = grouped(words, "categorical")
    assert names[:14].tolist() == words[:14].tolist() and names[14:16].tolist() == ["others"] * 2 and names.isna()[16]
    assert grouped(pd.Series([0.0, 1.0, np.nan]), "binary").tolist()[:2] == ["0", "1"]
    assert grouped(pd.Series([0.5, 7.0]), "binary").tolist() == ["0.5", "7"]


def answers(rng, n):
    truth = rng.integers(0, 3, n)
    p = rng.dirichlet(np.ones(3), n)
    p[np.arange(n), truth] += 0.4
    return truth, p / p.sum(1, keepdims=True)


def test_scores_of_every_group(rng):
    truth, p = answers(rng, 200)
    names = pd.Series(["middle"] * 60 + ["low (up to 1)"] * 20 + ["high (from 2)"] * 80 + ["b"] * 19 + ["a"] * 20 + [None])
    table = group_metrics(truth, p, CLASSES, names, rng)
    assert table.group.tolist() == ["low (up to 1)", "middle", "high (from 2)", "a", "b"]
    assert table.n.tolist() == [20, 60, 80, 20, 19]
    table = table.set_index("group")
    assert table.loc["b"].drop("n").isna().all() and table.drop("b").notna().all().all()  # nineteen have no scores
    guess = p.argmax(1)
    inside = (names == "middle").to_numpy()
    hits = int((guess == truth)[inside].sum())
    row = table.loc["middle"]
    np.testing.assert_allclose(row[["accuracy", "accuracy_low", "accuracy_high"]].astype(float), wilson(hits, 60))
    assert row.mean_recall == pytest.approx(recall_score(truth[inside], guess[inside], average="macro"))
    assert row.mean_recall_low < row.mean_recall < row.mean_recall_high


def test_recall_is_the_mean_over_the_classes_that_there_are(rng):
    truth = np.r_[np.zeros(30, int), np.ones(10, int)]  # nobody of the third class
    p = np.eye(3)[np.r_[np.zeros(24, int), np.full(6, 2), np.ones(5, int), np.zeros(5, int)]]
    row = group_metrics(truth, p, CLASSES, pd.Series(["all"] * 40), rng).iloc[0]
    assert row.mean_recall == pytest.approx((24 / 30 + 5 / 10) / 2) and row.accuracy == pytest.approx(29 / 40)
    assert row.calibration_error == pytest.approx(1 - 29 / 40)  # always sure


def test_the_normal_limit_is_near_the_bootstrap(rng, monkeypatch):
    truth, p = answers(rng, 3000)
    names = pd.Series(["all"] * 3000)
    drawn = group_metrics(truth, p, CLASSES, names, rng).iloc[0]
    monkeypatch.setattr(module, "MANY", 2999)
    limit = group_metrics(truth, p, CLASSES, names, rng).iloc[0]
    assert limit.mean_recall == pytest.approx(drawn.mean_recall)
    for end in ("mean_recall_low", "mean_recall_high"):
        half = abs(drawn[end] - drawn.mean_recall)
        assert abs(limit[end] - limit.mean_recall) == pytest.approx(half, rel=0.15) and half > 0.005
    lacking = module._recall_of_many(np.zeros(50, int), np.r_[np.zeros(40, int), np.ones(10, int)], 3)
    assert lacking.value == pytest.approx(0.8) and lacking.high == pytest.approx(0.8 + 1.96 * np.sqrt(0.8 * 0.2 / 50))


def test_gaps_of_rates_with_newcombes_interval():
    truth = np.repeat([0, 1], 60)
    guess = truth.copy()
    guess[:6], guess[60:66] = 1, 0  # six wrong of each class, all in group a
    groups = pd.Series((["a"] * 30 + ["b"] * 30) * 2)
    table = rate_gaps(truth, np.eye(2)[guess], ["x", "y"], groups).set_index(["class", "rate"])
    assert len(table) == 4
    true, false = table.loc[("x", "true positives")], table.loc[("x", "false positives")]
    assert (true.highest, true.lowest, true.gap) == ("b", "a", pytest.approx(0.2))
    assert (false.highest, false.lowest, false.gap) == ("a", "b", pytest.approx(0.2))
    (p1, l1, u1), (p2, l2, u2) = wilson(30, 30), wilson(24, 30)
    assert true.low == pytest.approx(0.2 - np.sqrt((p1 - l1) ** 2 + (u2 - p2) ** 2))  # Newcombe 1998, method 10
    assert true.high == pytest.approx(0.2 + np.sqrt((u1 - p1) ** 2 + (p2 - l2) ** 2))


def test_groups_that_are_too_small_are_not_compared():
    truth, guess = np.zeros(60, int), np.r_[np.zeros(21, int), np.ones(39, int)]
    groups = pd.Series(["a"] * 21 + ["b"] * 20 + ["c"] * 19)
    table = rate_gaps(truth, np.eye(2)[guess], ["x", "y"], groups).set_index(["class", "rate"])
    assert (table.loc[("x", "true positives")].highest, table.loc[("x", "true positives")].lowest) == ("a", "b")
    assert "c" not in {*table.highest, *table.lowest}
    assert ("x", "false positives") not in table.index  # nothing is of another class
    few = np.r_[np.zeros(20, int), np.ones(5, int), np.zeros(20, int), np.ones(4, int)]
    sides = pd.Series(["a"] * 25 + ["b"] * 24)
    rates = rate_gaps(few, np.eye(2)[few], ["x", "y"], sides).set_index(["class", "rate"])
    assert ("y", "true positives") not in rates.index and ("x", "true positives") in rates.index  # four of a class are too few
    few[25] = 1
    assert ("y", "true positives") in rate_gaps(few, np.eye(2)[few], ["x", "y"], sides).set_index(["class", "rate"]).index
    assert rate_gaps(truth, np.eye(2)[guess], ["x", "y"], pd.Series(["a"] * 60)).empty


def test_pairs_have_one_label_and_are_nearest_in_the_other_properties(rng):
    """Being right follows another property alone; every high one finds a low one that is alike in it."""
    values = np.r_[np.zeros(80), np.ones(60)]
    other = np.r_[np.tile([0.0, 1.0], 40), np.ones(40), np.zeros(20)]
    paired = matched_pairs(other, np.zeros(140, int), values, other[:, None], rng)
    assert other[values == 1].mean() - other[values == 0].mean() > 0.15
    assert paired == {"pairs": 60, "difference": 0.0, "p_value": 1.0, "smallest_p": 1 / 1000}
    n = 300
    # The label decides and is the same in every pair.
    labels = (np.arange(n) % 2).astype(int)
    values = rng.normal(size=n) + labels
    paired = matched_pairs(labels.astype(float), labels, values, np.zeros((n, 1)), rng)
    assert paired["difference"] == 0 and paired["p_value"] == 1


def test_other_properties_count_in_their_own_deviations(rng):
    n = 200
    values = np.r_[np.zeros(n // 2), np.ones(n // 2)]
    small, large = np.tile(np.repeat([0.0, 0.001], 50), 2), rng.permutation(n) * 0.01 + 5
    right = (small > 0).astype(float)  # found only by whom the small numbers count as much as the large ones
    paired = matched_pairs(right, np.zeros(n, int), values, np.c_[small, np.round(large, 0)], rng)
    assert abs(paired["difference"]) < 0.05 and paired["pairs"] == 100
    constant = matched_pairs(right, np.zeros(n, int), values, np.c_[small, np.ones(n)], rng)
    assert constant["difference"] == 0


def test_everybody_is_in_one_pair_at_most_and_the_unknown_in_none(rng):
    values = np.r_[np.zeros(25), np.full(3, 0.5), np.ones(25)]
    right, labels, alike = np.r_[np.zeros(28), np.ones(25)], np.zeros(53, int), np.zeros((53, 1))
    paired = matched_pairs(right, labels, values, alike, rng)
    assert (paired["pairs"], paired["difference"]) == (25, 1.0) and paired["p_value"] <= 1 / 1000
    unknown = np.where(np.arange(53) < 5, np.nan, values)
    assert matched_pairs(right, labels, unknown, alike, rng)["difference"] == 1  # of twenty
    unknown[5] = np.nan
    few = matched_pairs(right, labels, unknown, alike, rng)
    assert few["pairs"] == 19 and np.isnan(few["difference"]) and np.isnan(few["p_value"])
    other = np.c_[alike, np.where(np.arange(53) > 45, np.nan, 0)]
    assert matched_pairs(right, labels, values, other, rng)["pairs"] == 18


def test_pairs_to_look_at_are_those_that_were_tested_those_with_one_error_first(rng):
    n = 120
    x = rng.permutation(np.linspace(0, 1, n))
    table = pd.DataFrame({"x": x, "other": rng.normal(size=n)}, index=[f"i{i}" for i in range(n)])
    labels = pd.Series(rng.choice(["joy", "fear"], n), index=table.index)
    p = pd.DataFrame({"joy": np.where((labels == "joy") ^ (rng.random(n) < 0.3), 0.9, 0.1)}, index=table.index).assign(
        fear=lambda f: 1 - f.joy
    )
    audit = audit_properties(table, {"x": "continuous", "other": "continuous"}, p, labels=labels, rng=np.random.default_rng(0))
    own = audit.matched[audit.matched.property == "x"]
    assert len(own) == audit.pairs.set_index("property").pairs["x"] and not set(own["first"]) & set(own.second)
    assert (own.first_value >= 2 / 3 - 0.02).all() and (own.second_value <= 1 / 3 + 0.02).all()
    assert (labels[own["first"]].to_numpy() == own.label).all() and (labels[own.second].to_numpy() == own.label).all()
    right = p.idxmax(axis=1) == labels
    assert (right[own["first"]].to_numpy() == own.first_right).all() and (
        right[own.second].to_numpy() == own.second_right
    ).all()
    differs = (own.first_right != own.second_right).to_numpy()
    assert differs[: differs.sum()].all() and differs.sum() > 3
    assert np.isclose(
        audit.pairs.set_index("property").difference["x"], (own.first_right.astype(float) - own.second_right).mean()
    )
