"""Identities on a sequence built from real faces: two people walk past each other, one is covered, then a cut."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from affectlens.media.frames import Frame, frames
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.landmarks import FaceLandmarker
from affectlens.perception.people.finder import PeopleFinder
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def finder_parts():
    return FaceDetector(asset_path("yunet")), FaceLandmarker(asset_path("face-landmarker"), 1)


def scene(one, two, x1, x2, background):
    image = np.full((180, 480, 3), background, np.uint8)
    for patch, x in ((one, x1), (two, x2)):
        if patch is not None:
            image[20 : 20 + patch.shape[0], x : x + patch.shape[1]] = patch
    return image


def cuts(clip):
    """Head and shoulders of the clip's two people, over time."""
    ones, twos = [], []
    for f in frames(clip, 5.0):
        image = cv2.resize(f.image, None, fx=1.5, fy=1.5)
        ones.append(image[25:175, 80:180])
        twos.append(image[25:175, 245:345])
    return ones[:40], twos[:40]


def test_identities_survive_motion_occlusion_and_a_cut(clip, finder_parts):
    ones, twos = cuts(clip)
    finder = PeopleFinder(*finder_parts)
    ids: dict[str, list[int]] = {"one": [], "two": []}
    for k in range(36):
        if k < 12:  # they walk
            x1, x2, hidden = 20 + 6 * k, 340 - 6 * k, False
        elif k < 18:  # the second is covered
            x1, x2, hidden = 92, 268, True
        elif k < 26:
            x1, x2, hidden = 92, 268, False
        else:  # a cut: places exchanged, other background
            x1, x2, hidden = 340, 40, False
        image = scene(ones[k], None if hidden else twos[k], x1, x2, 60 if k < 26 else 190)
        for person in finder(Frame(k / 5, image)):
            name = "one" if abs(person.face.centre[0] - (x1 + 50)) < abs(person.face.centre[0] - (x2 + 50)) or hidden else "two"
            ids[name].append(person.id)
    switches = {name: sum(a != b for a, b in pairwise(mine)) for name, mine in ids.items()}
    print(f"identity switches: {switches}, frames seen: { {k: len(v) for k, v in ids.items()} }")
    assert len(ids["one"]) >= 30 and len(ids["two"]) >= 24
    assert sum(switches.values()) == 0
    assert set(ids["one"]).isdisjoint(ids["two"])
    assert len(finder.tracker.cuts) >= 1


def test_a_new_person_gets_a_new_id(clip, finder_parts, shared):
    other = next(frames(shared / "clips" / "pyfeat_single_face.mp4", 1.0)).image
    finder = PeopleFinder(*finder_parts)
    first = {p.id for f in list(frames(clip, 1.0))[:3] for p in finder(Frame(f.time, f.image))}
    later = {p.id for p in finder(Frame(4.0, other))}
    assert first == {0, 1} and later == {2}
