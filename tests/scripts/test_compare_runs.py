"""Two made-up run folders: what was renamed is the same, what differs is named."""

import importlib.util
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "compare_runs.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("compare_runs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["compare_runs"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["compare_runs"]


NAMES = """
ignored_files = ["figures/*"]
ignored_columns = ["id"]
keys = ["dose"]
[columns]
p = "p_value"
[columns_of]
[tables]
"objects-(.*)" = { to = "objects", where = { method = "\\\\1" } }
"""


@pytest.fixture
def folders(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old / "talk-a1b2c3", new / "talk-d4e5f6", old / "figures"):
        folder.mkdir(parents=True)
    evidence = {"id": ["e1", "e2"], "level": "instance", "modality": "face", "target": "fear", "value": [1.0, 2.0]}
    pd.DataFrame({**evidence, "name": ["region: mouth", "conflict"]}).to_parquet(old / "talk-a1b2c3" / "evidence.parquet")
    pd.DataFrame(
        {**evidence, "id": ["x2", "x1"], "value": [2.0, 1.0], "kind": ["conflict", "region"], "subject": ["", "mouth"]}
    ).to_parquet(new / "talk-d4e5f6" / "evidence.parquet")
    doses = {"dose": [0.0, 0.0, 1.0, 1.0], "class": ["a", "b", "a", "b"]}
    p = [0.1, 0.2, 0.3, float("nan")]
    pd.DataFrame({**doses, "p": p, "p (BH)": p}).to_csv(old / "doses.csv", index=False)
    pd.DataFrame({**doses, "p_value": p, "p_bh": p, "more": 1}).iloc[::-1].to_parquet(new / "doses.parquet")
    for method, lift in (("a", 1.5), ("b", 2.5)):
        pd.DataFrame({"object": ["dog"], "lift": [lift]}).to_csv(old / f"objects-{method}.csv", index=False)
    pd.DataFrame({"object": ["dog", "dog"], "lift": [1.5, 2.5], "method": ["a", "b"]}).to_parquet(new / "objects.parquet")
    for folder, name in ((old, "macro F1"), (new, "macro_f1")):
        (folder / "scores.json").write_text(json.dumps({"scores": {name: {"value": 0.5, "label": "ignored"}}, "list": [1, 2]}))
    (old / "figures" / "numbers.json").write_text("{}")
    (tmp_path / "names.toml").write_text(NAMES)
    return old, new, ["--names", str(tmp_path / "names.toml")]


def test_what_was_renamed_or_moved_is_the_same(script, folders, capsys):
    old, new, names = folders
    assert script.main([str(old), str(new), *names]) == 0
    said = capsys.readouterr().out
    assert "0 tables or records differ" in said and "new columns more" in said


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda new: (new / "scores.json").unlink(), "missing: scores.json"),
        (lambda new: (new / "scores.json").write_text('{"scores": {"macro_f1": {"value": 0.51}}, "list": [1, 2]}'), "0.5 before, 0.51 now"),
        (lambda new: (new / "scores.json").write_text('{"list": [1, 2]}'), "not there now"),
        (lambda new: edit(new / "objects.parquet", "lift", 1, 2.6), "lift of dog: 2.5 before, 2.6 now"),
        (lambda new: edit(new / "talk-d4e5f6" / "evidence.parquet", "subject", 1, "nose"), "1 rows are not there now"),
        (lambda new: drop(new / "doses.parquet", "p_bh"), "missing columns p_bh"),
        (lambda new: edit(new / "doses.parquet", "p_value", 3, 0.1 * (1 + 1e-4)), "1 numbers differ"),
    ],
)  # fmt: skip
def test_what_differs_is_named(script, folders, capsys, change, says):
    old, new, names = folders
    change(new)
    assert script.main([str(old), str(new), *names]) == 1
    assert says in capsys.readouterr().out


def test_the_tolerance_is_relative_and_an_absent_folder_is_an_error(script, folders, capsys):
    old, new, names = folders
    edit(new / "doses.parquet", "p_value", 3, 0.1 * (1 + 1e-4))
    assert script.main([str(old), str(new), *names, "--tolerance", "1e-3"]) == 0
    assert script.main([str(old), str(new / "absent"), *names]) == 2


def edit(path, column, row, value):
    frame = pd.read_parquet(path)
    frame.iloc[row, list(frame.columns).index(column)] = value
    frame.to_parquet(path)


def drop(path, column):
    pd.read_parquet(path).drop(columns=column).to_parquet(path)
