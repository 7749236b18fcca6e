import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from affectlens.audits.objects import run
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.run import collect, read_parts
from affectlens.audits.objects.statistics import combine
from affectlens.cli.main import app
from affectlens.core.errors import UsageError
from affectlens.models.pictures import open_picture_model
from tests.audits.objects.nets import redness, write_folder
from tests.conftest import asset_path


@pytest.fixture
def folder(tmp_path, rng):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    table, labels = write_folder(pictures, 24, rng)
    return pictures, table, labels


def test_a_pass_goes_on_where_it_was_broken_off(folder, tmp_path, monkeypatch):
    data, table, labels = folder
    (data / "zz-broken.png").write_bytes(b"no picture")
    pictures = Pictures(data, objects=str(table), labels=labels)
    assert "1 of 25 pictures are not in" in pictures.notes[0]
    whole = collect(redness(), pictures, ("hirescam", "lift-cam"), tmp_path / "whole", np.random.default_rng(0))
    assert len(whole.images) == 24 and list(whole.missed) == ["zz-broken.png"]
    monkeypatch.setattr(run, "KEPT", 5)
    first = collect(redness(), pictures, ("hirescam", "lift-cam"), tmp_path / "parts", np.random.default_rng(0), sample=11)
    assert len(first.images) + len(first.missed) == 11
    again = collect(redness(), pictures, ("hirescam", "lift-cam"), tmp_path / "parts", np.random.default_rng(0))
    for method, kind in (("hirescam", "object"), ("lift-cam", "group")):
        a, b = (f.of(method, kind).sort_values(["image", "object"]).reset_index(drop=True) for f in (whole, again))
        # Other batches round the last digits of what is kept as bytes in another way.
        pd.testing.assert_frame_equal(a.drop(columns=["map", "placed"]), b.drop(columns=["map", "placed"]))
    assert again.missed == whole.missed
    joined = read_parts([tmp_path / "whole", tmp_path / "parts"])
    assert len(joined.images) == 24 and len(joined.of("hirescam")) == len(whole.of("hirescam"))  # a picture in both counts once
    with pytest.raises(UsageError, match="other settings"):
        collect(redness(), pictures, ("grad-cam",), tmp_path / "parts", np.random.default_rng(0))


def test_what_decides_is_found(folder, tmp_path, rng):
    data, table, labels = folder
    pictures = Pictures(data, objects=str(table), labels=labels)
    found = collect(redness(), pictures, ("hirescam",), tmp_path / "run", rng)
    of = combine(found.of("hirescam"), found.images, rng, draws=999).set_index(["emotion", "object"])
    assert of.lift[("fear", "red")] > 5 and of["p (BH)"][("fear", "red")] <= 0.05
    assert of.lift[("fear", "green")] < 1 and of["Yule Q"][("joy", "blue")] > 0.9
    groups = found.of("hirescam", "group")
    assert {"other things", "in no box"} <= set(groups.object)
    held = groups.groupby("image").relevance.sum()
    assert held.between(0.9, 1.05).all()


def test_regions_of_faces_are_objects(tmp_path, shared):
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    pictures = Pictures(shared / "face" / "fer2013.parquet", "fer2013", "val", "regions")
    pictures._items = pictures._items[:24]
    pictures._items[3] = ("broken", np.zeros((48, 48), np.uint8), "fear")  # nobody is in it
    found = collect(open_picture_model("face"), pictures, ("hirescam",), tmp_path, np.random.default_rng(0))
    assert len(found.images) + len(found.missed) == 24 and found.missed["broken"] == "no face found"
    rows = found.of("hirescam")
    assert rows.groupby("image").relevance.sum().between(0.97, 1.03).all()
    human = found.of("hirescam", "group")
    assert set(human.object) == {"face", "human", "in no box"}


def test_detected_objects_and_faces(tmp_path, shared):
    for name in ("efficientdet-lite0", "yunet"):
        asset_path(name)
    pictures = Pictures(shared / "scene" / "cc0")
    view = next(v for i in range(30) if (v := pictures[i]).things)
    assert view.masks and set(view.masks) == set(view.scores) and all(0.4 <= s <= 1 for s in view.scores.values())


def test_the_command_writes_page_json_and_tables(folder, tmp_path, monkeypatch):
    data, table, labels = folder
    (data / "bad.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    words = ["audit", "objects", "--model", "tests.audits.objects.nets:redness", "--data", str(data), "--objects", str(table),
             "--labels", str(labels), "--effects", "8", "--truth", str(table), "--out", str(out),
             "--methods", "hirescam,grad-cam"]  # fmt: skip
    made = CliRunner().invoke(app, words, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    held = json.loads((out / "audit.json").read_text())
    assert any("Fear: red holds" in f for f in held["findings"]) and any("removing" in f.lower() for f in held["findings"])
    assert list(held["missed"]) == ["bad.jpg"]
    assert {r["object"]: r["recall"] for r in held["recall"]} == {"red": 1, "blue": 1, "green": 1}
    best = max(held["foretold"], key=lambda r: r["Spearman"])
    assert best["method"] != "area alone" and best["low"] > 0
    page = (out / "audit.html").read_text()
    for text in ("Emotion and object: hirescam", "What changes do", "bad.jpg", "Examples", "Recall by object"):
        assert text in page
    for name in ("objects-hirescam.csv", "effects.csv", "figures/examples-fear.jpg", "missed.csv"):
        assert (out / name).exists()


def test_three_pictures_and_one_emotion_without_objects(folder, tmp_path, monkeypatch):
    data, _, _ = folder
    for file in sorted(data.glob("*.png"))[3:]:
        file.unlink()
    (tmp_path / "none.json").write_text('{"images": [], "annotations": [], "categories": []}')
    out = tmp_path / "out"
    words = ["audit", "objects", "--model", "tests.audits.objects.nets:redness", "--data", str(data), "--objects",
             str(tmp_path / "none.json"), "--out", str(out), "--effects", "2"]  # fmt: skip
    made = CliRunner().invoke(app, words, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    page = (out / "audit.html").read_text()
    assert "3 pictures read, 3 of them without any object" in page and "3 of 3 pictures are not in" in page


def test_what_cannot_be_done_is_named(folder, tmp_path):
    data, table, _ = folder
    with pytest.raises(UsageError, match="did you mean"):
        collect(redness(), Pictures(data, objects=str(table)), ("hirescan",), tmp_path / "x", np.random.default_rng(0))
    with pytest.raises(UsageError, match="label or answer"):
        collect(
            redness(), Pictures(data, objects=str(table)), ("hirescam",), tmp_path / "x", np.random.default_rng(0), target="no"
        )
    with pytest.raises(UsageError, match="no picture"):
        Pictures(_empty(tmp_path), objects=str(table))
    with pytest.raises(UsageError, match="a folder of pictures"):
        Pictures(table)
    with pytest.raises(UsageError, match="file and label"):
        (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
        Pictures(data, objects=str(table), labels=tmp_path / "bad.csv")
    with pytest.raises(UsageError, match="imported"):
        Pictures(data, objects="no.module:find")


def _empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def test_a_function_tells_objects_and_labels_that_lack_a_picture_are_told(folder, tmp_path):
    data, _, labels = folder
    labels.write_text(labels.read_text() + "\nnot-there.png,joy\n")
    pictures = Pictures(data, objects="tests.audits.objects.test_run:corner", labels=labels)
    assert "not-there.png" in pictures.notes[0]
    view = pictures[0]
    assert [t.name for t in view.things] == ["corner"] and view.things[0].box == (0, 0, 10, 10)


def test_labels_that_the_model_does_not_know_are_named(folder, tmp_path):
    data, table, labels = folder
    labels.write_text(labels.read_text().replace(",fear", ",terror"))
    pictures = Pictures(data, objects=str(table), labels=labels)
    assert "terror (12)" in pictures.strangers(("fear", "joy"))[0] and pictures.strangers(("terror", "joy")) == ()
    found = collect(redness(), pictures, ("hirescam",), tmp_path / "run", np.random.default_rng(0))
    assert set(found.images.emotion) == {"fear", "joy"} and set(found.images.label) == {"terror", "joy"}


def test_a_black_box_is_mapped_from_outside(folder, tmp_path, rng):
    data, table, labels = folder
    pictures = Pictures(data, objects=str(table), labels=labels)
    pictures._items = pictures._items[:10]
    model = open_picture_model("tests.audits.objects.nets:by_redness")
    with pytest.raises(UsageError, match="rise"):
        collect(model, pictures, ("hirescam",), tmp_path / "x", rng)
    found = collect(model, pictures, ("rise",), tmp_path / "run", rng)
    rows = found.of("rise").groupby("object")
    lift = rows.relevance.sum() / rows.area.sum()
    assert lift["red"] > 2 and lift["blue"] > 2 > lift["green"]


def corner(picture):
    return [("corner", 0.9, (-5, -5, 10, 10)), ("nothing", 0.9, (5, 5, 5, 9)), ("unsure", 0.1, (0, 0, 9, 9))]
