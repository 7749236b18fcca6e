"""Changes of face pictures by hand: how much, where, and that the rest stays."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from affectlens.explainers.interventions.pictures import (
    blur,
    brightness,
    contrast,
    electrodes,
    half_face,
    hide_lower,
    hide_upper,
    jpeg,
    rotation,
    size,
    skew_mouth,
    skin,
    symmetry,
)


def textured(rng, shape=(60, 80)):
    return cv2.GaussianBlur(rng.integers(0, 255, shape, dtype=np.uint8), (0, 0), 1.5)


def test_light_and_contrast_by_hand():
    x = np.array([[100, 140], [10, 250]], np.uint8)
    assert brightness(x, 20).tolist() == [[120, 160], [30, 255]] and brightness(x, -20).tolist() == [[80, 120], [0, 230]]
    even = np.array([[100, 140]], np.uint8)  # mean 120
    assert contrast(even, 0.5).tolist() == [[90, 150]] and contrast(even, -0.5).tolist() == [[110, 130]]
    assert contrast(np.array([[0, 250]], np.uint8), 0.6).tolist() == [[0, 255]]


@pytest.mark.parametrize("dose", [1, 2, 4])
def test_an_edge_is_blurred_by_a_share_of_the_width(dose):
    x = np.zeros((60, 200), np.uint8)
    x[:, 100:] = 255
    slope = np.diff(blur(x, dose)[30].astype(float))
    at = np.arange(199) + 0.5
    middle = (slope @ at) / slope.sum()
    assert np.sqrt((slope @ (at - middle) ** 2) / slope.sum()) == pytest.approx(dose / 100 * 200, rel=0.06)
    np.testing.assert_array_equal(blur(x, 0), x)


@pytest.mark.parametrize("dose", [40, 70, 95])
def test_coding_is_that_of_the_quality_that_is_left(rng, dose):
    """Pillow codes the same picture with ``100 - dose``; a quality of ten more or less is further away."""
    x = textured(rng)

    def coded(quality):
        buffer = io.BytesIO()
        Image.fromarray(x).save(buffer, "JPEG", quality=quality)
        return np.asarray(Image.open(buffer)).astype(int)

    y = jpeg(x, dose).astype(int)
    off = {q: np.abs(y - coded(q)).mean() for q in (100 - dose, max(1, 90 - dose), 110 - dose)}
    assert off[100 - dose] < 0.3 and min(off, key=off.get) == 100 - dose
    np.testing.assert_array_equal(jpeg(x, 0), x)


def test_a_smaller_picture_loses_what_is_finer_than_its_pixels():
    fine = np.tile(np.array([0, 200], np.uint8), (60, 40))
    coarse = np.tile(np.repeat(np.array([0, 200], np.uint8), 8), (60, 5))
    assert (size(fine, 50) == 100).all() and np.ptp(size(coarse, 50)) == 200
    assert np.ptp(size(coarse, 25)) == 200 and size(coarse, 75).shape == (60, 80)
    assert np.abs(size(coarse, 75).astype(int) - coarse).mean() > np.abs(size(coarse, 50).astype(int) - coarse).mean()
    tall = fine.T.copy()
    assert (size(tall, 50) == 100).all()
    # Four pixels a side are left of the smallest pictures.
    tiny = np.tile(np.array([0, 0, 200, 200], np.uint8), (8, 2))
    assert np.ptp(size(tiny, 75)) == 200 and np.ptp(size(tiny.T.copy(), 75)) == 200
    assert (size(np.tile(np.array([0, 200], np.uint8), (8, 4)), 75) == 100).all()


def test_turns_are_clockwise_about_the_middle(rng):
    square, wide = textured(rng, (40, 40)), textured(rng, (40, 60))
    np.testing.assert_allclose(rotation(square, 90).astype(int), np.rot90(square, -1), atol=1)
    np.testing.assert_allclose(rotation(wide, 180).astype(int), wide[::-1, ::-1], atol=1)
    assert (rotation(np.full((40, 60), 90, np.uint8), 30) == 90).all()  # corners are filled from the border


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_hidden_part_is_grey_and_the_rest_as_it_was(rng, channels):
    x = rng.integers(0, 255, (50, 40, *channels), dtype=np.uint8)
    low, high = hide_lower(x, 20), hide_upper(x, 20)
    assert (low[40:] == int(x.mean())).all() and (low[:40] == x[:40]).all()
    assert (high[:10] == int(x.mean())).all() and (high[10:] == x[10:]).all()
    assert (hide_lower(x, 1) == x).all() and (hide_upper(x, 1) == x).all()  # less than a row


def test_mirrors_by_hand():
    x = np.array([[40, 60, 100]], np.uint8)
    assert symmetry(x, 1).tolist() == [[70, 60, 70]] and symmetry(x, 0.5).tolist() == [[55, 60, 85]]
    assert symmetry(x, -0.5).tolist() == [[25, 60, 115]]  # what differs differs more
    assert half_face(x, -1).tolist() == [[40, 60, 40]] and half_face(x, 1).tolist() == [[100, 60, 100]]
    assert half_face(x, 0.5).tolist() == [[70, 60, 100]] and half_face(x, -0.5).tolist() == [[40, 60, 70]]
    y = np.array([[10, 20, 30, 40]], np.uint8)
    assert half_face(y, -1).tolist() == [[10, 20, 20, 10]] and half_face(y, 1).tolist() == [[40, 30, 30, 40]]


def rows_of_line(picture, near, reach=9):
    """Where the dark line is in each column, by its centre of mass."""
    part = 255.0 - picture[near - reach : near + reach + 1].astype(float)
    return (part * np.arange(near - reach, near + reach + 1)[:, None]).sum(0) / part.sum(0)


@pytest.mark.parametrize(("dose", "up"), [(8, 1), (-8, -1)])
def test_the_corner_of_the_mouth_on_the_pictures_right_is_raised(dose, up):
    x = np.full((100, 200), 255, np.uint8)
    x[79] = 0  # the line of the mouth
    moved = up * (79 - rows_of_line(skew_mouth(x, dose), 79, 14))
    assert moved[134] == pytest.approx(6.3, abs=0.8)  # the corner: 17 % of the width from the middle
    assert moved[102] == pytest.approx(2.8, abs=0.6) == moved[166]  # 16 % of the width beside it
    assert np.abs(moved[:70]).max() < 0.5 and abs(moved[199]) < 0.5
    x = np.full((100, 200), 255, np.uint8)
    x[[50, 98]] = 0
    far = skew_mouth(x, dose)
    assert np.abs(rows_of_line(far, 50)[134] - 50) < 0.3
    half = up * (79 - rows_of_line(skew_mouth(np.where(np.arange(100)[:, None] == 79, 0, 255).repeat(200, 1).astype(np.uint8),
                                              dose / 2), 79)[134])  # fmt: skip
    assert half == pytest.approx(3.6, abs=0.5)


def test_skin_is_lighter_in_the_middle_and_fades_to_the_sides():
    x = np.full((100, 200), 100, np.uint8)
    lighter, darker = skin(x, 20).astype(float), skin(x, -20).astype(float)
    assert lighter[52, 100] == 151 and darker[52, 100] == 49  # 20 L* of 100 are 51 of 255 grey levels
    edge = 100 + 51 / np.e
    for at in ((52, 166), (52, 34), (94, 100), (10, 100)):  # where the oval has fallen to 1/e
        assert lighter[at] == pytest.approx(edge, abs=1.5)
    assert np.abs(lighter[[0, 0, -1, -1], [0, -1, 0, -1]] - 100).max() <= 1


@pytest.mark.parametrize("dose", [-15, 10])
def test_the_lightness_of_coloured_skin_moves_and_its_colour_stays(dose):
    x = np.full((80, 80, 3), (190, 140, 120), np.uint8)
    before, after = (cv2.cvtColor(v.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[41, 40] for v in (x, skin(x, dose)))
    assert after[0] - before[0] == pytest.approx(dose, abs=0.6)
    np.testing.assert_allclose(after[1:], before[1:], atol=1)
    np.testing.assert_allclose(skin(x, dose)[0, 0], x[0, 0], atol=1)
    white = np.full((80, 80, 3), 250, np.uint8)
    assert (skin(white, 20)[41, 40] == 255).all()


@pytest.mark.parametrize("dose", [2, 6, 14])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_as_many_discs_as_the_dose_on_alternating_sides(dose, channels):
    x = np.full((200, 200, *channels), 128, np.uint8)
    y = electrodes(x, dose)
    flat = y if y.ndim == 2 else y[..., 0]
    n, _, stats, centres = cv2.connectedComponentsWithStats((flat < 90).astype(np.uint8))
    assert n - 1 == dose and (np.abs(stats[1:, cv2.CC_STAT_AREA] - np.pi * 6**2) < 25).all()
    left = (centres[1:, 0] < 100).sum()
    assert left == dose // 2
    # A light rim, one pixel wide.
    cx, cy = np.rint(centres[1]).astype(int)
    assert flat[cy, cx] == 45 and 140 < flat[cy, cx - 8 : cx].max() <= 210


def test_each_pair_of_electrodes_lies_on_mirrored_sites_of_the_face():
    """Fridlund & Cacioppo (1986): from the brows down to the chin, each site on both sides."""
    x = np.full((400, 400), 128, np.uint8)
    pairs = []
    for dose in range(2, 15, 2):
        new = (electrodes(x, dose) < 60) & (electrodes(x, dose - 2) >= 60)
        n, _, _, centres = cv2.connectedComponentsWithStats(new.astype(np.uint8))
        left, right = sorted(centres[1:].tolist())
        assert n == 3 and left[0] + right[0] == pytest.approx(400, abs=6) and left[1] == pytest.approx(right[1], abs=3)
        pairs.append((left[0] / 400, left[1] / 400))
    heights = [y for _, y in pairs]
    assert max(heights[:2]) < 0.3 and 0.4 < heights[2] < heights[3] < 0.65 < heights[4] < heights[5] < heights[6] < 1
    assert all(0.2 < across < 0.5 for across, _ in pairs)
