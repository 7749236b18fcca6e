"""How items become inputs: against the main job's own way, and what is said of what cannot be read."""

from pathlib import Path

import numpy as np
import pytest

from affectlens.core.errors import ModelError
from affectlens.corpora.base import Item
from affectlens.models.open import open_model
from affectlens.models.readers import (
    background_of,
    colour_face_crop,
    face_crop,
    functionals_of,
    motion_of,
    skeleton_of,
    sound_of,
    text_of,
)
from affectlens.models.shipped.gait import FRAMES, window
from affectlens.perception.body.formats import STEP
from affectlens.perception.body.posture import upright
from affectlens.perception.voice.egemaps import functionals
from affectlens.perception.voice.stream import describe
from tests.conftest import asset_path
from tests.perception.body.walker import walker, write_bvh


def test_faces_are_found_as_the_main_job_finds_them(frame):
    from affectlens.assets.store import locate
    from affectlens.media.frames import Frame
    from affectlens.perception.face.crops import grey_crop
    from affectlens.perception.face.detector import FaceDetector
    from affectlens.perception.face.landmarks import FaceLandmarker
    from affectlens.perception.people.finder import PeopleFinder

    asset_path("yunet"), asset_path("face-landmarker")
    people = PeopleFinder(FaceDetector(locate("yunet")), FaceLandmarker(locate("face-landmarker")))(Frame(0.0, frame))
    largest = max(people, key=lambda person: person.quality.eye_distance)
    crop = open_model("face").read(Item("a", frame, ("fear",)))
    np.testing.assert_array_equal(crop, grey_crop(frame, largest.marks))
    colour = colour_face_crop(frame)
    assert colour.shape == (160, 160, 3)
    small = colour.mean(axis=2).reshape(40, 4, 40, 4).mean(axis=(1, 3))
    again = face_crop(frame)[4:44, 4:44].astype(float)
    assert np.corrcoef(small[4:36, 4:36].ravel(), again[4:36, 4:36].ravel())[0, 1] > 0.5  # the same face, upright
    with pytest.raises(ModelError, match="no face found"):
        face_crop(np.zeros((200, 200, 3), np.uint8))


def test_crops_already_are_taken_as_they_are(rng):
    crop = rng.integers(0, 255, (48, 48), dtype=np.uint8)
    assert face_crop(crop) is crop and colour_face_crop(crop) is crop
    whole = rng.integers(0, 255, (96, 96, 3), dtype=np.uint8)
    assert open_model("face").prepare(whole).shape == (48, 48)  # no face is looked for


def test_sounds(rng):
    sound = rng.normal(0, 0.1, 8000).astype(np.float32)
    np.testing.assert_array_equal(functionals_of(sound), functionals(describe(sound)))
    model = open_model("speech")
    np.testing.assert_allclose(model.read(sound), np.clip(model.scale(functionals(describe(sound))), -3, 3).astype(np.float32))
    with pytest.raises(ModelError, match="100 ms long; at least 200 needed"):
        sound_of(sound[:1600])
    assert len(sound_of(sound[:3200])) == 3200
    with pytest.raises(ModelError, match=r"a sound \(n,\) of floats.*an array \(8000,\) int16"):
        sound_of((sound * 100).astype(np.int16))


def test_motions(tmp_path):
    walk = walker(seconds=4)
    file = write_bvh(walk, tmp_path / "walk.bvh")
    for given in (walk, file, str(file), Item("k", file, ("anger",))):
        assert len(motion_of(given)) == len(walk)
    step = np.zeros((40, 16, 3))
    item = Item("k", step, ("anger",), meta={"layout": "step", "rate": 30.0})
    np.testing.assert_array_equal(motion_of(item).points, STEP(step))
    for wrong in (np.zeros((40, 16, 3)), "no.bvh", 3):
        with pytest.raises(ModelError):
            motion_of(wrong)


def test_a_gait_is_its_middle_two_seconds():
    walk = walker(seconds=4, speed=1.0)
    joints, features = open_model("gait").read(walk)
    start = (len(walk) - FRAMES) // 2
    for got, want in zip((joints, features), window(walk.part(start, start + FRAMES)), strict=True):
        np.testing.assert_array_equal(got, want)
    with pytest.raises(ModelError, match="at least 0.5 are needed"):
        open_model("gait").read(walker(seconds=0.3))


def test_a_posture_is_the_frame_nearest_the_middle_that_has_one():
    walk = walker(seconds=1)
    middle = len(walk) // 2
    np.testing.assert_allclose(skeleton_of(walk), upright(walk.points[middle]), atol=1e-6)
    np.testing.assert_allclose(skeleton_of(walk.points[3]), upright(walk.points[3]), atol=1e-6)
    walk.points[middle - 1 : middle + 1] = np.nan
    np.testing.assert_allclose(skeleton_of(walk), upright(walk.points[middle + 1]), atol=1e-6)
    walk.points[:] = np.nan
    with pytest.raises(ModelError, match="neither trunk nor shoulders"):
        skeleton_of(walk)


def test_bodies_in_pictures():
    asset_path("pose-landmarker")
    with pytest.raises(ModelError, match="no body"):
        skeleton_of(np.full((120, 160, 3), 90, np.uint8))


def test_the_person_of_an_item_is_hidden_from_the_background(rng):
    asset_path("efficientdet-lite0")
    picture = np.kron(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), np.ones((20, 20, 1), np.uint8))
    whole, seen = background_of(picture)
    assert whole.shape == (10, 10, 320) and seen.all()
    half = Item("k", picture, ("fear",), meta={"box": (0.0, 0.0, 80.0, 120.0)})
    _, seen = background_of(half)
    assert not seen[:, :5].any() and seen[:, 5:].all()
    with pytest.raises(ModelError, match="people fill the picture"):
        background_of(Item("k", picture, ("fear",), meta={"box": (0, 0, 160, 120)}))


def test_texts():
    assert text_of(Item("k", "so glad", ("happiness",))) == "so glad"
    for wrong, why in ((" ", "empty"), (Path("a.txt"), "a text was expected, a PosixPath")):
        with pytest.raises(ModelError, match=why):
            text_of(wrong)


def test_the_largest_of_several_faces_is_read(monkeypatch):
    from affectlens.models import readers
    from affectlens.perception.face import finder
    from affectlens.perception.face.detector import FaceBox
    from affectlens.perception.face.landmarks import Landmarks

    rng = np.random.default_rng(0)
    shape = rng.random((478, 3))
    faces = [FaceBox((float(size), 0.0, 9.0, 9.0), np.zeros((5, 2)), 0.9) for size in (20, 60, 90, 40)]

    def mark(_image, _eyes, box):
        return Landmarks(shape * box[0], np.zeros(52), 0.1 if box[0] == 90 else 0.9)  # the largest is no face after all

    monkeypatch.setattr(finder, "needs_turning", lambda _faces: False)
    monkeypatch.setattr(readers, "_face_finder", lambda: finder.FaceFinder(lambda _image: faces, mark))
    image, marks = readers.largest_face(np.zeros((40, 50), np.uint8))
    assert image.shape == (40, 50, 3)  # it is enlarged to be searched only
    np.testing.assert_allclose(marks.points, shape * 60 / 4)
