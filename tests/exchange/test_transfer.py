"""From runs to files of other programs and back, by Python and by the command line; human annotations as truth."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

import affectlens
from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7
from affectlens.core.schema import SCENE, Row
from affectlens.core.tables import rows_frame, write_frame
from affectlens.evaluation.truth import against_truth
from affectlens.exchange.annotations import Annotations, Segment


def spread(label, share=0.7):
    rest = (1 - share) / 6
    return tuple(share if name == label else rest for name in EKMAN7.labels)


def row(file, start, end, person, label="", modality="fused", **more):
    given = {"probabilities": spread(label)} if label else {"status": "abstained", "reason": "too dark"}
    return Row(file, start, end, person, modality, **given, **more)


@pytest.fixture
def table():
    return rows_frame([
        row("rec/a.mp4", 0, 1, 0, "happiness"), row("rec/a.mp4", 1, 2, 0, "anger"), row("rec/a.mp4", 2, 3, 0),
        row("rec/a.mp4", 0, 2, 0, "happiness", "words", text="so glad"), Row("rec/a.mp4", 0, 3, SCENE, "gait", "missing", "no body"),
        row("rec/b.mp4", 0, 1, 1, "fear"),
    ])  # fmt: skip


def test_a_run_becomes_a_file_a_recording_and_what_is_left_out_is_counted(table, tmp_path):
    write_frame(table, tmp_path / "rows.parquet")
    done = affectlens.export(tmp_path / "rows.parquet", "elan", tmp_path / "out")
    assert [path.name for path in done.files] == ["a.eaf", "b.eaf"]
    told = " ".join(done.lost)
    assert (
        "of 4 rows the most probable class" in told and "2 rows have no label and are left out (1 abstained, 1 missing)" in told
    )
    assert "5 segments lose their confidence" not in told and "4 segments lose their confidence" in told
    made = affectlens.import_annotations(done.files[0])
    assert [(one.start, one.value, one.tier, one.person, one.rater) for one in made.segments] == [
        (0.0, "happiness", "fused", "0", "affectlens"), (0.0, "so glad", "text", "0", "affectlens"),
        (0.0, "happiness", "words", "0", "affectlens"), (1.0, "anger", "fused", "0", "affectlens"),
    ]  # fmt: skip
    assert made.files == ("rec/a.mp4",) and made.vocabularies["fused"] == EKMAN7.labels


def test_two_recordings_of_one_name_are_two_files(table, tmp_path):
    other = table.assign(file=table.file.str.replace("rec/", "other/"))
    done = affectlens.export([table, other], "srt", tmp_path)
    assert len({path.name for path in done.files}) == 4 and all(path.exists() for path in done.files)


def test_tables_as_csv_and_frames_are_the_same(table, tmp_path):
    write_frame(table, tmp_path / "rows.csv")
    one = affectlens.export(tmp_path / "rows.csv", "label-studio", tmp_path / "one.labelstudio.json").files[0]
    two = affectlens.export(table, "label-studio", tmp_path / "two.labelstudio.json").files[0]
    assert one.read_bytes() == two.read_bytes()


def test_what_cannot_be_exported_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"unknown format of annotations 'elam'; did you mean elan"):
        affectlens.export(pd.DataFrame(), "elam")
    with pytest.raises(UsageError, match="not there"):
        affectlens.export(tmp_path / "none", "elan")
    with pytest.raises(UsageError, match="no report in it"):
        affectlens.export(tmp_path, "elan")
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "x.csv")
    with pytest.raises(UsageError, match="without the columns end, file"):
        affectlens.export(tmp_path / "x.csv", "elan")
    with pytest.raises(UsageError, match="give one such folder"):
        affectlens.export(rows_frame([]), "ro-crate")


# ---- truth


def truth(*rows, file="a.mp4", person="0"):
    return Annotations(tuple(Segment(file, start, end, value, "emotion", person, rater) for start, end, value, rater in rows))


def test_scores_against_annotations_by_hand(table):
    said = truth(
        (0, 1, "Joy", "R1"), (1, 1.4, "sad", "R1"), (1.4, 2, "anger", "R1"), (2, 3, "neutral", "R1"), (5, 6, "bored", "R1")
    )
    made = affectlens.evaluate(table, truth=said, draws=20)
    # happiness = happiness; anger has .6 of .. s against .4 of sadness; the third was abstained from: an error
    assert made.n == 3 and made.scores["accuracy"].value == pytest.approx(2 / 3) and len(made.missed) == 1
    notes = " ".join(made.notes)
    assert (
        "1 annotations are none of the classes" in notes and "1 recordings of the run have no annotations: rec/b.mp4" in notes
    )
    assert made.confusion.loc["neutral", "(missed)"] == 1


def test_raters_vote_by_time_and_a_tie_counts_for_both(table):
    said = truth(
        (0, 1, "fear", "R1"), (0, 1, "happiness", "R2"), (1, 2, "fear", "R1"), (1, 2, "fear", "R2"), (1, 2, "anger", "R3")
    )
    made = against_truth(table, said, draws=5)
    assert made.n == 2 and made.scores["accuracy"].value == 0.5


def test_people_are_never_mistaken_for_others(table):
    two = rows_frame([row("a.mp4", 0, 1, 0, "fear"), row("a.mp4", 0, 1, 1, "anger")])
    with pytest.raises(UsageError, match="do not say whose they are, and the run has the people 0, 1"):
        against_truth(two, truth((0, 1, "fear", "R1"), person=""))
    with pytest.raises(UsageError, match=r"annotations are of Anna, the run has the people 0, 1; call them"):
        against_truth(two, truth((0, 1, "fear", "R1"), person="Anna"))
    made = against_truth(two, truth((0, 1, "anger", "R1"), person="1"), draws=5)
    assert made.n == 1 and made.scores["accuracy"].value == 1.0
    made = against_truth(table, truth((0, 1, "joy", "R1"), person="Anna"), draws=5)
    assert "Anna of the annotations is taken for person 0 of the run, the only one" in " ".join(made.notes)


def test_annotations_of_other_recordings_or_classes_are_errors(table):
    with pytest.raises(UsageError, match=r"annotations are of z.mp4, the run is of rec/a.mp4"):
        against_truth(table, truth((0, 1, "joy", "R1"), file="z.mp4"))
    with pytest.raises(UsageError, match=r"no annotation is one of the classes anger.*'bored'"):
        against_truth(table, truth((0, 1, "bored", "R1")))
    with pytest.raises(UsageError, match="overlaps an annotation in time"):
        against_truth(table, truth((7, 8, "joy", "R1")))
    with pytest.raises(UsageError, match="leave --corpus"):
        affectlens.evaluate(table, "fer2013=x", truth=truth((0, 1, "joy", "R1")))
    with pytest.raises(UsageError, match="give a corpus as NAME=PATH"):
        affectlens.evaluate("face")


def test_truth_from_a_file_of_each_rater(table, tmp_path):
    for rater, value in (("R1", "joy"), ("R2", "joy")):
        affectlens.export(truth((0.0, 1.0, value, rater), file="rec/a.mp4"), "elan", tmp_path / f"{rater}.eaf")
    made = affectlens.evaluate(table, truth=[tmp_path / "R1.eaf", tmp_path / "R2.eaf"], draws=5, out=tmp_path / "scores")
    assert made.scores["accuracy"].value == 1.0 and (tmp_path / "scores" / "scores.json").exists()
    assert np.isfinite(made.scores["accuracy"].low)


def test_explain_says_how_far_it_agrees(tmp_path):
    from tests.perception.body.walker import walker, write_bvh

    write_bvh(walker(seconds=3.0), tmp_path / "walk.bvh")
    said = truth((0, 3, "happiness", "R1"), file="walk.bvh")
    run = affectlens.explain(tmp_path / "walk.bvh", tmp_path / "out", modalities=("gait",), truth=said)
    assert (
        run.agreement.n == len(run.table[run.table.modality == "fused"])
        and (tmp_path / "out" / "truth" / "scores.json").exists()
    )
    affectlens.export(tmp_path / "out", "ro-crate")
    graph = json.loads((tmp_path / "out" / "ro-crate-metadata.json").read_text())["@graph"]
    by_id = {one["@id"]: one for one in graph}
    assert by_id["#recording-0"]["sha256"] == hashlib.sha256((tmp_path / "walk.bvh").read_bytes()).hexdigest()
    assert by_id["#model-gait"]["identifier"].startswith("sha256:") and by_id["#run"]["object"] == [{"@id": "#recording-0"}]
    assert any(name.endswith("/report.html") for name in by_id) and not any(
        name.startswith(".") and name != "./" for name in by_id
    )
    with pytest.raises(UsageError, match="give --truth FILE too"):
        affectlens.explain(tmp_path / "walk.bvh", tmp_path / "out", truth_as="elan")
    with pytest.raises(UsageError, match="--truth needs all recordings"):
        affectlens.explain(tmp_path / "walk.bvh", tmp_path / "out", truth=said, shard="1/2")


def test_votes_are_weighed_by_time_not_counted(table):
    said = truth((1, 1.2, "fear", "R1"), (1.2, 1.4, "fear", "R1"), (1.4, 2, "anger", "R1"))
    made = against_truth(table, said, draws=5)
    assert made.n == 1 and made.scores["accuracy"].value == 1.0
