"""Many recordings: worker processes, shards, several runs at once and kills give every recording once, and the same bytes."""

import json
import os
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
from affectlens.ledger import DONE, FAILED, Ledger, ledger_of
from affectlens.ledger.records import KILLED
from affectlens.pipeline import explain, recognize
from affectlens.pipeline.jobs import ledger_root, parts_of
from affectlens.pipeline.merging import merge

FACES = {"modalities": ("face",), "threads": 1, "device": "cpu"}
# A process that explains or recognises what it is given; a plug-in that kills it may be named.
PROGRAM = (
    "import json, sys; import affectlens; from affectlens.core.registry import use_plugin\n"
    "given = json.loads(sys.argv[1]); [use_plugin(p) for p in given.pop('plugins', [])]\n"
    "if __name__ == '__main__':\n"
    "    run = getattr(affectlens, given.pop('verb'))(given.pop('inputs'), modalities=('face',), threads=1, device='cpu', **given)\n"
    "    print(json.dumps([run.rows, run.failures]))\n"
)
# Ends the process while it is at a picture of this name, so often.
KILLER = (
    "import os, signal; from pathlib import Path\nfrom affectlens.pipeline.engine import Engine\nrun = Engine.run\n"
    "def killed(self, path, **more):\n"
    "    tries = Path({counts!r}) / path.name\n"
    "    if path.name in {names!r}:\n"
    "        tries.write_text(tries.read_text() + 'x' if tries.exists() else 'x')\n"
    "        if len(tries.read_text()) <= {names!r}[path.name]: os.kill(os.getpid(), signal.SIGKILL)\n"
    "    return run(self, path, **more)\nEngine.run = killed\n"
)


@pytest.fixture
def pictures(tmp_path, frame):
    """Five pictures in two folders, and one that cannot be read."""
    paths = [tmp_path / "in" / name for name in ("a.png", "b.png", "more/a.png", "more/c.png", "more/d.png")]
    (tmp_path / "in" / "more").mkdir(parents=True)
    for number, path in enumerate(paths):
        Image.fromarray(np.roll(frame, 5 * number, axis=1)[:180, :240]).save(path)
    (tmp_path / "in" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    return tmp_path / "in"


def started(folder, **given):
    """A process that does one call."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(given, default=str)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2] / "src"), str(folder)])}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def killer(folder, **names):
    """A plug-in that ends the process at pictures, so many times each."""
    file = folder / "killer.py"
    file.write_text(KILLER.format(counts=str(folder), names={f"{name}.png": times for name, times in names.items()}))
    return str(file)


def nothing_left(root):
    return not list((root / "claims").glob("*")) and not list((root / "scratch").glob("*"))


def test_workers_give_the_same_bytes(pictures, face_engine, tmp_path):
    one = recognize(pictures, out=tmp_path / "one.parquet", engine=face_engine)
    two = recognize(pictures, out=tmp_path / "two.parquet", workers=2, journal=tmp_path / "log.jsonl", **FACES)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert two.failures == one.failures and two.rows == one.rows and list(two.failures) == [str(pictures / "broken.png")]
    assert "Traceback" in (tmp_path / "two.parquet.failures.log").read_text()
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


def test_a_worker_that_is_killed_is_replaced_and_what_always_kills_is_listed(pictures, tmp_path):
    plugin = killer(tmp_path, b=2, c=9)
    out = tmp_path / "t.parquet"
    process = started(
        tmp_path, verb="recognize", inputs=[str(pictures)], out=str(out), workers=2, resume=True, plugins=[plugin]
    )
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    rows, failures = json.loads(said)
    assert set(failures) == {str(pictures / "broken.png"), str(pictures / "more" / "c.png")}
    assert "ended 3 times (killed by SIGKILL" in failures[str(pictures / "more" / "c.png")]
    assert (tmp_path / "b.png").read_text() == (tmp_path / "c.png").read_text() == "xxx"
    assert list(dict.fromkeys(pd.read_parquet(out).file)) == [
        str(pictures / name) for name in ("a.png", "b.png", "more/a.png", "more/d.png")
    ]
    item = ledger_of(out).records.item(str(pictures / "more" / "c.png"))
    assert (item.state, item.what, item.tries) == (FAILED, KILLED, 3)


def test_a_run_that_is_killed_goes_on_and_counts_what_ended_it(pictures, face_engine, tmp_path):
    """Without workers, as a task of a job array: it ends at the same picture again and again, and at last passes it by."""
    plugin, out = killer(tmp_path, b=9), tmp_path / "t.parquet"
    for _ in range(3):
        process = started(tmp_path, verb="recognize", inputs=[str(pictures)], out=str(out), resume=True, plugins=[plugin])
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    run = recognize(pictures, out=out, engine=face_engine, resume=True)
    assert "ended 3 times without a word" in run.failures[str(pictures / "b.png")] and len(run.results) == 4
    again = recognize(pictures, out=out, engine=face_engine, resume=True)
    assert again.failures == run.failures and len(again.resumed) == 4
    assert str(pictures / "b.png") in ledger_of(out).retry()
    assert len(recognize(pictures, out=out, engine=face_engine, resume=True).results) == 5
    assert nothing_left(parts_of(out))


def test_runs_at_once_on_one_folder_do_every_picture_once(pictures, face_engine, tmp_path):
    whole = explain(pictures, tmp_path / "whole", engine=face_engine)
    out = tmp_path / "out"
    given = {"verb": "explain", "inputs": [str(pictures)], "out": str(out), "resume": True}
    processes = [started(tmp_path, **given, journal=str(tmp_path / f"{number}.jsonl")) for number in range(3)]
    for process in processes:
        said, errors = process.communicate()
        assert process.returncode == 0 and json.loads(said)[0] == whole.rows, errors
    new = [
        line["file"]
        for number in range(3)
        for line in map(json.loads, (tmp_path / f"{number}.jsonl").read_text().splitlines())
        if line["event"] == "new" and line["state"] == DONE
    ]
    assert len(new) == len(set(new)) == 5
    assert (out / "table.parquet").read_bytes() == (tmp_path / "whole" / "table.parquet").read_bytes()
    assert nothing_left(ledger_root(out))


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
    assert not list((parts_of(out) / "claims").glob("*"))
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


def test_torn_marks_are_done_again(pictures, face_engine, tmp_path):
    out = tmp_path / "out"
    whole = explain(pictures, out, engine=face_engine, resume=True)
    names = whole.results.names
    (out / names[0] / "provenance.json").write_text('{"job": ')
    (out / names[1] / "table.parquet").write_bytes(b"PAR1")
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
