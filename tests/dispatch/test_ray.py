"""Actors of Ray: a cluster of this machine, small enough for a test; skipped where Ray is not installed."""

import os
import signal
import sys
from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest

from affectlens.core.errors import AffectlensError, UsageError
from affectlens.dispatch import Crash, Running, dispatched, ray_actors
from affectlens.dispatch.ray_actors import _Actors, _own_cluster, _share


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


class Cluster:
    """Answers as Ray does: calls that end, are lost, or never come back, in a given order; the order of events is Ray's own."""

    class exceptions:  # noqa: N801
        class RayActorError(Exception):
            pass

        class ActorUnavailableError(RayActorError):
            pass

        class RayTaskError(Exception):
            pass

    def __init__(self, script):
        self.script, self.asked = script, []

    def actor(self, name):
        return SimpleNamespace(
            name=name,
            do=SimpleNamespace(remote=lambda item: self._call(name, item)),
            is_there=SimpleNamespace(remote=lambda: self._call(name, "there?")),
        )

    def _call(self, name, item):
        self.asked.append((name, item))
        return name, item, len(self.asked)

    def wait(self, calls, num_returns, timeout):
        answering = [call for call in calls if self.script(*call[:2]) is not None]
        return answering[:1], calls

    def get(self, call):
        answer = self.script(*call[:2])
        if isinstance(answer, Exception):
            raise answer
        return answer


def results(cluster, items, names, monkeypatch):
    monkeypatch.setattr(ray_actors, "PAUSE", 0.0)
    actors = deque(cluster.actor(name) for name in names)
    return list(_Actors(cluster, deque(items), actors).results())


def test_a_node_that_never_comes_back_is_not_waited_for(monkeypatch):
    lost = Cluster.exceptions.RayActorError("the node is gone")
    cluster = Cluster(lambda name, item: (None if item == "there?" else lost) if name == "b" else item.upper())
    assert sorted(results(cluster, ["x", "y", "z"], ["a", "b"], monkeypatch)) == ["X", "Y", "Z"]
    assert [item for name, item in cluster.asked if name == "b"] == ["y", "there?"]


def test_an_actor_that_runs_again_is_given_more(monkeypatch):
    # Asked twice whether it runs again, then given the item that was lost and the one that waited.
    steps = {"x": [Cluster.exceptions.RayActorError("killed"), "X"], "y": ["Y"]}
    steps["there?"] = [Cluster.exceptions.ActorUnavailableError("not yet"), True]
    cluster = Cluster(lambda name, item: steps[item][0])
    get = cluster.get

    def taken(call):
        try:
            return get(call)
        finally:
            steps[call[1]].pop(0) if len(steps[call[1]]) > 1 else None

    cluster.get = taken
    assert results(cluster, ["x", "y"], ["a"], monkeypatch) == ["X", "Y"]
    assert [item for _, item in cluster.asked] == ["x", "there?", "there?", "x", "y"]


def test_where_no_actor_begins_again_the_run_says_so(monkeypatch):
    cluster = Cluster(lambda name, item: Cluster.exceptions.RayActorError("dead"))
    with pytest.raises(AffectlensError, match="no actor of Ray begins again"):
        results(cluster, ["x", "y"], ["a"], monkeypatch)


def test_actors_do_every_item_once_and_a_killed_one_is_begun_again(tmp_path):
    pytest.importorskip("ray")
    made = list(dispatched(Task(str(tmp_path)), ["a", "die-twice", "die", "b", "c"], Running(workers=2, on="ray")))
    (crash,) = [item for item in made if isinstance(item, Crash)]
    assert crash.item == "die" and crash.tries == 3
    assert sorted(item for item in made if isinstance(item, str)) == ["A", "B", "C", "DIE-TWICE"]
