"""Changes of scenes by hand: where a mask lies, what is mixed in, sizes and places of what is put in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from affectlens.explainers.interventions.scenes import (
    blur,
    blur_all_but,
    crop,
    cut_out,
    darker,
    flip,
    grey,
    insert,
    lighter,
    mask_of,
    remove,
    swap_background,
    turned_colours,
    without_colour,
)


def test_masks_of_boxes_by_hand():
    mask = mask_of([(2.7, 1.2, 5.4, 3.6), (-3, -2, 1, 1)], (6, 8, 3))
    expected = np.zeros((6, 8))
    expected[1:4, 2:5] = 1  # down to whole pixels on the left and top, to the nearest on the right and bottom
    expected[0, 0] = 1
    np.testing.assert_array_equal(mask, expected)
    point = mask_of([(4, 2, 4, 2)], (6, 8))
    assert point.sum() == 1 and point[2, 4] == 1 and mask_of([], (6, 8)).sum() == 0


def spread(profile):
    """Standard deviation of a blurred edge, the right way up."""
    slope = np.diff(profile.astype(float))
    at = np.arange(len(slope))
    middle = (slope @ at) / slope.sum()
    return np.sqrt((slope @ (at - middle) ** 2) / slope.sum())


@pytest.mark.parametrize("shape", [(100, 200), (200, 100)])
def test_out_of_focus_is_six_per_cent_of_the_longer_side(shape):
    x = np.zeros(shape, np.uint8)
    x[:, shape[1] // 2 :] = 200
    x = cv2.copyMakeBorder(x, 0, 0, 0, 0, cv2.BORDER_REPLICATE)
    assert spread(blur(x, np.ones(shape, np.float32))[shape[0] // 2]) == pytest.approx(12, rel=0.07)
    np.testing.assert_array_equal(blur(x, np.zeros(shape, np.float32)), x)
    np.testing.assert_array_equal(blur_all_but(x, np.ones(shape, np.float32)), x)
    np.testing.assert_array_equal(
        blur_all_but(x, np.zeros(shape, np.float32)), blur(x, np.ones(shape, np.float32))
    )  # what is left alone by one is changed by the other


@pytest.mark.parametrize("channels", [(), (3,)])
def test_grey_is_mixed_by_the_mask(channels):
    x = np.full((4, 4, *channels), 27, np.uint8)
    mask = np.tile(np.array([0, 0.25, 0.5, 1], np.float32), (4, 1))
    expected = [27, 52, 77, 127]
    np.testing.assert_array_equal(grey(x, mask).reshape(4, 4, -1)[..., 0], np.tile(expected, (4, 1)))


def test_a_hole_is_filled_from_around_it_at_any_size(rng):
    for shape in ((60, 80), (600, 400)):
        x = np.tile(np.linspace(60, 180, shape[1]), (shape[0], 1)).astype(np.uint8)
        h, w = shape
        marked = x.copy()
        box = (0.4 * w, 0.4 * h, 0.6 * w, 0.6 * h)
        marked[round(box[1]) : round(box[3]), round(box[0]) : round(box[2])] = 255
        out = remove(marked, mask_of([box], shape))
        assert out.shape == shape and np.abs(out.astype(int) - x).max() < 25  # the ramp goes on through the hole
        np.testing.assert_array_equal(out[: int(0.3 * h)], x[: int(0.3 * h)])
        far = np.abs(out[:, : int(0.35 * w)].astype(int) - x[:, : int(0.35 * w)])
        assert far.max() == 0
    y = np.full((20, 20), 200, np.uint8)
    assert (remove(y, np.zeros((20, 20), np.float32)) == y).all()


def test_pixels_that_the_mask_barely_touches_are_kept():
    x = np.full((40, 40), 90, np.uint8)
    x[20, 20] = 255
    light, heavy = np.zeros((40, 40), np.float32), np.zeros((40, 40), np.float32)
    light[20, 20], heavy[20, 20] = 0.04, 0.06
    assert remove(x, light)[20, 20] == 255 and abs(int(remove(x, heavy)[20, 20]) - 90) < 2


def test_before_another_picture_the_outline_is_soft():
    x, other = np.full((60, 80, 3), 200, np.uint8), np.zeros((30, 20), np.uint8)
    mask = np.zeros((60, 80), np.float32)
    mask[:, 40:] = 1
    out = swap_background(x, mask, other)
    assert out.shape == x.shape and (out[:, :30] == 0).all() and (out[:, 50:] == 200).all()
    assert spread(out[30, :, 0]) == pytest.approx(2, rel=0.1)
    assert swap_background(x[..., 0].copy(), mask, np.zeros((30, 20, 3), np.uint8)).shape == (60, 80)


@pytest.mark.parametrize(
    ("at", "left", "top"), [((0.0, 0.0), 0, 0), ((1.0, 1.0), 100, 80), ((0.5, 0.25), 50, 20), ((0.25, 1.0), 25, 80)]
)
def test_what_is_put_in_lies_where_it_is_told(at, left, top):
    ground, thing = np.full((100, 200, 3), 30, np.uint8), np.full((8, 40, 3), 250, np.uint8)
    out = insert(ground, thing, np.ones((8, 40)), at, 0.5)  # half of 200 wide, so 20 high
    expected = ground.copy()
    expected[top : top + 20, left : left + 100] = 250
    np.testing.assert_array_equal(out, expected)
    assert (ground == 30).all()


def test_what_is_put_in_fits_and_can_be_seen():
    ground = np.full((50, 200), 30, np.uint8)
    tall = insert(ground, np.full((40, 10), 250, np.uint8), np.ones((40, 10)), (0, 0), 0.5)  # 100 high does not fit into 50
    assert (tall[:, :25] == 250).all() and (tall[:, 25:] == 30).all()
    wide = insert(np.full((200, 50), 30, np.uint8), np.full((10, 40), 250, np.uint8), np.ones((10, 40)), (0, 0), 0.5)
    assert (wide[:25, :] == 250).all() and (wide[25:] == 30).all()
    tiny = insert(ground, np.full((10, 10), 250, np.uint8), np.ones((10, 10)), (0, 0), 0.001)
    assert (tiny == 250).sum() == 4 and (tiny[:2, :2] == 250).all()
    half = insert(ground, np.full((10, 10), 250, np.uint8), np.full((10, 10), 0.5), (0, 0), 0.1)
    assert (half[:20, :20] == 140).all()
    coloured = insert(ground, np.full((10, 10, 3), (250, 250, 250), np.uint8), np.ones((10, 10)), (0, 0), 0.1)
    assert coloured.ndim == 2 and (coloured[:20, :20] == 250).all()


def disc(shape=(80, 120), at=(60, 40), radius=14):
    x = np.full((*shape, 3), (40, 60, 50), np.uint8)
    return cv2.circle(x, at, radius, (230, 200, 40), -1)


def test_a_thing_is_cut_out_along_its_outline():
    thing, alpha = cut_out(disc(), (44, 24, 76, 56))  # the box has 32 pixels a side, its margin an eighth of it
    assert thing.shape == (40, 40, 3) and alpha.shape == (40, 40)
    np.testing.assert_array_equal(thing, disc()[20:60, 40:80])
    inside = np.hypot(*(np.mgrid[0:40, 0:40] - 20)) <= 14
    assert (alpha > 0.5).sum() == pytest.approx(inside.sum(), rel=0.08) and ((alpha > 0.5) & inside).sum() > 0.95 * inside.sum()
    assert 0 < alpha[20, 34] < 1  # a soft edge
    again = cut_out(disc(), (44, 24, 76, 56))[1]
    np.testing.assert_array_equal(alpha, again)


def test_a_box_over_the_border_is_cut_at_it():
    x = disc(at=(4, 6), radius=10)
    thing, _ = cut_out(x, (-8, -6, 16, 18))
    assert thing.shape == (20, 18, 3)  # 18 and 16 pixels and an eighth of them on the sides where there is more
    np.testing.assert_array_equal(thing, x[:20, :18])
    x = disc(at=(116, 74), radius=10)
    thing, _ = cut_out(x, (104, 62, 130, 90))
    np.testing.assert_array_equal(thing, x[60:80, 102:120])


def test_without_an_outline_the_box_is_cut_out():
    flat = np.full((60, 80, 3), 9, np.uint8)
    thing, alpha = cut_out(flat, (20, 10, 52, 42))
    assert thing.shape[:2] == alpha.shape == (40, 40)
    assert (alpha[8:32, 8:32] > 0.99).all() and alpha[0, 0] < 0.01 and alpha[20, 1] < 0.05 < 0.9 < alpha[20, 7]


def test_colours_by_hand():
    x = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    assert turned_colours(x).tolist() == [[[0, 255, 0], [0, 0, 255], [255, 0, 0], [90, 90, 90]]]
    plain = without_colour(x)
    assert plain[0, :, 0].tolist() == [76, 150, 29, 90] and (plain == plain[..., :1]).all()  # ITU-R BT.601
    flat = np.array([[3, 200]], np.uint8)
    assert turned_colours(flat).tolist() == without_colour(flat).tolist() == [[3, 200]]


def test_light_flip_and_crop_by_hand():
    x = np.array([[0, 100, 250]], np.uint8)
    assert darker(x).tolist() == [[0, 50, 200]] and lighter(x).tolist() == [[50, 150, 255]]
    assert flip(x).tolist() == [[250, 100, 0]]
    y = np.arange(100, dtype=np.uint8)[:, None].repeat(40, 1)
    y = y + np.arange(40, dtype=np.uint8)
    np.testing.assert_array_equal(crop(y), y[15:85, 6:34])
    assert crop(np.full((1, 1), 7, np.uint8)).tolist() == [[7]]


def test_a_large_picture_is_blurred_as_a_whole_blur_would():
    """At a small size the blur is nearly that of the whole picture, also of fine detail."""
    drawn = np.random.default_rng(0).integers(0, 256, (60, 110, 3)).astype(np.uint8)
    x = cv2.resize(drawn, (1100, 600), interpolation=cv2.INTER_NEAREST)
    x[::7] = 255 - x[::7]
    whole = cv2.GaussianBlur(x, (0, 0), 0.06 * 1100).astype(int)
    assert np.abs(blur(x, np.ones(x.shape[:2], np.float32)).astype(int) - whole).max() <= 4
    small = cv2.resize(x, (200, 109))
    np.testing.assert_array_equal(blur(small, np.ones(small.shape[:2], np.float32)), cv2.GaussianBlur(small, (0, 0), 12))
