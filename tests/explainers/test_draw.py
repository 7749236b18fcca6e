import cv2
import numpy as np

from affectlens.explainers.cam.draw import heat

ORANGE, BLUE, SHARE = np.array([240, 138, 24]), np.array([40, 120, 220]), 0.65


def test_colours_by_hand():
    picture = np.full((4, 4), 100, np.uint8)
    relevance = np.zeros((4, 4), np.float32)
    relevance[0, 0], relevance[3, 3], relevance[0, 3] = 2.0, -1.0, 1.0
    drawn = heat(picture, relevance, (4, 4))
    assert drawn.shape == (4, 4, 3) and drawn.dtype == np.uint8
    np.testing.assert_allclose(drawn[0, 0], 100 * (1 - SHARE) + ORANGE * SHARE, atol=1)  # the largest magnitude
    np.testing.assert_allclose(drawn[3, 3], 100 * (1 - SHARE / 2) + BLUE * SHARE / 2, atol=1)  # half of it, against
    np.testing.assert_allclose(drawn[0, 3], 100 * (1 - SHARE / 2) + ORANGE * SHARE / 2, atol=1)
    np.testing.assert_allclose(drawn[1, 1], 100, atol=1)


def test_an_unsigned_map_is_drawn_by_its_range():
    relevance = np.array([[3.0, 5.0], [4.0, 3.0]], np.float32)
    drawn = heat(np.full((2, 2), 50, np.uint8), relevance, (2, 2), signed=False)
    np.testing.assert_allclose(drawn[0, 0], 50, atol=1)
    np.testing.assert_allclose(drawn[0, 1], 50 * (1 - SHARE) + ORANGE * SHARE, atol=1)
    np.testing.assert_allclose(drawn[1, 0], 50 * (1 - SHARE / 2) + ORANGE * SHARE / 2, atol=1)
    flat = heat(np.full((2, 2), 50, np.uint8), np.zeros((2, 2)), (2, 2))
    np.testing.assert_allclose(flat, 50, atol=1)


def test_pictures_are_brought_to_the_size_in_grey(rng):
    colour = rng.integers(0, 255, (6, 9, 3)).astype(np.uint8)
    drawn = heat(colour, np.zeros((2, 3)), (3, 2))
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    np.testing.assert_allclose(drawn[..., 0], cv2.resize(grey, (3, 2), interpolation=cv2.INTER_AREA), atol=1)
    large = heat(grey, np.zeros((2, 3)), (18, 12))
    np.testing.assert_allclose(large[..., 1], cv2.resize(grey, (18, 12), interpolation=cv2.INTER_CUBIC), atol=1)
    same = heat(grey, np.zeros((2, 3)), (9, 6))
    np.testing.assert_array_equal(same[..., 2], grey)


def test_black_stays_black_and_width_decides_how_a_picture_is_made_smaller(rng):
    assert (heat(np.zeros((3, 3), np.uint8), np.zeros((3, 3)), (3, 3)) == 0).all()
    grey = rng.integers(0, 255, (10, 30)).astype(np.uint8)
    drawn = heat(grey, np.zeros((2, 2)), (20, 40))
    np.testing.assert_array_equal(drawn[..., 0], cv2.resize(grey, (20, 40), interpolation=cv2.INTER_AREA))
