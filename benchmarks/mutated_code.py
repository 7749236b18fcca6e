"""Changed code in the place of the package's own: for one import, or in one function."""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest

PASSED, FAILED = 0, 1  # exit codes of a mutant


class MutatedFinder(importlib.abc.MetaPathFinder):
    """Gives the mutated code of one module to whoever imports it."""

    def __init__(self, code: CodeType, path: Path) -> None:
        self.code, self.path = code, path

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> Any:
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin != str(self.path):
            return None
        code = self.code

        class Loader(importlib.machinery.SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType:
                return code

        return importlib.util.spec_from_file_location(
            name, self.path, loader=Loader(name, str(self.path)), submodule_search_locations=spec.submodule_search_locations
        )


def run_anew(code: CodeType, path: Path, tests: list[str]) -> int:
    """Import the package and the tests again with one module changed, and run the tests."""
    for name in [n for n in sys.modules if n.split(".")[0] in ("affectlens", "tests", "conftest")]:
        del sys.modules[name]
    sys.meta_path.insert(0, MutatedFinder(code, path))
    return PASSED if pytest.main(["-x", "-q", "-s", "-p", "no:cacheprovider", *tests]) == 0 else FAILED


def functions_of(path: Path) -> dict[tuple[str, int], list[FunctionType]]:
    """Functions that were made from a file, by qualified name and first line."""
    out: dict[tuple[str, int], list[FunctionType]] = defaultdict(list)
    for thing in gc.get_objects():
        if type(thing) is FunctionType and thing.__code__.co_filename == str(path):
            out[thing.__code__.co_qualname, thing.__code__.co_firstlineno].append(thing)
    return out


def code_of(code: CodeType, name: str) -> CodeType | None:
    """The code of the function of that qualified name inside a module's code."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == name:
                return constant
            inner = code_of(constant, name)
            if inner is not None:
                return inner
    return None
