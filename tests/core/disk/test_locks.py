"""One process at a time; whoever is killed holds nothing."""

import os
import signal
import subprocess
import sys

import pytest

from affectlens.core.disk.locks import alone_in
from affectlens.core.errors import OutputError

HOLD = (
    "import sys, time; from pathlib import Path; from affectlens.core.disk.locks import alone_in\n"
    "with alone_in(Path(sys.argv[1]), 'out'):\n    print('held', flush=True); time.sleep(60)"
)


def test_the_second_is_told_who_is_first_and_a_killed_one_holds_nothing(tmp_path):
    lock = tmp_path / "out" / ".lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match=rf"out: another process \({first.pid}\) is at work there"), alone_in(lock, "out"):
            pass
        first.send_signal(signal.SIGKILL)
    assert lock.exists()
    with alone_in(lock, "out"):
        assert lock.read_text() == f"{os.getpid()}\n"
    assert not lock.exists()


def test_it_is_given_back_after_an_error(tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match="no"), alone_in(tmp_path / ".lock", "out"):
            raise ValueError("no")


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder"), alone_in(tmp_path / "file" / ".lock", "out"):
        pass
