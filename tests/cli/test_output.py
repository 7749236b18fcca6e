"""What is printed is text: brackets are no markup, names begin no lines, progress is told in pipes too."""

import ast
import logging
from pathlib import Path

import pytest

from affectlens.cli import common
from affectlens.core.errors import MediaError
from affectlens.core.failures import failure_of, tracebacks_in

NASTY = "[red]a[/red].mp4\n0 inputs failed\x1b[2J\udce9"
PLAIN = r"[red]a[/red].mp4\n0 inputs failed\x1b[2J\udce9"


def test_every_way_of_printing_gives_names_as_they_are(capsys):
    common.say(NASTY)
    table = common.table("[b]name[/b]", "n")
    table.add_row(NASTY, 1)
    common.plain.print(table)
    common.note(NASTY)
    common.alarm("error", f": {NASTY}")
    common.fail(common.Unread({NASTY: "no face", "b.mp4": f"{NASTY}: gone"}))
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == PLAIN and "[b]name[/b]" in out and out.count(PLAIN) == 2
    assert err.splitlines() == [PLAIN, f"error: {PLAIN}", "2 inputs failed:", f"  {PLAIN}: no face", f"  b.mp4: {PLAIN}: gone"]


def test_nothing_is_printed_past_these_ways():
    printed = []
    for file in sorted(Path(common.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("print", "echo", "write")
            ):
                printed += [(file.stem, ast.unparse(node.func.value), ast.unparse(node.args[0]))]
    safe = {("plain", "table"), ("plain", "groups"), ("plain", "confusion"), ("plain", "Markdown(text)")}
    others = {(stem, where.rpartition(".")[2], what) for stem, where, what in printed if stem != "common"}
    assert {(where, what) for _, where, what in others if where == "plain"} <= safe
    assert {what for _, where, what in others if where == "typer"} <= {
        "f'affectlens {__version__}'",
        "text",
        "str(locate(name))",
    }


def test_progress_is_told_in_pipes_now_and_then(capsys, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr(common.time, "monotonic", lambda: clock[0])
    with common.bars() as bars:
        for done in range(5):
            bars("networks [red]", done, 40)
            clock[0] += common.SECONDS / 2.5
        bars("draws", 1, 0)
    told = capsys.readouterr().err.splitlines()
    assert told == ["networks [red]: 0 of 40", "networks [red]: 3 of 40", "draws: 1"]
    with common.quietly(True), common.bars() as bars:
        bars("networks", 1, 2)
    assert capsys.readouterr().err == ""


def test_tracebacks_come_with_verbose_and_lie_in_the_log(tmp_path, capsys, monkeypatch):
    logger = logging.getLogger("affectlens")
    monkeypatch.setattr(logger, "handlers", [common.Notes(logging.INFO)])

    def fail():
        try:
            raise MediaError("a.mp4: gone")
        except MediaError as error:
            failure_of(NASTY, error)

    with tracebacks_in(tmp_path / "failures.log"):
        fail()
    assert capsys.readouterr().err == ""
    log = (tmp_path / "failures.log").read_text()
    assert f"{PLAIN}: reading failed\nTraceback" in log and "MediaError: a.mp4: gone" in log
    with common.verbosely(True):
        fail()
    assert "MediaError: a.mp4: gone" in capsys.readouterr().err
    with tracebacks_in(tmp_path / "failures.log"):
        pass
    assert not (tmp_path / "failures.log").exists()


def test_optional_assets_that_are_not_here_are_said(call, tmp_path, monkeypatch):
    from affectlens.assets.manifest import manifest

    monkeypatch.setenv("AFFECTLENS_CACHE", str(tmp_path))
    told = call("assets", "verify").out
    for asset in manifest().values():
        assert f"{asset.name}: missing{' (optional)' if asset.optional else ''}" in told.splitlines()


@pytest.mark.parametrize("verb", ["recognize", "explain"])
def test_a_limit_holds_for_the_verb_and_no_longer(call, tmp_path, verb):
    import numpy as np
    from PIL import Image

    from affectlens.core.limits import current
    from tests.conftest import asset_path

    for name in ("yunet", "face-landmarker"):
        asset_path(name)
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(tmp_path / "a.png")
    before = current()
    done = call(verb, tmp_path / "a.png", "--modalities", "face", "--limit", "pixels=1000", "--out", tmp_path / "o.csv")
    assert done.code == 1 and "--limit pixels=4096" in done.err and current() == before
    wrong = call(verb, tmp_path / "a.png", "--limit", "pixels=many")
    assert wrong.code == 2 and "a number was expected" in wrong.err


def test_every_verb_that_reads_files_has_limits():
    from tests.cli.tree import VERBS, options

    reading = {name for name, command in VERBS.items() if "--limit" in options(command)}
    assert {name.split()[0] for name in reading} == {
        "explain", "recognize", "evaluate", "audit", "train", "corpus", "measure", "export", "import", "study", "sheet",
    }  # fmt: skip
    assert {"corpus check", "corpus read", "corpus transcribe"} <= reading


def test_many_inputs_are_told_with_their_pace_and_the_time_left(monkeypatch):
    told, now = [], [100.0]
    monkeypatch.setattr(common.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(common, "note", told.append)
    bars = common.Bars(None)
    for seconds, done in ((0, 0), (2, 1), (30, 10), (60, 20), (4000, 99)):
        now[0] = 100.0 + seconds
        bars("recordings", done, 2000)
    bars("failed", 3, 2000)
    assert told == [
        "recordings: 0 of 2000",
        "recordings: 10 of 2000, 20 a minute, 1 h 39 min left",
        "recordings: 20 of 2000, 20 a minute, 1 h 39 min left",
        "recordings: 99 of 2000, 1.49 a minute, 21 h 20 min left",
        "failed: 3 of 2000",
    ]
    assert bars.inputs == 2000
