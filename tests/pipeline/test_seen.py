"""What was seen of each frame, as files beside the table."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.core.schema import Row
from affectlens.media.frames import Frame
from affectlens.modalities.base import Finding, RelevanceMap
from affectlens.perception.face.crops import SIDE, crop_corners, crop_matrix
from affectlens.perception.face.landmarks import BLENDSHAPES
from affectlens.pipeline.seen import FRAMES, MAPS, POINTS, SCALE, SeenFiles, lines


def person(number=3, shift=0.0):
    points = np.zeros((478, 3))
    points[:, 0], points[:, 1] = 20 + np.arange(478) / 10 + shift, 10 + np.arange(478) / 20
    eyes = np.array([[20.0, 20.0], [40.0, 22.0]])
    marks = SimpleNamespace(points=points, blendshapes=np.linspace(0, 1, 52), eyes=eyes)
    return SimpleNamespace(
        id=number, face=SimpleNamespace(box=(20.0, 10.0, 40.0, 25.0)), marks=marks, quality=SimpleNamespace(score=0.5)
    )


def test_frames_hold_true_times_and_shares_of_the_frame(tmp_path):
    files = SeenFiles(tmp_path)
    image = np.zeros((50, 100, 3), np.uint8)
    for time in (0.0, 0.2037, 1.5):
        files.saw(Frame(time, image), [person()] if time else [])
    files.close()
    table = pd.read_parquet(tmp_path / FRAMES)
    assert table.time.tolist() == [0.2037, 1.5] and table.person.tolist() == [3, 3]
    assert table[["left", "top", "width", "height"]].iloc[0].tolist() == [0.2, 0.2, 0.4, 0.5]
    marks = np.asarray(table.marks.iloc[0]).reshape(-1, 2) / SCALE
    assert marks == pytest.approx(person().marks.points[list(POINTS), :2] / (100, 50), abs=1 / SCALE)
    assert table[BLENDSHAPES[25]].iloc[0] == pytest.approx(25 / 51)
    assert not (tmp_path / MAPS).exists()  # nothing was explained


def test_the_lines_go_through_every_point_once():
    drawn = lines()
    assert sorted({point for line in drawn for point in line}) == list(range(len(POINTS)))
    assert len(set(POINTS)) == len(POINTS)


def test_maps_keep_their_cells_and_where_they_lie(tmp_path):
    row = Row("a.mp4", 1, 2, 3, "face", probabilities=(0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1))
    corners = np.array([[0.1, 0.1], [0.3, 0.1], [0.3, 0.4], [0.1, 0.4]])
    drawn = RelevanceMap("map", "hirescam", 1.25, np.arange(6.0).reshape(2, 3) - 2, corners)
    files = SeenFiles(tmp_path)
    files.took([Finding(row, maps=(drawn,)), Finding(row)])
    files.close()
    (table,) = pd.read_parquet(tmp_path / MAPS).to_dict("records")
    assert (table["start"], table["person"], table["target"], table["time"]) == (1.0, 3, "happiness", 1.25)
    assert np.reshape(table["cells"], (table["rows"], table["columns"])).tolist() == drawn.cells.tolist()
    assert np.reshape(table["corners"], (4, 2)).tolist() == corners.tolist()


def test_nothing_is_left_where_the_recording_failed(tmp_path):
    files = SeenFiles(tmp_path)
    files.saw(Frame(0.0, np.zeros((50, 100, 3), np.uint8)), [person()])
    files.discard()
    assert list(tmp_path.iterdir()) == []


def test_the_corners_of_a_crop_come_back_through_its_matrix():
    marks, image = person().marks, np.zeros((50, 100, 3), np.uint8)
    corners = crop_corners(image, marks) * (100, 50)
    matrix = crop_matrix(marks)
    back = corners @ matrix[:, :2].T + matrix[:, 2]
    assert back == pytest.approx(np.array([[0, 0], [SIDE, 0], [SIDE, SIDE], [0, SIDE]]))
