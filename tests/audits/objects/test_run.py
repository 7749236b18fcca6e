import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from affectlens import audit
from affectlens.audits.objects.audit import ObjectAuditor
from affectlens.audits.objects.pictures import Pictures
from affectlens.audits.objects.result import ObjectAudit
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.objects.statistics import combine
from affectlens.cli.main import app
from affectlens.core.errors import ModelError, UsageError
from tests.audits.objects.nets import redness, write_folder
from tests.conftest import asset_path


@pytest.fixture
def folder(tmp_path, rng):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    table, labels = write_folder(pictures, 24, rng)
    return pictures, table, labels


def audited(pictures, out=None, model=None, sample=0, **settings):
    return ObjectAuditor(model or redness(), pictures, ObjectSettings(sample=sample, **settings), out)


def test_a_pass_goes_on_where_it_was_broken_off(folder, tmp_path, monkeypatch):
    data, table, labels = folder
    (data / "zz-broken.png").write_bytes(b"no picture")
    pictures = Pictures(data, objects=str(table), labels=labels)
    assert "1 of 25 pictures are not in" in pictures.notes[0]
    methods = ("hirescam", "lift-cam")
    whole = audited(pictures, tmp_path / "whole", methods=methods)
    whole.collect()
    assert len(whole.images) == 24 and list(whole.parts.missed) == ["zz-broken.png"]
    monkeypatch.setattr(ObjectAuditor, "part_size", 5)
    first = audited(pictures, tmp_path / "parts", methods=methods, sample=11)
    first.collect()
    assert len(first.parts.items) == 11
    again = audited(pictures, tmp_path / "parts", methods=methods)
    assert (again.plan().items, again.plan().done) == (25, 11)
    again.collect()
    for method, kind in (("hirescam", "object"), ("lift-cam", "group")):
        a, b = (f.table(method, kind).sort_values(["image", "object"]).reset_index(drop=True) for f in (whole, again))
        # Other batches round the last digits of what is kept as bytes in another way.
        pd.testing.assert_frame_equal(a.drop(columns=["map", "placed"]), b.drop(columns=["map", "placed"]))
    assert again.parts.missed == whole.parts.missed and again.parts.sha256 == whole.parts.sha256
    whole.merge(again)
    assert len(whole.images) == 24 and len(whole.table("hirescam")) == len(again.table("hirescam"))  # each picture counts once
    with pytest.raises(UsageError, match="other settings"):
        audited(pictures, tmp_path / "parts", methods=("grad-cam",)).collect()


def test_two_halves_merged_are_the_whole_and_a_seed_gives_one_answer(folder, tmp_path):
    data, table, labels = folder
    options = {"objects": str(table), "labels": labels, "methods": ("hirescam", "grad-cam"), "effects": 6}
    whole = audit.objects(redness(), data, **options)
    pictures = Pictures(data, objects=str(table), labels=labels)
    halves = [audited(pictures, tmp_path / str(i), **options) for i in range(2)]
    halves[0].collect(keys=pictures.keys()[:16])
    halves[1].collect(keys=pictures.keys()[16:])
    merged = halves[0].merge(halves[1]).compute()
    other = audit.objects(redness(), data, **(options | {"seed": 1}))
    for name in ("hirescam", "grad-cam"):
        pd.testing.assert_frame_equal(merged.objects[name], whole.objects[name])
        pd.testing.assert_frame_equal(merged.groups[name], whole.groups[name])
    pd.testing.assert_frame_equal(merged.effects.table, whole.effects.table)
    assert not other.objects["hirescam"].low.equals(whole.objects["hirescam"].low)
    joined = audit.objects(redness(), data, **options, sample=3, join=[tmp_path / "0", tmp_path / "1"])
    assert len(joined.images) == 24


def test_a_result_is_saved_read_again_and_drawn(folder, tmp_path):
    data, table, labels = folder
    made = audit.objects(redness(), data, objects=str(table), labels=labels, methods=("hirescam", "eigencam"), effects=6)
    read = ObjectAudit.load(made.save(tmp_path))
    pd.testing.assert_frame_equal(read.to_frame(), made.to_frame())
    assert read.findings() == made.findings() and read.provenance == made.provenance and read.notes == made.notes
    np.testing.assert_array_equal(read.statistic, made.first.lift)
    np.testing.assert_array_equal(read.pvalue, made.first.p_value)
    np.testing.assert_array_equal(read.examples[0].relevance, made.examples[0].relevance)
    assert read.examples[0].things == made.examples[0].things
    pd.testing.assert_frame_equal(read.effects.single, made.effects.single)
    facts = read.provenance
    assert len(facts.model["sha256"]) == 64 and len(facts.data["sha256"]) == 64 and facts.data["items"] == 24
    assert all(c.isidentifier() for t in (*made.objects.values(), made.agreement, made.effects.table) for c in t)
    for name in ("lifts", "ranked", "groups", "effects", "foretold"):
        assert read.plot(name).to_dict()
    with pytest.raises(UsageError, match="nothing to draw"):  # two methods agree on too few pairs to tell
        read.plot("agreement")
    with pytest.raises(UsageError, match="did you mean lifts"):
        read.plot("lift")
    page = read.report(tmp_path / "page").read_text()
    assert "p others (BH)" in page and "p_others_bh" not in page and "Yule&#39;s Q" in page


def test_findings_are_told_only_above_chance(folder):
    """An object that holds significantly less than its share is no finding, however small its p-value."""
    data, table, labels = folder
    made = audit.objects(redness(), data, objects=str(table), labels=labels, methods=("hirescam",), effects=0)
    less = made.first.assign(lift=0.4, low=0.3, high=0.5, p_bh=0.001, p_others=0.001, p_others_bh=0.001, over_others=0.1)
    groups = less.assign(object="human")
    told = replace(made, objects={"hirescam": less}, groups={"hirescam": groups}).findings()
    assert any("no object is shown to hold more" in f for f in told) and not any("holds 0.40" in f for f in told)
    assert f"above chance for 0 of {len(groups)}" in told[0]


def test_what_decides_is_found(folder, tmp_path, rng):
    data, table, labels = folder
    found = audited(Pictures(data, objects=str(table), labels=labels), tmp_path / "run", methods=("hirescam",))
    found.collect()
    of = combine(found.table("hirescam"), found.images, rng, draws=999).set_index(["emotion", "object"])
    assert of.lift[("fear", "red")] > 5 and of.p_bh[("fear", "red")] <= 0.05
    assert of.lift[("fear", "green")] < 1 and of.yule_q[("joy", "blue")] > 0.9
    groups = found.table("hirescam", "group")
    assert {"other things", "in no box"} <= set(groups.object)
    assert groups.groupby("image").relevance.sum().between(0.9, 1.05).all()


def test_regions_of_faces_are_objects(tmp_path, shared):
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    pictures = Pictures(f"fer2013={shared / 'face' / 'fer2013.parquet'}", "val", "regions")
    few = pictures.keys()[:24]
    entry = pictures._entries[3]
    pictures._entries[3] = replace(entry, data=np.zeros((48, 48), np.uint8))  # nobody is in it
    found = audited(pictures, tmp_path, "face", methods=("hirescam",))
    found.collect(keys=few)
    assert len(found.parts.items) == 24 and found.parts.missed[entry.key] == "no face found"
    rows = found.table("hirescam")
    assert rows.groupby("image").relevance.sum().between(0.97, 1.03).all()
    human = found.table("hirescam", "group")
    assert set(human.object) == {"face", "human", "in no box"}


def test_detected_objects_and_faces(tmp_path, shared):
    for name in ("efficientdet-lite0", "yunet"):
        asset_path(name)
    pictures = Pictures(shared / "scene" / "cc0")
    view = next(v for k in pictures.keys()[:30] if (v := pictures[k]).things)
    assert view.masks and set(view.masks) == set(view.scores) and all(0.4 <= s <= 1 for s in view.scores.values())


def test_the_command_writes_page_json_and_tables(folder, tmp_path, monkeypatch):
    data, table, labels = folder
    (data / "bad.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    words = ["audit", "objects", "--model", "tests.audits.objects.nets:redness", "--corpus", str(data), "--objects", str(table),
             "--labels", str(labels), "--effects", "8", "--truth", str(table), "--out", str(out),
             "--methods", "hirescam,grad-cam"]  # fmt: skip
    made = CliRunner().invoke(app, words, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    held = json.loads((out / "audit.json").read_text())
    assert any("Fear: red holds" in f for f in held["findings"]) and any("removing" in f.lower() for f in held["findings"])
    assert list(held["missed"]) == ["bad.jpg"]
    result = ObjectAudit.load(out)
    assert dict(zip(result.recall.object, result.recall.recall, strict=True)) == {"red": 1, "blue": 1, "green": 1}
    best = result.effects.foretold.sort_values("spearman").iloc[-1]
    assert best.method != "area alone" and best.low > 0
    page = (out / "audit.html").read_text()
    for text in ("Emotion and object: hirescam", "What changes do", "bad.jpg", "Examples", "Recall by object"):
        assert text in page
    for name in ("objects.hirescam.csv", "effects.table.csv", "figures/examples-fear.jpg", "missed.csv"):
        assert (out / name).exists()


def test_three_pictures_and_one_emotion_without_objects(folder, tmp_path, monkeypatch):
    data, _, _ = folder
    for file in sorted(data.glob("*.png"))[3:]:
        file.unlink()
    (tmp_path / "none.json").write_text('{"images": [], "annotations": [], "categories": []}')
    out = tmp_path / "out"
    words = ["audit", "objects", "--model", "tests.audits.objects.nets:redness", "--corpus", str(data), "--objects",
             str(tmp_path / "none.json"), "--out", str(out), "--effects", "2"]  # fmt: skip
    made = CliRunner().invoke(app, words, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    page = (out / "audit.html").read_text()
    assert "3 pictures were looked at, 3 of them without any object" in page and "3 of 3 pictures are not in" in page


def test_what_cannot_be_done_is_named(folder, tmp_path):
    data, table, _ = folder
    options = {"objects": str(table), "methods": ("hirescam",)}
    for wrong, says in (
        ({"methods": ("hirescan",)}, "--methods hirescan: .* did you mean hirescam"), ({"target": "no"}, "label, answer"),
        ({"preset": "emocan"}, "did you mean emocam"), ({"overlaps": "both"}, "share, smallest"), ({"effects": -1}, "--effects -1"),
        ({"truth": tmp_path / "no.json"}, "is not there"), ({"objects": "no.json"}, "no such file"), ({"metods": ()}, "did you mean methods"),
        ({"layer": "conv9"}, "conv9"), ({"join": [tmp_path]}, "no run of this audit"),
    ):  # fmt: skip
        with pytest.raises((UsageError, ModelError), match=says):
            audit.objects("tests.audits.objects.nets:redness", data, **(options | wrong))
    with pytest.raises(UsageError, match="give --model"):
        audit.objects(None, data)
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
    view = pictures[pictures.keys()[0]]
    assert [t.name for t in view.things] == ["corner"] and view.things[0].box == (0, 0, 10, 10)


def test_labels_that_the_model_does_not_know_are_named(folder, tmp_path):
    data, table, labels = folder
    labels.write_text(labels.read_text().replace(",fear", ",terror"))
    pictures = Pictures(data, objects=str(table), labels=labels)
    assert "terror (12)" in pictures.unknown_labels(("fear", "joy"))[0] and pictures.unknown_labels(("terror", "joy")) == ()
    found = audited(pictures, tmp_path / "run", methods=("hirescam",))
    found.collect()
    assert set(found.images.emotion) == {"fear", "joy"} and set(found.images.label) == {"terror", "joy"}


def test_a_black_box_is_mapped_from_outside(folder, tmp_path, rng):
    data, table, labels = folder
    pictures = Pictures(data, objects=str(table), labels=labels)
    model = "tests.audits.objects.nets:by_redness"
    with pytest.raises(UsageError, match="rise"):
        audited(pictures, tmp_path / "x", model, methods=("hirescam",))
    found = audited(pictures, tmp_path / "run", model)
    found.collect(keys=pictures.keys()[:10])
    rows = found.table("rise").groupby("object")
    lift = rows.relevance.sum() / rows.area.sum()
    assert lift["red"] > 2 and lift["blue"] > 2 > lift["green"]


def corner(picture):
    return [("corner", 0.9, (-5, -5, 10, 10)), ("nothing", 0.9, (5, 5, 5, 9)), ("unsure", 0.1, (0, 0, 9, 9))]
