"""Ctrl-C and SIGTERM leave what was finished and say how to go on; exit codes are those that README lists."""

import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from affectlens.cli.options import AGAIN, RESUME, verb
from affectlens.cli.stopping import Stopped, Terminated

SLOW = """
import os, time
from pathlib import Path
from affectlens.core.schema import Row
from affectlens.modalities.base import Finding, Modality, register_modality

@register_modality
class Slow(Modality):
    \"\"\"Waits where it is told to.\"\"\"

    name = "slow"

    def finish(self, clip, findings):
        waiting = os.environ.get("WAIT_AT")
        if waiting == clip.path.name:
            Path(waiting + ".waiting").write_text("")
            time.sleep(60)
        if clip.path.name.startswith("broken"):
            raise ZeroDivisionError("division by zero")
        return [Finding(Row(clip.file, 0.0, 1.0, 0, self.name, "missing", "nothing to see"))], []
"""


def _heed_interrupts():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def program(tmp_path):
    """The real program in a folder of motions, with a modality that waits at one of them."""
    (tmp_path / "plugin.py").write_text(SLOW)
    for name in ("a.bvh", "b.bvh", "c.bvh"):
        (tmp_path / name).write_text("HIERARCHY")
    environment = os.environ | {"AFFECTLENS_PLUGINS": str(tmp_path / "plugin.py")}

    def start(*arguments, wait_at=""):
        command = [sys.executable, "-m", "affectlens", *arguments]
        given = environment | ({"WAIT_AT": wait_at} if wait_at else {})
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        # What is started in the background of a shell ignores Ctrl-C, and so do the tests' own processes then.
        return subprocess.Popen(command, cwd=tmp_path, env=given, preexec_fn=_heed_interrupts, **pipes)

    return start


def stopped(process, file, number):
    """Exit code and last words of a program that is sent a signal while it waits."""
    for _ in range(1200):
        if file.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_batch_is_resumed(program, tmp_path, number, code):
    verb = ["recognize", "a.bvh", "b.bvh", "c.bvh", "--modalities", "slow", "--out", "t.csv"]
    returned, said = stopped(program(*verb, wait_at="b.bvh"), tmp_path / "b.bvh.waiting", number)
    assert returned == code and RESUME in said and "Traceback" not in said
    (part,) = (tmp_path / ".t.csv.parts").glob("*.parquet")
    assert set(pd.read_parquet(part).file) == {"a.bvh"} and not (tmp_path / "t.csv").exists()
    again = program(*verb, "--resume")
    _, said = again.communicate(timeout=120)
    assert again.returncode == 0 and "already done: a.bvh" in said and "already done: b.bvh" not in said
    assert pd.read_csv(tmp_path / "t.csv").file.unique().tolist() == ["a.bvh", "b.bvh", "c.bvh"]


def test_exit_codes_and_what_is_left(program, tmp_path):
    (tmp_path / "broken\n[red].bvh").write_text("HIERARCHY")
    some = program("recognize", "a.bvh", "broken\n[red].bvh", "none.bvh", "--modalities", "slow", "--out", "t.csv")
    out, said = some.communicate(timeout=120)
    assert some.returncode == 1 and out == "t.csv\n" and "2 inputs failed" in said and "Traceback" not in said
    assert r"broken\n[red].bvh: ZeroDivisionError: division by zero" in said
    assert pd.read_csv(tmp_path / "t.csv.failures.csv").key.tolist() == ["broken\n[red].bvh", "none.bvh"]
    assert "ZeroDivisionError" in (tmp_path / "t.csv.failures.log").read_text()
    loud = program("recognize", "broken\n[red].bvh", "--modalities", "slow", "-v")
    out, said = loud.communicate(timeout=120)
    assert loud.returncode == 1 and "Traceback" in said and "plugin.py" in said
    wrong = program("recognize", "*.mp4", "--modalities", "slow")
    assert wrong.wait(timeout=120) == 2


def test_a_verb_says_how_it_goes_on():
    def interrupted(**_):
        raise KeyboardInterrupt

    def terminated(resume=False):
        raise Terminated

    for command, code, hint in (
        (verb(goes_on=True)(interrupted), 130, AGAIN), (verb()(interrupted), 130, ""), (verb()(terminated), 143, RESUME),
    ):  # fmt: skip
        with pytest.raises(Stopped) as stopped:
            command(config=None, verbose=False, quiet=True)
        assert (stopped.value.code, stopped.value.hint) == (code, hint)
