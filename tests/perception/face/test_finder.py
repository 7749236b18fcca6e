"""Faces that lie, are cut or covered: turned upright first, or read with less quality."""

import cv2
import numpy as np
import pytest

from affectlens.audits.objects.finders import FaceRegions
from affectlens.corpora.base import Item
from affectlens.features.properties.face import FaceViewer
from affectlens.media.frames import Frame
from affectlens.models.open import open_model
from affectlens.models.readers import READERS
from affectlens.perception.face.detector import FaceBox, FaceDetector
from affectlens.perception.face.finder import FaceFinder, turned_back
from affectlens.perception.face.landmarks import FaceLandmarker
from affectlens.perception.face.quality import face_quality
from affectlens.perception.people.finder import PeopleFinder
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def parts():
    return FaceDetector(asset_path("yunet")), FaceLandmarker(asset_path("face-landmarker"), 1)


@pytest.fixture(scope="module")
def portrait(parts, clip):
    """The best face of a frame, with as much around it again."""
    from affectlens.media.frames import frames

    image = next(f.image for f in frames(clip, 1.0) if f.time >= 2)
    left, top, wide, high = max(parts[0](image), key=lambda face: face.score).box
    low, far = (max(0, int(v)) for v in (top - high, left - wide))
    return cv2.resize(image[low : int(top + 2 * high), far : int(left + 2 * wide)], None, fx=3, fy=3)


def best(parts, image):
    people = PeopleFinder(*parts)(Frame(0.0, image))
    return max(people, key=lambda p: p.quality.score, default=None)


def rolled(image, degrees):
    """Turned clockwise on grey ground."""
    side = int(np.ceil(np.hypot(*image.shape[:2])))
    matrix = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), -degrees, 1.0)
    matrix[:, 2] += (side - image.shape[1]) / 2, (side - image.shape[0]) / 2
    return cv2.warpAffine(image, matrix, (side, side), borderValue=(120, 120, 120))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_boxes_are_turned_back(quarters):
    image = np.zeros((30, 50), np.uint8)
    image[4:9, 12:20] = 255
    turned = np.rot90(image, quarters)
    rows, columns = np.nonzero(turned)
    points = np.array([[columns.min(), rows.min()]] * 5, float)
    box = (float(columns.min()), float(rows.min()), float(np.ptp(columns) + 1), float(np.ptp(rows) + 1))
    back = turned_back(FaceBox(box, points, 0.9), quarters, image.shape)
    assert back.box == (12, 4, 8, 5) and back.score == 0.9
    corner = {1: (20, 4), 2: (20, 9), 3: (12, 9)}[quarters]
    np.testing.assert_array_equal(back.points[0], corner)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_on_its_side_is_read_as_the_upright_one(parts, portrait, degrees):
    upright = best(parts, portrait)
    image = np.ascontiguousarray(np.rot90(portrait, -degrees // 90))
    found = best(parts, image)
    roll = found.marks.head_pose()[2] - upright.marks.head_pose()[2]
    assert (roll - degrees + 180) % 360 - 180 == pytest.approx(0, abs=8)
    np.testing.assert_allclose(found.marks.mouth_opening, upright.marks.mouth_opening, atol=0.08)
    assert found.quality.score < 0.8 * upright.quality.score and "tilted" in found.quality.weakness()


def by_model(picture):
    return open_model("face").read(Item("a", picture, ("fear",)))


def by_other_models(picture):
    return cv2.resize(cv2.cvtColor(READERS["face"](picture), cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA)


def by_properties(picture):
    return cv2.resize(cv2.cvtColor(FaceViewer(1)(picture).crop, cv2.COLOR_RGB2GRAY), (48, 48), interpolation=cv2.INTER_AREA)


def by_regions(picture):
    """The middle of the mouth, in shares of the picture's height and width."""
    mask = FaceRegions().regions(picture)["mouth"]
    return np.argwhere(mask > 0.5).mean(axis=0) / mask.shape


@pytest.mark.parametrize("read", [by_model, by_other_models, by_properties])
@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_every_reader_of_a_face_turns_it_upright(parts, portrait, read, quarters):
    upright, turned = (read(np.ascontiguousarray(np.rot90(portrait, n))).astype(float) for n in (0, quarters))
    assert np.corrcoef(upright[6:42, 6:42].ravel(), turned[6:42, 6:42].ravel())[0, 1] > 0.9


def test_regions_of_a_face_are_found_whichever_way_up_it_is(parts, portrait):
    down, across = by_regions(portrait)
    np.testing.assert_allclose(by_regions(np.ascontiguousarray(portrait[::-1, ::-1])), (1 - down, 1 - across), atol=0.04)


@pytest.mark.parametrize("degrees", [135, 160, 225])
def test_a_head_nearly_upside_down_is_turned_or_found_poor(parts, portrait, degrees):
    found = best(parts, rolled(portrait, degrees))
    if found is not None:
        assert (found.marks.head_pose()[2] - degrees + 180) % 360 - 180 == pytest.approx(0, abs=25)
        assert found.quality.score <= 0.5


def test_upright_faces_are_not_touched(parts, portrait, frame):
    for image in (portrait, frame):
        for box in parts[0](image):
            marks = parts[1](image, box.points[:2], box.box)
            quality = face_quality(image, marks)
            assert quality.inside == 1 and quality.mouth_contrast > 0.25
        found = PeopleFinder(*parts)(Frame(0.0, image))
        assert sorted(p.face.box for p in found) == sorted(b.box for b in parts[0](image))


@pytest.mark.parametrize("cut", ["bottom", "left", "right"])
def test_a_face_that_the_edge_cuts_is_no_good_face(parts, portrait, cut):
    person = best(parts, portrait)
    mouth, eyes = person.marks.points[[0, 17], :2].mean(axis=0), person.marks.eyes
    image = {
        "bottom": portrait[: int(mouth[1] - 0.25 * (mouth[1] - eyes[:, 1].mean()))],
        "left": portrait[:, int(eyes[:, 0].min()) + 8 :],
        "right": portrait[:, : int(eyes[:, 0].max()) - 8],
    }[cut]
    found = best(parts, np.ascontiguousarray(image))
    if found is not None:
        assert found.quality.score < 0.5 and "edge" in found.quality.weakness()


@pytest.mark.parametrize("colour", [(40, 40, 40), (0, 0, 0), (235, 235, 235), (120, 170, 220)])
def test_a_covered_lower_face_is_no_good_face(parts, portrait, colour):
    person = best(parts, portrait)
    image = portrait.copy()
    image[int(person.marks.points[4, 1]) :] = colour  # from the tip of the nose down
    found = best(parts, image)
    if found is not None:
        assert found.quality.score < 0.12 and "covered" in found.quality.weakness()


def test_frames_without_faces_are_turned_now_and_then_only(parts, portrait):
    class Counted:
        def __init__(self, detector):
            self.detector, self.calls = detector, 0

        def __call__(self, image):
            self.calls += 1
            return self.detector(image)

    detector = Counted(parts[0])
    finder = PeopleFinder(detector, parts[1])
    empty = np.full((64, 64, 3), 90, np.uint8)
    for n in range(10):
        finder(Frame(n / 5, empty))
    assert detector.calls == 10 + 2 * 3  # at 0 s and at 1 s
    lying = np.ascontiguousarray(np.rot90(portrait))
    assert [len(finder(Frame(2 + n / 5, lying))) for n in range(4)] == [1, 1, 1, 1]


def test_a_small_picture_is_read_alike_whoever_asks(parts, portrait):
    """The main job and `evaluate` find the same face in it, in its own pixels."""
    small = cv2.resize(portrait, (110, round(110 * portrait.shape[0] / portrait.shape[1])), interpolation=cv2.INTER_AREA)
    finder = FaceFinder(*parts)
    image, marks = finder.largest(small)
    ((_, standing), *_) = finder.standing(small)
    assert image is small
    np.testing.assert_allclose(marks.points, standing.points, atol=1e-6)
    large = finder.largest(portrait)[1]
    scale = small.shape[1] / portrait.shape[1]
    np.testing.assert_allclose(marks.eyes, large.eyes * scale, atol=2.5)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_the_detector_of_an_audit_finds_a_face_whichever_way_up_it_is(portrait, quarters):
    from affectlens.audits.objects.finders import finder_of

    asset_path("efficientdet-lite0")
    image = np.ascontiguousarray(np.rot90(portrait, quarters))
    (face,) = [thing for thing in finder_of("detector").things("a", image) if thing.name == "face"]
    (upright,) = [thing for thing in finder_of("detector").things("a", portrait) if thing.name == "face"]
    marks = np.zeros(portrait.shape[:2], bool)
    left, top, right, bottom = (int(side) for side in upright.box)
    marks[top:bottom, left:right] = True
    rows, columns = np.nonzero(np.rot90(marks, quarters))
    expected = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    assert np.abs(np.array(face.box) - expected).max() < 0.25 * (right - left)
