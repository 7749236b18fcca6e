"""Tables of other programs as they are: each row keeps whose it is, and one without an answer says why."""

import io
import json

import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import TableModel
from affectlens.models.adapters.predictions import read_predictions

SEVEN = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
DEEPFACE = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FACEREADER = ("Neutral", "Happy", "Sad", "Angry", "Surprised", "Scared", "Disgusted")
LOG = (
    "Image analysis detailed log\r\n\r\nFace Model\tGeneral\r\nStart time\t6/4/2026 09:54:03.048\r\nFilename\tC:\\me\\v.mp4\r\n"
    "Frame rate\t30.000000000\r\n\r\n\r\n"
)


def model(tmp_path, content, name="p.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return TableModel.from_file(path)


def answer(made, key):
    """The values of an item by class, to four digits."""
    row = made.answers([made.read(key)])[0]
    return {c: round(float(v), 4) for c, v in zip(made.labels, row, strict=True)}


def deepface(rng, n=3):
    p = rng.dirichlet(np.ones(7), n) * 100
    faces = [
        {"emotion": dict(zip(DEEPFACE, map(float, row), strict=True)), "dominant_emotion": DEEPFACE[int(row.argmax())],
         "region": {"x": 0, "y": 0, "w": 48, "h": 40 + i, "left_eye": [1, 2]}, "face_confidence": 0.9,
         "race": {"asian": 10.0}, "dominant_race": "white"}
        for i, row in enumerate(p)
    ]  # fmt: skip
    want = [{c: round(v / 100, 4) for c, v in zip(SEVEN, row, strict=True)} for row in p]
    return faces, want


def test_every_form_that_deepfaces_results_are_kept_in(tmp_path, rng):
    faces, want = deepface(rng)
    files = [f"x/{i}.jpg" for i in range(3)]
    named = [{**face, "img_path": file} for face, file in zip(faces, files, strict=True)]
    frame = pd.DataFrame(named)
    forms = {
        "a.json": json.dumps({file: [face] for file, face in zip(files, faces, strict=True)}),
        "b.json": json.dumps(dict(zip(files, faces, strict=True))),
        "c.json": json.dumps(named),
        "d.json": json.dumps([[face] for face in named]),
        "e.json": json.dumps(frame.to_dict("list")),
        "f.json": frame.to_json(),
        "g.csv": frame.to_csv(index=False),
        "h.csv": frame.to_csv(index=False, sep=";"),
        "i.csv": pd.json_normalize(named).to_csv(index=False),
    }
    for name, text in forms.items():
        made = model(tmp_path, text, name)
        assert made.meta["source"] == "DeepFace", name
        assert [answer(made, f) for f in files] == want, name
        assert made.notes == ("values were in per cent and are divided by 100",), name
    only = model(tmp_path, "img_path,dominant_emotion\na.jpg,happy\nb.jpg,fear\n")
    assert only.meta["source"] == "DeepFace" and only.labels_only and answer(only, "b.jpg")["fear"] == 1
    with pytest.raises(ModelError, match="row 1 of column emotion: '{oops' is no dict"):
        model(tmp_path, "emotion,img_path\n{oops,a.jpg\n")


def facereader(values, sign):
    def line(file, cells):
        return "\t".join(
            [file, *[f"{c:g}".replace(".", sign) if isinstance(c, float) else c for c in cells], "Male", "30 - 40"]
        )

    head = "\t".join(["Image", *FACEREADER, "Gender", "Age"])
    return LOG + "\r\n".join([head, *(line(file, cells) for file, cells in values.items())]) + "\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("sign", [".", ","])
def test_facereaders_detailed_log(tmp_path, sign, encoding):
    values = {
        "D:\\faces\\happy\\0.jpg": [0.125, 0.5, 0.25, 0.0625, 0.0, 0.03125, 0.5],
        "D:\\faces\\sad\\0.jpg": [0.25, 0.0, 0.75, 0.0, 0.0, 0.0, 0.0],
        "D:\\faces\\sad\\1.jpg": ["FIND_FAILED"] * 7,
        "D:\\faces\\sad\\2.jpg": ["FIT_FAILED"] * 7,
    }
    made = model(tmp_path, facereader(values, sign).encode(encoding), "log.txt")
    assert made.meta["source"] == "FaceReader"
    made.meet(["happy/0.jpg", "sad/0.jpg", "sad/1.jpg", "sad/2.jpg", "sad/3.jpg"], "faces")
    assert answer(made, "happy/0.jpg") == {
        "neutral": 0.125, "happiness": 0.5, "sadness": 0.25, "anger": 0.0625, "surprise": 0.0, "fear": 0.0312, "disgust": 0.5
    }  # fmt: skip
    assert answer(made, "sad/0.jpg")["sadness"] == 0.75
    for key, why in (("sad/1.jpg", "FIND_FAILED: no face"), ("sad/2.jpg", "FIT_FAILED"), ("sad/3.jpg", "no row of it")):
        with pytest.raises(ModelError, match=why):
            made.read(key)
    assert "3 of 5 items of faces have no prediction" in made.notes[-1] and "FIND_FAILED" in made.notes[-1]


def test_facereaders_log_of_a_video(tmp_path):
    times = (
        "Video Time\tNeutral\tHappy\n00:00:00.000\tFIND_FAILED\tFIND_FAILED\n00:00:00.033\t.25\t.75\n00:00:00.066\t.75\t.25\n"
    )
    made = model(tmp_path, LOG.replace("Image", "Video", 1) + times, "log.txt")
    assert len(read_predictions(tmp_path / "log.txt").table) == 3
    assert answer(made, "clips/v.mp4") == {"neutral": 0.5, "happiness": 0.5}
    assert "1 files have several frames: the mean over the frames is taken" in made.notes


def test_libreface_says_words_and_intensities(tmp_path):
    made = model(
        tmp_path,
        "input_image_path,facial_expression,au_1,au_12_intensity,au_1_intensity\n/x/a.jpg,Happiness,1,3.5,0.5\n"
        "/x/b.jpg,Contempt,0,0,1\n/x/c.jpg,,0,0,1\n",
    )
    assert made.meta["source"] == "LibreFace" and made.labels == (*SEVEN, "contempt") and made.labels_only
    assert made.units == ("AU12", "AU01") and made.output_names == (*SEVEN, "contempt", "AU12", "AU01")
    assert answer(made, "a.jpg") == {**dict.fromkeys(made.labels, 0.0), "happiness": 1.0}
    assert made.values(["a.jpg"])[0, -2:].tolist() == [3.5, 0.5]
    assert "no probabilities" in made.notes[0] and "calibration is not computed" in made.notes[0]
    with pytest.raises(ModelError, match="LibreFace gives no label"):
        made.read("c.jpg")
    with pytest.raises(ModelError, match=r"facial_expression has 'Hapiness' \(1 row, perhaps happiness\)"):
        model(tmp_path, "input_image_path,facial_expression,au_1\na.jpg,Hapiness,1\n")


def pyfeat(rows):
    head = "FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,anger,happiness,neutral,Identity,input,frame"
    return "\n".join([head, *rows]) + "\n"


def test_pyfeat_without_faces_and_with_several(tmp_path):
    rows = [
        "1,1,40,40,.9,.1,.8,.1,Person_0,/f/happy/0.jpg,0",
        "1,1,20,20,.99,.8,.1,.1,Person_1,/f/happy/0.jpg,0",  # smaller, though surer
        ",,,,,,,,,/f/sad/0.jpg,1",
        "1,1,40,40,.55,.8,.1,.1,Person_0,/f/sad/1.jpg,2",
        "1,1,40,40,.95,.2,.2,.6,Person_0,/f/sad/1.jpg,2",  # as large, but surer
        "1,1,40,40,.9,.8,.1,.1,Person_0,/f/sad/2.jpg,3",
        "1,1,40,40,.9,.2,.2,.6,Person_1,/f/sad/2.jpg,3",  # nothing tells which
    ]
    found = read_predictions(_written(tmp_path, pyfeat(rows)))
    assert list(found.table.index) == [
        "happy/0.jpg#face=Person_0", "happy/0.jpg#face=Person_1", "sad/0.jpg", "sad/1.jpg#face=0", "sad/1.jpg#face=1",
        "sad/2.jpg#face=Person_0", "sad/2.jpg#face=Person_1",
    ]  # fmt: skip
    assert found.table.anger.dropna().tolist() == [0.1, 0.8, 0.8, 0.2, 0.8, 0.2]  # as they are: nothing is averaged
    made = TableModel.from_file(tmp_path / "p.csv")
    made.meet(["happy/0.jpg", "sad/0.jpg", "sad/1.jpg", "sad/2.jpg"], "faces")
    assert answer(made, "happy/0.jpg")["happiness"] == 0.8 and answer(made, "sad/1.jpg")["neutral"] == 0.6
    with pytest.raises(ModelError, match="Py-Feat found no face"):
        made.read("sad/0.jpg")
    with pytest.raises(ModelError, match="2 faces, and neither size nor confidence"):
        made.read("sad/2.jpg")
    assert any("2 files have several faces: the largest is taken" in note for note in made.notes)


def _written(tmp_path, text, name="p.csv"):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_people_in_the_frames_of_a_video(tmp_path):
    lone = [f"1,1,40,40,.9,{p},{1 - p:g},0,Person_0,v.mp4,{i}" for i, p in enumerate((0.2, 0.4))]
    assert answer(model(tmp_path, pyfeat(lone)), "v.mp4")["anger"] == 0.3
    two = [*lone, *(f"1,1,80,80,.9,{p},{1 - p:g},0,Person_1,v.mp4,{i}" for i, p in enumerate((0.6, 1.0)))]
    made = model(tmp_path, pyfeat(two))
    assert answer(made, "v.mp4")["anger"] == 0.8 and any("the one who is seen largest" in n for n in made.notes)
    unknown = [row.replace("Person_1", "Person_0") for row in two]
    with pytest.raises(ModelError, match="several faces in 2 frames, and no column says who is who"):
        model(tmp_path, pyfeat(unknown)).read("v.mp4")


def test_openface_tracks_or_does_not(tmp_path):
    text = "frame, face_id, timestamp, confidence, success, AU01_r, AU12_r, AU12_c,filename\n"
    made = model(tmp_path, text + "1,0,0.0,0.0,0,0,0,1,a.jpg\n2,0,0.03,.98,1,.5,3.25,1,b.jpg\n")
    assert made.labels == made.units == ("AU01", "AU12") and answer(made, "b.jpg") == {"AU01": 0.5, "AU12": 3.25}
    with pytest.raises(ModelError, match="success = 0, no face was tracked"):
        made.read("a.jpg")
    video = text.replace(",filename", "")
    made = model(tmp_path, video + "1,0,0.0,.9,1,1,3,1\n2,0,0.03,.98,1,.5,1,1\n", "clip7.csv")
    assert answer(made, "clips/clip7.mp4") == {"AU01": 0.75, "AU12": 2.0}  # one table a video, of its name


@pytest.mark.parametrize(("sign", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ",")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_any_spreadsheet(tmp_path, sign, decimal, encoding):
    frame = pd.DataFrame({"anger": [0.25, 0.1], "Freude": [1.0, 2.0], "joy": [0.75, 0.9], "file": ["sad/ü.png", "happy/ü.png"]})
    text = io.StringIO()
    frame.to_csv(text, sep=sign, decimal=decimal, index=False)
    made = model(tmp_path, text.getvalue().encode(encoding))
    made.meet(["sad/ü.png", "happy/ü.png"], "faces")
    assert answer(made, "sad/ü.png") == {"anger": 0.25, "happiness": 0.75}
    assert answer(made, "happy/ü.png") == {"anger": 0.1, "happiness": 0.9}


def test_two_files_of_one_name_are_two_rows(tmp_path):
    made = model(tmp_path, "file,anger,happiness\nhappy/001.jpg,.9,.1\nsad/001.jpg,.1,.9\n")
    assert list(made.table.index) == ["happy/001.jpg", "sad/001.jpg"]
    made.meet(["happy/001.jpg", "sad/001.jpg", "fear/001.jpg"], "faces")
    assert answer(made, "happy/001.jpg")["anger"] == 0.9 and answer(made, "sad/001.jpg")["anger"] == 0.1
    with pytest.raises(ModelError, match="no row of it"):
        made.read("fear/001.jpg")


def test_none_matched_is_an_error_with_names_of_both_sides(tmp_path):
    made = model(tmp_path, "file,anger,happiness\nx/1.jpg,.9,.1\n")
    with pytest.raises(
        UsageError, match=r"none of the 2 items of faces: its keys are like x/1.jpg, .*like happy/7.jpg, sad/8.jpg"
    ):
        made.meet(["happy/7.jpg", "sad/8.jpg"], "faces")


def test_odd_cells_are_said(tmp_path):
    made = model(tmp_path, "sep=;\nfile;anger;happiness\na.jpg;20%;80%\nb.jpg;-1;2\nc.jpg;inf;0\nd.jpg;;\n")
    assert answer(made, "a.jpg") == {"anger": 0.2, "happiness": 0.8}
    for key, why in (("b.jpg", "below 0"), ("c.jpg", "missing or no number"), ("d.jpg", "no values")):
        with pytest.raises(ModelError, match=why):
            made.read(key)
    none = model(tmp_path, json.dumps({"a.jpg": [], "b.jpg": [{"emotion": {"happy": 90, "sad": 10}}]}), "p.json")
    with pytest.raises(ModelError, match="DeepFace found no face"):
        none.read("a.jpg")
    assert answer(none, "b.jpg")["happiness"] == 0.9
    for text, says in (("file,anger,happiness\n", "no row in it"), ("", "the file is empty"), ("a,b\n1,2\n", "no two columns")):
        with pytest.raises(ModelError, match=says):
            model(tmp_path, text)
    for text in ("3", '["a"]', "{", '{"a.jpg": 3}'):
        with pytest.raises(ModelError, match="cannot be read as a table of predictions"):
            model(tmp_path, text, "q.json")
    frames = model(tmp_path, "frame,prediction\n0,happy\n1,happy\n2,sad\n3,happy\n", "clip3.csv")
    assert answer(frames, "x/clip3.mp4")["happiness"] == 0.75  # the share of frames that say so


def test_segments_are_told_by_their_times(tmp_path):
    made = model(tmp_path, "file,start,end,anger,joy\na.wav,0.1,0.7,.9,.1\na.wav,0.104,0.9,.2,.8\n")
    made.meet(["a.wav#0.1-0.7", "a.wav#0.104-0.9"], "clips")
    assert answer(made, "a.wav#0.104-0.9")["anger"] == 0.2
