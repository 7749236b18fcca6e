"""A few kills, as `python -m benchmarks kills` deals them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
from benchmarks.kills import Count, compared, goes_on, outcome

ROOT = Path(__file__).parents[2]


def test_what_differs_is_seen(tmp_path):
    for name in ("one", "other"):
        (tmp_path / name / "parts").mkdir(parents=True)
        pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / name / "t.parquet")
        (tmp_path / name / "facts.json").write_text(json.dumps({"made": name, "n": [1], "path": str(tmp_path / name)}))
        (tmp_path / name / "parts" / name).write_text("left out")
    one = outcome(tmp_path / "one")
    assert set(one) == {"t.parquet", "facts.json"} and compared(one, outcome(tmp_path / "other")) == []
    pd.DataFrame({"x": [1.0, 2.0 + 1e-12]}).to_parquet(tmp_path / "other" / "t.parquet")
    (tmp_path / "other" / "facts.json").unlink()
    (tmp_path / "other" / "new.csv").write_text("a\n1\n")
    found = outcome(tmp_path / "other")
    assert compared(one, found) == ["facts.json is not there", "new.csv is new", "t.parquet differs"]
    assert compared(one, outcome(tmp_path / "other", digits=6)) == ["facts.json is not there", "new.csv is new"]


def test_a_run_of_kills_goes_on(tmp_path):
    log = tmp_path / "runs" / "kills.jsonl"
    assert goes_on(log, {"code": "a"}) == Count()
    with log.open("a") as text:
        text.write('{"kills": 3, "late": 1, "trials": 2, "wrong": ["x"]}\n{"kills": 5, "la')
    assert goes_on(log, {"code": "a"}) == Count(3, 1, 2, ["x"])
    assert goes_on(log, {"code": "b"}) == Count() and log.read_text() == '{"code": "b"}\n'


def test_killed_runs_end_as_undisturbed_ones(tmp_path):
    given = os.environ | {
        "KILLS": "4",
        "SEED": "3",
        "VERBS": "train bclstm,audit features,assets pull",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "kills"], cwd=tmp_path, env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "BROKEN" not in done.stdout, done.stdout + done.stderr
    assert done.stdout.count(" ok") == 2
