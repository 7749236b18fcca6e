import numpy as np
import pytest

from affectlens.audits.objects.groups import GROUPS, group_masks, group_of
from affectlens.explainers.overlap import PLACES, SMALL, box_mask, boxes_to_masks, grid_shape, image_rows, placed_shares


def test_rows_by_hand():
    relevance = np.array([[4.0, -8.0], [0.0, 4.0]])
    mask = np.array([[1.0, 1.0], [0.0, 0.0]], np.float32)
    row = image_rows("a", "fear", relevance, {"dog": mask, "none": np.zeros((2, 2), np.float32)}, {"dog": 0.7})[0]
    assert row["relevance"] == 0.5 and row["area"] == 0.5 and row["mean"] == pytest.approx(-2 / 8)
    assert row["importance"] == 0.5 and row["score"] == 0.7  # 1 and 0 of the drawn map
    assert row["moved"] == pytest.approx(0.5)  # the upper and the lower row hold half each
    assert image_rows("a", "fear", -relevance.clip(0), {"dog": mask}) == []  # nothing speaks for it
    assert len(row["map"]) == len(row["mask"]) == SMALL * SMALL * 2


def test_shares_at_every_place(rng):
    positive = rng.random((9, 12))
    form = rng.random((3, 4)).astype(np.float32)
    mask = np.zeros((9, 12), np.float32)
    mask[2:5, 6:10] = form
    want = [[(positive[y : y + 3, x : x + 4] * form).sum() / positive.sum() for x in range(9)] for y in range(7)]
    np.testing.assert_allclose(placed_shares(positive, mask), want, atol=1e-6)
    assert placed_shares(positive, np.ones((9, 12), np.float32)) == pytest.approx(1)
    row = image_rows("a", "joy", positive, {"cup": mask})[0]
    drawn = np.frombuffer(row["placed"], np.float32)
    assert len(drawn) == PLACES and all(np.abs(np.array(want) - d).min() < 1e-6 for d in drawn)
    assert image_rows("a", "joy", positive, {"cup": mask}) == image_rows("a", "joy", positive, {"cup": mask})
    assert row["moved"] == pytest.approx(np.mean(want)) and row["relevance"] == pytest.approx(want[2][6])


def test_boxes_are_clipped_and_overlaps_count_once():
    boxes = [("car", (-5, -5, 4, 4)), ("car", (2, 2, 6, 6)), ("dog", (9, 9, 30, 30)), ("cup", (3, 3, 3, 8))]
    masks = boxes_to_masks(boxes, (10, 10))
    assert masks["car"].sum() == 16 + 16 - 4 and masks["dog"].sum() == 1 and "cup" not in masks
    far = boxes_to_masks([("dog", (40, 40, 60, 60))], (10, 10))
    assert not far


def test_the_smaller_box_keeps_what_is_in_both():
    boxes = [("person", (0.0, 0.0, 8.0, 8.0)), ("tie", (2.0, 2.0, 4.0, 6.0))]
    both, one = boxes_to_masks(boxes, (10, 10)), boxes_to_masks(boxes, (10, 10), exclusive=True)
    assert both["person"].sum() == 64 and one["person"].sum() == 64 - 8 and one["tie"].sum() == both["tie"].sum() == 8


def test_a_box_covers_parts_of_cells():
    shape = (480, 640)
    assert grid_shape(shape) == (48, 64) and grid_shape((48, 48)) == (48, 48) and grid_shape((1, 500)) == (1, 64)
    mask = box_mask((5, 0, 25, 10), shape)  # from the middle of the first cell to the middle of the third
    np.testing.assert_allclose(mask[0, :4], [0.5, 1, 0.5, 0])
    assert mask.sum() == pytest.approx(20 * 10 / 100)


def test_groups_set_the_human_against_the_rest():
    masks = {n: np.zeros((4, 4), np.float32) for n in ("person", "face", "dog", "Human hand", "left eye")}
    masks["person"][:2], masks["face"][0], masks["dog"][3] = 1, 1, 1
    found = group_masks(masks)
    assert found["human"].sum() == 8 and found["body"].sum() == 8 and found["animals"].sum() == 4
    assert found["in no box"].sum() == 4 and group_masks({}) == {} and set(found) <= set(GROUPS)
    assert group_of("Jeans") == "clothes" and group_of("teddy bear") == "other things" and group_of("Human hand") == "hands"
