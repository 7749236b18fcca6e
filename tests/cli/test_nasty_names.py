"""A dozen names that are legal and nasty, through every verb that reads files: one row each, no forged line, no lost file."""

import json
import pathlib
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.disk.names import decoded, encodable
from tests.cli.generated import face
from tests.conftest import asset_path

NAMES = [
    "[red]a[bold].png", "12:30 talk.png", "http:b.png", "concat:a|b.png", "data:,x.png", "-x.png", "=cmd|calc!A0.png",
    "@sum.png", "a\n0 inputs failed.png", "tab\tand\x1b[2J.png", "caf\udce9.png", "\u202egnp.png", "<script>alert(1)<b>.png",
    "x" * 240 + ".png", " leading and trailing .png", "a,b;c\"d'e.png",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of a drawn face under every name, in two classes, and one that cannot be read."""
    root = tmp_path_factory.mktemp("nasty")
    rng = np.random.default_rng(0)
    for number, name in enumerate(NAMES):
        label = ("happy", "sad")[number % 2]
        (root / label).mkdir(exist_ok=True)
        Image.fromarray(face(rng, 3 - number % 7, 48)).save(root / label / name)
    (root / "sad" / "broken\n[red]\udce9.png").write_bytes(b"no picture")
    return root


def listed(folder):
    return sorted(encodable(str(path)) for path in folder.rglob("*.png") if "broken" not in path.name)


def clean(text):
    """Whether no name moved the cursor or began a line of its own."""
    return not re.search("[\x1b\u202e\udc80-\udcff]", text) and not any(
        line.startswith("0 inputs") for line in text.splitlines()
    )


@pytest.mark.parametrize("format", ["csv", "parquet", "json"])
def test_recognize(call, folder, tmp_path, format):
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    out = tmp_path / f"t.{format}"
    done = call("recognize", folder, "--modalities", "face", "--out", out)
    assert done.code == 1 and "1 input failed" in done.err and clean(done.out + done.err)
    if format == "csv":
        cells = pd.read_csv(out, dtype=str, keep_default_na=False)
        assert not any(str(cell).startswith(("=", "+", "@", "\t")) for cell in cells.to_numpy().ravel())
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": lambda path: pd.DataFrame(json.loads(path.read_text()))}
    table = readers[format](out)
    assert sorted(table.file.unique()) == listed(folder)
    assert all(pathlib.Path(decoded(name)).exists() for name in table.file)
    (failed,) = pd.read_csv(f"{out}.failures.csv").itertuples()
    assert pathlib.Path(decoded(failed.key)).exists() and "broken" in failed.key


def test_explain(call, folder, tmp_path):
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    out = tmp_path / "o:ut [red]"
    done = call("explain", folder, "--modalities", "face", "--out", out, "--faithfulness", 0)
    assert done.code == 1 and clean(done.out + done.err) and len(done.out.splitlines()) == len(NAMES)
    pages = list(out.glob("*/report.html"))
    assert len(pages) == len(NAMES)
    assert not any("<script>alert" in page.read_text(encoding="utf-8") for page in pages)
    assert sorted(pd.read_parquet(out / "table.parquet").file.unique()) == listed(folder)
    again = call("explain", folder, "--modalities", "face", "--out", out, "--faithfulness", 0, "--resume")
    assert again.code == 1 and again.err.count("already done") == len(NAMES)


def test_corpora(call, folder, tmp_path):
    checked = call("corpus", "check", f"folder={folder}")
    assert checked.code == 1 and f"{len(NAMES) + 1}" in checked.out and clean(checked.out + checked.err)
    table = tmp_path / "t.csv"
    read = call("corpus", "read", f"folder={folder}", "--split", "all", "--out", table)
    assert read.code == 0, read.err
    keys = pd.read_csv(table).key
    assert len(set(keys)) == len(NAMES) + 1 and all((folder / decoded(key)).exists() for key in keys)
    done = call("evaluate", "face", "--corpus", f"folder={folder}", "--split", "all", "--draws", 10, "--out", tmp_path / "e")
    assert done.code in (0, 1) and clean(done.out + done.err), done.err
    missed = pd.read_csv(tmp_path / "e" / "missed.csv")
    assert list(missed) == ["key", "reason"] and any("broken" in key for key in missed.key)


def test_audit(call, folder, tmp_path):
    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    done = call(
        "audit",
        "objects",
        "--corpus",
        f"folder={folder}",
        "--split",
        "all",
        "--methods",
        "grad-cam",
        "--effects",
        0,
        "--out",
        tmp_path,
    )
    assert done.code in (0, 1) and clean(done.out + done.err), done.err
    missed = pd.read_csv(tmp_path / "missed.csv")
    assert list(missed) == ["key", "reason"] and any("broken" in key for key in missed.key)
    looked = set(pd.read_csv(tmp_path / "images.csv").image) | set(missed.key)
    assert len(looked) == len(NAMES) + 1
    assert "<script>alert" not in (tmp_path / "audit.html").read_text(encoding="utf-8")
