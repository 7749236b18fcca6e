"""Predictions of other programs: values, keys and labels as they come out, and what is noted."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.properties.statistics import logits_of
from affectlens.core.errors import ModelError
from affectlens.models.adapters.predictions import read_predictions


def read(tmp_path, text, name="p.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_predictions(tmp_path / name)


def test_a_table_as_it_is(tmp_path):
    found = read(tmp_path, "file,p_anger,p_happiness,truth\nx/a.jpg,.25,.75,joy\nx/b.jpg,.5,.5,Angry\n")
    assert found.source == "table" and found.notes == ()
    pd.testing.assert_frame_equal(
        found.table, pd.DataFrame({"anger": [0.25, 0.5], "happiness": [0.75, 0.5]}, pd.Index(["a.jpg", "b.jpg"], name="key"))
    )
    assert found.labels.to_dict() == {"a.jpg": "happiness", "b.jpg": "anger"}
    plain = read(tmp_path, "anger,joy\n.25,.75\n.5,.5\n")
    assert list(plain.table.index) == ["row0", "row1"] and plain.labels is None


def test_per_cent_and_rows_that_do_not_sum_to_one(tmp_path):
    hundred = read(tmp_path, "key,anger,happy\na,20,80\nb,100,0\n")
    assert hundred.table.loc["a"].tolist() == [0.2, 0.8] and hundred.notes == (
        "values were in per cent and are divided by 100",
    )
    text = "key,anger,happy\na,.2,.6\nb,.5,.51\nc,0,0\nd,.5,.53\n"
    with pytest.raises(ModelError, match="2 of 3 rows do not sum to 1 .*say what the numbers are by --scores: independent"):
        read(tmp_path, text)
    odd = read_predictions(tmp_path / "p.csv", "probabilities")
    assert odd.notes == (
        "3 of 4 rows did not sum to 1 and are divided by their sum",
        "1 of 4 rows have no answer: 1 all values are 0",
    )
    assert odd.table.loc["a"].tolist() == pytest.approx([0.25, 0.75]) and odd.table.loc["c"].isna().all()
    apart = read_predictions(tmp_path / "p.csv", "independent")
    assert apart.table.loc["a"].tolist() == [0.2, 0.6] and apart.notes == () and apart.kind == "scores"
    one = read(tmp_path, "key,anger,happy\na,.2,1.4\nb,.5,.5\n")  # above one, and no per cent
    assert one.table.loc["a"].tolist() == pytest.approx([0.125, 0.875])


def test_logits_and_values_of_a_table(tmp_path):
    text = "key,anger,happy,valence,arousal\na,2,-1,.4,-.2\nb,-3,4,-.9,.1\n"
    with pytest.raises(ModelError, match="do not sum to 1 or have values below 0"):
        read(tmp_path, text)
    logits = read_predictions(tmp_path / "p.csv", "softmax")
    assert logits.table.loc["a"].tolist() == pytest.approx([1 / (1 + np.exp(-3)), 1 / (1 + np.exp(3))])
    assert "columns valence, arousal are left out" in " ".join(logits.notes)
    alone = read_predictions(tmp_path / "p.csv", "sigmoid")
    assert (
        alone.table.loc["b"].tolist() == pytest.approx([1 / (1 + np.exp(3)), 1 / (1 + np.exp(-4))]) and alone.kind == "scores"
    )
    values = read_predictions(tmp_path / "p.csv", "regression")
    assert values.units == ("valence", "arousal") and values.table.loc["b"].tolist() == [-0.9, 0.1]
    without = read(tmp_path, "key,valence,arousal\na,.4,-.2\n")
    assert without.kind == "values" and without.units == ("valence", "arousal")
    with pytest.raises(ModelError, match="one number for two classes"):
        (tmp_path / "c.csv").write_text("key,anger,happy\na,.2,.8\n")
        read_predictions(tmp_path / "c.csv", "binary")


def test_rows_of_one_file_stay_apart(tmp_path):
    found = read(tmp_path, "file,anger,happy,label\nv/a,.2,.8,joy\nv/a,.4,.6,fear\nv/b,.5,.5,fear\n")
    assert list(found.table.index) == ["a#row=0", "a#row=1", "b"] and found.table.anger.tolist() == [0.2, 0.4, 0.5]
    assert found.labels.to_dict() == {"a#row=0": "happiness", "a#row=1": "fear", "b": "fear"}
    assert "2 rows are of it (a#row=0, a#row=1) and nothing says which is meant" in found.chosen.reasons["v/a"]
    same = read(tmp_path, "file,anger,happy\na,.2,.8\na,.2,.8\n")
    assert list(same.table.index) == ["a"] and "1 rows are there twice" in same.notes[0]


def test_files_of_one_name_in_several_folders_stay_apart(tmp_path):
    found = read(tmp_path, "input,anger,happy\nfaces/angry/0.jpg,.9,.1\nfaces/happy/0.jpg,.2,.8\n")
    assert list(found.table.index) == ["angry/0.jpg", "happy/0.jpg"] and found.table.anger.tolist() == [0.9, 0.2]
    assert found.notes == ("files of one name lie in several folders, so items are named with their folders",)


def test_keys_are_taken_as_they_are_and_may_not_occur_twice(tmp_path):
    assert list(read(tmp_path, "key,anger,happy\nv/a,.2,.8\nw/a,.4,.6\n").table.index) == ["v/a", "w/a"]
    with pytest.raises(ModelError, match="the key 'a' occurs more than once"):
        read(tmp_path, "key,anger,happy\na,.2,.8\na,.4,.6\n")


def test_other_classes_need_a_mark(tmp_path):
    found = read(tmp_path, "key,p_calm,p_tense,words\na,.25,.75,x\n")
    assert found.table.loc["a"].to_dict() == {"calm": 0.25, "tense": 0.75}
    with pytest.raises(ModelError, match=r"no two columns name classes among \['key', 'p_calm', 'tense'\]"):
        read(tmp_path, "key,p_calm,tense\na,.25,.75\n")
    with pytest.raises(ModelError, match="no two columns"):
        read(tmp_path, "key,anger,happiness\na,low,high\n")


def test_openface_gives_intensities_of_units(tmp_path):
    found = read(tmp_path, "filename, AU01_r, AU12_r, AU12_c, AU1_r\nx/a.jpg, 0.5, 3.1, 1, 2\n")
    assert found.table.loc["a.jpg"].to_dict() == {"AU01": 0.5, "AU12": 3.1} and "action units, not emotions" in found.notes[0]


def test_facereaders_scores_stand_by_themselves(tmp_path):
    lines = [
        "Video analysis",
        "Face model: General",
        "",
        '"Video Time"\tNeutral\tHappy\tAngry',
        "00:01\t.5\t.3\t.1",
        "00:02\t.9\t.5\t.2",
    ]
    found = read(tmp_path, "\n".join(lines), "p.txt")
    assert found.source == "FaceReader" and found.notes == ()
    assert found.table.iloc[1].to_dict() == {"neutral": 0.9, "happiness": 0.5, "anger": 0.2}  # not divided by their sum


def test_deepfaces_json_in_its_forms(tmp_path):
    face = {"emotion": {"angry": 10.0, "happy": 90.0}}
    for content in ([{"path": "x/a.jpg", **face}], {"a.jpg": face}, [[{"path": "a.jpg", **face}]]):
        found = read(tmp_path, json.dumps(content), "p.json")
        assert found.source == "DeepFace" and found.table.loc["a.jpg"].to_dict() == {"anger": 0.1, "happiness": 0.9}


def test_parquet_and_broken_files(tmp_path):
    frame = pd.DataFrame({"Path": ["a"], "anger": [0.4], "happiness": [0.6]})
    frame.to_parquet(tmp_path / "p.parquet")
    assert read_predictions(tmp_path / "p.parquet").table.loc["a"].tolist() == [0.4, 0.6]
    with pytest.raises(ModelError, match="cannot be read as a table of predictions"):
        read(tmp_path, "{", "p.json")


def test_log_odds_are_bounded():
    table = logits_of(pd.DataFrame({"a": [0.0, 0.5, 0.2, 1.0]}))
    np.testing.assert_allclose(table.a, [np.log(1e-4 / (1 - 1e-4)), 0, np.log(0.25), -np.log(1e-4 / (1 - 1e-4))])
