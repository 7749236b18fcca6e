"""Tests of properties: what cannot be tested, how people count, which rows and classes take part."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties import statistics as module
from affectlens.audits.properties.settings import DECISION
from affectlens.audits.properties.statistics import audit_properties, intersections
from affectlens.core.errors import UsageError
from affectlens.stats.multiple import holm


def planted(rng, n=200, strength=1.0, names=("used", "other")):
    """Answers of two classes that follow the first property by ``strength``, and labels that nothing follows."""
    index = pd.Index([f"i{i}" for i in range(n)], name="key")
    table = pd.DataFrame(rng.normal(size=(n, len(names))), index=index, columns=list(names))
    p = 1 / (1 + np.exp(-(strength * table[names[0]] + rng.normal(size=n))))
    predicted = pd.DataFrame({"anger": p, "sadness": 1 - p}, index=index)
    labels = pd.Series(rng.choice(["anger", "sadness"], n), index=index)
    return table, dict.fromkeys(names, "continuous"), predicted, labels


def test_twenty_items_are_enough_and_nineteen_are_not(rng):
    table, kinds, p, labels = planted(rng, 20)
    assert audit_properties(table, kinds, p, labels, rng).n == 20
    with pytest.raises(UsageError, match="19 items have both"):
        audit_properties(table[:19], kinds, p, labels, rng)


def test_what_cannot_be_tested_is_named(rng):
    table, _, p, labels = planted(rng, 60)
    table = table.assign(
        nineteen=np.where(np.arange(60) < 19, table.used, np.nan), twenty=np.where(np.arange(60) < 20, table.used, np.nan),
        same=3.0, nine=(np.arange(60) < 9).astype(float), ten=(np.arange(60) < 10).astype(float),
        words=["a"] * 45 + ["b"] * 9 + ["c"] * 6, number=(np.arange(60) < 9).astype(float),
    )  # fmt: skip
    kinds = {"used": "continuous", "other": "continuous", "nineteen": "continuous", "twenty": "continuous", "same": "continuous",
             "nine": "binary", "ten": "binary", "words": "categorical", "number": "continuous"}  # fmt: skip
    found = audit_properties(table, kinds, p, labels, rng)
    assert found.excluded == {
        "nineteen": "known of 19 items; at least 20 are needed", "same": "constant (3.0) over 60 items",
        "nine": "only 9 items are not 0.0", "words": "only 15 items are not a",
    }  # fmt: skip
    assert set(found.tests.property) == {"used", "other", "twenty", "ten", "number"}
    assert set(found.tests.output) == {"anger", "sadness", DECISION} and len(found.tests) == 15
    # Without a label of its own an item counts for nothing where tests are given the label.
    unlabelled = labels.where(np.arange(60) >= 1)
    again = audit_properties(table[["used", "twenty"]], kinds, p, unlabelled, rng)
    assert again.excluded == {"twenty": "known of 19 items; at least 20 are needed"} and again.tests.missing.max() == 1


def test_tests_are_corrected_over_all_properties_and_outputs(rng):
    table, kinds, p, labels = planted(rng, 100, 0.3, names=("used", "a", "b"))
    tests = audit_properties(table, kinds, p, labels, rng).tests
    assert len(tests) == 9
    np.testing.assert_allclose(tests.p_holm, holm(tests.p_value.to_numpy()))
    by_hand = tests.p_value.to_numpy()
    order = np.argsort(by_hand)
    ranked = np.minimum.accumulate((by_hand[order] * 9 / np.arange(1, 10))[::-1])[::-1]
    expected = np.empty(9)
    expected[order] = np.minimum(1, ranked)
    np.testing.assert_allclose(tests.p_bh, expected)


def test_of_many_items_a_random_part_is_tested_and_all_are_scored(rng, monkeypatch):
    table, kinds, p, labels = planted(rng, 300)
    monkeypatch.setattr(module, "MOST", 80)
    found = audit_properties(table, kinds, p, labels, rng)
    assert (found.n, found.tested) == (300, 80) and set(found.tests.n) == {80}
    assert found.groups[found.groups.property == "used"].n.sum() == 300
    assert found.pairs.empty  # pairs of so many would take too long
    assert (found.curves.n <= 80).all()


def test_people_exchange_what_is_constant_in_them(rng):
    """Ten people of a property of theirs; a shift of all answers of a person is seen with people as units."""
    who = np.repeat(np.arange(16), 20)
    own = rng.normal(size=16)
    index = pd.Index([f"i{i}" for i in range(320)], name="key")
    table = pd.DataFrame({"height": own[who]}, index=index)
    z = 2 * own[who] + rng.normal(size=320)
    p = pd.DataFrame({"anger": 1 / (1 + np.exp(-z))}, index=index).assign(sadness=lambda t: 1 - t.anger)
    people = pd.Series(who.astype(str), index=index)
    labels = pd.Series(rng.choice(["anger", "sadness"], 320), index=index)
    for given in (labels, None):
        found = audit_properties(table, {"height": "continuous"}, p, given, rng, people=people)
        tests = found.tests.set_index("output")
        assert found.people == 16 and set(tests.method) == {"people exchanged whole"} and set(tests.n) == {320}
        assert (tests.p_value <= 1 / 1000).all() and tests.effect["anger"] > 0.6 > -0.6 > tests.effect["sadness"]
        assert (tests.smallest_found.dropna() > 0.5).all() and set(tests.units) == {16}  # sixteen people, not 320 items
        assert found.curves.empty
    with pytest.raises(UsageError, match="no property can be tested"):
        few = people.map(lambda v: str(int(v) % 5))
        audit_properties(table.assign(height=few.astype(float)), {"height": "continuous"}, p, labels, rng, people=few)
    six = people.map(lambda v: str(int(v) % 6))
    assert len(
        audit_properties(table.assign(height=six.astype(float)), {"height": "continuous"}, p, labels, rng, people=six).tests
    )


def test_what_changes_within_people_is_compared_within_them(rng):
    """People differ in the property and in their answers, and within a person nothing goes together."""
    who = np.repeat(np.arange(10), 30)
    own = 3 * rng.normal(size=10)
    index = pd.Index([f"i{i}" for i in range(300)], name="key")
    noise = rng.normal(size=300)
    table = pd.DataFrame({"smile": own[who] + rng.normal(size=300), "within": own[who] + noise}, index=index)
    z = own[who] + noise
    p = pd.DataFrame({"anger": 1 / (1 + np.exp(-z))}, index=index).assign(sadness=lambda t: 1 - t.anger)
    people, kinds = pd.Series(who.astype(str), index=index), dict.fromkeys(table, "continuous")
    labels = pd.Series(rng.choice(["anger", "sadness"], 300), index=index)
    loose = audit_properties(table, kinds, p, labels, rng).tests
    assert (loose[loose.output == "anger"].p_value < 0.01).all()
    tests = audit_properties(table, kinds, p, labels, rng, people=people).tests
    assert set(tests.method) == {"within people and label"}
    anger = tests[tests.output == "anger"].set_index("property").p_value
    assert anger["smile"] > 0.01 and anger["within"] < 0.001
    without = audit_properties(table, kinds, p, None, rng, people=people).tests
    assert set(without.method) == {"within people"}


def test_one_person_is_nobody_to_compare(rng):
    table, kinds, p, labels = planted(rng, 60)
    alone = audit_properties(table, kinds, p, labels, rng, people=pd.Series("me", index=table.index))
    assert alone.people == 0 and not alone.curves.empty


def test_scores_are_of_the_classes_that_are_answered(rng):
    table, kinds, p, labels = planted(rng, 120)
    labels.iloc[:10] = "fear"
    p.iloc[10:15] = np.nan
    p = p.fillna({"anger": 0.5, "sadness": 0.5})
    found = audit_properties(table, kinds, p, labels, rng)
    assert found.groups[found.groups.property == "used"].n.sum() == 110
    assert set(found.pairs.property) == {"used", "other"}
    np.testing.assert_allclose(found.pairs.p_holm, holm(found.pairs.p_value.to_numpy()))
    assert found.given == "the label" and set(found.gaps["class"]) <= {"anger", "sadness"}
    unlabelled = audit_properties(table, kinds, p, None, rng)
    assert unlabelled.groups.empty and unlabelled.gaps.empty and unlabelled.pairs.empty and unlabelled.crossed.empty
    alone = audit_properties(table[["used"]], kinds, p, labels, rng)
    assert alone.pairs.empty  # nothing else to be alike in


def test_curves_are_of_the_three_strongest_and_crossed_groups_of_the_two_strongest(rng):
    n = 400
    index = pd.Index([f"i{i}" for i in range(n)], name="key")
    table = pd.DataFrame(rng.normal(size=(n, 5)), index=index, columns=list("abcde"))
    z = table.a + 2 * table.b + 1.4 * table.c + 0.1 * rng.normal(size=n)
    p = pd.DataFrame({"anger": 1 / (1 + np.exp(-z))}, index=index).assign(sadness=lambda t: 1 - t.anger)
    labels = pd.Series(rng.choice(["anger", "sadness"], n), index=index)
    found = audit_properties(table, dict.fromkeys("abcde", "continuous"), p, labels, rng)
    assert list(dict.fromkeys(found.curves.property)) == ["b", "c", "a"] and "p_value" in found.curves
    assert DECISION not in set(found.curves.output)
    assert len(found.crossed) == 9 and all(g.startswith("b ") and ", c " in g for g in found.crossed.group)
    assert found.crossed.n.sum() == n


def test_where_groups_meet(rng):
    table, _, p, labels = planted(rng, 100)
    table = table.assign(sex=["f", "m"] * 50, old=["no"] * 60 + ["yes"] * 40)
    table.loc[table.index[0], "sex"] = None
    labels.iloc[1] = "fear"
    found = intersections(table, {"sex": "categorical", "old": "categorical"}, "sex", "old", p, labels, rng).set_index("group")
    assert found.n.to_dict() == {"sex f, old no": 29, "sex f, old yes": 20, "sex m, old no": 29, "sex m, old yes": 20}
    inside = (table.sex == "f") & (table.old == "yes")
    assert found.accuracy["sex f, old yes"] == pytest.approx((p.idxmax(axis=1) == labels)[inside].mean())
