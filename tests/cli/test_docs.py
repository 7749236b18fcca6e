"""What the documentation names is there: commands parse as they are typed, files and benchmarks exist."""

import re
import shlex
from pathlib import Path

import pytest
from benchmarks.__main__ import NAMES

from tests.cli.tree import ROOT, VERBS

HERE = Path(__file__).parents[2]
PAGES = [HERE / name for name in ("README.md", "CONTRIBUTING.md")] + sorted((HERE / "docs").glob("*.md"))
MADE = ("reports/", "runs/", "audit", "usual.db", "demo-report")  # what commands write


def commands(page):
    """Commands of the program in blocks of shell and in running text, without those that are cut short."""
    text = page.read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"`(affectlens [^`]+)`", text)  # may name a verb alone
    return [line for line in lines if line.startswith("affectlens ") and not re.search(r"…|\\\||\b[A-Z]{3,}\b(?!=)", line)]


@pytest.mark.parametrize(
    ("page", "line"),
    [(page, line) for page in PAGES for line in commands(page)],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_command_parses_as_it_is_typed(monkeypatch, page, line):
    words = shlex.split(line, comments=True)[1:]
    verb = next((" ".join(words[:count]) for count in (2, 1) if " ".join(words[:count]) in VERBS), None)
    if verb is None:  # a group, or an option of the program itself
        assert words[0].startswith("-") or ROOT.get_command(None, words[0]), line
        assert len(words) == 1, line
        return
    reached = []
    monkeypatch.setattr(VERBS[verb], "callback", lambda **values: reached.append(values))
    try:
        ROOT.main(words, standalone_mode=False)
    except Exception as error:
        assert type(error).__name__ == "MissingParameter", error
        assert f"`{line}`" in page.read_text(encoding="utf-8"), error  # in running text a verb may stand alone
        return
    assert reached


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page):
    text = page.read_text(encoding="utf-8")
    linked = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
    assert [name for name in linked if not (page.parent / name).exists()] == []
    named = re.findall(r"`(?:python )?((?:src|tests|scripts|docs|benchmarks|examples)/[\w./-]+\.\w+)", text)
    assert [name for name in named if not (HERE / name).exists()] == []
    assert [name for name in re.findall(r"python -m benchmarks (\w+)", text) if name not in NAMES and name != "NAME"] == []


def test_the_corpus_is_named_as_it_is_now():
    for page in (*PAGES, *(HERE / "src").rglob("*.md")):
        assert "--data " not in page.read_text(encoding="utf-8"), page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_a_page_names_are_there(page):
    import importlib

    for dotted in sorted(set(re.findall(r"\b(affectlens(?:\.\w+)+)", page.read_text(encoding="utf-8")))):
        if dotted.endswith((".plugins", ".schema_version")):  # a group of entry points, a key of files
            continue
        parts, value = dotted.split("."), None
        for count in range(len(parts), 0, -1):
            try:
                value = importlib.import_module(".".join(parts[:count]))
                break
            except ModuleNotFoundError:
                continue
        for part in parts[count:]:
            value = getattr(value, part)
