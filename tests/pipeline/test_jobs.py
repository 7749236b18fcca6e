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
from affectlens.core.options import Options
from affectlens.pipeline import explain
from affectlens.pipeline.jobs import MANIFEST, Job, folder_name

MADE_BY = {"affectlens": "1.0", "method": 1, "weights": {"face: face": "a" * 64}}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"one")
    return tmp_path / "in" / "a.png"


def finished(job):
    """A report of the job, as it is written: the manifest last."""
    job.claim(False)
    (job.scratch / MANIFEST).write_text(json.dumps({"job": job.key()}))
    return job.finish()


def test_a_job_is_the_same_by_content_options_weights_and_versions(file, tmp_path):
    out = tmp_path / "out"
    finished(Job(file, out, Options(), MADE_BY))
    assert Job(file, out, Options(), MADE_BY).is_done()
    others = [
        Job(file, out, Options(seed=1), MADE_BY),
        Job(file, out, Options(), {**MADE_BY, "affectlens": "1.1"}),
        Job(file, out, Options(), {**MADE_BY, "method": 2}),
        Job(file, out, Options(), {**MADE_BY, "weights": {"face: face": "b" * 64}}),
    ]
    assert not any(job.is_done() for job in others)
    stat = file.stat()
    file.write_bytes(b"two")  # of the same size
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert not Job(file, out, Options(), MADE_BY).is_done()
    file.write_bytes(b"one")
    os.utime(file, (1, 1))  # another time is no other recording
    assert Job(file, out, Options(), MADE_BY).is_done()


def test_no_report_takes_the_place_of_another(file, tmp_path):
    (tmp_path / "other").mkdir()
    same_name = shutil.copy(file, tmp_path / "other" / "a.png")
    names = {folder_name(file), folder_name(Path(same_name))}
    file.write_bytes(b"two")
    names |= {folder_name(file), folder_name(file.with_suffix(".jpg"))}
    assert len(names) == 4 and all(name.startswith("a-") and len(name) == len("a-") + 12 for name in names)


@pytest.mark.parametrize("name", [b"x" * 240 + b".png", "ü".encode() * 120 + b".png", b"caf\xe9.png", b".png", b"a b'\n.png"])
def test_names_that_are_long_or_no_text(tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"one")
    job = Job(path, tmp_path / "out", Options(), MADE_BY)
    with job.alone():
        folder = finished(job)
    assert folder.is_dir() and folder.name.encode() and job.is_done()
    assert [path.name for path in (tmp_path / "out").iterdir()] == [folder.name]


def test_text_of_paths():
    assert written("a/ü.mp4") == "a/ü.mp4" and written(os.fsdecode(b"a/\xe9.mp4")) == r"a/\udce9.mp4"
    assert relative(Path.cwd() / "a" / "b.mp4") == relative("a/b.mp4") == "a/b.mp4" and relative("/b.mp4") == "/b.mp4"


@pytest.mark.parametrize("moment", ["before", "between", "after"])
def test_a_report_is_never_lost_while_a_new_one_takes_its_place(file, tmp_path, moment):
    """A process is killed around the two renames that exchange the folders."""
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom affectlens.core.options import Options\n"
        "from affectlens.pipeline.jobs import Job\nsteps = {'before': 0, 'between': 1, 'after': 2}[sys.argv[3]]\n"
        "replace, taken = Path.replace, []\n"
        "def counted(self, target):\n"
        "    if len(taken) == steps: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    taken.append(1)\n    done = replace(self, target)\n"
        "    if steps == 2 and len(taken) == 2: os.kill(os.getpid(), signal.SIGKILL)\n    return done\n"
        "job = Job(Path(sys.argv[1]), Path(sys.argv[2]), Options())\njob.claim(False)\n"
        "(job.scratch / 'provenance.json').write_text('new')\nPath.replace = counted\njob.finish()"
    )
    job = Job(file, tmp_path / "out", Options())
    job.claim(False)
    (job.scratch / MANIFEST).write_text("old")
    job.finish()
    done = subprocess.run([sys.executable, "-c", program, str(file), str(tmp_path / "out"), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    job.recover()
    assert (job.target / MANIFEST).read_text() == ("new" if moment == "after" else "old")
    assert not job.replaced.exists()


def broken_off(path, out):
    """What a run that was killed after it had listened leaves; the job."""
    job = Job(path, out, Options())
    (job.claim(False) / "heard-words.json").write_text("{}")
    return job


def test_what_a_broken_off_run_left_goes_once_the_recording_changed(file, tmp_path):
    out, twin = tmp_path / "out", file.with_name("b.png")
    twin.write_bytes(b"one")
    before, other = broken_off(file, out), broken_off(twin, out)
    unreadable = out / ".a-000000000000.partial"
    unreadable.mkdir()
    Job(file, out, Options()).clean()
    assert before.scratch.exists()  # the same content: the next run uses it
    file.write_bytes(b"two")
    with before.alone():
        Job(file, out, Options()).clean()
        assert before.scratch.exists()  # another process is at work in it
    after = broken_off(file, out)
    after.clean()
    assert not before.scratch.exists() and after.scratch.exists() and other.scratch.exists() and unreadable.exists()
    file.unlink()
    Job(file, out, Options()).clean()
    assert after.scratch.exists()  # a recording that is not there now may come back
    assert not list(out.glob(".*.lock"))


def test_two_processes_do_not_work_on_one_recording(face_engine, frame, tmp_path):
    picture = tmp_path / "a.png"
    Image.fromarray(frame).save(picture)
    out = tmp_path / "out"
    with Job(picture, out, face_engine.options).alone():
        held = Job(picture, out, face_engine.options)
        held.claim(False)
        run = explain(picture, out, engine=face_engine)
        assert "another process" in run.failures[str(picture)] and held.scratch.exists()  # what it works on is left to it
    assert explain(picture, out, engine=face_engine).failures == {}


def test_a_picture_that_was_exchanged_is_explained_again(face_engine, frame, tmp_path, caplog):
    picture, out = tmp_path / os.fsdecode(b"caf\xe9.png"), tmp_path / "out"
    Image.fromarray(frame).save(picture)
    first = explain(picture, out, engine=face_engine, resume=True)
    assert first.failures == {} and first.resumed == []
    caplog.set_level("INFO")
    assert explain(picture, out, engine=face_engine, resume=True).resumed == [str(picture)]
    assert f"1 of 1 recordings were done before in {out}" in caplog.text
    broken_off(picture, out)
    Image.fromarray(frame[:, ::-1]).save(picture)
    second = explain(picture, out, engine=face_engine, resume=True)
    assert second.resumed == [] and second.failures == {} and not list(out.glob(".*"))
    fresh = explain(picture, tmp_path / "fresh", engine=face_engine)
    pd.testing.assert_frame_equal(second.table, fresh.table)
    facts = json.loads((second.results[0].report.parent / MANIFEST).read_text())
    assert facts["sha256"] == facts["job"]["sha256"] == Job(picture, out, Options()).content
    assert facts["job"]["weights"]["yunet/face_detection_yunet_2023mar.onnx"] == facts["third_party"][0]["sha256"]
    assert r"\udce9" in facts["file"] and len(list(out.glob("caf*"))) == 2  # the first report is still there
