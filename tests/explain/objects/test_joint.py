import numpy as np
import pandas as pd
import pytest

from affectlens.explain.objects.joint import agreement, associations, boxes_to_masks, combine, image_rows


def test_rows_by_hand(rng):
    relevance = np.array([[4.0, -8.0], [0.0, 4.0]])
    mask = np.array([[True, True], [False, False]])
    row = image_rows("a", "fear", relevance, {"dog": mask, "none": np.zeros((2, 2), bool)}, rng)[0]
    assert row["relevance"] == 0.5 and row["area"] == 0.5 and row["mean"] == pytest.approx(-2 / 8)
    assert image_rows("a", "fear", -relevance.clip(0), {"dog": mask}, rng) == []  # nothing speaks for it


def test_boxes_are_clipped_and_overlaps_count_once():
    masks = boxes_to_masks(
        [("car", (-5, -5, 4, 4)), ("car", (2, 2, 6, 6)), ("dog", (9, 9, 30, 30)), ("cup", (3, 3, 3, 8))], (10, 10)
    )
    assert masks["car"].sum() == 16 + 16 - 4 and masks["dog"].sum() == 1 and "cup" not in masks


def test_associations_by_hand():
    found = associations(8, 10, 20, 100)
    assert found["Dice"] == pytest.approx(16 / 30) and found["Jaccard"] == pytest.approx(8 / 22)
    odds = (8.5 * 78.5) / (2.5 * 12.5)
    assert found["odds ratio"] == pytest.approx(odds) and found["Yule Q"] == pytest.approx((odds - 1) / (odds + 1))


def corpus(seed, planted):
    """60 images of two emotions with three objects in random places; with ``planted`` the map of fear looks at the dog."""
    rng = np.random.default_rng(seed)
    rows, images = [], []
    for i in range(60):
        emotion = ("fear", "joy")[i % 2]
        masks = {}
        for name in ("dog", "car", "cup"):
            if rng.random() < (0.9 if planted and name == "dog" and emotion == "fear" else 0.6):
                y, x = rng.integers(0, 14, 2)
                masks[name] = np.zeros((20, 20), bool)
                masks[name][y : y + 6, x : x + 6] = True
        relevance = rng.random((20, 20))
        if planted and emotion == "fear" and "dog" in masks:
            relevance[masks["dog"]] += 2
        rows += image_rows(f"i{i}", emotion, relevance, masks, rng)
        images.append({"image": f"i{i}", "emotion": emotion})
    return pd.DataFrame(rows), pd.DataFrame(images), rng


def test_the_planted_object_is_first_and_others_are_left_alone():
    first = 0
    for seed in range(20):
        rows, images, rng = corpus(seed, True)
        found = combine(rows, images, rng, draws=199)
        fear = found[found.emotion == "fear"].sort_values("lift", ascending=False)
        first += fear.object.iloc[0] == "dog" and fear["p (BH)"].iloc[0] <= 0.05
    assert first >= 19


def test_without_a_planted_object_little_is_found():
    wrong = sum(bool((combine(*corpus(seed, False), draws=199)["p (BH)"] <= 0.05).any()) for seed in range(40))
    assert wrong <= 6


def test_runs_are_put_together_by_concatenation():
    rows, images, _ = corpus(1, True)
    whole = combine(rows, images, np.random.default_rng(0), draws=99)
    half = rows.image.isin(images.image[:30])
    again = combine(pd.concat([rows[half], rows[~half]]), images, np.random.default_rng(0), draws=99)
    pd.testing.assert_frame_equal(whole[["emotion", "object", "lift", "Dice"]], again[["emotion", "object", "lift", "Dice"]])


def test_methods_that_agree(rng):
    rows, images, _ = corpus(1, True)
    table = combine(rows, images, rng, draws=99)
    other = table.assign(lift=table.lift**2)
    assert agreement({"a": table, "b": other}, rng, 99).Spearman[0] == pytest.approx(1)


def test_three_images_have_no_test_and_no_detections_no_rows(rng):
    rows, images, _ = corpus(1, True)
    few = images[:3]
    found = combine(rows[rows.image.isin(few.image)], few, rng, draws=99)
    assert found.lift.isna().all() and len(found)
    assert combine(rows[:0], few, rng).empty
