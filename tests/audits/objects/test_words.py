"""What is said of an audit of objects, from tables by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.objects.effects import Effects
from affectlens.audits.objects.examples import leading
from affectlens.audits.objects.findings import findings, foretold_text, seen_text
from affectlens.audits.objects.groups import group_masks, group_of
from affectlens.core.failures import missed_frame

NAN = float("nan")


def pair(emotion, thing, lift, p=0.01, images=30, others=0.01, over=0.1, low=1.1, high=2.2):
    return {"emotion": emotion, "object": thing, "lift": lift, "low": low, "high": high, "images": images, "p_bh": p,
            "p_others": others, "p_others_bh": others, "over_others": over}  # fmt: skip


def audit(pairs, groups=(), effects=None, missed=()):
    first = pd.DataFrame(pairs, columns=list(pair("", "", 0)))
    of_groups = pd.DataFrame(groups, columns=list(pair("", "", 0)))
    return SimpleNamespace(groups={"m": of_groups}, first=first, effects=effects, missed=missed)


def said(*pairs, **more):
    return findings(audit(pairs, **more))


def test_the_human_is_set_against_the_rest():
    groups = [pair("joy", "human", 2.0, images=30), pair("fear", "human", 1.0, images=10, p=0.2), pair("awe", "human", NAN, NAN, 2),
              pair("joy", "animals", 9.0)]  # fmt: skip
    (first, *_) = said(pair("joy", "cup", 1.5), groups=groups)
    assert first == (
        "Human parts (face, body, hands) hold 1.75 times their area's share of the relevance on average; above chance for 1 of 2 "
        "emotions that could be tested."
    )


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([pair("joy", "cup", NAN, NAN)], "Joy: no object lies in five of its pictures, nothing can be tested."),
        ([pair("joy", "cup", 1.4, p=0.06), pair("joy", "car", 0.4)],
         "Joy: no object is shown to hold more than its share of the relevance."),
        ([pair("joy", "car", 1.2), pair("joy", "cup", 1.4)],
         "Joy: cup holds 1.40 times its area's share of the relevance (1.10 to 2.20, 30 pictures), more than under other emotions."),
        ([pair("joy", "cup", 1.4, others=NAN)],
         "Joy: cup holds 1.40 times its area's share of the relevance (1.10 to 2.20, 30 pictures); it is in too few pictures of "
         "other emotions to compare."),
        ([pair("joy", "cup", 1.4, others=0.3), pair("joy", "car", 1.2), pair("joy", "hat", 1.1)],
         "Joy: cup holds 1.40 times its area's share of the relevance (1.10 to 2.20, 30 pictures), not shown to be more than under "
         "other emotions; car is (1.20)."),
        ([pair("joy", "cup", 1.4, over=-0.1)],
         "Joy: cup holds 1.40 times its area's share of the relevance (1.10 to 2.20, 30 pictures), not shown to be more than under "
         "other emotions."),
    ],
)  # fmt: skip
def test_one_emotion(pairs, text):
    assert said(*pairs) == [text]


def test_of_nothing_nothing_is_said():
    assert said(missed=missed_frame({})) == ["There is no picture."]
    assert said(missed=missed_frame({"a.png": "no face found"})) == [
        "No picture was looked at; the first for this reason: no face found"
    ]


def changes(*rows, foretold=()):
    columns = ["change", "object", "emotion", "images", "effect", "low", "high", "control", "p_holm"]
    told = pd.DataFrame(foretold, columns=["method", "spearman", "low", "high"])
    return Effects(pd.DataFrame(), pd.DataFrame(rows, columns=columns), told, {})


def removed(thing, effect, control, p=0.01, emotion="all", change="remove"):
    return (change, thing, emotion, 24, effect, effect - 0.05, effect + 0.05, control, p)


def test_the_removal_that_does_most_beyond_its_control_is_told():
    rows = [removed("car", -0.4, -0.35), removed("cup", -0.3, -0.02), removed("hat", -0.9, 0, 0.06), removed("dog", 0.9, 0.0),
            removed("cat", -0.9, 0.0, emotion="joy"), removed("cow", -0.9, 0.0, change="blur")]  # fmt: skip
    out = said(pair("joy", "cup", NAN, NAN), effects=changes(*rows))
    assert out[1] == (
        "Changes: removing cup does most: the probability of the picture's emotion moves by -0.30 (-0.35 to -0.25, 24 pictures), "
        "the same patch elsewhere by -0.02."
    )
    assert len(out) == 2
    maps = [("a", 0.5, 0.3, 0.7), ("area alone", 0.1, -0.1, 0.3)]
    assert said(pair("joy", "cup", NAN, NAN), effects=changes(*rows, foretold=maps))[2].startswith("Maps: a foretells it best")
    none = said(pair("joy", "cup", NAN, NAN), effects=changes(removed("dog", 0.9, 0.0), removed("hat", -0.9, 0, 0.06)))
    assert none[1].startswith("Removing no object is shown to lower the probability")


def test_what_was_not_tested_or_cannot_be_shown_is_not_called_absent():
    cup, tables = pair("joy", "cup", NAN, NAN), changes(removed("car", -0.1, 0.0, NAN))
    assert said(cup, effects=tables)[1] == (
        "Whether removing an object does anything was not tested: none was removed from 5 pictures."
    )
    assert said(cup, effects=changes())[1].startswith("Whether removing an object does anything was not tested")
    few = changes(removed("car", -0.4, 0.0, 0.06))
    few.table["smallest_p"] = 0.06
    (_, sentence) = said(cup, effects=few)
    assert sentence.startswith(
        "Whether removing an object lowers the probability of the picture's emotion cannot be shown. With"
    )
    few.table["smallest_p"] = 0.001
    assert "at most 1 of the 1 tests" in said(cup, effects=few)[1]
    blind = audit([pair("joy", "cup", 1.4, p=0.1)])
    blind.first["smallest_p"] = 0.1
    assert findings(blind)[0] == "Joy: whether an object holds more than its share of the relevance cannot be shown."
    assert findings(blind)[1].startswith("Emotions and objects: With this design the smallest p is 0.1, so at most 0 of the 1")


def test_whether_maps_do_better_than_area():
    def text(*rows):
        return foretold_text(pd.DataFrame(rows, columns=["method", "spearman", "low", "high"]))

    area = ("area alone", 0.4, 0.1, 0.6)
    assert text(("a", 0.2, 0.1, 0.5), ("b", 0.5, 0.3, 0.7), area) == (
        "b foretells it best (rho 0.50, 0.30 to 0.70); the object's area alone gives 0.40."
    )
    assert text(("b", 0.5, 0.0, 0.7), area).startswith(
        "b foretells it best (rho 0.50, 0.00 to 0.70), which is not shown to be above"
    )
    assert text(area) == text(("b", 0.5, 0.3, 0.7)) == "Too few objects were removed to tell."


def seen(missed=(), recall=None, detected=True, things=(0, 2, 3)):
    return seen_text(
        SimpleNamespace(notes=("a note",), recall=recall, detected=detected, images=pd.DataFrame({"things": things}),
                        missed=pd.DataFrame(missed, columns=["key", "reason"]))
    )  # fmt: skip


def test_what_was_seen_and_what_was_missed():
    first, second, third = seen()
    assert first == "a note" and "give true boxes" in second
    assert third == "3 pictures were looked at, 1 of them without any object."
    assert "Regions come from landmarks" in seen(detected=False)[1]
    recall = pd.DataFrame({"found": [3, 2], "boxes": [4, 6]})
    assert "finds 5 of 10 true boxes (50%)" in seen(recall=recall)[1] == seen(recall=recall, detected=False)[1]
    broken = [(f"p{i}.png", f"p{i}.png: not an image") for i in range(7)]
    many = seen([("x.png", "no face found"), *broken])
    assert many[-2:] == [
        "it: not an image: p0.png, p1.png, p2.png, p3.png, p4.png and 2 more, see missed.csv.", "no face found: x.png."
    ]  # fmt: skip
    five = seen(broken[:5])[-1]
    assert five.endswith("p4.png.")
    assert len(seen([(f"p{i}", f"reason {i}") for i in range(30)])) == 3 + 20 + 1


def test_the_clearest_finding_of_each_emotion_comes_first():
    table = pd.DataFrame([pair("joy", "cup", 1.4, images=10), pair("joy", "car", 3.0, p=0.2), pair("fear", "dog", 1.2, images=40),
                          pair("awe", "sky", 9.0, p=0.2), pair("rage", "bus", NAN, NAN)])  # fmt: skip
    assert leading(table) == [("fear", "dog"), ("joy", "cup"), ("awe", "sky")]
    assert leading(table[table.lift.isna()]) == []
    assert len(leading(pd.DataFrame([pair(f"e{i}", "cup", 2.0) for i in range(8)]))) == 6
    assert leading(pd.DataFrame([pair("joy", "cup", 1.4, p=0.05), pair("joy", "car", 3.0, p=0.051)])) == [("joy", "cup")]


def test_groups_by_hand():
    def mask(*cells):
        out = np.zeros(5)
        out[list(cells)] = 1
        return out

    made = group_masks({"Face": mask(0), "man": mask(0, 1), "hand": mask(1), "outside the face": mask(2), "spoon": mask(3)})
    assert {k: np.flatnonzero(v).tolist() for k, v in made.items()} == {
        "face": [0], "human": [0, 1], "body": [0, 1], "hands": [1], "in no box": [2, 4], "other things": [3]
    }  # fmt: skip
    half = group_masks({"dog": np.full(5, 0.75), "cat": np.full(5, 0.5)})
    np.testing.assert_allclose(half["animals"], 0.75)
    assert "in no box" not in half  # together they cover everything
    assert group_masks({"dog": np.full(5, 0.75)})["in no box"] == pytest.approx(0.25)
    assert group_of(" Wine ") == "food"
