import numpy as np
import pandas as pd
import pytest

from affectlens.audits.objects.effects import effect_table, elsewhere, foretold, measure_effects, objects_of
from affectlens.audits.objects.pictures import Pictures
from affectlens.models.open import open_model
from tests.audits.objects.nets import redness, write_folder
from tests.conftest import asset_path


@pytest.fixture
def pictures(tmp_path, rng):
    folder = tmp_path / "pictures"
    folder.mkdir()
    table, labels = write_folder(folder, 16, rng)
    return Pictures(folder, objects=str(table), labels=labels)


def test_removing_what_decides_undoes_the_answer(pictures, rng):
    keys = pictures.keys()
    found = measure_effects(redness(), pictures, [*keys, "not there"], ("hirescam", "eigencam"), rng)
    assert list(found.missed) == ["not there"]
    table = found.table.set_index(["change", "object", "emotion"])
    for change in ("remove", "blur", "grey"):
        red, green = table.loc[(change, "red", "all")], table.loc[(change, "green", "fear")]
        assert red.effect < -0.1 and red.p_value <= 0.05 and abs(red.control) < abs(red.effect) / 3
        assert abs(green.effect) < 0.05
    assert table.loc[("flip", "", "all")].effect == pytest.approx(0, abs=1e-3)
    assert table.loc[("no colour", "", "all")].effect < -0.1 and table.loc[("other colours", "", "all")].effect < -0.1
    put_in = table.loc[("insert", "blue", "all")]
    assert put_in.effect < -0.1
    rank = found.foretold.set_index("method").spearman
    assert rank["hirescam"] > 0.6 > rank["area alone"]


def test_a_model_that_averages_views_is_asked_in_one_way(tmp_path, shared):
    """The face model answers with the mean of several views: a grey picture without its colours is the same picture."""
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    faces = Pictures(f"fer2013={shared / 'face' / 'fer2013.parquet'}", "val", "regions")
    model = open_model("face")
    found = measure_effects(model, faces, faces.keys()[:6], ("hirescam",), np.random.default_rng(0))
    same = found.single[found.single.change == "no colour"]
    assert len(same) and (same.before == same.after).all()


def test_a_control_keeps_the_form_and_leaves_the_object(rng):
    mask = np.zeros((60, 80), np.float32)
    mask[10:30, 10:40] = 1
    for moved in elsewhere(mask, rng):
        assert moved.sum() == mask.sum() and (moved * mask).sum() < 0.5 * mask.sum()
    whole = np.ones((10, 10), np.float32)
    assert elsewhere(whole, rng) == [] and elsewhere(0 * whole, rng) == []


def test_what_fills_the_picture_is_no_object(pictures):
    view = pictures[pictures.keys()[0]]
    names = [n for n, _ in objects_of(view)]
    assert sorted(names) == ["green", "red"] and all(m.shape == view.picture.shape[:2] for _, m in objects_of(view))


def test_effects_are_tested_against_their_control(rng):
    rows = [
        {
            "image": f"i{k}",
            "emotion": "joy",
            "change": "remove",
            "object": "cup",
            "before": 0.8,
            "after": 0.5,
            "control": 0.5 + 0.01 * (k % 2),
        }
        for k in range(12)
    ]
    table = effect_table(pd.DataFrame(rows), rng)
    assert table.effect[0] == pytest.approx(-0.3) and table.control[0] == pytest.approx(-0.295)
    assert table.p_value[0] < 0.1  # the patch itself did nearly all of it: only the difference is tested
    alone = effect_table(pd.DataFrame(rows).assign(control=np.nan), rng)
    assert alone.p_value[0] < 0.01 and effect_table(pd.DataFrame(rows[:3]), rng).p_value.isna().all()


def test_claims_are_compared_by_rank(rng):
    single = pd.DataFrame([
        {"image": f"i{k // 2}", "emotion": "joy", "change": "remove", "object": "ab"[k % 2], "before": 0.9, "after": 0.9 - 0.01 * k,
         "control": 0.9} for k in range(20)
    ])  # fmt: skip
    claims = pd.DataFrame([
        {"image": f"i{k // 2}", "object": "ab"[k % 2], "relevance": 0.02 * k, "area": 0.1 + 0.01 * ((7 * k) % 20), "method": "good"}
        for k in range(20)
    ])  # fmt: skip
    both = pd.concat([claims, claims.assign(method="bad", relevance=1 - claims.relevance)])
    table = foretold(single, both, rng).set_index("method")
    assert table.spearman["good"] == pytest.approx(1) and table.spearman["bad"] == pytest.approx(-1)
    assert table.low["good"] > 0.9 and "area alone" in table.index
    assert foretold(single[:0], both, rng).empty
