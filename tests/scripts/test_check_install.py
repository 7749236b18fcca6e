"""Which interpreters the check of installations takes, among made-up ones; nothing is installed."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_install.py"


@pytest.fixture
def script(monkeypatch, tmp_path):
    """The script, on a PATH of two folders that hold nothing yet."""
    spec = importlib.util.spec_from_file_location("check_install", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PATH", f"{tmp_path / 'first'}:{tmp_path / 'second'}")
    return module


def program(path, prints, code=0):
    """An executable that prints a line, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{prints}'\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def tried(script, monkeypatch):
    """Interpreters that were tried, each with what it came to: as is set, else as it should."""
    outcomes, asked = {}, []

    def one(python, wheel, extras, place):
        asked.append((python, extras, place.name))
        return outcomes.get(python, "installed")

    monkeypatch.setattr(script, "_wheel", lambda folder: folder / "affectlens.whl")
    monkeypatch.setattr(script, "_tried", one)
    return outcomes, asked


def test_a_version_is_looked_for_on_path_with_pyenv_and_with_uv(script, tmp_path):
    assert script.interpreter("3.12") is None
    program(tmp_path / "first" / "uv", tmp_path / "known" / "python")
    by_uv = program(tmp_path / "known" / "python", "3.12")
    assert script.interpreter("3.12") == by_uv
    program(tmp_path / "first" / "pyenv", tmp_path / "root")
    program(tmp_path / "root" / "versions" / "3.12.11" / "bin" / "python", "3.12", code=1)
    by_pyenv = program(tmp_path / "root" / "versions" / "3.12.10" / "bin" / "python", "3.12")
    program(tmp_path / "root" / "versions" / "3.12.9" / "bin" / "python", "3.12")
    assert script.interpreter("3.12") == by_pyenv  # of the newest that starts
    program(tmp_path / "first" / "python3.12", "", code=127)  # a shim of a version that is not chosen
    on_path = program(tmp_path / "second" / "python3.12", "3.12")
    assert script.interpreter("3.12") == on_path
    assert script.interpreter("3.13") is None  # what uv knows is another one


def test_names_and_paths_are_taken_as_they_are(script, tmp_path):
    python = program(tmp_path / "second" / "python3", "3.13")
    assert script.interpreter("python3") == script.interpreter(python) == python
    assert script.interpreter("python3.9") is None and script.interpreter(str(tmp_path)) is None


def test_what_ran_and_what_is_not_to_be_had_is_printed(script, tried, tmp_path, capsys):
    one, two = (program(tmp_path / "second" / f"python3.{n}", f"3.{n}") for n in (11, 13))
    assert script.main(["--extras", "speech", "--keep", str(tmp_path / "kept")]) == 0
    assert tried[1] == [(one, "speech", "env-3.11"), (two, "speech", "env-3.13")] and (tmp_path / "kept").exists()
    said = capsys.readouterr().out.splitlines()
    assert said[:2] == ["3.11: installed", "3.13: installed"]
    assert said[2] == f"ran: 3.11 ({one}), 3.13 ({two}); not to be had: 3.12, 3.14"


def test_exit_codes(script, tried, tmp_path, capsys):
    assert script.main([]) == 2 and "ran: none; not to be had: 3.11, 3.12, 3.13, 3.14" in capsys.readouterr().out
    python = program(tmp_path / "second" / "python3.11", "3.11")
    assert script.main([]) == 0 and script.main(["3.11"]) == 0
    assert script.main(["3.11", "3.12"]) == 1  # asked for, and not there
    tried[0][python] = "failed at installing: no room"
    assert script.main(["3.11"]) == 1
    with pytest.raises(SystemExit):
        script.main(["--nonsense"])
