"""No file that is read runs code, and none takes memory or time without bound: hostile files, fed to every reader."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from affectlens.audits.result import AuditResult
from affectlens.core.registry import import_below
from affectlens.corpora.base import corpora

ROOT = Path(__file__).resolve().parents[3]
# Endings of files, beside pictures and sounds, of which the layout of a corpus tells; the others know all by names of files.
_TABLES = re.compile(r"\b(csv|tsv|npz|npy|pkl|mat|h5|bvh)\b")
MOST = 500  # megabytes beyond what the process takes before it reads


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    """What became of every reading, in a process of its own."""
    folder = tmp_path_factory.mktemp("sweep")
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.untrusted.sweep", str(folder)],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    first, *lines, last = map(json.loads, done.stdout.splitlines())
    assert last == {"left": ["files"]}
    return first["before"], lines


def test_nothing_runs(readings):
    assert not [r for r in readings[1] if r["ran"]]


def test_each_is_read_right_or_is_an_error_on_purpose(readings):
    wrong = [f"{r['reader']}, {r['file']}: {r['said']}" for r in readings[1] if r["said"].startswith("wrong")]
    assert not wrong, "\n".join(wrong[:5])


def test_errors_name_the_file_or_folder(readings):
    silent = [
        r for r in readings[1] if r["said"].startswith("error") and "/files" not in r["said"] and "the text" not in r["said"]
    ]
    assert not silent, silent[:5]


def test_memory_has_a_bound(readings):
    before, lines = readings
    assert max(r["memory"] for r in lines) < before + MOST


def test_every_reader_is_there(readings):
    names = {r["reader"] for r in readings[1]}
    assert len({(r["reader"], r["file"]) for r in readings[1]}) > 500
    assert {f"corpus {c.name}" for c in corpora() if _TABLES.search(c.layout)} <= names
    import_below("affectlens.audits")
    assert {c.__name__ for c in AuditResult.__subclasses__() if c.__module__.startswith("affectlens.")} <= names
