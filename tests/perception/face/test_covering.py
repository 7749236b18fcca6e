"""Parts of the picture that are covered, and faces that are hidden."""

from types import SimpleNamespace

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.media.frames import Frame
from affectlens.perception.face.covering import Cover, Covers, face_mask, parse_cover
from affectlens.perception.face.crops import OVAL_RING, REGION_RINGS
from affectlens.perception.face.hiding import Track, cover, hidden


@pytest.fixture
def noise(rng):
    return rng.integers(0, 255, (100, 200, 3), dtype=np.uint8)


def person(number=0):
    """Landmarks of a face: an outline around the middle of the picture, the mouth below it."""
    points = np.full((478, 3), 50.0)
    angles = np.linspace(0, 2 * np.pi, len(OVAL_RING), endpoint=False)
    points[list(OVAL_RING), 0], points[list(OVAL_RING), 1] = 100 + 30 * np.cos(angles), 50 + 40 * np.sin(angles)
    ring = list(REGION_RINGS["mouth"])
    angles = np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
    points[ring, 0], points[ring, 1] = 100 + 12 * np.cos(angles), 70 + 5 * np.sin(angles)
    return SimpleNamespace(id=number, marks=SimpleNamespace(points=points))


@pytest.mark.parametrize(("text", "made"), [
    ("mouth", Cover(None, "mouth")), ("eyes#2", Cover(None, "eyes", 2)), ("face@1-2.5", Cover(None, "face", None, 1.0, 2.5)),
    (".1:0.2:0.3:.4", Cover((0.1, 0.2, 0.3, 0.4))), ("0:0:1:1@0-3", Cover((0.0, 0.0, 1.0, 1.0), "", None, 0.0, 3.0)),
])  # fmt: skip
def test_what_a_text_stands_for(text, made):
    assert parse_cover(text) == made


@pytest.mark.parametrize(
    "text", ["", "ear", "mouth@", "mouth@2", "mouth@3-2", "0.5:0.5:0.6:0.1", "0:0:0:1", "1:2:3", "a:b:c:d", "mouth#x"]
)
def test_what_stands_for_nothing(text):
    with pytest.raises(UsageError):
        parse_cover(text)


def test_a_rectangle_is_covered_at_its_times_alone(noise):
    covers = Covers(["0.25:0.2:0.25:0.4@1-2"])
    assert covers.over_frame(Frame(0.5, noise)).image is noise
    covered = covers.over_frame(Frame(1.5, noise)).image
    inside = np.zeros((100, 200), bool)
    inside[20:60, 50:100] = True
    assert np.array_equal(covered[~inside], noise[~inside]) and covered[30:50, 60:90].std() < 0.3 * noise[30:50, 60:90].std()


def test_a_region_of_one_face_alone(noise):
    frame = Frame(0.0, noise)
    assert Covers(["mouth#1"]).over_faces(frame, [person(0)]).image is noise
    covered = Covers(["mouth#0"]).over_faces(frame, [person(0)]).image
    changed = np.abs(covered.astype(int) - noise).sum(axis=2) > 0
    assert changed[70, 100] and not changed[30, 100] and not changed[:, :60].any()
    assert np.array_equal(changed, changed & (face_mask((100, 200), person().marks.points, "mouth") > 0))
    assert not Covers([]) and Covers(["mouth"])


def test_a_hidden_face_cannot_be_brought_back(noise):
    """Only a few averages are left: two faces with the same averages are covered alike."""
    other = noise.copy()
    box = (80.0, 20.0, 40.0, 50.0)
    left, right, top, bottom = 66, 134, 2, 88  # the box, grown
    rng = np.random.default_rng(3)
    first, second = noise.copy(), other
    cover(first, box)
    part = noise[top:bottom, left:right]
    assert first[top:bottom, left:right].std() < 0.4 * part.std()
    assert np.array_equal(first[:, :left], noise[:, :left]) and np.array_equal(first[bottom:], noise[bottom:])
    second[top:bottom, left:right] = rng.permutation(part.reshape(-1, 3)).reshape(part.shape)
    cover(second, box, "landmarks")
    again = noise.copy()
    cover(again, box, "landmarks")
    assert np.array_equal(second[top:bottom, left:right], again[top:bottom, left:right])


def test_faces_are_hidden_between_their_sightings_and_where_they_are_found(noise):
    track = Track(np.array([0.0, 0.4]), np.array([[0.1, 0.1, 0.1, 0.2], [0.3, 0.1, 0.1, 0.2]]))
    found = lambda image: [(150.0, 60.0, 20.0, 20.0)]  # noqa: E731
    frames = [Frame(time, noise) for time in (0.2, 5.0)]
    between, later = (frame.image for frame in hidden(frames, [track], 0.4, found))
    assert np.abs(between[15:25, 25:75].astype(int) - noise[15:25, 25:75]).mean() > 20  # from the one to the other
    assert np.array_equal(later[:40, :100], noise[:40, :100]) and not np.array_equal(
        later[60:80, 150:170], noise[60:80, 150:170]
    )
    assert frames[0].image is noise and not np.array_equal(between, noise)


def test_landmarks_stand_in_the_place_of_a_face(noise):
    marks = np.array([[0.4, 0.4], [0.6, 0.4], [0.6, 0.6]])
    track = Track(np.array([0.0]), np.array([[0.35, 0.35, 0.3, 0.3]]), [marks])
    (frame,) = hidden([Frame(0.0, noise)], [track], 0.4, lambda image: [], "landmarks", [[0, 1, 2]])
    assert frame.image[40, 100].min() > 150 and frame.image[50, 90].tolist() == [70, 70, 70]
    with pytest.raises(UsageError, match="one of blur, landmarks"):
        next(hidden([Frame(0.0, noise)], [track], 0.4, lambda image: [], "hat"))
