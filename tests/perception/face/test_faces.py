import cv2
import numpy as np
import pytest

from affectlens.media.frames import Frame
from affectlens.perception.face.crops import REGIONS, TEMPLATE, crop_matrix, grey_crop, region_map
from affectlens.perception.face.detector import FaceDetector, overlap
from affectlens.perception.face.landmarks import BLENDSHAPES, FaceLandmarker
from affectlens.perception.face.quality import face_quality
from affectlens.perception.people.finder import PeopleFinder
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def parts():
    return FaceDetector(asset_path("yunet")), FaceLandmarker(asset_path("face-landmarker"), 1)


def people(parts, image):
    return PeopleFinder(*parts)(Frame(0.0, image))


def test_overlap_by_hand():
    assert overlap((0, 0, 2, 2), (1, 0, 2, 2)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 1, 1), (2, 2, 1, 1)) == 0


def test_two_people_are_found_whatever_the_size(parts, frame):
    for factor in (1.0, 2.5, 4.0):
        image = cv2.resize(frame, None, fx=factor, fy=factor)
        found = people(parts, image)
        assert len(found) == 2
        if factor == 1.0:
            first = sorted(p.face.centre[0] for p in found)
        np.testing.assert_allclose(sorted(p.face.centre[0] / factor for p in found), first, atol=4)


def test_landmarks_turn_with_the_picture(parts, frame):
    image = cv2.resize(frame, None, fx=2, fy=2)
    one = max(people(parts, image), key=lambda p: p.quality.score)
    height, width = image.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -15, 1.0)
    turned = max(people(parts, cv2.warpAffine(image, turn, (width, height))), key=lambda p: p.quality.score)
    expected = one.marks.points[:, :2] @ turn[:, :2].T + turn[:, 2]
    eyes = np.linalg.norm(one.marks.eyes[1] - one.marks.eyes[0])
    assert np.linalg.norm(turned.marks.points[:, :2] - expected, axis=1).mean() < 0.06 * eyes
    assert turned.marks.head_pose()[2] - one.marks.head_pose()[2] == pytest.approx(15, abs=4)


def test_landmarks_are_deterministic_and_blendshapes_in_range(parts, frame):
    a, b = people(parts, frame), people(parts, frame)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x.marks.points, y.marks.points)
        assert x.marks.blendshapes.shape == (len(BLENDSHAPES),) == (52,)
        assert (x.marks.blendshapes >= 0).all() and (x.marks.blendshapes <= 1).all()


def test_the_crop_puts_eyes_and_mouth_in_place(parts, frame):
    for person in people(parts, frame):
        matrix = crop_matrix(person.marks)
        points = np.vstack([person.marks.eyes, person.marks.points[[13, 14], :2].mean(axis=0)])
        np.testing.assert_allclose((points @ matrix[:, :2].T + matrix[:, 2]) / 48, TEMPLATE, atol=0.08)
        assert grey_crop(frame, person.marks).shape == (48, 48)
        regions = region_map(person.marks)
        assert set(np.unique(regions)) <= set(range(len(REGIONS)))
        assert regions[int(0.79 * 48), 24] == REGIONS.index("mouth")


def test_quality_falls_with_blur_darkness_and_size(parts, frame):
    image = cv2.resize(frame, None, fx=2, fy=2)
    person = max(people(parts, image), key=lambda p: p.quality.score)
    good = person.quality.score
    assert face_quality(cv2.GaussianBlur(image, (0, 0), 8), person.marks).score < 0.6 * good
    assert face_quality((image * 0.08).astype(np.uint8), person.marks).score < 0.3 * good
    assert "light" in face_quality((image * 0.08).astype(np.uint8), person.marks).weakness()


def test_pictures_without_faces(parts, rng):
    assert people(parts, rng.integers(0, 255, (200, 300, 3), dtype=np.uint8)) == []
    assert people(parts, np.zeros((1, 1, 3), np.uint8)) == []
    assert people(parts, np.zeros((3, 900, 3), np.uint8)) == []


def test_forty_faces(parts, frame):
    one = frame[50:170, 150:270]
    many = np.vstack([np.hstack([one] * 8)] * 5)
    found = people(parts, many)
    assert len(found) >= 34 and len({p.id for p in found}) == len(found)
