"""Actors of Ray: a cluster of this machine, small enough for a test; skipped where Ray is not installed."""

import os
import signal
import sys
from pathlib import Path

import pytest

from affectlens.core.errors import UsageError
from affectlens.dispatch import Crash, Running, dispatched
from affectlens.dispatch.ray_actors import _own_cluster, _share


class Task:
    def __init__(self, folder):
        self.folder = folder

    def open(self, threads):
        return self.do

    def do(self, item):
        if item.startswith("die"):
            tries = Path(self.folder) / item
            with tries.open("a") as file:
                file.write("x")
            if item == "die" or tries.stat().st_size < 3:
                os.kill(os.getpid(), signal.SIGKILL)
        return item.upper()

    def stop(self):
        pass


def test_an_actor_leaves_a_processor_to_ray():
    assert _share({"CPU": 9.0, "GPU": 2.0}, 2) == (9, 4, 2.0) and _share({"CPU": 4.0}, 3) == (4, 1, 0.0)
    with pytest.raises(UsageError, match="3 or fewer were expected"):
        _share({"CPU": 4.0}, 4)
    assert _own_cluster(2)["num_cpus"] == 3


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"affectlens\[cluster\]"):
        list(dispatched(Task(""), ["a"], Running(on="ray")))


def test_actors_do_every_item_once_and_a_killed_one_is_begun_again(tmp_path):
    pytest.importorskip("ray")
    made = list(dispatched(Task(str(tmp_path)), ["a", "die-twice", "die", "b", "c"], Running(workers=2, on="ray")))
    (crash,) = [item for item in made if isinstance(item, Crash)]
    assert crash.item == "die" and crash.tries == 3
    assert sorted(item for item in made if isinstance(item, str)) == ["A", "B", "C", "DIE-TWICE"]
