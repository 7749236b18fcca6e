"""Every frame of a recording as a row, at its own rate, streamed to disk; what cannot be read is listed and the rest goes on."""

import json

import numpy as np
import pandas as pd
import pytest

import affectlens
from affectlens.core.errors import UsageError
from affectlens.measures.rows import JOINTS
from affectlens.measures.units import UNITS
from affectlens.media.frames import frames
from affectlens.perception.face.landmarks import BLENDSHAPES
from tests.conftest import asset_path, write_video
from tests.corpora.trees import write_wav

FEX = [
    "FaceRectX",
    "FaceRectY",
    "FaceRectWidth",
    "FaceRectHeight",
    "FaceScore",
    "Pitch",
    "Roll",
    "Yaw",
    "input",
    "frame",
    "approx_time",
    "Identity",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    for name in ("yunet", "face-landmarker", "pose-landmarker"):
        asset_path(name)
    folder = tmp_path_factory.mktemp("measure")
    shown = [frame.image for frame in frames(asset_path("sample-clip"), 10.0) if frame.time < 1.0]
    time = np.arange(16000) / 16000
    sound = (0.2 * sum(np.sin(2 * np.pi * 150 * k * time) / k for k in range(1, 6))).astype(np.float32)
    path = write_video(folder / "talk.mp4", shown, audio=sound, rate=10)
    return affectlens.measure(path, folder / "out", what=("face", "voice", "body"), landmarks=True), folder


def test_a_row_a_frame_and_person_with_the_columns_of_fex(made):
    result, folder = made
    assert result.failures == {} and sorted(path.name for path in (folder / "out" / "talk").iterdir()) == [
        "about.json", "blinks.csv", "blinks.parquet", "body.parquet", "face.parquet", "voice.parquet",
    ]  # fmt: skip
    (one,) = result.results
    table = one.table()
    assert set(FEX) <= set(table) and set(BLENDSHAPES) <= set(table) and {unit.name for unit in UNITS} <= set(table)
    assert {
        "x_0",
        "y_477",
        "z_477",
        "gaze_yaw",
        "gaze_pitch",
        "eye_opening_left",
        "mouth_opening",
        "quality",
        "eyes_shut",
    } <= set(table)
    assert one.frames == 10 and len(table) == one.rows and not table.duplicated(["frame", "person"]).any()
    assert np.allclose(np.diff(sorted(set(table.time))), 0.1, atol=1e-3)
    number = table[[name for name in table if name.startswith("AU")]]
    assert ((number >= 0) & (number <= 1)).all(axis=None)
    about = json.loads((folder / "out" / "talk" / "about.json").read_text())
    assert about["action_units"]["AU12"]["facs"] == "Lip Corner Puller" and about["frames"] == 10


def test_followed_faces_are_those_that_a_search_finds(made, monkeypatch):
    result, folder = made
    monkeypatch.setattr("affectlens.measures.faces.EVERY", 0.0)
    monkeypatch.setattr("affectlens.measures.faces.FaceFollower._follow", lambda self, frame: None)
    (searched,) = affectlens.measure(folder / "talk.mp4", folder / "searched", what=("face",)).results
    one, other = result.results[0].table().set_index(["frame", "person"]), searched.table().set_index(["frame", "person"])
    both = one.index.intersection(other.index)
    assert len(both) >= 0.9 * len(other)
    width = other.FaceRectWidth.median()
    assert (one.loc[both, "FaceRectX"] - other.loc[both, "FaceRectX"]).abs().median() < 0.1 * width
    assert (one.loc[both, "Yaw"] - other.loc[both, "Yaw"]).abs().median() < 2.0


def test_the_voice_every_ten_milliseconds_and_joints_of_bodies(made):
    voice = made[0].results[0].table("voice")
    assert len(voice.columns) == 28  # the 25 descriptors, the pitch in Hz, the time and the recording
    assert np.allclose(np.diff(voice.time), 0.01) and 95 <= len(voice) <= 101
    assert voice.hertz.median() == pytest.approx(150, abs=3)
    body = made[0].results[0].table("body")
    assert {f"{joint} {letter}" for joint in JOINTS for letter in "xyz"} <= set(body) and body["nose visible"].between(
        0, 1
    ).all()


def test_a_rate_of_240_frames_a_second_is_kept(tmp_path):
    asset_path("yunet"), asset_path("face-landmarker")
    path = write_video(tmp_path / "fast.mp4", [np.full((64, 96, 3), 90, np.uint8)] * 48, rate=240)
    (one,) = affectlens.measure(path, tmp_path / "out", what=("face",)).results
    assert one.frames == 48 and one.rows == 0 and "48 without a face" in one.notes[0]
    with pytest.raises(UsageError, match="no table of face"):
        one.table()


def test_what_is_not_there_or_cannot_be_read_is_said_and_the_rest_goes_on(tmp_path):
    write_wav(tmp_path / "a.wav", 0.5, hertz=200)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    made = affectlens.measure([tmp_path / "b.wav", tmp_path / "a.wav"], tmp_path / "out", what=("face", "voice"))
    assert list(made.failures) == [str(tmp_path / "b.wav")] and [one.file for one in made.results] == [str(tmp_path / "a.wav")]
    assert "no picture: nothing of the face" in made.results[0].notes
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a"]
    assert len(pd.read_parquet(tmp_path / "out" / "a" / "voice.parquet")) > 30


def test_two_recordings_of_one_name_keep_their_own_tables(tmp_path):
    for name, hertz in (("x", 150), ("y", 250)):
        (tmp_path / name).mkdir()
        write_wav(tmp_path / name / "a.wav", 0.5, hertz=hertz)
    made = affectlens.measure([tmp_path / "x" / "a.wav", tmp_path / "y" / "a.wav"], tmp_path / "out", what=("voice",))
    assert len({one.folder for one in made.results}) == 2
    with pytest.raises(UsageError, match=r"--what smell"):
        affectlens.measure(tmp_path, tmp_path / "out", what=("smell",))
