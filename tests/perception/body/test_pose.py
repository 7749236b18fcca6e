"""Bodies in pictures: several at once, the same for a larger picture, nobody where nobody is."""

import cv2
import numpy as np
import pytest

from affectlens.media.frames import frames
from affectlens.media.pictures.images import read_image
from affectlens.perception.body.joints import JOINTS
from affectlens.perception.body.pose import PoseFinder, anchors
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def finder():
    return PoseFinder(asset_path("pose-landmarker"), 1)


@pytest.fixture(scope="module")
def frame():
    return next(iter(frames(asset_path("sample-clip"), 1.0))).image


def test_anchors():
    a = anchors()
    assert a.shape == (2254, 2) and a.min() > 0 and a.max() < 1
    np.testing.assert_allclose(a[0], [0.5 / 28, 0.5 / 28])


def test_bodies_of_the_sample_clip(finder, frame):
    found = finder(frame)
    assert 1 <= len(found) <= 3
    body = found[0]
    joints = body.joints()
    at = {j: i for i, j in enumerate(JOINTS)}
    assert joints.shape == (18, 3)
    assert joints[at["head"], 1] > joints[at["neck"], 1]  # y is up
    assert joints[at["left shoulder"], 0] > joints[at["right shoulder"], 0]  # he faces the camera: his left is on the right
    assert np.isnan(joints[at["left ankle"]]).all()  # below the picture: not seen, so missing
    nose = body.points[0]
    assert 0 < nose[0] < frame.shape[1] and 0 < nose[1] < frame.shape[0]


def test_size_and_order_change_little(finder, frame):
    one = finder(frame)[0]
    large = finder(cv2.resize(frame, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))[0]
    shoulders = [11, 12]
    width = np.linalg.norm(np.diff(one.points[shoulders, :2], axis=0))
    assert np.abs(large.points[shoulders, :2] / 2 - one.points[shoulders, :2]).max() < 0.15 * width
    finder(np.zeros((50, 80, 3), np.uint8))
    again = finder(frame)[0]
    np.testing.assert_array_equal(again.points, one.points)


def test_two_people_side_by_side(finder, frame):
    both = np.concatenate([frame, frame[:, ::-1]], axis=1)
    assert len(finder(both)) >= 2


def test_nobody(finder, rng):
    assert finder(np.full((120, 160, 3), 128, np.uint8)) == []
    assert finder(np.zeros((1, 1, 3), np.uint8)) == []


def test_group_photograph(finder, shared):
    found = finder(read_image(shared / "scene" / "cc0" / "6801011784_a2f8893d8a_z.jpg"))
    assert len(found) == 4
