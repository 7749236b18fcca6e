"""Changes of pictures and what is made of the answers, by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from affectlens.audits.objects import effects as module
from affectlens.audits.objects.effects import (
    Cutout,
    changes_of,
    effect_table,
    elsewhere,
    foretold,
    measure_effects,
    objects_of,
    sized,
)
from affectlens.audits.objects.pictures import View
from affectlens.explainers.interventions.registry import interventions
from affectlens.models.adapters import CallableModel
from affectlens.perception.scene.objects import Thing
from affectlens.stats.multiple import holm
from tests.audits.objects.nets import LABELS, by_redness

RED = (230, 20, 20)


def view(things=(), masks=None, size=(60, 80), label="fear", key="a"):
    rng = np.random.default_rng(3)
    picture = rng.normal(128, 12, (*size, 3)).clip(0, 255).astype(np.uint8)
    made = [Thing(name, score, box) for name, score, box in things]
    for t in made:
        left, top, right, bottom = map(int, t.box)
        picture[top:bottom, left:right] = RED
    return View(key, picture, label, made, masks or {})


def test_objects_are_sorted_by_size_and_joined_by_name():
    seen = view([("cup", 0.9, (0, 0, 10, 10)), ("cup", 0.5, (20, 0, 30, 10)), ("car", 0.8, (40, 20, 52, 32))])
    names, masks = zip(*objects_of(seen), strict=True)
    assert names == ("cup", "car") and [m.sum() for m in masks] == [200, 144]
    wide = view([("wall", 0.9, (0, 0, 80, 54)), ("room", 0.9, (0, 0, 80, 55)), ("cup", 0.9, (0, 0, 5, 5))])
    assert [n for n, _ in objects_of(wide)] == ["wall", "cup"]  # nine tenths of the picture is the most


def test_masks_stand_in_for_boxes_at_the_pictures_size():
    mask = np.zeros((6, 8), np.float32)
    mask[:3, :4] = 1
    ((name, wide),) = objects_of(view(masks={"mouth": mask, "nothing": mask * 0}))
    assert name == "mouth" and wide.shape == (60, 80) and wide.mean() == pytest.approx(0.25, abs=0.01)


def test_a_control_lies_where_it_overlaps_least():
    mask = np.zeros((40, 60), np.float32)
    mask[10:20, 10:30] = 0.5
    for seed in range(10):
        moved = elsewhere(mask, np.random.default_rng(seed))
        shares = [float((m * mask).sum() / mask.sum()) for m in moved]
        assert len(moved) == 3 and shares == sorted(shares) and max(shares) < 0.25  # of a half-mask, a half is all
        assert all(m.sum() == mask.sum() and set(np.unique(m)) == {0, 0.5} for m in moved)
    # Every place can be drawn, the last ones too.
    small = np.zeros((3, 3), np.float32)
    small[1, 1] = 1
    places = {tuple(np.argwhere(m)[0]) for seed in range(40) for m in elsewhere(small, np.random.default_rng(seed))}
    assert places == {(i, j) for i in range(3) for j in range(3)} - {(1, 1)}
    tight = np.zeros((10, 10), np.float32)
    tight[:, 1:] = 1
    assert elsewhere(tight, np.random.default_rng(0)) == []  # wherever it goes, most of it is the object
    faint = np.zeros((10, 10), np.float32)
    faint[2, 2] = 0.04
    assert elsewhere(faint, np.random.default_rng(0)) == []


def test_a_thing_in_disorder_keeps_its_colours():
    rng = np.random.default_rng(0)
    thing = rng.integers(0, 255, (32, 45, 3), dtype=np.uint8)
    mixed = module._shuffled(thing, rng)
    assert mixed.shape == thing.shape and (mixed != thing).mean() > 0.5
    np.testing.assert_array_equal(mixed[30:], thing[30:])  # what does not fill a cell stays
    np.testing.assert_array_equal(mixed[:, 42:], thing[:, 42:])
    np.testing.assert_array_equal(np.sort(mixed.reshape(-1)), np.sort(thing.reshape(-1)))
    cells = {mixed[i : i + 5, j : j + 7].tobytes() for i in range(0, 30, 5) for j in range(0, 42, 7)}
    assert cells == {thing[i : i + 5, j : j + 7].tobytes() for i in range(0, 30, 5) for j in range(0, 42, 7)}
    tiny = thing[:5, :20]
    np.testing.assert_array_equal(module._shuffled(tiny, rng), tiny)
    np.testing.assert_array_equal(module._shuffled(thing[:20, :5], rng), thing[:20, :5])
    six = module._shuffled(thing[:6, :6], np.random.default_rng(1))
    assert sorted(map(tuple, six.reshape(-1, 3))) == sorted(map(tuple, thing[:6, :6].reshape(-1, 3)))


def test_cutouts_are_neither_tiny_nor_most_of_the_picture():
    things = [
        ("dot", 0.9, (0, 0, 6, 6)),
        ("cup", 0.4, (10, 10, 30, 30)),
        ("cup", 0.8, (40, 10, 60, 40)),
        ("wall", 0.9, (0, 0, 80, 40)),
    ]
    (cut,) = module._cutouts(view(things))
    assert cut.name == "cup" and cut.patch.shape == (36, 24, 3)  # the surer of both, with its margin
    grey = view(things)
    assert module._cutouts(View("a", grey.picture[..., 0], "", grey.things, {})) == []


def test_every_change_is_made_with_its_controls():
    rng = np.random.default_rng(0)
    seen = view([(f"thing {i}", 0.9, (10 * i, 0, 10 * i + 4 + i, 6)) for i in range(7)])
    other = np.zeros((30, 30, 3), np.uint8)
    patch = np.full((8, 8, 3), 200, np.uint8)
    cutouts = [Cutout(n, patch, np.ones((8, 8), np.float32)) for n in ("thing 1", "dog", "cat", "cow", "hen")]
    made = changes_of(seen, other, cutouts, rng)
    first = made[0]
    assert (first.change, first.object, first.control) == ("", "", False) and first.picture is seen.picture
    whole = [c.name for c in interventions("scene")]
    assert [c.change for c in made[1 : 1 + len(whole)]] == whole
    objects = [n for n, _ in objects_of(seen)]
    changed = [c for c in made if c.object.startswith("thing")]
    assert {c.object for c in changed} == set(objects[:6]) and objects[6] == "thing 0"  # the smallest is left alone
    for change in interventions("object"):
        of_change = [c for c in changed if c.change == change.name]
        assert sum(not c.control for c in of_change) == 6
        assert sum(c.control for c in of_change) == (18 if change.controlled else 0)
    assert [c.change for c in made].count("swap background") == 1
    put_in = [c for c in made if c.change == "insert"]
    assert len(put_in) == 6 and "thing 1" not in {c.object for c in put_in}  # what is there is not put in
    for a, b in zip(put_in[::2], put_in[1::2], strict=True):
        assert (a.object, a.control, b.control) == (b.object, False, True)
        np.testing.assert_array_equal((a.picture != seen.picture).any(2).any(0), (b.picture != seen.picture).any(2).any(0))
    assert (put_in[0].picture == 200).all(2).sum() >= 30 * 30  # two fifths of the longer side


def test_without_another_picture_or_objects_no_background_is_swapped():
    rng = np.random.default_rng(0)
    seen = view([("cup", 0.9, (0, 0, 10, 10))])
    assert "swap background" not in {c.change for c in changes_of(seen, None, [], rng)}
    assert "swap background" not in {c.change for c in changes_of(view(), np.zeros((9, 9, 3), np.uint8), [], rng)}
    masked = view(masks={"mouth": np.pad(np.ones((3, 3), np.float32), 2)})
    assert "swap background" not in {c.change for c in changes_of(masked, np.zeros((9, 9, 3), np.uint8), [], rng)}


def redness(prepare=lambda picture: picture):
    model = CallableModel(by_redness, LABELS, "scene", name="by redness")
    model.prepare = prepare
    return model


def test_answers_are_paired_with_the_picture_as_it_is():
    seen = view([("cup", 0.9, (0, 0, 20, 20))])
    changed = changes_of(seen, None, [], np.random.default_rng(0))
    model = redness()
    rows = pd.DataFrame(module._answers(model, seen, "joy", changed)).set_index(["change", "object"])
    p = {i: by_redness([c.picture])[0, 1] for i, c in enumerate(changed)}
    assert np.allclose(rows.before, p[0])
    for (change, name), row in rows.iterrows():
        of = [(i, c) for i, c in enumerate(changed) if (c.change, c.object) == (change, name)]
        assert row.after == pytest.approx(np.mean([p[i] for i, c in of if not c.control]))
        controls = [p[i] for i, c in of if c.control]
        assert np.isnan(row.control) if not controls else row.control == pytest.approx(np.mean(controls))
    assert set(rows.image) == {"a"} and set(rows.emotion) == {"joy"}

    def prepare(picture):
        if picture.shape[0] < 60:
            raise ValueError("too small")
        return picture

    some = module._answers(redness(prepare), seen, "joy", changed)
    assert {r["change"] for r in some} == {c for c, _ in rows.index} - {"crop"}  # no answer, no row


def test_batches_do_not_matter():
    rng = np.random.default_rng(0)
    inputs = [rng.integers(0, 255, (4, 4, 3), dtype=np.uint8) for _ in range(70)]
    whole = module._in_batches(redness(), inputs)
    np.testing.assert_allclose(whole, by_redness(inputs))
    np.testing.assert_allclose(module._in_batches(redness(), inputs, 7), whole)


def test_a_picture_that_breaks_is_named_and_things_of_earlier_pictures_are_put_into_later_ones():
    class Some(dict):
        notes = ()

    pictures = Some(a=view([("cup", 0.9, (10, 10, 40, 40))]), c=view([("car", 0.9, (10, 10, 40, 40))], key="c", label="joy"))
    said = []
    found = measure_effects(
        redness(), pictures, ["a", "b", "c"], (), np.random.default_rng(0), progress=lambda *w: said.append(w)
    )
    assert list(found.missed) == ["b"] and said == [("changed pictures", i, 3) for i in (1, 2, 3)]
    single = found.single
    assert set(single[single.change == "insert"].object) == {"cup"} and set(single[single.change == "insert"].image) == {"c"}
    assert set(single[single.change == "swap background"].image) == {"c"}
    assert dict(zip(single.image, single.emotion, strict=True)) == {"a": "fear", "c": "joy"}
    own = measure_effects(redness(), pictures, ["c"], (), np.random.default_rng(0), target="answer")
    assert set(own.single.emotion) == {"fear"}  # it is red, whatever its label


def rows(n=8, change="remove", thing="cup", emotion="joy", effect=-0.2, control=0.0, spread=0.01):
    return pd.DataFrame(
        [{"image": f"i{k}", "emotion": emotion, "change": change, "object": thing, "before": 0.8,
          "after": 0.8 + effect + spread * (k - (n - 1) / 2), "control": 0.8 + control} for k in range(n)]
    )  # fmt: skip


def test_mean_effects_with_intervals_and_controls_by_hand(rng):
    (row,) = effect_table(rows(control=-0.05), rng).itertuples()
    assert (row.change, row.object, row.emotion, row.images) == ("remove", "cup", "all", 8)
    assert row.effect == pytest.approx(-0.2) and row.control == pytest.approx(-0.05)
    from scipy.stats import t

    moved = -0.2 + 0.01 * (np.arange(8) - 3.5)
    half = t.ppf(0.975, 7) * moved.std(ddof=1) / np.sqrt(8)
    assert (row.low, row.high) == (pytest.approx(-0.2 - half), pytest.approx(-0.2 + half))
    assert row.p_value == pytest.approx(2 / 256)  # all eight signs alike
    (same,) = effect_table(rows(effect=-0.2, control=-0.2, spread=0.0), rng).itertuples()
    assert same.p_value == 1  # the control does as much
    (worse,) = effect_table(rows(effect=-0.1, control=-0.3), rng).itertuples()
    assert worse.p_value == pytest.approx(2 / 256)  # two-sided


def test_few_controls_are_none_and_few_pictures_no_test(rng):
    some = rows(control=-0.2)
    some.loc[:3, "control"] = np.nan  # four are left
    (row,) = effect_table(some, rng).itertuples()
    assert row.control == pytest.approx(-0.2) and row.p_value == pytest.approx(2 / 256)  # against no change
    five = rows(control=-0.2, spread=0)
    five.loc[:2, "control"] = np.nan
    (row,) = effect_table(five, rng).itertuples()
    assert row.p_value == 1  # against the control of the five that have one
    assert effect_table(rows(4), rng).p_value.isna().all() and effect_table(rows(5), rng).p_value.notna().all()
    assert effect_table(rows()[:0], rng).empty


def test_families_of_tests_are_corrected_apart(rng):
    single = pd.concat([rows(), rows(emotion="fear", effect=0.1), rows(change="flip", thing=""), rows(7, change="blur")])
    table = effect_table(single, rng)
    assert table.groupby(["change", "object"]).emotion.apply(list).to_dict() == {
        ("remove", "cup"): ["all", "fear", "joy"], ("flip", ""): ["all"], ("blur", "cup"): ["all"]
    }  # fmt: skip
    pooled = (table.emotion == "all").to_numpy()
    for family in (pooled, ~pooled):
        np.testing.assert_allclose(table.p_holm[family], holm(table.p_value[family].to_numpy()))
    assert table.set_index(["change", "emotion"]).images["remove", "all"] == 16


def test_what_maps_claim_against_what_removal_does(rng):
    n = 30
    single = pd.DataFrame({"image": [f"i{k // 2}" for k in range(n)], "emotion": "joy", "change": "remove",
                           "object": ["a", "b"] * (n // 2), "before": 0.9, "after": 0.9 - rng.random(n) / 2, "control": 0.9})  # fmt: skip
    blurred = single.assign(change="blur", after=rng.random(n))
    fall = (single.before - single.after).to_numpy()
    claims = pd.DataFrame({"image": single.image, "object": single.object, "relevance": fall + 0.2 * rng.random(n),
                           "area": rng.random(n), "method": "one"})  # fmt: skip
    other = claims.assign(method="two", relevance=rng.random(n), area=0.5)
    table = foretold(pd.concat([single, blurred]), pd.concat([claims, other]), rng).set_index("method")
    assert list(table.index) == ["one", "two", "area alone"]
    assert table.spearman["one"] == pytest.approx(spearmanr(claims.relevance, fall)[0])
    assert table.spearman["two"] == pytest.approx(spearmanr(other.relevance, fall)[0])
    assert table.spearman["area alone"] == pytest.approx(spearmanr(claims.area, fall)[0])
    assert (table.objects == n).all() and (table.images == n // 2).all() and (table.low < table.high).all()
    assert np.isnan(foretold(single, other.assign(relevance=0.5), rng).spearman[0])  # nothing is claimed
    assert len(foretold(single[:5], claims, rng)) == 2 and foretold(single[:4], claims, rng).empty
    assert foretold(single, claims[:0], rng).empty


def test_pictures_are_changed_at_the_size_that_the_network_can_see():
    rng = np.random.default_rng(0)
    large = cv2.resize(rng.integers(0, 256, (34, 65, 3)).astype(np.uint8), (2076, 1088))
    view = View("k", large, "x", [Thing("cup", 0.9, (519.0, 272.0, 1038.0, 544.0))], {"region": np.ones((4, 4))})
    small = sized(view, np.zeros((3, 224, 224), np.float32))
    assert small.picture.shape == (235, 448, 3) and small.masks is view.masks
    assert small.things[0].box == pytest.approx((112, 58.75, 224, 117.5)) and small.things[0].name == "cup"
    assert max(sized(view, np.zeros((1, 48, 48))).picture.shape) == 256
    assert sized(view, large) is view and sized(view, {"pixels": 3}) is view  # an input that is the picture, or tells no size
    assert sized(small, np.zeros((3, 224, 224))) is small
