"""The commands and the Python of README and docs, run on generated data under the names that the pages give it."""

import re
import shlex

import pytest

import affectlens
from affectlens.explainers.interventions.registry import _REGISTRIES
from affectlens.features.properties.registry import PROPERTIES
from tests.cli.desk import desk, talk
from tests.cli.test_docs import HERE, commands
from tests.conftest import asset_path

# What is set beside what a page sets, so that it is quick: options of commands, fields of functions.
SMALL = {
    "evaluate": {"draws": 5},
    "audit latent": {"seeds": 1, "draws": 19, "epochs": 2},
    "audit features": {"model": "logistic"},
    "audit concepts": {"draws": 19, "pool": 100, "bootstraps": 5},
    "audit objects": {"sample": 6, "effects": 1},
    "audit properties": {"sample": 8},
    "train face": {"epochs": 1},
    "train speech": {"epochs": 1, "seeds": 1},
    "train bclstm": {"epochs": 1, "seeds": 1},
}
# A chart of the Python of a page needs five pictures of an emotion.
SMALL_IN_PYTHON = SMALL | {"audit objects": {"sample": 20, "effects": 1}}
NEEDED = ("yunet", "face-landmarker", "minilm", "whisper-base", "pose-landmarker", "efficientdet-lite0")
PAGES = [HERE / "README.md", *sorted((HERE / "docs").glob("*.md"))]
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)
KINDS = {"sh", "python", "toml", "text"}  # of blocks; what else there is would not be run


def blocks(page, kind):
    """The blocks of a kind on a page, each after as many empty lines as stand above it, so that errors tell the page's line."""
    text = page.read_text(encoding="utf-8")
    return ["\n" * text.count("\n", 0, m.start(2)) + m[2] for m in BLOCK.finditer(text) if m[1] == kind]


def typed(page):
    """The commands that stand in a page's blocks of shell."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in commands(page) if line in lines]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    for name in NEEDED:
        asset_path(name)
    return desk(tmp_path_factory.mktemp("desk"), asset_path("sample-clip"))


@pytest.fixture(scope="module")
def folder(made, tmp_path_factory):
    """Where the commands are typed: what one page's commands make is there for the next page's."""
    return copied(made, tmp_path_factory.mktemp("typed"))


def copied(made, folder):
    """A folder with links to what was made; what is written there leaves it alone."""
    for path in made.iterdir():
        (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def small(monkeypatch):
    """The functions behind the verbs, quick."""

    def quick(function, fields):
        return lambda *given, **more: function(*given, **more | fields)

    for verb, fields in SMALL_IN_PYTHON.items():
        *group, name = verb.split()
        home = getattr(affectlens, group[0]) if group else affectlens
        monkeypatch.setitem(vars(home), name, quick(getattr(home, name), fields))


@pytest.fixture
def registries():
    """What pages register is taken out again."""
    every = (PROPERTIES, *_REGISTRIES.values())
    before = [registry.names() for registry in every]
    yield
    for registry, names in zip(every, before, strict=True):
        for name in set(registry) - set(names):
            registry.remove(name)


def test_every_block_is_of_a_kind_that_is_known():
    kinds = {(page.name, m[1]) for page in PAGES for m in BLOCK.finditer(page.read_text(encoding="utf-8"))}
    assert [(page, kind) for page, kind in sorted(kinds) if kind not in KINDS] == []
    assert sum(page.read_text(encoding="utf-8").count("```") for page in PAGES) == 2 * sum(
        len(BLOCK.findall(page.read_text(encoding="utf-8"))) for page in PAGES
    )


@pytest.mark.usefixtures("quick_speech", "quick_fusion", "undrawn")
@pytest.mark.parametrize("page", [page for page in PAGES if typed(page)], ids=lambda page: page.stem)
def test_the_commands_of_a_page_run(page, folder, call, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    failed = []
    for line in typed(page):
        words = shlex.split(line, comments=True)[1:]
        fields = next((fields for verb, fields in SMALL.items() if words[: len(verb.split())] == verb.split()), {})
        more = [word for name, value in fields.items() for word in (f"--{name}", value)]
        if words[:1] == ["view"]:  # what it would wait for
            monkeypatch.setattr("uvicorn.Server.run", lambda self, sockets: None)
            more += ["--no-browser"]
        if words[:2] == ["audit", "properties"] and "--interventions" not in words:
            more += ["--interventions", "brightness"]
        done = call(*words, *more)
        # No face is found in some of the drawn ones: they are listed, and the others are done.
        some = done.code == 1 and "failed:" in done.err and "no face found" in done.err
        if (done.code and not some) or "Traceback" in done.err:
            failed.append((line, done.code, done.err[-600:]))
    assert failed == []


# The blocks of networks.md go on from its first one and have a test of their own, which also counts their lines.
@pytest.mark.usefixtures("small", "registries", "quick_fusion", "undrawn")
@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python") and page.stem != "networks"], ids=lambda page: page.stem
)
def test_the_python_of_a_page_runs(page, made, tmp_path, monkeypatch):
    copied(made, tmp_path)
    (tmp_path / "talk.mp4").unlink()
    talk(tmp_path / "talk.mp4", asset_path("sample-clip"))
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), {"__name__": "__main__"})
