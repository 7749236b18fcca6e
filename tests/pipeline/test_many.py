"""Many recordings: worker processes, shards, several runs at once and kills give every recording once, and the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.errors import OutputError, UsageError
from affectlens.core.options import Options
from affectlens.dispatch import processes
from affectlens.ledger import DONE, FAILED, Ledger, ledger_of
from affectlens.ledger.records import KILLED
from affectlens.pipeline import Engine, carrying, explain, recognize
from affectlens.pipeline.jobs import ledger_root, parts_of
from affectlens.pipeline.merging import merge

FACES = {"modalities": ("face",), "threads": 1, "device": "cpu"}


@pytest.fixture
def pictures(tmp_path, frame):
    """Five pictures in two folders, and one that cannot be read."""
    paths = [tmp_path / "in" / name for name in ("a.png", "b.png", "more/a.png", "more/c.png", "more/d.png")]
    (tmp_path / "in" / "more").mkdir(parents=True)
    for number, path in enumerate(paths):
        Image.fromarray(np.roll(frame, 5 * number, axis=1)[:180, :240]).save(path)
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    return tmp_path / "in"


@pytest.fixture
def forked(monkeypatch):
    """Workers that begin with what is loaded here, which costs a test no seconds."""
    monkeypatch.setattr(processes, "START", "fork")


def in_a_process(call):
    """The number of a process that does a call and ends with 0 where nothing failed."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        code = call() or 0
    finally:
        os._exit(code)


def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_at(monkeypatch, folder, **names):
    """Let the process end at pictures of these names, so many times each."""
    run = Engine.run

    def killed(self, path, **more):
        if path.stem in names:
            with (folder / path.stem).open("a") as tries:
                tries.write("x")
            if len((folder / path.stem).read_text()) <= names[path.stem]:
                os.kill(os.getpid(), signal.SIGKILL)
        return run(self, path, **more)

    monkeypatch.setattr(Engine, "run", killed)


def nothing_left(root):
    return not list((root / "claims").glob("*")) and not list((root / "scratch").glob("*"))


def test_workers_give_the_same_bytes(pictures, face_engine, tmp_path, forked):
    one = recognize(pictures, out=tmp_path / "one.parquet", engine=face_engine)
    two = recognize(pictures, out=tmp_path / "two.parquet", workers=2, journal=tmp_path / "log.jsonl", engine=face_engine)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert two.failures == one.failures and two.rows == one.rows and list(two.failures) == [str(pictures / "broken.png")]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begin", *["new"] * 6, "end"] and lines[-1]["failed"] == 1


def test_shards_that_are_merged_give_the_same_bytes_whatever_their_number(pictures, face_engine, tmp_path):
    whole = explain(pictures, tmp_path / "whole", engine=face_engine, format="csv")
    out = tmp_path / "out"
    for shard in ("2/3", "1/3"):
        share = explain(pictures, out, engine=face_engine, shard=shard)
        assert not (out / "table.parquet").exists() and share.resumed == []
    unfinished = merge(out)
    assert "run its shard again" in " ".join(unfinished.failures.values())
    for shard in ("1/2", "2/2"):  # another number of shards goes on from what the first ones did
        explain(pictures, out, engine=face_engine, shard=shard)
    merged = merge(out, format="csv")
    assert merged.failures == whole.failures and merged.rows == whole.rows
    for name in ("table.parquet", "table.csv", "failures.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert {path.name for path in out.iterdir()} == {path.name for path in (tmp_path / "whole").iterdir()}
    pd.testing.assert_frame_equal(merged.evidence, whole.evidence)
    assert nothing_left(ledger_root(out))
    counts = ledger_of(out).counts()
    assert (counts.done, counts.failed, counts.open) == (5, 1, 0)


def test_a_worker_that_is_killed_is_replaced_and_what_always_kills_is_listed(
    pictures, face_engine, tmp_path, forked, monkeypatch
):
    kill_at(monkeypatch, tmp_path, b=2, c=9)
    out = tmp_path / "t.parquet"
    run = recognize(pictures, out=out, workers=2, resume=True, engine=face_engine)
    assert set(run.failures) == {str(pictures / "broken.png"), str(pictures / "more" / "c.png")}
    assert "ended 3 times (killed by SIGKILL" in run.failures[str(pictures / "more" / "c.png")]
    assert (tmp_path / "b").read_text() == (tmp_path / "c").read_text() == "xxx"
    assert list(dict.fromkeys(pd.read_parquet(out).file)) == [
        str(pictures / name) for name in ("a.png", "b.png", "more/a.png", "more/d.png")
    ]
    item = ledger_of(out).records.item(str(pictures / "more" / "c.png"))
    assert (item.state, item.what, item.tries) == (FAILED, KILLED, 3)


def test_a_run_that_is_killed_goes_on_and_counts_what_ended_it(pictures, face_engine, tmp_path, monkeypatch):
    """Without workers, as a task of a job array: it ends at the same picture again and again, and at last passes it by."""
    out = tmp_path / "t.parquet"
    with monkeypatch.context() as patch:
        kill_at(patch, tmp_path, b=9)
        for _ in range(3):
            process = in_a_process(lambda: recognize(pictures, out=out, engine=face_engine, resume=True).exit_code)
            assert ended(process) == -signal.SIGKILL
    run = recognize(pictures, out=out, engine=face_engine, resume=True)
    assert "ended 3 times without a word" in run.failures[str(pictures / "b.png")] and len(run.results) == 4
    again = recognize(pictures, out=out, engine=face_engine, resume=True)
    assert again.failures == run.failures and len(again.resumed) == 4
    assert str(pictures / "b.png") in ledger_of(out).retry()
    assert len(recognize(pictures, out=out, engine=face_engine, resume=True).results) == 5
    assert nothing_left(parts_of(out))


def test_runs_at_once_on_one_folder_do_every_picture_once(pictures, face_engine, tmp_path, monkeypatch):
    whole = recognize(pictures, out=tmp_path / "whole.csv", engine=face_engine)
    monkeypatch.setattr(carrying, "WAIT", 0.05)
    out = tmp_path / "t.csv"

    def one(number):
        run = recognize(pictures, out=out, engine=face_engine, resume=True, journal=tmp_path / f"{number}.jsonl")
        return 0 if run.rows == whole.rows and run.failures == whole.failures else 3

    running = [in_a_process(lambda number=number: one(number)) for number in range(3)]
    assert [ended(process) for process in running] == [0, 0, 0]
    new = [
        line["file"]
        for number in range(3)
        for line in map(json.loads, (tmp_path / f"{number}.jsonl").read_text().splitlines())
        if line["event"] == "new" and line["state"] == DONE
    ]
    assert len(new) == len(set(new)) == 5
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert nothing_left(parts_of(out))


def test_sigterm_leaves_everything_to_go_on_from(pictures, face_engine, tmp_path):
    out = tmp_path / "t.parquet"
    command = [
        sys.executable, "-m", "affectlens", "recognize", str(pictures), "--out", str(out), "--workers", "2",
        "--modalities", "face", "--threads", "1", "--device", "cpu", "--journal", str(tmp_path / "log.jsonl"),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and '"new"' not in (
        (tmp_path / "log.jsonl").read_text() if (tmp_path / "log.jsonl").exists() else ""
    ):
        time.sleep(0.02)
    process.terminate()
    _, said = process.communicate()
    assert process.returncode in (143, 1) and "Traceback" not in said  # 1 where it was too quick
    assert not list((parts_of(out) / "claims").iterdir())
    assert "run the same command" in said.lower() or process.returncode == 1
    run = recognize(pictures, out=out, engine=face_engine, resume=True)
    assert len(run.results) == 5 and run.resumed


def test_what_cannot_be_shared_is_said_first(pictures, face_engine, tmp_path):
    with pytest.raises(UsageError, match="depends on their order"):
        recognize(pictures, workers=2, out=tmp_path / "t.csv", store=str(tmp_path / "s.db"), **FACES)
    with pytest.raises(UsageError, match="give out"):
        recognize(pictures, shard="1/2", **FACES)
    with pytest.raises(UsageError, match="no run is recorded"):
        merge(tmp_path)
    root = parts_of(tmp_path / "t.csv")
    with Ledger(root).claims.take("a"), pytest.raises(OutputError, match="--resume to join it"):
        recognize(pictures, out=tmp_path / "t.csv", engine=face_engine)


def test_a_shared_folder_that_vanishes_is_named_and_nothing_is_lost(pictures, face_engine, tmp_path):
    out, away = tmp_path / "out", tmp_path / "away"
    whole = explain(pictures, tmp_path / "whole", engine=face_engine)

    def vanish(_):
        if out.exists():
            out.rename(away)

    with pytest.raises(OutputError) as told:
        explain(pictures, out, engine=face_engine, resume=True, on_result=vanish)
    assert str(out) in str(told.value)
    assert not (out / ".affectlens").exists()  # nothing is begun anew below its name
    shutil.rmtree(out, ignore_errors=True)
    away.rename(out)
    again = explain(pictures, out, engine=face_engine, resume=True)
    assert len(again.resumed) == 1 and again.failures == whole.failures
    assert (out / "table.parquet").read_bytes() == (tmp_path / "whole" / "table.parquet").read_bytes()


def test_two_versions_in_one_folder_are_named_and_the_older_results_made_again(
    pictures, face_engine, tmp_path, monkeypatch, caplog
):
    out = tmp_path / "out"
    explain(pictures, out, engine=face_engine, shard="3/3")
    with monkeypatch.context() as patch:
        for module in ("engine", "tasks"):
            patch.setattr(f"affectlens.pipeline.{module}.package_version", lambda: "99.0")
        explain(pictures, out, engine=face_engine, shard="1/3")
        (note,) = merge(out).notes
        assert "several versions" in note and "99.0" in note and "--resume" in note
    caplog.set_level("INFO")
    again = explain(pictures, out, engine=face_engine, resume=True)
    assert len(again.resumed) == 3 and len(again.results) == 5
    assert "was made by affectlens 99.0; it is made again" in caplog.text
    assert merge(out).notes == [] and nothing_left(ledger_root(out))


def test_torn_marks_are_done_again(pictures, face_engine, tmp_path):
    out = tmp_path / "out"
    whole = explain(pictures, out, engine=face_engine, resume=True)
    names = whole.results.names
    (out / names[0] / "provenance.json").write_text('{"job": ')
    (out / names[1] / "provenance.json").unlink()
    for record in (out / ".affectlens" / "items").iterdir():
        record.write_text("{")
    again = explain(pictures, out, engine=face_engine, resume=True)
    assert len(again.resumed) == 3 and again.rows == whole.rows and list(again.failures) == list(whole.failures)


def test_options_of_a_worker_are_those_of_the_run():
    import pickle

    from affectlens.pipeline.tasks import ExplainTask

    task = ExplainTask(Path("o"), Path("r"), None, Options(seed=3), True, object(), print)
    there = pickle.loads(pickle.dumps(task))
    assert there.options == task.options and there.engine is None and there.progress is None
