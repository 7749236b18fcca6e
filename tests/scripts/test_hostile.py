"""`python -m benchmarks hostile` tells what became of a file, and what that took."""

import os
import signal

import numpy as np
from benchmarks.hostile import alone

from affectlens.media.pictures.images import SUFFIXES
from tests.core.untrusted.hostile_media import pictures, recordings
from tests.fuzz.worker import memory


def test_a_reading_is_done_in_a_process_of_its_own():
    def read():
        before = memory()
        np.ones(1 << 24)  # 128 MB
        return {"taken": memory() - before}

    before = memory()
    assert 100 <= alone(read)["taken"] <= 140 and memory() - before < 60


def test_a_reading_that_dies_is_wrong():
    assert (
        alone(lambda: os.kill(os.getpid(), signal.SIGKILL))["wrong"] == "exit code -9"
        and alone(lambda: 1 / 0)["wrong"] == "exit code 70"
    )


def test_pictures_go_by_names_of_pictures_and_recordings_do_not():
    def suffixes(names):
        return {"." + name.rpartition(".")[2] for name in names}

    assert suffixes(pictures()) <= SUFFIXES and not suffixes(recordings()) & SUFFIXES
