"""What the tests of properties are made of, each part by hand: who is exchanged, which rows count, what is compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties import statistics as module
from affectlens.audits.properties.result import PropertyAudit
from affectlens.audits.properties.settings import ALPHA, DECISION
from affectlens.core.errors import UsageError
from affectlens.stats.multiple import holm
from affectlens.stats.resolution import Resolution


def index(n):
    return pd.Index([f"i{i}" for i in range(n)], name="key")


def people_of(count, each):
    return pd.Series(np.repeat([f"p{i}" for i in range(count)], each), index=index(count * each))


TESTS = pd.DataFrame({
    "property": ["a", "b", "a", "c", "d"], "output": ["anger", DECISION, "fear", "anger", "fear"],
    "effect": [0.2, -0.9, -0.5, 0.6, 0.8], "p_holm": [0.01, ALPHA, 0.01, 0.02, ALPHA + 0.001], "p_value": 0.01,
})  # fmt: skip


def audited(monkeypatch, tests, n=20, labels=True, people=None, excluded=()):
    """An audit whose tests are given: what it makes of them."""
    said = {}
    monkeypatch.setattr(module, "_tests", lambda *given: (tests, dict.fromkeys(excluded, "constant")))
    monkeypatch.setattr(module, "_performance", lambda *given: said.update(names=given[4]) or (pd.DataFrame(),) * 4)
    monkeypatch.setattr(
        module, "_curves", lambda tests, table, outputs, truth, rng: said.update(part=truth) or pd.DataFrame({"n": [1]})
    )
    monkeypatch.setattr(module, "intersections", lambda table, kinds, a, b, *more: pd.DataFrame({"pair": [(a, b)]}))
    table = pd.DataFrame({c: np.arange(float(n)) for c in "abcd"}, index=index(n))
    p = pd.DataFrame({"anger": np.linspace(0.1, 0.9, n)}, index=index(n)).assign(fear=lambda t: 1 - t.anger)
    truth = pd.Series("fear", index=index(n)) if labels else None
    who = None if people is None else pd.Series([f"p{i % people}" for i in range(n)], index=index(n))
    made = module.audit_properties(table, dict.fromkeys("abcd", "continuous"), p, truth, np.random.default_rng(0), people=who)
    return made, said


def test_groups_of_the_two_strongest_that_hold_meet(monkeypatch):
    made, said = audited(monkeypatch, TESTS, excluded=("d",))
    assert made.crossed.pair.tolist() == [("b", "c")]  # at the level itself a test holds; above it none does
    assert said["names"] == ["a", "b", "c"] and (said["part"] == "fear").all() and len(said["part"]) == 20
    assert (made.n, made.tested, made.people, made.given) == (20, 20, 0, "the label")
    assert not made.curves.empty and made.share == (4, 5)
    assert audited(monkeypatch, TESTS[TESTS.property == "a"])[0].crossed.empty  # one alone meets nothing
    assert len(audited(monkeypatch, TESTS[TESTS.property.isin(["a", "c"])])[0].crossed) == 1
    free, said = audited(monkeypatch, TESTS, labels=False)
    assert free.crossed.empty and said["part"] is None and free.given.startswith("nothing: no labels were given")


def test_two_people_are_people_and_one_is_nobody(monkeypatch):
    assert audited(monkeypatch, TESTS, people=1)[0].people == 0
    several, said = audited(monkeypatch, TESTS, people=2)
    assert several.people == 2 and several.curves.empty and "part" not in said


def test_twenty_items_are_asked_for(monkeypatch):
    with pytest.raises(UsageError, match=r"19 items have both properties and predictions \(of 19 and 19; for example"):
        audited(monkeypatch, TESTS, n=19)


def test_why_a_property_cannot_be_tested():
    def unfit(values, kind="continuous", truth=None):
        return module.unfit(pd.Series(values), kind, None if truth is None else pd.Series(truth))

    assert unfit([*range(20)]) == "" and unfit([*range(19), None]) == "known of 19 items; at least 20 are needed"
    labels = ["joy"] * 20 + [None]
    assert unfit([None, *range(20)], truth=labels).startswith("known of 19") and unfit([*range(20), None], truth=labels) == ""
    assert unfit([2.0] * 20) == "constant (2.0) over 20 items" and unfit([2.0] * 19 + [1.0]) == ""
    assert unfit(["f"] * 11 + ["m"] * 9, "categorical") == "only 9 items are not f"
    assert unfit([1] * 11 + [0] * 9, "binary") == "only 9 items are not 1" and unfit([1] * 10 + [0] * 10, "binary") == ""
    assert unfit(["a"] * 12 + ["b"] * 9 + ["c"] * 8, "categorical") == "only 17 items are not a"
    assert unfit(["a"] * 12 + ["b"] * 10 + ["c"], "categorical") == ""


def test_every_property_is_tested_against_every_output_and_the_decision(rng, monkeypatch):
    """What each single test is given, and what becomes of those that cannot be made."""
    asked = []

    def one(name, kind, output, x, y, truth, person, rows, rng, resolution):
        asked.append((name, output, y.iloc[0]))
        assert resolution == Resolution(tests=6)  # two properties and three outputs
        if output == "fear":
            raise UsageError("nothing varies")
        return {"property": name, "output": output, "p_value": 0.01 * len(asked)}

    monkeypatch.setattr(module, "_tested", one)
    table = pd.DataFrame({"a": np.arange(30.0), "flat": 1.0, "b": np.arange(30.0)}, index=index(30))
    p = pd.DataFrame({"anger": [0.25] * 30, "fear": 0.75}, index=index(30))
    said = []
    given = (dict.fromkeys(table, "continuous"), np.log(p / (1 - p)), p.idxmax(axis=1), None, None, np.arange(30), rng)
    tests, excluded = module._tests(table, *given, lambda *what: said.append(what))
    odds = np.log(3)
    assert [(n, o) for n, o, _ in asked] == [(n, o) for n in "ab" for o in ("anger", "fear", DECISION)]
    assert [y for *_, y in asked][:2] == pytest.approx([-odds, odds]) and asked[2][2] == "fear"
    assert tests.property.tolist() == ["a", "a", "b", "b"]
    assert excluded == {
        "flat": "constant (1.0) over 30 items", "a → fear": "nothing varies", "b → fear": "nothing varies"
    }  # fmt: skip
    np.testing.assert_allclose(tests.p_holm, holm(np.array([0.01, 0.03, 0.04, 0.06])))
    np.testing.assert_allclose(tests.p_bh, [0.04, 0.04 * 4 / 3, 0.04 * 4 / 3, 0.06])
    assert said == [("tests", 1, 3), ("tests", 3, 3)]
    with pytest.raises(UsageError, match=r"no property can be tested: \{'flat': 'constant \(1.0\) over 30 items'\}"):
        module._tests(table[["flat"]], *given, lambda *what: None)


def test_one_test_is_of_the_chosen_rows_and_names_its_method(rng):
    x = pd.Series(np.arange(60.0), index=index(60))
    z, rows = pd.Series(["joy", "fear"] * 30, index=index(60)), np.arange(10, 50)
    y = pd.Series(np.arange(60.0) + rng.normal(size=60), index=index(60))
    x.iloc[11] = np.nan
    one = Resolution()
    made = module._tested("a", "continuous", "anger", x, y, z, None, rows, rng, one)
    assert (made["n"], made["missing"], made["method"]) == (39, 1, "within labels") and made["effect"] > 0.9
    free = module._tested("a", "continuous", "anger", x, y, None, None, rows, rng, one)
    assert free["n"] == 39 and (free["property"], free["output"], free["method"]) == ("a", "anger", "exchanged freely")
    who = people_of(6, 10)
    who.index = x.index
    within = module._tested("a", "continuous", "anger", x, y, z, who, rows, rng, one)
    assert within["method"] == "within people and label" and within["smallest_p"] <= within["p_value"]
    with pytest.raises(UsageError, match="the output is constant wherever it could change places"):
        module._tested("a", "continuous", "anger", x, pd.Series(1.0, index=index(60)), z, None, rows, rng, one)


def test_pairs_are_alike_in_the_numbers_that_are_mostly_known(rng, monkeypatch):
    asked = {}

    def nearest(truth, values, others, rng):
        asked[len(asked)] = [None, truth, values, others]
        return np.array([[1, 0], [3, 2]])

    def paired(right, rows, rng, resolution):
        assert resolution == Resolution(tests=3) and rows.tolist() == [[1, 0], [3, 2]]
        asked[len(asked) - 1][0] = right
        return {"pairs": 30, "difference": 0.1, "p_value": 0.01 * (1 + len(asked))}

    monkeypatch.setattr(module, "nearest_pairs", nearest)
    monkeypatch.setattr(module, "paired_test", paired)
    n = 40
    table = pd.DataFrame({
        "a": np.arange(n), "b": np.where(np.arange(n) < 32, np.arange(n), np.nan), "c": np.where(np.arange(n) < 33, 7.0 + np.arange(n), np.nan),
        "size": np.arange(n) % 3, "word": ["x"] * 20 + ["y"] * 20,
        "half": ["x", "x", "y", "y"] * 10,
    }, index=index(n))  # fmt: skip
    kinds = {"a": "continuous", "b": "continuous", "c": "continuous", "size": "ordinal", "word": "categorical",
             "half": "categorical"}  # fmt: skip
    p = pd.DataFrame({"anger": [0.9] * 30 + [0.2] * 10}, index=index(n)).assign(fear=lambda t: 1 - t.anger)
    truth = pd.Series(["anger", "fear"] * 20, index=index(n))
    groups, gaps, pairs, _ = module._performance(table, kinds, p, truth, list(table), rng)
    assert pairs.property.tolist() == ["a", "b", "c"] and list(dict.fromkeys(groups.property)) == list(table)
    assert gaps.property.tolist() == ["word"] * 4 + ["half"] * 4  # no other group has twenty items
    assert gaps.index.tolist() == [*range(8)] and groups.index.tolist() == [*range(len(groups))]
    np.testing.assert_allclose(pairs.p_holm, holm(pairs.p_value.to_numpy()))
    right, labels, values, others = asked[0]
    np.testing.assert_array_equal(right, (p.idxmax(axis=1) == truth).astype(float))
    np.testing.assert_array_equal(labels, [0, 1] * 20)
    np.testing.assert_array_equal(values, table.a)
    np.testing.assert_array_equal(others, table[["c", "size"]].astype(float))  # b is known of 80 %, and more is wanted
    np.testing.assert_array_equal(asked[1][3], table[["a", "c", "size"]].astype(float))
    monkeypatch.setattr(module, "MOST", n)
    assert len(module._performance(table, kinds, p, truth, list(table), rng)[2]) == 3
    monkeypatch.setattr(module, "MOST", n - 1)
    assert module._performance(table, kinds, p, truth, list(table), rng)[2].empty
    monkeypatch.setattr(module, "MOST", 20_000)
    assert module._performance(table, kinds, p, truth, ["a"], rng)[2].empty  # nothing else to be alike in


def test_items_that_lack_an_answer_or_are_of_another_class_have_no_scores(rng):
    table = pd.DataFrame({"word": ["x", "y"] * 20}, index=index(40))
    p = pd.DataFrame({"anger": [0.9] * 40, "fear": [0.1] * 40}, index=index(40))
    truth = pd.Series(["anger"] * 40, index=index(40))
    p.iloc[0, 1], truth.iloc[1] = np.nan, "joy"
    groups, _, pairs, _ = module._performance(table, {"word": "categorical"}, p, truth, ["word"], rng)
    assert groups.n.tolist() == [19, 19] and pairs.empty
    assert all(t.empty for t in module._performance(table, {"word": "categorical"}, p, None, ["word"], rng))


def test_curves_are_of_the_strongest_output_of_the_strongest_properties(rng, monkeypatch):
    asked = []

    def curve(x, y, z, *, rng, repeats):
        asked.append((x[0], y[0], z, repeats))
        return pd.DataFrame({"n": [10, 20], "p": [0.5, 0.1]})

    monkeypatch.setattr(module, "p_against_n", curve)
    table = pd.DataFrame({"a": [1.0], "b": [2.0], "c": [3.0], "d": [4.0]})
    outputs = pd.DataFrame({"anger": [5.0], "fear": [6.0]})
    more = pd.concat([TESTS, TESTS.assign(property="b", output="fear", effect=-0.1)], ignore_index=True)
    truth = pd.Series(["joy"])
    found = module._curves(more, table, outputs, truth, rng)
    assert [(x, y) for x, y, *_ in asked] == [(4, 6), (3, 5), (1, 6)] and all(z.tolist() == ["joy"] for _, _, z, _ in asked)
    assert {r for *_, r in asked} == {3} and found.p_value.tolist() == [0.5, 0.1] * 3
    assert found.property.tolist() == ["d"] * 2 + ["c"] * 2 + ["a"] * 2 and found.index.tolist() == [*range(6)]
    assert module._curves(more, table, outputs, None, rng, most=1).property.tolist() == ["d"] * 2 and asked[-1][2] is None
    assert module._curves(TESTS[TESTS.output == DECISION], table, outputs, truth, rng).empty


def test_a_result_of_tables_alone_says_nothing_more():
    empty = pd.DataFrame()
    made = PropertyAudit(TESTS, empty, empty, empty, empty, empty, {}, ("anger", "fear"), 20, "the label")
    assert (made.tested, made.people, made.about, made.notes, made.kinds) == (0, 0, "", (), {}) and made.share == (4, 5)
    assert list(made.missed) == ["key", "reason"] and made.to_frame().statistic.tolist() == TESTS.effect.tolist()
