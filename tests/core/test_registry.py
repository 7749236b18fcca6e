"""One registry: discovery, plug-ins of packages and of files, names taken twice, near names."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from affectlens.core import registry
from affectlens.core.errors import UsageError
from affectlens.core.registry import Registry


@pytest.fixture
def fresh(monkeypatch):
    """Plug-ins are looked for again, and what they leave behind is taken away."""
    monkeypatch.setattr(registry, "_imported", False)
    monkeypatch.delenv(registry.VARIABLE, raising=False)
    before = set(sys.modules)
    yield monkeypatch
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def kinds(monkeypatch):
    """A registry that plug-ins find under ``kinds.SHAPES``."""
    import types

    module = types.ModuleType("kinds")
    module.SHAPES = Registry("shape")
    monkeypatch.setitem(sys.modules, "kinds", module)
    return module.SHAPES


def install(folder, name, code):
    """What an installer leaves of a package: its module, and its metadata with an entry point."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[affectlens.plugins]\n{name} = {name}\n")


SQUARE = "from kinds import SHAPES\n@SHAPES.register('square')\ndef square(): return 4\n"
ROUND = "from kinds import SHAPES\n@SHAPES.register('circle')\ndef circle(): return 0\n"


def test_packages_of_others_are_found_and_a_broken_one_stops_nobody(tmp_path, fresh, kinds):
    install(tmp_path, "aa_broken_shapes", "import a_module_that_nobody_has\n")
    install(tmp_path, "square_shapes", SQUARE)
    fresh.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match="aa_broken_shapes.*a_module_that_nobody_has"):
        assert kinds.names() == ["square"]
    assert kinds.get("square")() == 4


def test_files_and_folders_of_the_users_own_are_found(tmp_path, fresh, kinds):
    (tmp_path / "one.py").write_text(SQUARE)
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "two.py").write_text(ROUND)
    (folder / "_not_this.py").write_text("raise ValueError\n")
    (folder / "broken.py").write_text("1 / 0\n")
    (folder / "notes.txt").write_text("no code\n")
    fresh.setenv(registry.VARIABLE, os.pathsep.join(map(str, (tmp_path / "one.py", folder))))
    with pytest.warns(UserWarning, match=r"broken\.py could not be imported: ZeroDivisionError"):
        assert list(kinds) == ["circle", "square"]


def test_a_file_that_is_not_there_is_an_error_each_time(tmp_path, fresh, kinds):
    fresh.setenv(registry.VARIABLE, str(tmp_path / "absent.py"))
    for _ in range(2):
        with pytest.raises(UsageError, match=r"AFFECTLENS_PLUGINS names .*absent\.py, which does not exist"):
            kinds.names()
    (tmp_path / "data.csv").write_text("")
    with pytest.raises(UsageError, match=r"data\.csv; a \.py file"):
        registry.plugin_files(str(tmp_path / "data.csv"))


def test_a_file_is_imported_once(tmp_path, fresh, kinds, recwarn):
    (tmp_path / "one.py").write_text(SQUARE)
    registry.import_file(tmp_path / "one.py")
    first = kinds.get("square")
    registry.import_file(tmp_path / "one.py")
    assert kinds.get("square") is first and not recwarn.list


def test_a_name_that_is_taken_twice_is_told(kinds, recwarn):
    def square():
        return 4

    def also_square():
        return 5

    kinds.add("square", square)
    kinds.add("square", square)
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"the shape 'square' of .*\.square is replaced by that of .*\.also_square"):
        kinds.add("square", also_square)
    assert kinds.get("square") is also_square


def test_records_are_told_apart_by_their_function(kinds):
    from dataclasses import dataclass
    from typing import Any

    @dataclass(frozen=True)
    class Shape:
        name: str
        corners: Any

    def one():
        return 4

    def two():
        return 4

    kinds.add("square", Shape("square", one))
    with pytest.warns(UserWarning, match="is replaced"):
        kinds.add("square", Shape("square", two))
    kinds.add("circle", ("info", one))
    with pytest.warns(UserWarning, match="is replaced"):
        kinds.add("circle", ("info", two))


def test_errors_name_the_nearest(kinds):
    kinds.add("square", 4)
    with pytest.raises(UsageError, match="unknown shape 'squar'; did you mean square"):
        kinds.get("squar")
    assert "square" in kinds and "circle" not in kinds and len(kinds) == 1


def test_modules_below_a_package_are_imported(tmp_path, fresh, kinds):
    package = tmp_path / "shapes_package" / "inner"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("")
    (package / "square.py").write_text(SQUARE)
    fresh.syspath_prepend(tmp_path)
    assert "square" not in kinds
    shapes = Registry("shape", "shapes_package")
    assert shapes.names() == [] and "square" in kinds


def test_a_plugin_that_a_call_names_is_used_once_and_has_to_be_there(tmp_path, fresh, kinds):
    (tmp_path / "own_shapes.py").write_text(SQUARE)
    (tmp_path / "broken_shapes.py").write_text("import a_module_that_nobody_has\n")
    fresh.setattr(registry, "_named", set())
    fresh.chdir(tmp_path)
    registry.use_plugin("own_shapes")  # a module in the folder at hand
    registry.use_plugin("own_shapes")
    assert kinds.get("square")() == 4 and registry.has_plugins()
    kinds.remove("square")
    registry.use_plugin(str(tmp_path / "own_shapes.py"))
    assert "square" in kinds
    with pytest.raises(UsageError, match="--plugin broken_shapes: it could not be imported .*nobody_has"):
        registry.use_plugin("broken_shapes")
    with pytest.raises(UsageError, match="could not be imported .No module"):
        registry.use_plugin(str(tmp_path))
    for wrong in ("no_such_module", "no/such.py", "no such"):
        with pytest.raises(UsageError, match="--plugin"):
            registry.use_plugin(wrong)


def test_a_thread_that_asks_while_another_discovers_waits_for_all_of_it(tmp_path, fresh):
    package = tmp_path / "slow_shapes"
    package.mkdir()
    (package / "__init__.py").write_text("SHAPES = None\n")
    (package / "square.py").write_text(
        "import time, slow_shapes\n"
        "time.sleep(0.2)\n"
        "slow_shapes.SHAPES.add('square', len(slow_shapes.SHAPES.names()) + 4)\n"  # it may look something up meanwhile
    )
    fresh.syspath_prepend(tmp_path)
    import slow_shapes

    shapes = slow_shapes.SHAPES = Registry("shape", "slow_shapes")
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: shapes.get("square"), range(4))) == [4] * 4
