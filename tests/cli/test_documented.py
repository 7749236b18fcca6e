"""The commands of README and docs, run in the order of their page on generated data under the names that the pages give it."""

import shlex

import pytest

from tests.cli.desk import desk
from tests.cli.test_docs import HERE, commands
from tests.conftest import asset_path

# What is put after a command so that it is quick; the rest is as it is typed.
SMALL = {
    "evaluate": ["--draws", "5"],
    "audit latent": ["--seeds", "1", "--draws", "19", "--epochs", "2"],
    "audit features": ["--model", "logistic"],
    "audit concepts": ["--draws", "19", "--pool", "100", "--bootstraps", "5"],
    "audit objects": ["--sample", "6"],
    "audit properties": ["--sample", "20"],
    "train face": ["--epochs", "1"],
    "train speech": ["--epochs", "1", "--seeds", "1"],
    "train bclstm": ["--epochs", "1", "--seeds", "1"],
}
NEEDED = ("yunet", "face-landmarker", "minilm", "whisper-base", "pose-landmarker", "efficientdet-lite0")
PAGES = [page for page in ("README", "docs/concepts", "docs/objects", "docs/properties") for page in (HERE / f"{page}.md",)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in NEEDED:
        asset_path(name)
    return desk(tmp_path_factory.mktemp("desk"), asset_path("sample-clip"))


def test_every_page_with_commands_is_run():
    blocks = {
        page for page in [HERE / "README.md", *(HERE / "docs").glob("*.md")] if "\naffectlens " in page.read_text("utf-8")
    }
    with_commands = {page for page in blocks if any(not line.startswith("affectlens is ") for line in typed(page))}
    assert with_commands <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page, folder, call, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    failed = []
    for line in typed(page):
        words = shlex.split(line, comments=True)[1:]
        small = next((more for verb, more in SMALL.items() if words[: len(verb.split())] == verb.split()), [])
        if words[:2] == ["audit", "properties"] and "--interventions" not in words:
            small = [*small, "--interventions", "brightness"]
        done = call(*words, *small)
        # No face is found in some of the drawn ones: they are listed, and the others are done.
        some = done.code == 1 and "failed:" in done.err and "no face found" in done.err
        if (done.code and not some) or "Traceback" in done.err:
            failed.append((line, done.code, done.err[-600:]))
    assert failed == []


def typed(page):
    """The commands that stand in a page's blocks of shell."""
    block = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("affectlens ")]
    return [line for line in commands(page) if line in block]
