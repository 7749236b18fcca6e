"""Every example in a docstring runs and gives what it says."""

import doctest
import importlib
from pathlib import Path

import numpy as np
import pytest

import affectlens

ROOT = Path(affectlens.__file__).parent
MODULES = sorted(
    ".".join(("affectlens", *f.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for f in ROOT.rglob("*.py")
    if ">>> " in f.read_text(encoding="utf-8")
)


def test_there_are_examples():
    assert len(MODULES) >= 10


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    with np.printoptions(legacy=False):
        result = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert not result.failed
