"""Extras: what the core can do without them, and the errors that name them."""

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from affectlens.core.environment.extras import EXTRAS, extra_of, helpful, missing
from affectlens.core.errors import UsageError
from tests.conftest import asset_path

PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
MODULES = {
    "faster-whisper": "faster_whisper",
    "scikit-learn": "sklearn",
    "pyyaml": "yaml",
    "pympi-ling": "pympi",
    "webvtt-py": "webvtt",
}

BLOCKED = """
import sys, importlib.abc
import torch._dynamo  # it looks for packages without wanting them, which a finder that raises would end
class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {modules}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import affectlens
"""


@pytest.fixture(scope="module")
def without_extras(tmp_path_factory):
    """What a program without any extra prints: the error of words, and how many rows a picture has."""
    from PIL import Image

    for name in ("yunet", "face-landmarker", "efficientdet-lite0", "pose-landmarker", "minilm", "whisper-base"):
        asset_path(name)
    folder = tmp_path_factory.mktemp("plain")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(folder / "a.png")
    program = f"""
try:
    affectlens.recognize("a.wav", modalities=("words",))
except affectlens.core.errors.UsageError as error:
    print(error)
run = affectlens.explain({str(folder / "a.png")!r}, {str(folder / "out")!r}, modalities=("face", "gait", "scene"))
assert not run.failures, run.failures
print(len(run.table))
"""
    modules = sorted({m for names in EXTRAS.values() for m in names})
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED.format(modules=modules) + program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_extras_are_those_of_the_project():
    declared = tomllib.loads(PROJECT.read_text())["project"]["optional-dependencies"]
    named = {
        extra: {MODULES.get(p.partition(">")[0], p.partition(">")[0]) for p in packages}
        for extra, packages in declared.items()
        if extra not in ("all", "dev")
    }
    assert named == {extra: set(modules) for extra, modules in EXTRAS.items()}
    ordinary = [extra for extra in EXTRAS if extra != "cluster"]  # whoever has no cluster needs nothing of it
    assert declared["all"] == [f"affectlens[{','.join(ordinary)}]"]


def test_the_core_reads_faces_without_any_extra(without_extras):
    assert int(without_extras[-1]) >= 1


def test_speech_without_its_extra_says_what_to_install(without_extras):
    assert (
        without_extras[0]
        == 'this needs the package faster_whisper, which is not installed; run: pip install "affectlens[speech]"'
    )


def test_a_missing_module_is_named_with_its_extra():
    with pytest.raises(UsageError, match=r'package sklearn.*"affectlens\[audit\]"'), helpful():
        raise ModuleNotFoundError("No module named 'sklearn.svm'", name="sklearn.svm")
    with pytest.raises(ModuleNotFoundError), helpful():
        raise ModuleNotFoundError("No module named 'nothing'", name="nothing")
    assert extra_of("h5py") == "train" and extra_of("numpy") == ""
    assert missing("audit") == ()
