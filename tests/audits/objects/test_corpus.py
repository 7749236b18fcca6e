import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact

from affectlens.audits.objects.settings import PRESETS, Thresholds
from affectlens.audits.objects.statistics import above, agreement, associations, combine, own, shown
from affectlens.explainers.overlap import image_rows
from affectlens.stats.resolution import Resolution


def corpus(seed, planted, count=60):
    """Images of two emotions with three objects in random places; with ``planted`` the map of fear looks at the dog."""
    rng = np.random.default_rng(seed)
    rows, images = [], []
    for i in range(count):
        emotion = ("fear", "joy")[i % 2]
        masks = {}
        for name in ("dog", "car", "cup"):
            if rng.random() < (0.9 if planted and name == "dog" and emotion == "fear" else 0.6):
                y, x = rng.integers(0, 14, 2)
                masks[name] = np.zeros((20, 20), np.float32)
                masks[name][y : y + 6, x : x + 6] = 1
        relevance = rng.random((20, 20))
        if planted and emotion == "fear" and "dog" in masks:
            relevance[masks["dog"] > 0] += 2
        rows += image_rows(f"i{i}", emotion, relevance, masks)
        images.append({"image": f"i{i}", "emotion": emotion, "probability": 0.2 + 0.6 * (i % 3 > 0)})
    return pd.DataFrame(rows), pd.DataFrame(images), rng


def test_associations_by_hand():
    found = associations(8, 10, 20, 100)
    assert found["dice"] == pytest.approx(16 / 30) and found["jaccard"] == pytest.approx(8 / 22)
    odds = (8.5 * 78.5) / (2.5 * 12.5)
    assert found["odds_ratio"] == pytest.approx(odds) and found["yule_q"] == pytest.approx((odds - 1) / (odds + 1))


def test_presence_is_fishers_exact_test():
    rows, images, rng = corpus(3, True)
    found = combine(rows, images, rng, Resolution(most=49)).set_index(["emotion", "object"]).loc[("fear", "dog")]
    has = images.image.isin(rows.image[rows.object == "dog"])
    here = images.emotion == "fear"
    table = [[(has & here).sum(), (has & ~here).sum()], [(~has & here).sum(), (~has & ~here).sum()]]
    tails = [fisher_exact(table, alternative=a).pvalue for a in ("less", "greater")]
    assert found["p_presence"] == pytest.approx(min(1, 2 * min(tails)))


def test_the_planted_object_is_first_by_every_test():
    first = 0
    for seed in range(20):
        rows, images, rng = corpus(seed, True)
        found = combine(rows, images, rng, Resolution(most=999))
        dog = found[found.emotion == "fear"].sort_values("lift", ascending=False).iloc[0]
        first += (
            dog.object == "dog"
            and dog["over_others"] > 0
            and bool((dog[["p_bh", "p_exchanged_bh", "p_others_bh"]] <= 0.05).all())
        )
    assert first >= 19


@pytest.mark.parametrize("p", ["p_bh", "p_exchanged_bh", "p_others_bh", "p_presence_bh"])
def test_without_a_planted_object_little_is_found(p):
    wrong = sum(bool((combine(*corpus(seed, False), Resolution(most=99))[p] <= 0.05).any()) for seed in range(40))
    assert wrong <= 6


def test_a_map_that_always_looks_at_the_middle_follows_no_object():
    """Objects lie in the middle, maps look there whatever the picture: exchanging maps finds nothing."""
    rng = np.random.default_rng(0)
    rows, images = [], []
    for i in range(40):
        mask = np.zeros((20, 20), np.float32)
        y, x = rng.integers(6, 9, 2)
        mask[y : y + 6, x : x + 6] = 1
        relevance = np.exp(-(np.add.outer((np.arange(20) - 9.5) ** 2, (np.arange(20) - 9.5) ** 2)) / 40) * rng.uniform(0.9, 1.1)
        rows += image_rows(f"i{i}", "joy", relevance + 0.05 * rng.random((20, 20)), {"cup": mask})
        images.append({"image": f"i{i}", "emotion": "joy"})
    row = combine(pd.DataFrame(rows), pd.DataFrame(images), rng, Resolution(most=199)).iloc[0]
    assert row.lift > 1.5 and row["p_exchanged"] > 0.05
    assert np.isnan(row["p_others"]) and row["p_presence"] == 1  # there is one emotion only


def test_runs_are_put_together_by_concatenation():
    rows, images, _ = corpus(1, True)
    whole = combine(rows, images, np.random.default_rng(0), Resolution(most=99))
    half = rows.image.isin(images.image[:30])
    again = combine(pd.concat([rows[half], rows[~half]]), images, np.random.default_rng(0), Resolution(most=99))
    pd.testing.assert_frame_equal(whole[["emotion", "object", "lift", "dice"]], again[["emotion", "object", "lift", "dice"]])


def test_thresholds_leave_out_weak_objects_and_unsure_answers():
    rows, images, rng = corpus(2, True)
    few, sure = above(rows, images, Thresholds(sure=0.5, importance=0.5))
    assert (sure.probability >= 0.5).all() and few.image.isin(sure.image).all() and (few.importance >= 0.5).all()
    strict = combine(few, sure, rng, Resolution(most=49)).set_index(["emotion", "object"])
    assert strict.dice[("fear", "dog")] > 0.8 and strict.images[("fear", "dog")] > 4 * strict.images[("joy", "dog")]
    assert PRESETS["emocam"].score == 0.3


def test_methods_that_agree(rng):
    rows, images, _ = corpus(1, True)
    table = combine(rows, images, rng, Resolution(most=99))
    found = agreement({"a": table, "b": table.assign(lift=table.lift**2)}, rng)
    assert found.spearman[0] == pytest.approx(1) and list(found.of) == ["lift"]
    weaker = combine(rows[rows.importance > 0.5], images, rng, Resolution(most=49))
    assert set(agreement({"a": table, "b": weaker}, rng).of) == {"dice"}


def test_three_images_have_no_test_and_no_detections_no_rows(rng):
    rows, images, _ = corpus(1, True)
    few = images[:3]
    found = combine(rows[rows.image.isin(few.image)], few, rng, Resolution(most=99))
    assert found.lift.isna().all() and len(found)
    assert combine(rows[:0], few, rng).empty


@pytest.mark.parametrize("p", ["p_value", "p_others"])
def test_levels_hold_for_concentrated_maps(p):
    """Maps with one small peak, sharper under fear: shares in boxes that lie anywhere are skewed, and spread differently."""
    found = []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        rows, images = [], []
        for i in range(24):
            emotion = ("fear", "joy")[i % 2]
            y, x = rng.uniform(0, 20, 2)
            away = np.add.outer((np.arange(20) - y) ** 2, (np.arange(20) - x) ** 2)
            mask = np.zeros((20, 20), np.float32)
            top, left = rng.integers(0, 15, 2)
            mask[top : top + 6, left : left + 6] = 1
            rows += image_rows(f"{seed}-{i}", emotion, np.exp(-away / (3 if emotion == "fear" else 12)), {"cup": mask})
            images.append({"image": f"{seed}-{i}", "emotion": emotion})
        found += list(combine(pd.DataFrame(rows), pd.DataFrame(images), rng, Resolution(most=199))[p])
    level = np.mean(np.array(found) <= 0.05)
    assert level <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 240)


def test_what_an_object_holds_wherever_it_lies_is_no_difference_between_emotions():
    """Under fear the whole map is brighter where the object's form fits, object or not: against the form elsewhere nothing is left."""
    rng = np.random.default_rng(0)
    rows, images = [], []
    for i in range(60):
        emotion = ("fear", "joy")[i % 2]
        form = (slice(2, 18), slice(2, 18)) if emotion == "fear" else (slice(7, 13), slice(7, 13))  # larger under fear
        mask = np.zeros((20, 20), np.float32)
        mask[form] = 1
        rows += image_rows(f"i{i}", emotion, 1 + 0.01 * rng.random((20, 20)), {"cup": mask})
        images.append({"image": f"i{i}", "emotion": emotion})
    frame = pd.DataFrame(rows)
    gap = frame[frame.emotion == "fear"].relevance.mean() - frame[frame.emotion == "joy"].relevance.mean()
    found = combine(frame, pd.DataFrame(images), rng, Resolution(most=199)).set_index("emotion")
    assert gap > 0.4 and abs(found.over_others["fear"]) < 0.3 and found.p_others["fear"] > 0.01


def test_what_is_less_than_under_other_emotions_is_not_an_emotions_own():
    table = pd.DataFrame({"p_others_bh": [0.01, 0.01, 0.2, np.nan], "over_others": [0.1, -0.1, 0.1, np.nan]})
    assert own(table).tolist() == [True, False, False, False]
    table = pd.DataFrame({"p_bh": [0.01, 0.01, 0.2, np.nan], "lift": [1.4, 0.4, 1.4, np.nan]})
    assert shown(table).tolist() == [True, False, False, False]
