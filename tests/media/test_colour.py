"""What is seen of a frame: matrix, range, high dynamic range and the display matrix."""

from fractions import Fraction

import av
import numpy as np
import pytest

from affectlens.media.pictures.light import HLG, PQ, ordinary
from affectlens.media.pictures.upright import nearest_turn, size_of, to_rgb, turned

COLOURS = np.array([[200, 60, 40], [50, 180, 90], [40, 70, 210], [128, 128, 128], [240, 240, 240]], float)
MATRICES = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}  # BT.709, BT.601, BT.2020: shares of red and blue


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full", [False, True])
def test_each_matrix_and_range_gives_the_colours_back(matrix, full):
    red, blue = MATRICES[matrix]
    for colour in COLOURS:
        r, g, b = colour / 255
        y = red * r + (1 - red - blue) * g + blue * b
        parts = np.array([y, (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))])
        codes = parts * 255 + (0, 128, 128) if full else parts * (219, 224, 224) + (16, 128, 128)
        planes = np.broadcast_to(np.round(codes).astype(np.uint8)[:, None, None], (3, 16, 16))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(planes), format="yuv444p")
        frame.colorspace, frame.color_range = matrix, 2 if full else 1
        np.testing.assert_allclose(to_rgb(frame, 16, 16)[8, 8], colour, atol=4)


def pq(nits):
    """The inverse of SMPTE ST 2084's transfer function."""
    y = (nits / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375


def hlg(nits):
    """BT.2100's camera function for what a screen of 1000 cd/m2 shows as so much grey."""
    scene = (nits / 1000) ** (1 / 1.2)
    return np.sqrt(3 * scene) if scene <= 1 / 12 else 0.17883277 * np.log(12 * scene - 0.28466892) + 0.55991073


@pytest.mark.parametrize(("transfer", "code"), [(PQ, pq), (HLG, hlg)])
def test_what_an_ordinary_screen_can_show_keeps_its_brightness(transfer, code):
    for grey in (20, 60, 118, 180, 220):
        linear = ((grey / 255 + 0.055) / 1.055) ** 2.4
        codes = np.full((2, 2, 3), round(65535 * code(203 * linear)), np.uint16)
        np.testing.assert_allclose(ordinary(codes, transfer, wide=True)[0, 0], grey, atol=2)
    bright = [int(ordinary(np.full((1, 1, 3), 65535 * code(n), np.uint16), transfer, True)[0, 0, 0]) for n in (203, 400, 1000)]
    assert 235 < bright[0] < bright[1] <= bright[2] <= 255


def test_a_frame_in_pq_is_tone_mapped():
    codes = np.full((16, 16), round(64 + 876 * pq(100)), np.uint16)
    chroma = np.full((16, 16), 512, np.uint16)
    frame = av.VideoFrame(16, 16, "yuv444p10le")
    for plane, values in zip(frame.planes, (codes, chroma, chroma), strict=True):
        plane.update(np.pad(values, ((0, 0), (0, plane.line_size // 2 - 16))).tobytes())
    frame.color_trc, frame.colorspace, frame.color_range, frame.color_primaries = PQ, 9, 1, 9
    expected = 255 * (1.055 * (100 / 203) ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(to_rgb(frame, 16, 16)[8, 8], expected, atol=2)


def test_the_eight_ways_to_show_a_picture():
    """Each pixel goes where the matrix sends its middle."""
    image = np.arange(6).reshape(2, 3)
    for turn in [(a, 0, 0, d) for a in (1, -1) for d in (1, -1)] + [(0, b, c, 0) for b in (1, -1) for c in (1, -1)]:
        a, b, c, d = turn
        places = {(a * (x - 1) + c * (y - 0.5), b * (x - 1) + d * (y - 0.5)): image[y, x] for y in range(2) for x in range(3)}
        order = sorted(places, key=lambda place: (place[1], place[0]))
        assert turned(image, turn).ravel().tolist() == [places[p] for p in order]


def test_the_nearest_turn_of_every_angle_plain_and_mirrored():
    for mirror in (1, -1):
        for degrees in range(-179, 180):
            across, down = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
            turn, off = nearest_turn(across, down, -down * mirror, across * mirror)
            assert abs(off) <= 45.0001 and turn[0] * turn[3] - turn[1] * turn[2] == mirror
            exact = np.degrees(np.arctan2(turn[1], turn[0])) + off
            assert (exact - degrees + 180) % 360 == pytest.approx(180)


def test_sizes_with_square_pixels():
    assert size_of(720, 576, Fraction(16, 15)) == (768, 576)
    assert size_of(720, 480, Fraction(8, 9)) == (720, 540)
    assert size_of(4000, 1000, Fraction(2)) == (1920, 240)
