"""The page on networks of one's own: its blocks run as they stand, each in at most four lines."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"
BLOCKS = re.findall(r"^## (.+?)\n.*?```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S | re.M)
FIRST = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with what the page names: pictures and their boxes, speech."""
    from tests.audits.corpora import emodb
    from tests.audits.objects.nets import write_folder

    monkeypatch.chdir(tmp_path)
    for label in ("fear", "joy"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
    (tmp_path / "all").mkdir()
    write_folder(tmp_path / "all", 12, np.random.default_rng(0))
    for number, file in enumerate(sorted((tmp_path / "all").glob("*.png"))):
        file.rename(tmp_path / "pictures" / ("fear", "joy")[number % 2] / file.name)
    emodb(tmp_path / "emodb")
    return tmp_path


def test_the_page_shows_all_four():
    assert [title for title, _ in BLOCKS] == ["Class activation maps", "Concepts", "Objects", "Properties"]


@pytest.mark.parametrize(("title", "code"), BLOCKS, ids=[title for title, _ in BLOCKS])
def test_a_block_runs_in_at_most_four_lines(place, title, code):
    lines = [line for line in code.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 4
    names = {}
    exec(FIRST + code, names)
    result = names.get("tests") or names["result"]
    (folder,) = re.findall(r'\.save\("(\w+)"\)', code)
    again = type(result).load(place / folder)
    assert len(again.to_frame()) == len(result.to_frame()) > 0
    assert "$schema" in again.plot().to_dict()
