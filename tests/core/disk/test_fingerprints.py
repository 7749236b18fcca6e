"""What is in memory is known by its content: weights, code, closures, defaults, globals; and what cannot be seen is never the same."""

import functools
import importlib
import os
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from affectlens.core.disk.fingerprints import UNKNOWN, fingerprint

FACTOR = 3


def made(source, name="function", **more):
    """A function from text, as a module that is edited between two runs would give it."""
    space = {"__name__": "edited", "np": np, **more}
    exec(source, space)
    return space[name]


def twice(x):
    return 2 * x


def with_global(x):
    return FACTOR * x


class Model:
    scale = 2.0

    def __init__(self, weight):
        self.weight = weight

    def predict(self, x):
        return self.scale * self.weight * x

    def __call__(self, x):
        return self.predict(x)


def closure(value):
    def function(x):
        return value * x

    return function


def network(seed=0, wide=4):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, wide), nn.ReLU(), nn.BatchNorm1d(wide), nn.GRU(wide, 2))


BODY = "def function(x):\n    return {}\n"
# Pairs that are the same, and pairs that are not.
SAME = {
    "numbers": lambda: ({"a": [1, 2.5], "b": None}, {"b": None, "a": [1, 2.5]}),
    "sets": lambda: ({"x", "y", "z"}, {"z", "y", "x"}),
    "arrays": lambda: (np.arange(6.0), np.arange(6.0)),
    "tables": lambda: (pd.DataFrame({"a": [1, None]}), pd.DataFrame({"a": [1, None]})),
    "a function read again": lambda: (made(BODY.format("2 * x")), made(BODY.format("2 * x"))),
    "a function on other lines": lambda: (made(BODY.format("2 * x")), made("\n\n" + BODY.format("2 * x"))),
    "closures over the same": lambda: (closure(3), closure(3)),
    "networks of one seed": lambda: (network(), network()),
    "partials": lambda: (functools.partial(twice, x=1), functools.partial(twice, x=1)),
    "objects": lambda: (Model(np.ones(3)), Model(np.ones(3))),
    "generators in one state": lambda: (np.random.default_rng(0), np.random.default_rng(0)),
    "rings": lambda: (ring(1), ring(1)),
}
OTHER = {
    "the type of a number": lambda: (1, True),
    "text and bytes": lambda: ("a", b"a"),
    "arrays of another type": lambda: (np.arange(6.0), np.arange(6.0, dtype=np.float32)),
    "arrays of another form": lambda: (np.arange(6.0), np.arange(6.0).reshape(2, 3)),
    "another body": lambda: (made(BODY.format("2 * x")), made(BODY.format("3 * x"))),
    "another operation": lambda: (made(BODY.format("2 * x")), made(BODY.format("2 + x"))),
    "another function called": lambda: (made(BODY.format("np.exp(x)")), made(BODY.format("np.log(x)"))),
    "another default": lambda: (
        made("def function(x, y=1):\n    return x + y\n"),
        made("def function(x, y=2):\n    return x + y\n"),
    ),
    "another closure": lambda: (closure(3), closure(4)),
    "a closure over other weights": lambda: (closure(network(0)), closure(network(1))),
    "another helper": lambda: (
        made("def helper(x):\n    return x\ndef function(x):\n    return helper(x)\n"),
        made("def helper(x):\n    return -x\ndef function(x):\n    return helper(x)\n"),
    ),
    "another helper inside a helper": lambda: (
        made("def inner(x):\n    return x\ndef helper(x):\n    return inner(x)\ndef function(x):\n    return helper(x)\n"),
        made("def inner(x):\n    return -x\ndef helper(x):\n    return inner(x)\ndef function(x):\n    return helper(x)\n"),
    ),
    "another global": lambda: (made(BODY.format("K * x"), K=1), made(BODY.format("K * x"), K=2)),
    "another inner function": lambda: (
        made("def function(x):\n    f = lambda y: y + 1\n    return f(x)\n"),
        made("def function(x):\n    f = lambda y: y + 2\n    return f(x)\n"),
    ),
    "another attribute": lambda: (Model(np.ones(3)), Model(np.zeros(3))),
    "another method": lambda: (made(KIND.format("x"), "Kind")(), made(KIND.format("-x"), "Kind")()),
    "another method of an ancestor": lambda: (made(BASE.format("x"), "Kind")(), made(BASE.format("-x"), "Kind")()),
    "other weights": lambda: (network(0), network(1)),
    "another buffer": lambda: (network(), with_buffer(network())),
    "another forward of the same weights": lambda: (net_of(NET.format("x")), net_of(NET.format("-x"))),
    "another number in a module": lambda: (nn.Dropout(0.1), nn.Dropout(0.2)),
    "another activation": lambda: (nn.Sequential(nn.ReLU()), nn.Sequential(nn.GELU())),
    "half of the weights' precision": lambda: (network(), network().half()),
    "another argument of a partial": lambda: (functools.partial(twice, x=1), functools.partial(twice, x=2)),
    "another property": lambda: (
        made("class Kind:\n    @property\n    def a(self):\n        return 1\n", "Kind"),
        made("class Kind:\n    @property\n    def a(self):\n        return 2\n", "Kind"),
    ),
    "rings": lambda: (ring(1), ring(2)),
}
KIND = "class Kind:\n    def __call__(self, x):\n        return {}\n"
BASE = "class Base:\n    def __call__(self, x):\n        return {}\nclass Kind(Base):\n    pass\n"
NET = "class Kind(nn.Linear):\n    def forward(self, x):\n        return super().forward({})\n"


def ring(value):
    one, other = {"value": value}, {"value": value}
    one["next"], other["next"] = other, one
    return one


def with_buffer(net):
    net[2].running_mean += 1
    return net


def net_of(source):
    torch.manual_seed(0)
    return made(source, "Kind", nn=nn)(3, 2)


@pytest.mark.parametrize("pair", SAME)
def test_the_same_content_is_the_same(pair):
    one, other = SAME[pair]()
    assert fingerprint(one) == fingerprint(other) and len(fingerprint(one)) == 64


@pytest.mark.parametrize("pair", OTHER)
def test_other_content_differs(pair):
    one, other = OTHER[pair]()
    assert fingerprint(one) != fingerprint(other)
    assert UNKNOWN not in fingerprint(one, other)


def test_what_cannot_be_seen_is_never_the_same(tmp_path):
    with (tmp_path / "a").open("w") as opened:
        for thing in (threading.Lock(), closure(opened), (i for i in range(3))):
            assert fingerprint(thing).startswith(UNKNOWN) and fingerprint(thing) != fingerprint(thing)


def test_asking_and_training_modes_leave_it_as_it_was():
    net = network()
    before = fingerprint(net)
    net.train()
    handle = net.register_forward_hook(lambda *_: None)
    assert fingerprint(net) == before
    handle.remove()
    net.eval()
    net[0](torch.zeros(1, 3)).sum().backward()  # gradients are no part of it
    assert fingerprint(net) == before


def test_a_global_that_changes(monkeypatch):
    before = fingerprint(with_global)
    monkeypatch.setitem(with_global.__globals__, "FACTOR", 4)
    assert fingerprint(with_global) != before


WHOLE = """
class Kind:
    names = {"b", "a", "c"}
    def __call__(self, x):
        return x in self.names
def outer(value):
    def function(x, y=(1, 2.5)):
        return value, x, y, Kind
    return function
thing = [outer({"b", "a"}), Kind(), {"z": b"1", "y": None}]
"""


def test_another_process_says_the_same():
    """Whatever the order of sets there is."""
    code = (
        "from affectlens.core.disk.fingerprints import fingerprint\nimport sys\n"
        "space = {'__name__': 'edited'}\nexec(sys.stdin.read(), space)\nprint(fingerprint(space['thing']))"
    )
    there = subprocess.run(
        [sys.executable, "-c", code], input=WHOLE, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )  # fmt: skip
    assert there.stdout.strip() == fingerprint(made(WHOLE, "thing"))


def test_a_module_of_ones_own_counts_by_its_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    digests = []
    for body in ("x", "-x"):
        (tmp_path / "own_helpers.py").write_text(f"def scaled(x):\n    return {body}\n")
        sys.modules.pop("own_helpers", None)
        importlib.invalidate_caches()
        helpers = importlib.import_module("own_helpers")
        digests.append(fingerprint(made(BODY.format("helpers.scaled(x)"), helpers=helpers)))
    sys.modules.pop("own_helpers", None)
    assert digests[0] != digests[1]


def test_an_object_may_speak_for_itself():
    class Session:
        def __init__(self, digest):
            self.digest, self.lock = digest, threading.Lock()

        def __fingerprint__(self):
            return self.digest

    assert fingerprint(Session("a")) == fingerprint(Session("a")) != fingerprint(Session("b"))
