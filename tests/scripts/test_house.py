"""The numbers of the house on a small made-up one."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "house.py"


@pytest.fixture(scope="module")
def house():
    spec = importlib.util.spec_from_file_location("house", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lines_of_code_are_neither_blank_nor_words(house):
    text = '"""Doc."""\n\nimport os  # kept\n\n# no\ndef f():\n    """Two\n    lines."""\n    return 1\n'
    assert [n for n, _ in house.code_lines(text)] == [3, 6, 9]


def test_circles_are_found_through_lazy_imports_but_not_for_type_checkers(house):
    texts = {
        "affectlens.a.one": "def f():\n    from affectlens.b import two\n",
        "affectlens.b.two": "from affectlens.b.three import x\n",
        "affectlens.b.three": "import affectlens.a.one\n",
        "affectlens.c": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from affectlens.a.one import f\n",
    }
    graph = house.imports(texts)
    assert graph["affectlens.a.one"] == {"affectlens.b.two"} and graph["affectlens.c"] == set()
    assert house.circles(graph) == "1 (3 members)" and house.circles(house.by_room(graph)) == "1 (2 members)"
    assert house.circles({"a": {"b"}, "b": {"c"}, "c": set()}) == "0"


def test_duplicates_are_runs_of_six_equal_lines(house):
    block = "\n".join(f"x{i} = {i}" for i in range(6))
    texts = {
        Path("a.py"): block + "\ny = 1\n",
        Path("b.py"): "z = 2\n" + block.replace("x3", "\n# words\nx3"),
        Path("c.py"): "\n".join(block.splitlines()[:5]),
    }
    assert house.duplicated(texts) == 12


def test_the_table_of_a_folder(house, tmp_path):
    room = tmp_path / "src" / "affectlens" / "room"
    room.mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    (room / "a.py").write_text(
        "def f(x):\n" + "".join(f"    if x == {i}:\n        return {i}\n" for i in range(16)) + "    return 0\n"
    )
    rows = house.measure(tmp_path, with_types=False)
    assert rows["modules"] == "1" and rows["files in the fullest folder"] == "1 (room)"
    assert rows["functions of complexity 15 or more"] == "1 (highest 17)"
