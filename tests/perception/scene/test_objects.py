import numpy as np
import pytest

from affectlens.core.errors import ModelError
from affectlens.perception.scene.objects import FEATURES, ObjectDetector, anchors, decode, overlap
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def detector():
    return ObjectDetector(asset_path("efficientdet-lite0"), threads=1)


def test_anchors_by_hand():
    a = anchors()
    assert a.shape == (19206, 4)
    # The first cell of the finest level: stride 8, three times as large, square; then twice as wide as high.
    np.testing.assert_allclose(a[0], [4 / 320, 4 / 320, 24 / 320, 24 / 320])
    np.testing.assert_allclose(a[1, 2:], np.array([24 / np.sqrt(2), 24 * np.sqrt(2)]) / 320)
    np.testing.assert_allclose(a[3, 2:], 24 * 2 ** (1 / 3) / 320)


def test_offsets_are_decoded_about_their_anchor():
    at = np.array([[0.5, 0.5, 0.2, 0.4]])
    np.testing.assert_allclose(decode(np.zeros((1, 4)), at), [[0.3, 0.4, 0.7, 0.6]])
    np.testing.assert_allclose(decode(np.array([[1.0, 0, np.log(2), 0]]), at), [[0.3, 0.5, 0.7, 0.9]])


def test_overlap_by_hand():
    assert overlap((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert overlap((0, 0, 1, 1), (2, 2, 3, 3)) == 0 and overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_finds_the_people_of_the_sample_clip_inside_the_picture(detector, frame):
    things = detector(frame)
    assert "person" in {t.name for t in things}
    height, width = frame.shape[:2]
    for t in things:
        left, top, right, bottom = t.box
        assert 0 <= left < right <= width and 0 <= top < bottom <= height and 0.4 <= t.score <= 1
    again = ObjectDetector(asset_path("efficientdet-lite0"), threads=2)
    again(np.zeros_like(frame))  # what was seen before must not matter
    assert [(t.name, t.box) for t in again(frame)] == [(t.name, t.box) for t in things]


def test_features_do_not_see_what_is_hidden(detector, frame):
    box = (60.0, 40.0, 200.0, 200.0)
    other = frame.copy()
    other[40:200, 60:200] = 255 - other[40:200, 60:200]
    np.testing.assert_array_equal(detector.features(frame, [box]), detector.features(other, [box]))
    assert not np.allclose(detector.features(frame), detector.features(other))
    height, width = frame.shape[:2]
    assert np.isnan(detector.features(frame, [(0, 0, width, height)])).all()
    assert detector.features(frame).shape == (FEATURES,)


def test_an_empty_picture_has_no_things_and_a_grey_one_is_refused(detector):
    assert detector(np.full((50, 60, 3), 128, np.uint8)) == []
    with pytest.raises(ModelError, match="uint8"):
        detector(np.zeros((50, 60), np.uint8))
