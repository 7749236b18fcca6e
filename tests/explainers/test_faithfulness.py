import numpy as np
import pytest

from affectlens.explainers.faithfulness import area_under, faithfulness, grid_score, kept_masks
from affectlens.perception.face.blendshapes import MOVEMENTS, against_baseline, movements
from affectlens.perception.face.crops import REGIONS
from affectlens.perception.face.regions import region_shares


def test_area_by_hand():
    assert area_under(np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert area_under(np.array([1.0, 0.0, 0.0])) == pytest.approx(0.25)


def test_masks_remove_the_most_relevant_first():
    keep = kept_masks(np.array([2, 0, 1]), 3)
    assert keep.astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_deletion_and_insertion_equal_a_hand_oracle(rng):
    weights = np.array([0.5, 0.3, 0.2])

    def score(masks):
        return masks @ weights

    found = faithfulness(weights, score, rng, steps=3, random=50)
    assert found.deletion == pytest.approx((1 / 2 + 0.5 + 0.2 + 0) / 3)
    assert found.insertion == pytest.approx((0 + 0.5 + 0.8 + 1 / 2) / 3)
    assert found.deletion_random == pytest.approx(0.5, abs=0.05)
    assert found.gain > 0


def test_a_true_order_is_found_and_a_random_one_is_not_at_the_level():
    hits, false = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        weights = rng.random(36) ** 3

        def score(masks, weights=weights):
            return masks @ weights / weights.sum()

        false += faithfulness(rng.random(36), score, rng, steps=6).deletion_p <= 0.05
        if seed < 40:
            hits += faithfulness(weights, score, rng, steps=6).deletion_p <= 0.05
    assert hits >= 39
    assert false / 200 <= 0.085  # binomial bound around .05


def test_every_picture_is_scored_once_and_from_the_right_parts(rng):
    picture, blank = np.full((8, 8), 9, np.uint8), np.zeros((8, 8), np.uint8)
    seen = []

    def predict(pictures):
        seen.append(len(pictures))
        return pictures.mean(axis=(1, 2)) / 9

    score = grid_score(predict, picture, blank, (2, 2))
    np.testing.assert_allclose(score(np.array([[True, False, False, False], [True, True, True, True]])), [0.25, 1])
    seen.clear()
    faithfulness(np.arange(4.0), score, rng, steps=2, random=9)
    assert seen[0] <= 16


def test_region_shares_by_hand():
    regions = np.full((4, 4), REGIONS.index("outside the face"))
    regions[:2, :2] = REGIONS.index("mouth")
    relevance = np.full((4, 4), -1.0)
    relevance[0, 0], relevance[3, 3] = 3.0, 1.0
    mouth = {s.region: s for s in region_shares(relevance, regions)}["mouth"]
    assert (mouth.relevance, mouth.area, mouth.lift) == (0.75, 0.25, 3.0)
    assert sum(s.relevance for s in region_shares(relevance, regions)) == pytest.approx(1)
    assert all(s.relevance == 0 for s in region_shares(-np.ones((4, 4)), regions))


def test_movements_against_the_own_baseline(rng):
    shapes = np.tile(rng.random(52) * 0.3, (10, 1))
    rows = movements(shapes)
    assert rows.shape == (10, len(MOVEMENTS))
    rows[4, list(MOVEMENTS).index("lip corners raised")] += 0.5
    found = against_baseline(rows)
    assert found[4][0].name == "lip corners raised" and found[4][0].deviation == pytest.approx(25)
    assert abs(found[0][0].deviation) < 1e-9
    assert against_baseline(rows[:3]) == [[], [], []]


def test_random_orders_and_their_p_values_by_hand():
    weights = np.array([0.5, 0.3, 0.2])
    found = faithfulness(weights, lambda masks: masks @ weights, np.random.default_rng(3), steps=3, random=7)
    rng = np.random.default_rng(3)
    areas = []
    for _ in range(7):
        curve = (~kept_masks(rng.permutation(3), 3)) @ weights
        areas.append(float(area_under(curve)))
    assert found.deletion_random == found.insertion_random == pytest.approx(np.mean(areas))
    assert found.deletion_p == pytest.approx((1 + sum(a <= found.deletion + 1e-9 for a in areas)) / 8)
    assert found.insertion_p == pytest.approx((1 + sum(a >= found.insertion - 1e-9 for a in areas)) / 8)
    assert found.random == 7
    assert found.gain == pytest.approx(found.insertion - found.deletion)
    assert faithfulness(weights, lambda masks: masks @ weights, np.random.default_rng(3)).random == 19


def test_gain_by_hand():
    from affectlens.explainers.faithfulness import Faithfulness

    assert Faithfulness(0.2, 0.5, 0.1, 0.9, 0.6, 0.1, 19).gain == pytest.approx((0.9 - 0.6) + (0.5 - 0.2))


def test_no_more_steps_than_parts_and_eight_unless_told(rng):
    seen = []

    def score(masks):
        seen.append(masks)
        return masks.mean(axis=1)

    faithfulness(np.arange(3.0), score, rng, random=1)
    assert sorted(set(seen[0].sum(axis=1))) == [0, 1, 2, 3]
    faithfulness(np.arange(80.0), score, rng, random=1)
    assert sorted(set(seen[1].sum(axis=1))) == list(range(0, 81, 10))


def test_cells_of_an_uneven_grid():
    picture, blank = np.arange(30.0).reshape(5, 6), np.full((5, 6), -1.0)
    score = grid_score(lambda pictures: pictures.sum(axis=(1, 2)), picture, blank, (2, 3))
    keep = np.zeros((1, 6), bool)
    keep[0, 2] = True  # upper right: rows 0 to 2 (row * 2 // 5 is 0), columns 4 and 5
    want = picture[:3, 4:].sum() - (30 - 6)
    assert score(keep)[0] == want
    keep = np.zeros((1, 6), bool)
    keep[0, 3] = True  # lower left: rows 3 and 4, columns 0 and 1
    assert score(keep)[0] == picture[3:, :2].sum() - (30 - 4)


def test_orders_are_drawn_until_it_is_clear():
    """A true order gets the smallest p that so many orders can give; one of no use ends early; the level holds."""
    false, drawn = 0, []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        weights = rng.random(30) ** 3
        scored = []

        def score(masks, weights=weights, scored=scored):
            scored.append(len(masks))
            return masks @ weights / weights.sum()

        found = faithfulness(rng.random(30), score, rng, steps=5, most=199)
        false += found.deletion_p <= 0.05
        drawn.append(found.random)
    assert false / 150 <= 0.09 and np.mean(drawn) < 110 and max(drawn) <= 199
    true = faithfulness(weights, score, rng, steps=5, most=199)
    assert true.deletion_p == true.insertion_p == 1 / 200 and true.random == 199
    assert len(scored) > 1


def test_no_picture_is_scored_twice_over_all_blocks(rng):
    seen = []

    def score(masks):
        seen.extend(mask.tobytes() for mask in masks)
        return masks.mean(axis=1)

    found = faithfulness(np.arange(6.0), score, rng, steps=3, most=199)
    assert len(seen) == len(set(seen)) and found.deletion_p > 0.3
