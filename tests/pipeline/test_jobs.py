"""What makes two jobs the same, the names of report folders, and what a killed process leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from affectlens.core.disk.places import relative, written
from affectlens.core.errors import OutputError
from affectlens.core.options import Options
from affectlens.ledger import Ledger
from affectlens.pipeline import explain
from affectlens.pipeline.jobs import MANIFEST, Job, folder_name, ledger_root

MADE_BY = {"affectlens": "1.0", "method": 1, "weights": {"face: face": "a" * 64}}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"one")
    return tmp_path / "in" / "a.png"


def finished(job, text=None):
    """A report of the job, as it is written: the manifest last."""
    ledger = Ledger(ledger_root(job.out))
    with ledger.claims.take(job.name) as claim:
        scratch = job.begin(claim, ledger, False)
        (scratch / MANIFEST).write_text(text or json.dumps({"file": "a", "job": job.facts()}))
        return job.finish(scratch, claim)


def test_a_job_is_the_same_by_content_options_weights_and_versions(file, tmp_path):
    out = tmp_path / "out"
    finished(Job(file, out, Options(), MADE_BY))
    assert Job(file, out, Options(), MADE_BY).is_done()
    assert Job(file, out, Options(threads=7), MADE_BY).is_done()  # no number depends on them
    others = [
        Job(file, out, Options(seed=1), MADE_BY),
        Job(file, out, Options(), {**MADE_BY, "affectlens": "1.1"}),
        Job(file, out, Options(), {**MADE_BY, "method": 2}),
        Job(file, out, Options(), {**MADE_BY, "weights": {"face: face": "b" * 64}}),
    ]
    assert not any(job.is_done() for job in others)
    assert others[1].made_before_by() == "1.0" and others[0].made_before_by() == ""
    stat = file.stat()
    file.write_bytes(b"two")  # of the same size
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not Job(file, out, Options(), MADE_BY).is_done()
    file.write_bytes(b"one")
    os.utime(file, (1, 1))  # another time is no other recording
    assert Job(file, out, Options(), MADE_BY).is_done()


def test_a_corpus_that_was_moved_is_the_same_and_two_files_are_two(file, tmp_path):
    moved = tmp_path / "elsewhere" / "in" / "a.png"
    moved.parent.mkdir(parents=True)
    shutil.copy(file, moved)
    job, there = (Job(path, tmp_path / "out", Options(), MADE_BY) for path in (file, moved))
    assert job.name == there.name and job.key == there.key
    (tmp_path / "office").mkdir()  # the folder's name may tell the place
    in_office = Job(Path(shutil.copy(file, tmp_path / "office" / "a.png")), tmp_path / "out", Options(), MADE_BY)
    assert in_office.name != job.name and in_office.key != job.key
    names = {folder_name(file), in_office.name}
    file.write_bytes(b"two")
    names |= {folder_name(file), folder_name(file.with_suffix(".jpg")), folder_name(moved.with_suffix(".jpg"))}
    assert len(names) == 5 and all(name.startswith("a-") and len(name) == len("a-") + 12 for name in names)


@pytest.mark.parametrize(
    "name", [b"x" * 240 + b".png", "\u00fc".encode() * 120 + b".png", b"caf\xe9.png", b".png", b"a b'\n.png"]
)
def test_names_that_are_long_or_no_text(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"one")
    job = Job(path, tmp_path / "out", Options(), MADE_BY)
    folder = finished(job)
    assert folder.is_dir() and folder.name.encode() and job.is_done()
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name != ".affectlens"] == [folder.name]


def test_text_of_paths():
    assert written("a/\u00fc.mp4") == "a/\u00fc.mp4" and written(os.fsdecode(b"a/\xe9.mp4")) == r"a/\udce9.mp4"
    assert relative(Path.cwd() / "a" / "b.mp4") == relative("a/b.mp4") == "a/b.mp4" and relative("/b.mp4") == "/b.mp4"


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_report_is_never_lost_while_a_new_one_takes_its_place(file, tmp_path, moment):
    """A process is killed around the two renames that exchange the folders."""
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom affectlens.core.options import Options\n"
        "from affectlens.ledger import Ledger\nfrom affectlens.pipeline.jobs import Job, ledger_root\n"
        "steps = {'before': 0, 'between': 1, 'after': 2}[sys.argv[3]]\n"
        "replace, taken = Path.replace, []\n"
        "def counted(self, target):\n"
        "    if len(taken) == steps: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    taken.append(1)\n    done = replace(self, target)\n"
        "    if steps == 2 and len(taken) == 2: os.kill(os.getpid(), signal.SIGKILL)\n    return done\n"
        "job = Job(Path(sys.argv[1]), Path(sys.argv[2]), Options())\nledger = Ledger(ledger_root(job.out))\n"
        "claim = ledger.claims.take(job.name)\nscratch = job.begin(claim, ledger, False)\n"
        "(scratch / 'provenance.json').write_text('new')\nPath.replace = counted\njob.finish(scratch, claim)"
    )
    job = Job(file, tmp_path / "out", Options())
    finished(job, "old")
    done = subprocess.run([sys.executable, "-c", program, str(file), str(tmp_path / "out"), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    job.recover()
    assert (job.target / MANIFEST).read_text() == ("new" if moment == "after" else "old")
    assert not job.replaced.exists()
    claim = Ledger(ledger_root(job.out)).claims.take(job.name)
    assert claim.number == 1 and claim.is_ours  # what the killed process held is taken over at once
    claim.release()


def test_what_a_broken_off_run_heard_is_used_by_the_same_job_alone(file, tmp_path):
    ledger = Ledger(ledger_root(tmp_path / "out"))
    job = Job(file, tmp_path / "out", Options())

    def begun(job, resume):
        with ledger.claims.take(job.name) as claim:
            return job.begin(claim, ledger, resume)

    (begun(job, False) / "heard-words.json").write_text("{}")
    assert (begun(job, True) / "heard-words.json").exists()
    other = Job(file, tmp_path / "out", Options(seed=1))
    assert other.name == job.name and not (begun(other, True) / "heard-words.json").exists()
    (begun(job, False) / "heard-words.json").write_text("{}")
    assert not (begun(job, False) / "heard-words.json").exists()
    assert len(list(ledger.scratch.iterdir())) == 1


def test_a_job_that_was_taken_over_does_not_finish(file, tmp_path):
    job, ledger = Job(file, tmp_path / "out", Options(), MADE_BY), Ledger(ledger_root(tmp_path / "out"))
    claim = ledger.claims.take(job.name)
    scratch = job.begin(claim, ledger, False)
    (claim.file.with_name(f"{job.name}.1")).write_text('{"token": "of another process"}')
    with pytest.raises(OutputError, match="another process took it over"):
        job.finish(scratch, claim)
    assert not job.target.exists()


def test_two_processes_do_not_work_on_one_recording(face_engine, frame, tmp_path):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    out = tmp_path / "out"
    job, ledger = Job(picture, out, face_engine.options), Ledger(ledger_root(out))
    with ledger.claims.take(job.name) as claim:
        scratch = job.begin(claim, ledger, False)
        run = explain(picture, out, engine=face_engine)
        assert "another process" in run.failures[str(picture)] and scratch.exists()  # what it works on is left to it
    assert explain(picture, out, engine=face_engine).failures == {}


def test_a_picture_that_was_exchanged_is_explained_again(face_engine, frame, tmp_path, caplog):
    picture, out = tmp_path / os.fsdecode(b"caf\xe9.png"), tmp_path / "out"
    Image.fromarray(frame).save(picture)
    first = explain(picture, out, engine=face_engine, resume=True)
    assert first.failures == {} and first.resumed == []
    caplog.set_level("INFO")
    assert explain(picture, out, engine=face_engine, resume=True).resumed == [str(picture)]
    assert f"1 of 1 recordings were done before in {out}" in caplog.text
    Image.fromarray(frame[:, ::-1]).save(picture)
    second = explain(picture, out, engine=face_engine, resume=True)
    assert second.resumed == [] and second.failures == {}
    assert not list(ledger_root(out).glob("scratch/*")) and not list(ledger_root(out).glob("claims/*"))
    fresh = explain(picture, tmp_path / "fresh", engine=face_engine)
    pd.testing.assert_frame_equal(second.table, fresh.table)
    facts = json.loads((second.results[0].report.parent / MANIFEST).read_text())
    assert facts["sha256"] == facts["job"]["sha256"] == Job(picture, out, Options()).content
    assert facts["job"]["weights"]["yunet/face_detection_yunet_2023mar.onnx"] == facts["third_party"][0]["sha256"]
    assert r"\udce9" in facts["file"] and len(list(out.glob("caf*"))) == 2  # the first report is still there


def test_a_moved_recording_keeps_its_report_under_its_new_name(face_engine, frame, tmp_path):
    picture = tmp_path / "here" / "in" / "a.png"
    picture.parent.mkdir(parents=True)
    Image.fromarray(frame).save(picture)
    first = explain(picture, tmp_path / "out", engine=face_engine)
    (tmp_path / "there").mkdir()
    moved = shutil.move(picture.parent, tmp_path / "there") / Path("a.png")
    again = explain([moved, shutil.copytree(Path(moved).parent, tmp_path / "copy" / "in") / "a.png"], tmp_path / "out",
                    engine=face_engine, resume=True)  # fmt: skip
    assert again.resumed == [str(moved), str(tmp_path / "copy" / "in" / "a.png")] and len(first.table)
    assert list(dict.fromkeys(again.table.file)) == list(dict.fromkeys(again.evidence.file)) == again.resumed
    assert any("one result serves both" in note for note in again.notes)
    pd.testing.assert_frame_equal(again.results[0].table.drop(columns="file"), first.table.drop(columns="file"))


def test_an_earlier_layout_is_named_and_stays(face_engine, frame, tmp_path):
    picture, out = tmp_path / "a.png", tmp_path / "out"
    Image.fromarray(frame).save(picture)
    old = out / "a-0123456789ab"
    old.mkdir(parents=True)
    (old / MANIFEST).write_text(json.dumps({"file": "a.png", "job": {"sha256": "0"}}))
    run = explain(picture, out, engine=face_engine, resume=True)
    assert run.resumed == [] and any("earlier affectlens" in note and old.name in note for note in run.notes)
    assert old.exists() and len(run.results) == 1
