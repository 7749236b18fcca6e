"""Action units, gaze, blinks and following, by hand."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from affectlens.measures.blinks import Blink, Blinks
from affectlens.measures.faces import FaceFollower
from affectlens.measures.geometry import EYEBALL, FISSURE, LEFT, RIGHT, eye_openings, gaze
from affectlens.measures.units import UNITS, action_units
from affectlens.media.frames import Frame
from affectlens.perception.face.detector import FaceBox
from affectlens.perception.face.landmarks import BLENDSHAPES, Landmarks
from affectlens.perception.people.finder import Person


def test_units_are_means_of_both_sides_and_name_shapes_that_there_are():
    assert {shape for unit in UNITS for shape in unit.shapes} <= set(BLENDSHAPES)
    assert len({unit.name for unit in UNITS}) == len(UNITS)
    for unit in UNITS:
        shapes = np.zeros(52)
        shapes[[BLENDSHAPES.index(shape) for shape in unit.shapes]] = 0.5
        made = dict(zip([other.name for other in UNITS], action_units(shapes, 0.0), strict=True))
        assert made[unit.name] == (0.5 if unit.shapes else 0.0)
        assert sum(value > 0 for value in made.values()) == (1 if unit.shapes else 0)  # no shape counts twice


def eyes(yaw=0.0, pitch=0.0, opening=0.3, roll=0.0, size=30.0):
    """A mesh of which the eyes alone are placed: corners, lids, and an iris on an eyeball turned by these degrees."""
    points = np.zeros((478, 3))
    for eye, middle in ((RIGHT, -40.0), (LEFT, 40.0)):
        first, last, upper, lower, iris = eye
        away = np.array([math.sin(math.radians(yaw)), math.sin(math.radians(pitch))]) * size / 2 * EYEBALL / FISSURE
        for place, at in (
            (first, (-size / 2, 0)), (last, (size / 2, 0)), (upper, (0, -opening * size / 2)), (lower, (0, opening * size / 2)),
            (iris, away),
        ):  # fmt: skip
            points[place, :2] = np.array([middle, 0.0]) + at
    turn = math.radians(roll)
    points[:, :2] = points[:, :2] @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return points


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-15, 10), (0, -25)])
@pytest.mark.parametrize("roll", [0, 30])
def test_gaze_gives_back_the_angles_of_an_eyeball(yaw, pitch, roll):
    assert gaze(eyes(yaw, pitch, roll=roll)) == pytest.approx((yaw, pitch), abs=1e-6)


def test_closed_eyes_have_no_gaze_and_no_opening():
    assert eye_openings(eyes(opening=0.3)) == pytest.approx((0.3, 0.3))
    assert all(math.isnan(angle) for angle in gaze(eyes(opening=0.05)))


def fed(closings, rate=100.0, person=0):
    made = Blinks()
    shut = [made.add(person, number / rate, closing) for number, closing in enumerate(closings)]
    return shut, made.finish()


def test_a_blink_begins_and_ends_with_open_eyes():
    shut, found = fed([0.1, 0.1, 0.4, 0.6, 0.9, 0.6, 0.4, 0.2, 0.1])
    assert found == [Blink(0, 0.01, 0.07, 0.9)] and found[0].duration == pytest.approx(0.06) and found[0].kind == "blink"
    assert shut == [False, False, False, True, True, True, False, False, False]


def test_half_closed_eyes_are_no_blink_and_long_ones_a_closure():
    assert fed([0.1, 0.45, 0.45, 0.1])[1] == []
    (long,) = fed([0.1] + [0.9] * 80 + [0.1])[1]
    assert long.kind == "closure"
    (open_end,) = fed([0.1, 0.9, 0.9])[1]
    assert not open_end.complete
    assert fed([0.9, 0.9, 0.1])[1] == []  # when it began was not seen


def test_people_blink_by_themselves_and_who_was_gone_begins_anew():
    made = Blinks()
    for number in range(10):
        made.add(0, number / 10, 0.9 if number in (4, 5) else 0.1)
        made.add(1, number / 10, 0.1)
    assert [one.person for one in made.finish()] == [0]
    made = Blinks()
    made.add(0, 0.0, 0.1)
    made.add(0, 0.1, 0.9)
    made.add(0, 5.0, 0.1)
    assert [one.complete for one in made.finish()] == [False]


class Mesh:
    """Stands for the landmarker: gives back the eyes' place, moved by what the frame says."""

    def __init__(self):
        self.presence, self.shift = 0.9, 0.0

    def __call__(self, image, eyes, box):
        points = np.zeros((478, 3))
        points[:, 0] = box[0] + np.linspace(0, box[2], 478) + self.shift
        points[:, 1] = box[1] + np.linspace(0, box[3], 478)
        return Landmarks(points, np.zeros(52), self.presence)


@pytest.fixture
def follower(monkeypatch):
    monkeypatch.setattr("affectlens.measures.faces.face_quality", lambda image, marks: SimpleNamespace(score=1.0))
    mesh, searched = Mesh(), []

    def find(frame):
        searched.append(frame.time)
        box = (10.0, 10.0, 40.0, 40.0)
        return [Person(3, FaceBox(box, np.zeros((5, 2)), 0.9), mesh(None, None, box), SimpleNamespace(score=1.0))]

    return FaceFollower(find, mesh), mesh, searched


def shown(time, grey=100):
    return Frame(time, np.full((64, 96, 3), grey, np.uint8))


def test_faces_are_searched_for_now_and_then_and_followed_between(follower):
    follow, _, searched = follower
    people = [follow(shown(number / 100)) for number in range(60)]
    assert searched == [0.0, 0.25, 0.5] and all([one.id for one in found] == [3] for found in people)
    assert (follow.counts.searched, follow.counts.followed) == (3, 57)


def test_a_face_that_is_lost_or_jumps_and_a_cut_are_searched_for_at_once(follower):
    follow, mesh, searched = follower
    follow(shown(0.0))
    mesh.presence = 0.2
    follow(shown(0.01))
    mesh.presence, mesh.shift = 0.9, 30.0
    follow(shown(0.02))
    mesh.shift = 2.0
    made = follow(shown(0.03))
    assert searched == [0.0, 0.01, 0.02] and made[0].face.box[0] == pytest.approx(12.0 + 30 - 30, abs=31)
    follow(shown(0.04, grey=200))
    assert searched[-1] == 0.04


def test_a_mesh_is_placed_in_the_same_way_at_a_search_and_between(follower):
    follow, mesh, searched = follower
    first = follow(shown(0.0))[0].marks.points[0, 0]
    mesh.shift = 1.0  # what a mesh that is placed anew adds
    between = follow(shown(0.1))[0].marks.points[0, 0]
    again = follow(shown(0.3))[0].marks.points[0, 0]
    assert searched == [0.0, 0.3] and (between - first, again - between) == pytest.approx((1.0, 1.0))
