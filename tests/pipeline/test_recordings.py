"""The main job end to end on real and on bad input; CLI and Python give the same numbers."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.errors import OutputError, UsageError
from affectlens.core.options import Options
from affectlens.core.schema import STATUS
from affectlens.modalities.base import Modality, build, modality_names
from affectlens.pipeline import MANIFEST, Engine, Result, explain, folder_name, recognize
from affectlens.pipeline import engine as engine_module
from affectlens.pipeline.jobs import ledger_root
from tests.conftest import asset_path, plain_frames, write_video
from tests.modalities.test_scene import background_weights

FILES = {
    "report.html", "table.parquet", "table.csv", "evidence.parquet", "overlay.mp4", MANIFEST, "figures", "frames.parquet",
    "maps.parquet", "transcript.json", "narrative.json",
}  # fmt: skip


@pytest.fixture(scope="module")
def done(engine, clip, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return explain(clip, out, engine=engine), out


def test_the_sample_clip_end_to_end(done, clip):
    run, out = done
    assert run.failures == {} and run.exit_code == 0
    (result,) = run.results
    folder = out / folder_name(clip)
    assert {path.name for path in folder.iterdir()} == FILES
    assert not list(out.glob(".*.partial"))
    table = result.table
    fused = table[table.modality == "fused"]
    assert set(fused.person) == {0, 1} and len(fused) == 18 and set(table.status) <= set(STATUS)
    said = table[table.modality == "words"]
    assert len(said) >= 1 and "negotiations" in " ".join(said.text)
    speaker = table[(table.modality == "face")].groupby("person").first()
    assert set(said.person) == {0} and len(speaker) == 2  # the man at the lectern, who is seen first
    probability = table[[column for column in table if column.startswith("p_")]][table.status == "ok"]
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "table.parquet"), table, check_dtype=False)
    assert json.loads((folder / MANIFEST).read_text())["models"][0]["sha256"]


def test_every_prediction_has_evidence_and_every_evidence_a_row(done):
    (result,) = done[0].results
    evidence, table = result.evidence, result.table
    assert evidence.id.is_unique
    keys = set(zip(table.start, table.person, table.modality, strict=True))
    inside = evidence[evidence.level == "instance"]
    assert set(zip(inside.start, inside.person, inside.modality, strict=True)) <= keys
    for row in table[(table.status == "ok") & (table.modality != "fused")].itertuples():
        mine = inside[(inside.start == row.start) & (inside.person == row.person) & (inside.modality == row.modality)]
        assert len(mine) >= 2
    tests = evidence[evidence.kind == "faithfulness"]
    assert len(tests) >= 4 and ((tests.p_value >= 0.05) & (tests.p_value <= 1)).all() and (tests.test != "").all()


def test_explaining_does_not_change_the_numbers_and_the_same_seed_gives_the_same_evidence(engine, short_clip, tmp_path):
    first, again = (explain(short_clip, tmp_path / name, engine=engine) for name in ("first", "again"))
    plain = recognize(short_clip, engine=engine).table
    assert set(first.table.modality) >= {"face", "voice", "words", "fused"} and len(first.evidence) > 20
    pd.testing.assert_frame_equal(plain, first.table)
    pd.testing.assert_frame_equal(again.evidence, first.evidence)


def test_resume_keeps_what_is_done_and_uses_the_transcript(done, engine, clip, monkeypatch):
    _, out = done
    listened = []
    original = engine.modalities[1].listen
    monkeypatch.setattr(engine.modalities[1], "listen", lambda *a: (listened.append(1), original(*a)))
    stamp = (out / folder_name(clip) / MANIFEST).stat().st_mtime_ns
    run = explain(clip, out, engine=engine, resume=True)
    assert run.resumed == [str(clip)] and not listened
    assert (out / folder_name(clip) / MANIFEST).stat().st_mtime_ns == stamp
    pd.testing.assert_frame_equal(run.table, done[0].table, check_dtype=False)


def test_a_folder_of_an_older_or_newer_form_is_refused_with_what_to_do(face_engine, frame, tmp_path):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    out = tmp_path / "out"
    folder = explain(picture, out, engine=face_engine).results[0].report.parent
    facts = json.loads((folder / MANIFEST).read_text())
    for version, says in ((None, "older affectlens"), (99, "newer affectlens")):
        (folder / MANIFEST).write_text(json.dumps({**facts, "schema_version": version}))
        run = explain(picture, out, engine=face_engine, resume=True)
        assert not run.results and run.exit_code == 1
        assert says in run.failures[str(picture)] and "without --resume" in run.failures[str(picture)]
    (folder / MANIFEST).write_text(json.dumps(facts))
    pd.read_parquet(folder / "evidence.parquet").to_parquet(folder / "evidence.parquet")  # as another tool would leave it
    run = explain(picture, out, engine=face_engine, resume=True)
    assert "evidence.parquet" in run.failures[str(picture)]
    again = explain(picture, out, engine=face_engine)
    assert again.failures == {} and explain(picture, out, engine=face_engine, resume=True).resumed == [str(picture)]


def test_ctrl_c_half_way_and_on_again(engine, short_clip, tmp_path, monkeypatch):
    face, words, *_ = engine.modalities
    original = face.window
    calls = []

    def stop(*args):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(*args)

    monkeypatch.setattr(face, "window", stop)
    other = tmp_path / "in" / "second clip ü.mp4"
    other.parent.mkdir()
    shutil.copy(short_clip, other)
    with pytest.raises(KeyboardInterrupt):
        explain([other], tmp_path / "out", engine=engine)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".affectlens"]
    assert [path.name for path in ledger_root(tmp_path / "out").glob("scratch/*")] == [f"{folder_name(other)}.0"]
    assert not list(ledger_root(tmp_path / "out").glob("claims/*"))
    monkeypatch.setattr(face, "window", original)
    monkeypatch.setattr(words, "listen", lambda *_: pytest.fail("the transcript was there"))
    run = explain([other], tmp_path / "out", engine=engine, resume=True)
    assert run.failures == {} and len(run.results) == 1
    assert {path.name for path in (tmp_path / "out" / folder_name(other)).iterdir()} == FILES


def test_bad_files_fail_alone(face_engine, tmp_path, frame):
    bad = tmp_path / "in"
    bad.mkdir()
    (bad / "empty.mp4").write_bytes(b"")
    (bad / "text.mp4").write_text("not a film")
    (bad / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    Image.new("RGB", (1, 1)).save(bad / "one.png")
    Image.fromarray(frame).save(bad / "good.png")
    run = explain([bad, bad / "absent.mov"], tmp_path / "out", engine=face_engine)
    assert len(run.results) == 1 and run.exit_code == 1
    assert {path.split("/")[-1] for path in run.failures} == {"empty.mp4", "text.mp4", "broken.png", "one.png", "absent.mov"}
    assert all(len(reason) > 20 for reason in run.failures.values())
    listed = pd.read_csv(tmp_path / "out" / "failures.csv")
    assert len(listed) == 5
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        [folder_name(bad / "good.png"), "failures.csv", "failures.log", "chain.jsonl", ".affectlens"]
    )


def test_nothing_to_see_or_hear_gives_rows_not_errors(engine, tmp_path):
    quiet = write_video(tmp_path / "quiet.mp4", plain_frames(25, (120, 160)), audio=np.zeros(40000))
    sound = write_video(tmp_path / "tone.wav", [], audio=0.2 * np.sin(np.arange(32000) * 0.2))
    mute = write_video(tmp_path / "mute.mp4", plain_frames(12, (121, 161)))
    run = recognize([quiet, sound, mute], engine=engine)
    assert run.failures == {}
    assert set(run.table.status) == {"missing"} and (run.table.reason != "").all()
    reasons = " ".join(run.table.reason)
    for said in ("no face in view", "no speech in the audio", "no audio track", "no picture"):
        assert said in reasons
    fused = run.table[run.table.modality == "fused"]
    assert len(fused) >= 3 and fused.label.eq("").all()
    explained = explain([quiet, sound, mute], tmp_path / "out", engine=engine)
    assert explained.failures == {}
    for result in explained.results:
        assert "Nothing could be read" in result.report.read_text()
    pd.testing.assert_frame_equal(explained.table, run.table)


def test_a_picture_is_explained(face_engine, tmp_path, frame):
    picture = tmp_path / "two people.png"
    Image.fromarray(frame).save(picture)
    (result,) = explain(picture, tmp_path / "out", engine=face_engine).results
    text = result.report.read_text()
    assert "Person 0" in text and "Person 1" in text and "overlay.mp4" not in text
    assert len(result.evidence) >= 8


def test_a_foreign_language_is_abstained_from(clip, tmp_path):
    german = Engine(Options(modalities=("words",), language="de", threads=1, device="cpu"))
    table = recognize(clip, engine=german).table
    row = table[table.modality == "words"].iloc[0]
    assert row.status == "abstained" and "this is de" in row.reason and row.text


def test_outputs_that_cannot_be_written(face_engine, tmp_path, frame, monkeypatch):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="--out"):
        explain(picture, tmp_path / "file" / "out", engine=face_engine)
    from affectlens.pipeline import writer

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write_report", full)
    run = explain(picture, tmp_path / "out", engine=face_engine)
    assert "No space left" in run.failures[str(picture)]
    assert run.failures[str(picture)].startswith("cannot write") and "--out" in run.failures[str(picture)]
    assert not list((tmp_path / "out").glob("*a-*"))


def test_a_file_that_the_system_does_not_give_is_not_called_unwritable(face_engine, tmp_path, frame, monkeypatch):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied", str(picture))

    monkeypatch.setattr(engine_module, "read_image", denied)
    for run in (explain(picture, tmp_path / "out", engine=face_engine), recognize(picture, engine=face_engine)):
        assert run.failures == {str(picture): f"cannot read {picture}: Permission denied"}


def test_rows_are_written_once(face_engine, tmp_path, frame, monkeypatch):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    written = []
    monkeypatch.setattr(engine_module, "TableWriter", _counting(engine_module.TableWriter, written))
    explain(picture, tmp_path / "out", engine=face_engine)
    assert written == ["evidence.parquet"]


def _counting(writer, written):
    class Counting(writer):
        def __init__(self, path):
            written.append(path.name)
            super().__init__(path)

    return Counting


def test_a_result_is_saved_and_read_back(done, clip, face_engine, tmp_path, frame):
    (result,) = done[0].results
    back = Result.load(result.report.parent)
    assert back.file == result.file and back.report == result.report and back.problems == result.problems
    pd.testing.assert_frame_equal(back.to_frame(), result.table, check_dtype=False)
    pd.testing.assert_frame_equal(back.evidence, result.evidence)
    copied = Result.load(result.save(tmp_path / "copy"))
    assert copied.report == tmp_path / "copy" / "report.html" and copied.report.exists()
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    (plain,) = recognize(picture, engine=face_engine).results
    again = Result.load(plain.save(tmp_path / "plain"))
    pd.testing.assert_frame_equal(again.table, plain.table, check_dtype=False)
    assert again.report is None and again.evidence.empty and list(again.evidence) == list(result.evidence)
    with pytest.raises(UsageError, match="no finished report"):
        Result.load(tmp_path)


def test_a_report_of_an_older_form_is_refused_with_a_reason(done, tmp_path):
    (result,) = done[0].results
    folder = result.save(tmp_path / "old")
    facts = json.loads((folder / MANIFEST).read_text())
    del facts["schema_version"]
    (folder / MANIFEST).write_text(json.dumps(facts))
    with pytest.raises(OutputError, match="older affectlens"):
        Result.load(folder)


def test_a_report_whose_times_are_no_numbers_is_refused(done, tmp_path):
    (result,) = done[0].results
    folder = result.save(tmp_path / "odd")
    facts = json.loads((folder / MANIFEST).read_text())
    for seconds in ({"total": {"of": 1}}, {"total": [1]}, "long", None):
        (folder / MANIFEST).write_text(json.dumps({**facts, "seconds": seconds}))
        with pytest.raises(UsageError):
            Result.load(folder)


def test_a_result_draws_its_people(done):
    (result,) = done[0].results
    assert len(result.plot().to_dict()["vconcat"]) == 2
    one = result.plot(person=1).to_dict()
    assert set(pd.DataFrame(next(iter(one["datasets"].values()))).start) <= set(result.table[result.table.person == 1].start)
    with pytest.raises(UsageError, match="there are 0, 1"):
        result.plot(person=7)


def test_every_row_in_another_format_too(face_engine, tmp_path, frame):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    run = explain(picture, tmp_path / "out", engine=face_engine, format="csv")
    assert len(pd.read_csv(tmp_path / "out" / "table.csv")) == len(run.table)
    recognize(picture, engine=face_engine, out=tmp_path / "t.json")
    assert [row["label"] for row in json.loads((tmp_path / "t.json").read_text())] == list(run.table.label)
    with pytest.raises(UsageError, match=r"no format has the suffix \.xls"):
        recognize(picture, engine=face_engine, out=tmp_path / "t.xls")
    with pytest.raises(OutputError, match="is not there"):
        recognize(picture, engine=face_engine, out=tmp_path / "none" / "t.csv")


def test_pictures_and_batches_agree(face_engine, tmp_path, frame):
    paths = []
    for i, name in enumerate(("eins.png", "zwei ü.jpg", "drei.bmp")):
        paths.append(tmp_path / name)
        Image.fromarray(np.roll(frame, 3 * i, axis=1)).save(paths[-1], quality=98)
    together = recognize(paths, engine=face_engine).table
    alone = pd.concat([recognize(path, engine=face_engine).table for path in paths], ignore_index=True)
    pd.testing.assert_frame_equal(together, alone)
    assert (together.end == 0).all() and set(together.file) == {str(path) for path in paths}


@pytest.mark.parametrize("name", modality_names())
def test_every_modality_keeps_the_contract(engine, name, tmp_path):
    asset_path("pose-landmarker")
    asset_path("efficientdet-lite0")
    known = {module.name: module for module in engine.modalities}
    weights = str(background_weights(tmp_path / "b.safetensors"))
    modality = known[name] if name in known else build(Options((name,), threads=1, background=weights))[0]
    assert isinstance(modality, Modality) and (modality.needs_audio or type(modality).watch is not Modality.watch)
    for model in modality.models:
        assert model.name and model.meta["licence"]


def test_windows_without_a_frame_are_missing(face_engine, tmp_path):
    path = write_video(tmp_path / "gap.mkv", plain_frames(8), [0.0, 0.1, 0.2, 0.3, 5.0, 5.1, 900.0, 900.1])
    _, findings, _ = face_engine.run(path, explaining=False)
    rows = {
        (finding.row.start, finding.row.end): (finding.row.status, finding.row.reason)
        for finding in findings
        if finding.row.modality == "face"
    }
    seen, unseen = ("missing", "no face in view"), ("missing", "no frame could be read")
    assert rows[0.0, 1.0] == rows[5.0, 6.0] == seen and all(rows[float(n), n + 1.0] == unseen for n in (1, 2, 3, 4))
    assert rows[6.0, 900.0] == unseen and len(rows) == 8  # very many windows are one row


def test_a_track_that_starts_late_starts_late(face_engine, tmp_path):
    path = write_video(
        tmp_path / "late.mp4", plain_frames(6), [2.2 + number / 10 for number in range(6)], audio=np.zeros(48_000)
    )
    _, findings, _ = face_engine.run(path, explaining=False)
    rows = {finding.row.start: finding.row.reason for finding in findings if finding.row.modality == "face"}
    assert rows == {0.0: "no frame could be read", 1.0: "no frame could be read", 2.0: "no face in view"}


def test_an_animation_is_watched_to_its_end(face_engine, tmp_path):
    pictures = [Image.fromarray(image) for image in plain_frames(3)]
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=1000)
    clip, findings, _ = face_engine.run(tmp_path / "a.gif", explaining=False)
    starts = [finding.row.start for finding in findings if finding.row.modality == "face"]
    assert clip.info.kind == "video" and starts == [0.0, 1.0, 2.0]
