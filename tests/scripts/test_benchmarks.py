"""Benchmarks are chosen by name; a mistyped name runs nothing."""

import pytest
from benchmarks import __main__ as benchmarks


@pytest.fixture
def ran(monkeypatch):
    names = []

    class Module:
        def __init__(self, name):
            self.name = name.removeprefix("benchmarks.")

        def run(self):
            names.append(self.name)
            yield "time", "1 s", "at most 2 s", self.name != "cam"

    monkeypatch.setattr(benchmarks.importlib, "import_module", Module)
    return names


def test_named_benchmarks_run_in_order_and_a_broken_limit_fails(ran, capsys):
    assert benchmarks.main(["tcav", "memory"]) == 0 and ran == ["tcav", "memory"]
    assert benchmarks.main(["cam"]) == 1 and "BROKEN" in capsys.readouterr().out
    ran.clear()
    benchmarks.main([])
    assert ran == list(benchmarks.NAMES)


def test_an_unknown_name_runs_nothing_and_says_what_there_is(ran, capsys):
    assert benchmarks.main(["cam", "independance"]) == 2 and ran == []
    said = capsys.readouterr().err
    assert "unknown benchmark 'independance'" in said and "did you mean independence" in said
    assert all(name in said for name in benchmarks.NAMES)


def test_the_list_says_what_each_measures(ran, capsys):
    assert benchmarks.main(["--list"]) == 0 and ran == []
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(benchmarks.NAMES)
    assert all(len(line.split()) > 4 for line in lines)


def test_every_benchmark_is_a_file():
    for name in benchmarks.NAMES:
        assert "def run(" in benchmarks.Path(benchmarks.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
