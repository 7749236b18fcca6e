"""What runs elsewhere on every change: the versions that are promised, and nothing that others can exchange."""

import re
import tomllib
from pathlib import Path

from scripts.check_install import VERSIONS

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def test_every_promised_version_is_tried():
    tried = re.search(r"python: \[(.*)\]", WORKFLOWS["install.yml"])
    assert tuple(re.findall(r'"([\d.]+)"', tried[1])) == VERSIONS
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == f">={VERSIONS[0]}"
    makefile = (ROOT / "Makefile").read_text()
    assert "scripts/check_install.py\n" in makefile.partition("versions:\n")[2]


def test_actions_are_named_by_their_commits():
    used = [line.strip() for text in WORKFLOWS.values() for line in text.splitlines() if "uses:" in line]
    assert len(used) >= 2 and all(re.fullmatch(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", line) for line in used)
    assert all("permissions:\n  contents: read" in text for text in WORKFLOWS.values())
