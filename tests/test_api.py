"""The names that users import: there, quick, and none of them both a room and a function."""

import json
import pkgutil
import subprocess
import sys
import types

import pytest

import affectlens

HEAVY = {"torch", "pandas", "cv2", "numpy", "altair", "sklearn", "av"}


def fresh(code):
    """What a new interpreter prints, as JSON."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_the_package_imports_nothing_heavy():
    loaded = fresh("import affectlens, sys, json; dir(affectlens); print(json.dumps(sorted(sys.modules)))")
    assert not HEAVY & set(loaded)


def test_the_names_are_listed_sorted_and_typed():
    assert affectlens.__all__ == sorted(affectlens.__all__) and len(set(affectlens.__all__)) == len(affectlens.__all__)
    assert set(affectlens.__all__) <= set(dir(affectlens))
    assert set(affectlens._HOMES) == set(affectlens.__all__)
    with pytest.raises(AttributeError, match="no attribute 'explian'"):
        affectlens.explian  # noqa: B018


@pytest.mark.parametrize("name", affectlens.__all__)
def test_every_name_leads_somewhere(name):
    value = getattr(affectlens, name)
    assert value.__doc__
    assert isinstance(value, types.ModuleType) or value.__name__ == name


def test_no_name_is_both_a_room_and_a_function():
    rooms = {module.name for module in pkgutil.iter_modules(affectlens.__path__)}
    for name in set(affectlens.__all__) & rooms:
        assert affectlens._HOMES[name] == f"affectlens.{name}", f"{name} is a room and something else"


SWEEP = """
import importlib, json, pkgutil, affectlens
def names():
    return [(n, type(getattr(affectlens, n)).__name__, getattr(getattr(affectlens, n), "__module__", n)) for n in affectlens.__all__]
def everything():
    for module in pkgutil.walk_packages(affectlens.__path__, "affectlens."):
        if not module.name.startswith("affectlens.cli.main"):
            importlib.import_module(module.name)
{order}
print(json.dumps([first, second]))
"""


@pytest.mark.parametrize(
    "order", ["first = names(); everything(); second = names()", "everything(); first = names(); second = names()"]
)
def test_a_name_means_the_same_before_and_after_every_import(order):
    first, second = fresh(SWEEP.replace("{order}", order))
    assert first == second
    for name, kind, _ in second:
        assert kind != "module" or affectlens._HOMES[name] == f"affectlens.{name}"


def test_explain_twice(face_engine, frame, tmp_path):
    from PIL import Image

    Image.fromarray(frame).save(tmp_path / "a.png")
    for out in ("one", "two"):
        run = affectlens.explain(tmp_path / "a.png", tmp_path / out, engine=face_engine)
        assert not run.failures and run.results[0].report.exists()


def test_a_missing_extra_says_how_to_get_it(monkeypatch):
    from affectlens.core.errors import UsageError

    def gone(name, *_):
        raise ModuleNotFoundError(f"No module named {name!r}", name="sklearn.svm")

    monkeypatch.setattr("affectlens.core.lazy.importlib.import_module", gone)
    with pytest.raises(UsageError, match=r'pip install "affectlens\[audit\]"'):
        affectlens.__getattr__("explain")
