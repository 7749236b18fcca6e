"""Tables of other programs in their own layouts: whose row it is, every column kept, and doubles named, never averaged."""

import pandas as pd
import pytest

from affectlens.cli.options import TABLES
from affectlens.core.errors import LimitError, MediaError, UsageError
from affectlens.core.limits import Limits, limited
from affectlens.exchange.tables.base import TOOLS, import_measurements

DETAILED = """Video analysis detailed log

Face Model\tGeneral
Participant Name\tP 07
Filename\tC:\\study\\v.mp4
Frame rate\t25,00


Video Time\tNeutral\tHappy\tSad\tAngry\tSurprised\tScared\tDisgusted\tContempt\tValence\tAction Unit 12 - Lip Corner Puller\tGender
00:00:00.000\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\tFIND_FAILED\t
00:00:00.040\t0,5\t0,75\t0\t0\t0\t0\t0\t0,1\t0,7\t0,25\tMale
00:01:00.080\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\tMale
"""
STATES = """Video analysis state log

Filename\tv.mp4

Video Time\tEmotion
00:00:00.000\tNeutral
00:00:01.520\tHappy
"""
OPENFACE = "frame, face_id, timestamp, confidence, success, pose_Rx, AU01_r, AU45_r, AU01_c\n{rows}"
IMOTIONS = """#METADATA
#Study name,Ads
#Respondent Name,Anna K,
#DATA
Row,Timestamp,EventSource,SourceStimuliName,Joy,Anger,Attention,Brow Furrow
1,0,1,ad1,99.5,0,100,1
2,33.3,1,ad1,50,0,90,2
"""


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_help_names_every_program():
    assert [word.strip() for word in TABLES.replace(" or ", ", ").split(",")] == TOOLS.names()


def test_facereaders_detailed_log_with_its_lines_failures_and_commas(tmp_path):
    made = import_measurements(written(tmp_path, "log.txt", DETAILED))
    table = made.table
    assert made.tool == "FaceReader" and list(table.failed) == ["FIND_FAILED", "", "FIT_FAILED"]
    assert set(table.file) == {"C:/study/v.mp4"} and set(table.person) == {"P 07"} and list(table.time) == [0.0, 0.04, 60.08]
    row = table.iloc[1]
    assert (row.p_happiness, row.p_contempt, row.Valence, row.AU12, row.Gender) == (0.75, 0.1, 0.7, 0.25, "Male")
    assert pd.isna(table.p_happiness[0]) and "2 of 3 rows have no answer (1 FIND_FAILED, 1 FIT_FAILED)" in made.notes[1]


def test_facereaders_state_log(tmp_path):
    table = import_measurements(written(tmp_path, "log.txt", STATES)).table
    assert list(zip(table.time, table.Emotion, strict=True)) == [(0.0, "Neutral"), (1.52, "Happy")]


def test_two_people_in_one_video_stay_two_and_doubles_are_named(tmp_path):
    rows = "1, 0, 0.04, 0.9, 1, 0.1, 2.5, 0, 1\n1, 1, 0.04, 0.9, 0, 0.1, 1.5, 0, 1\n2, 0, 0.08, 0.9, 1, 0.1, 3.5, 0, 1\n"
    table = import_measurements(written(tmp_path, "v.csv", OPENFACE.format(rows=rows))).table
    assert list(zip(table.file, table.frame, table.person, table.AU01, table.failed, strict=True)) == [
        ("v", 1, "0", 2.5, ""), ("v", 1, "1", 1.5, "not tracked"), ("v", 2, "0", 3.5, ""),
    ]  # fmt: skip
    assert {"pose_Rx", "AU01_c", "confidence"} <= set(table.columns)
    twice = rows + "2, 0, 0.08, 0.9, 1, 0.1, 4.5, 0, 1\n"
    with pytest.raises(
        MediaError,
        match=r"2 rows are of the same recording, moment and person: lines 4, 5 \(file v, frame 2, time 0.08, person 0\)",
    ):
        import_measurements(written(tmp_path, "v.csv", OPENFACE.format(rows=twice)))


def test_openface_3_counts_outputs_which_are_no_numbers_of_units(tmp_path):
    text = "timestamp,frame,face_id,AU01_r,AU02_r,AU03_r,AU08_r,emotion\n0,1,0,.1,.2,.3,.4,Happy\n"
    made = import_measurements(written(tmp_path, "v.csv", text))
    assert made.tool == "OpenFace 3" and {"AU01_r", "AU08_r", "emotion"} <= set(made.table) and "AU01" not in made.table


def test_pyfeat_faces_of_a_frame_are_counted_where_nobody_is_named(tmp_path):
    text = (
        "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,Pitch,AU01,AU12,happiness,input,frame,approx_time{more}\n"
    )
    rows = [
        "1,1,9,9,.9,3,.1,.2,.8,a/v.mp4,0,00:00",
        "50,1,9,9,.8,3,.3,.4,.6,a/v.mp4,0,00:00",
        "1,1,9,9,.9,3,.5,.6,.4,b/v.mp4,0,01:23",
    ]
    made = import_measurements(written(tmp_path, "fex.csv", text.format(more="") + "\n".join(rows) + "\n"))
    assert list(made.table.time) == [0.0, 0.0, 83.0]
    assert list(made.table.face) == [0, 1, 0] and list(made.table.file) == ["a/v.mp4", "a/v.mp4", "b/v.mp4"]
    assert list(made.table.AU12) == [0.2, 0.4, 0.6] and "no column says who is who" in made.notes[1]
    named = [f"{row},Person_{number}" for number, row in enumerate(rows)]
    made = import_measurements(written(tmp_path, "fex.csv", text.format(more=",Identity") + "\n".join(named) + "\n"))
    assert "face" not in made.table and list(made.table.person) == ["Person_0", "Person_1", "Person_2"]


def test_imotions_with_its_lines(tmp_path):
    table = import_measurements(written(tmp_path, "export.csv", IMOTIONS)).table
    assert list(table.time) == pytest.approx([0.0, 0.0333]) and set(table.person) == {"Anna K"}
    assert (
        list(table.p_happiness) == [99.5, 50.0]
        and list(table["Brow Furrow"]) == [1, 2]
        and set(table.SourceStimuliName) == {"ad1"}
    )


def test_libreface_and_opensmile_and_deepface(tmp_path):
    text = "frame_idx,frame_time_in_ms,path_to_frame,facial_expression,au_1,au_1_intensity\n3,120,f/3.png,Happiness,1,2.5\n"
    row = import_measurements(written(tmp_path, "libre.csv", text)).table.iloc[0]
    assert (row.file, row.frame, row.time, row.AU01, row.AU01_c, row.facial_expression) == (
        "f/3.png",
        3,
        0.12,
        2.5,
        1,
        "Happiness",
    )
    text = "name;frameTime;F0semitoneFrom27.5Hz_sma3nz;Loudness_sma3\n'a.wav';0.01;20.5;0.5\n"
    row = import_measurements(written(tmp_path, "smile.csv", text)).table.iloc[0]
    assert (row.time, row["F0semitoneFrom27.5Hz_sma3nz"]) == (0.01, 20.5)
    text = "file,start,end,Loudness_sma3\na.wav,0 days 00:00:00.500000,0 days 00:00:00.510000,0.5\n"
    assert import_measurements(written(tmp_path, "smile.csv", text)).table.time[0] == 0.5
    text = "file,frame,emotion.happy,region.x,dominant_emotion\na.mp4,1,98.5,3,happy\n"
    assert import_measurements(written(tmp_path, "deep.csv", text)).table.p_happiness[0] == 98.5


def test_tables_of_nobody_and_of_too_much_are_errors(tmp_path):
    with pytest.raises(UsageError, match="are those of no program that is known; give --as, one of deepface"):
        import_measurements(written(tmp_path, "x.csv", "a,b\n1,2\n"))
    with pytest.raises(MediaError, match="are not those of FaceReader"):
        import_measurements(tmp_path / "x.csv", "facereader")
    with limited(Limits(bytes=10)), pytest.raises(LimitError, match=r"if that is right, give --limit bytes="):
        import_measurements(written(tmp_path, "v.csv", OPENFACE.format(rows="1, 0, 0.04, 0.9, 1, 0.1, 2.5, 0, 1\n")))
