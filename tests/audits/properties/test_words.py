"""What is said of an audit of properties, and which items are changed, from tables by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties.doses import chosen_interventions, sampled
from affectlens.audits.properties.findings import dose_text, findings
from affectlens.core.errors import UsageError
from affectlens.explainers.interventions.dose import DoseResponse
from affectlens.features.properties.registry import property_named


def row(name, output, effect, p=0.001, kind="correlation", smallest=0.11, least=1e-5, method="within labels"):
    return {"property": name, "output": output, "effect": effect, "low": effect - 0.05, "high": effect + 0.05, "p_holm": p,
            "p_value": p / 5, "kind": kind, "n": 300, "smallest_found": smallest, "smallest_p": least, "units": 300,
            "method": method}  # fmt: skip


def said(*rows, kinds=None, most=8):
    tests = pd.DataFrame(rows)
    count = int((tests.p_holm <= 0.05).sum())
    return findings(SimpleNamespace(tests=tests, share=(count, len(tests)), n=300, given="the label", kinds=kinds or {}), most)


def test_the_strongest_dependence_of_every_property_is_told():
    first, *rest = said(row("own", "anger", 0.2), row("own", "fear", -0.4), row("mine", "anger", 0.3, p=0.05),
                        row("none", "anger", 0.9, p=0.051), row("own", "decision", 0.9, smallest=0.13))  # fmt: skip
    assert first.startswith(
        "4 of 5 tests (properties × outputs, n = 300) are significant after Holm's correction, given the label."
    )
    assert "the smallest p is 1e-05, so at most 5 of the 5 tests can be significant after correction (Holm)." in first
    assert "A correlation of 0.11 (within labels, 300 items) is found four times in five after this correction" in first
    assert rest == [
        "The more own, the less fear: correlation -0.40 (-0.45 to -0.35), p = 0.001 corrected, n = 300.",
        "The more mine, the more anger: correlation +0.30 (+0.25 to +0.35), p = 0.05 corrected, n = 300.",
        "No dependence was found on none; weaker ones than above could hide there.",
    ]
    assert len(said(*[row(f"p{i}", "anger", 0.2) for i in range(12)])) == 10
    assert len(said(*[row(f"p{i}", "anger", 0.2) for i in range(12)], most=3)) == 5
    assert said(*[row(f"p{i}", "anger", 0.2) for i in range(12)])[9].startswith(
        "The first 8 of 12 properties that it depends on"
    )


def test_what_the_design_cannot_show_is_not_called_absent():
    first, *rest = said(row("one", "anger", 0.2, p=0.5, least=0.02), row("two", "anger", 0.2, p=0.5, least=0.01))
    assert "the smallest p is 0.01, so at most 2 of the 2 tests" in first
    assert rest == ["No dependence was found on one, two; weaker ones than above could hide there."]
    whole = "people exchanged whole"
    first, *rest = said(row("one", "anger", 0.2, p=0.5, least=0.1, method=whole), row("two", "anger", 0.2, p=0.5),
                        row("three", "decision", 0.2, p=0.5, smallest=float("nan")))  # fmt: skip
    assert "A correlation of 0.11 (people exchanged whole, 300 people) or 0.11 (within labels, 300 items) is found" in first
    assert rest == [
        "No dependence was found on two, three; weaker ones than above could hide there.",
        "Nothing can be said of one: no p that the design can give is significant after correction.",
    ]
    # Once the others are accepted, the last one needs .05 only.
    assert len(said(row("one", "anger", 0.2, p=0.5, least=0.04), row("two", "anger", 0.2, p=0.005))) == 3


def test_an_older_result_says_nothing_of_its_reach():
    old = {name: value for name, value in row("own", "anger", 0.2).items() if name not in ("smallest_p", "units", "p_value")}
    first, *_ = said(old, old | {"property": "none", "p_holm": 0.5})
    assert first.endswith("given the label.")


def test_known_properties_say_what_they_mean_and_where_they_mislead():
    known = property_named("brightness")
    (_, sentence) = said(row("brightness", "anger", 0.2))
    assert f"The more brightness ({known.says}), the more anger" in sentence
    weak = next(p for p in ("age", "skin tone (ITA)", "gender") if property_named(p).weak)
    assert said(row(weak, "anger", 0.2))[1].endswith(f" Careful: {property_named(weak).weak}.")


def test_categories_and_other_measures_are_not_said_to_be_more_or_less():
    out = said(row("sex", "anger", 0.2), row("size", "fear", 0.3, kind="Cramér's V"), kinds={"sex": "categorical"})
    assert out[1].startswith("Size and fear are related: Cramér's V +0.30")
    assert out[2].startswith("Anger differs between values of sex: correlation +0.20")


def dose(changes, flips=(0.0, 0.1, 0.4), moved=(), p=0.001):
    doses = (-1.0, 0.0, 2.0)
    curve = pd.DataFrame([{"dose": d, "class": c, "change": v, "low": v - 0.02, "high": v + 0.02, "p_holm": 1.0 if d == 0 else p}
                          for (d, c), v in changes.items()])  # fmt: skip
    columns = ["dose", "property", "moved_by", "lost", "meant", "over"]
    return DoseResponse("push", "steps", curve, pd.DataFrame({"dose": doses, "changed_decisions": flips}),
                        pd.DataFrame(moved, columns=columns), (), 60)  # fmt: skip


CHANGES = {(-1.0, "a"): -0.1, (-1.0, "b"): 0.1, (2.0, "a"): 0.2, (2.0, "b"): -0.3, (0.0, "a"): 0.0, (0.0, "b"): 0.0}


def test_what_a_change_did():
    start = "push: at 2 steps 40% of 60 decisions change"
    assert dose_text(dose(CHANGES)) == f"{start}; b moves most, by -30 points at 2 (-32 to -28, p = 0.001 corrected)."
    assert dose_text(dose(CHANGES, p=0.06)) == f"{start}; no class is shown to move."
    few = dose(CHANGES, p=0.06)
    few.curve["smallest_p"] = np.where(few.curve.dose == 0, np.nan, 1 / 16)
    assert dose_text(few) == (
        f"{start}; whether a class moves cannot be shown. With this design the smallest p is 0.062, so at most 0 of the 4 tests "
        "can be significant after correction (Holm)."
    )
    meant = (2.0, "light", 2.0, 0, True, True)
    clean = dose_text(dose(CHANGES, moved=[meant, (2.0, "size", 0.1, 0, False, False)]))
    assert clean.endswith("corrected). Nothing else that is measured moved.")
    other = dose_text(dose(CHANGES, moved=[meant, (-1.0, "size", 0.5, 0, False, True), (2.0, "size", 0.5, 0, False, True)]))
    assert other.endswith(". It also moved size.")
    many = dose_text(dose(CHANGES, moved=[(2.0, f"p{i}", 0.5, 0, False, True) for i in range(8)]))
    assert many.endswith(". It also moved p0, p1, p2, p3, p4, p5 and 2 more.")


def test_as_many_of_each_label_as_can_be(rng):
    keys = [f"k{i}" for i in range(40)]
    labels = pd.Series(["a"] * 30 + ["b"] * 6 + ["c"] * 4, index=keys)
    for count, expected in ((12, [4, 4, 4]), (18, [7, 6, 4])):
        chosen = sampled(labels, keys, count, rng)
        counts = [sum(labels[k] == c for k in chosen) for c in "abc"]
        assert len(set(chosen)) == count and np.abs(np.subtract(counts, expected)).max() <= 1 and counts[2] == 4
    assert sampled(labels, keys, 40, rng) == keys and len(sampled(labels, keys, 39, rng)) == 39
    drawn = {tuple(sampled(None, keys, 5, np.random.default_rng(s))) for s in range(8)}
    assert len(drawn) == 8 and all(len(set(d)) == 5 for d in drawn)
    unknown = labels.drop("k0")
    assert len(sampled(unknown, keys, 8, rng)) == 8


def test_interventions_by_name():
    assert chosen_interventions(("none", "all"), "face") == [] and len(chosen_interventions(("all",), "face")) == 13
    assert [i.name for i in chosen_interventions(("blur", "skin"), "face")] == ["blur", "skin"]
    assert chosen_interventions(("all",), "gait") == []
    with pytest.raises(UsageError, match="there are none of gait"):
        chosen_interventions(("blur",), "gait")
