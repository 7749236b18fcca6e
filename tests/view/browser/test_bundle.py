"""The bundle that is in the package is that of the source beside it, small enough, and needs nothing from elsewhere."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "src" / "affectlens" / "workbench" / "static"
WORKBENCH = ROOT / "workbench"
VITE = WORKBENCH / "node_modules" / "vite" / "bin" / "vite.js"
MOST = 500_000  # bytes, gzipped


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_it_is_light():
    assert sum(len(gzip.compress(content)) for content in _files(STATIC).values()) < MOST


def test_it_loads_nothing_from_elsewhere():
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert all(not address.startswith(("http", "//")) for address in re.findall(r'(?:src|href)="([^"]*)"', page))
    assert "<script>" not in page and "style=" not in page  # the policy of the server forbids both
    style = (STATIC / "assets" / "app.css").read_text(encoding="utf-8")
    assert "@import" not in style and not re.search(r"url\((?!data:)", style)


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not here (users need none; whoever changes the folder workbench does)")
    if not VITE.exists():
        pytest.skip("the tools of the folder workbench are not here: make workbench-tools")
    return found


def test_it_is_what_the_source_gives(node, tmp_path):
    command = [node, str(VITE), "build", "--outDir", str(tmp_path / "static"), "--logLevel", "error"]
    done = subprocess.run(command, cwd=WORKBENCH, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    fresh, kept = _files(tmp_path / "static"), _files(STATIC)
    assert fresh.keys() == kept.keys()
    assert [name for name in fresh if fresh[name] != kept[name]] == [], "the bundle is not of this source: run make workbench"


def test_its_own_tests_pass(node):
    command = [node, str(WORKBENCH / "node_modules" / "vitest" / "vitest.mjs"), "run"]
    done = subprocess.run(command, cwd=WORKBENCH, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
