"""The runs of `python -m benchmarks fuzz`: what hangs, crashes or takes memory is found, and what is done is not done again."""

import json
import os
import re
import time

import numpy as np
import pytest
from benchmarks import fuzz

from affectlens.core.errors import MediaError
from tests.fuzz import worker
from tests.fuzz.targets import Target


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(worker, "CPU_SECONDS", 0.5)
    monkeypatch.setattr(worker, "CPU_SECONDS_IN_LIBRARIES", 1)
    monkeypatch.setattr(fuzz, "PROCESSES", 1)


def reader(read):
    """A reader of files that is told the number of its reading, the sound input being the first."""
    times = iter(range(1000))

    def made(folder):
        (folder / "a.txt").write_text("some words, 1 number")
        return [folder / "a.txt"]

    return Target("a reader", made, lambda path: read(next(times)))


def tried(target, count, out, **options):
    trial = None
    for trial in fuzz.tried(target, count, 0, out, "code", **options):  # noqa: B007
        time.sleep(0.01)
    return trial


def test_refused_inputs_are_right_and_others_are_listed(tmp_path):
    def read(number):
        if number == 2:
            raise MediaError("no")
        if number == 3:
            raise ZeroDivisionError("division by zero")

    trial = tried(reader(read), 4, tmp_path)
    assert [(w["number"], w["outcome"], w["error"]) for w in trial.wrong] == [
        (2, "uncaught", "ZeroDivisionError: division by zero")
    ]


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (os.abort, "crashed"),
        (lambda: [0 for _ in iter(int, 1)], "hung"),
        (lambda: sum(np.sin(np.zeros(1_000_000)).sum() for _ in iter(int, 1)), "hung"),
        (lambda: time.sleep(60), "hung"),
    ],
    ids=["dies", "spins", "spins in a library", "waits for ever"],
)
def test_an_input_that_ends_a_process_is_found_and_the_next_is_tried(tmp_path, end, outcome):
    first = tmp_path / "was here"

    def read(number):
        if number == 2 and not first.exists():
            first.write_text("")
            end()

    trial = tried(reader(read), 4, tmp_path, silent=2.0)
    assert [(w["number"], w["outcome"]) for w in trial.wrong] == [(1, outcome)]
    assert fuzz.done(tmp_path / "a-reader.jsonl") == 4


def test_code_that_no_exception_reaches_is_ended(tmp_path, monkeypatch):
    def read(number):
        if number == 1:
            re.match(r"(a+)+$", "a" * 40 + "b")  # heeds no signal of Python for years

    monkeypatch.setattr(worker.signal, "setitimer", lambda *_: None)
    trial = tried(reader(read), 1, tmp_path)
    assert [(w["number"], w["outcome"]) for w in trial.wrong] == [(0, "hung")]


def test_a_process_that_has_no_processor_does_not_hang(tmp_path):
    trial = tried(reader(lambda number: time.sleep(0.7 if number == 1 else 0)), 2, tmp_path, silent=30.0)
    assert not trial.wrong


def test_memory_is_told_with_its_input(tmp_path, monkeypatch):
    def read(number):
        if number == 3:
            np.ones(50 << 17).sum()  # 50 MB

    trial = tried(reader(read), 5, tmp_path)
    sound = json.loads((tmp_path / "a-reader.jsonl").read_text().splitlines()[1])
    assert trial.at == 2 and 45 <= trial.memory - sound["memory"] <= 60 and not trial.wrong
    monkeypatch.setattr(worker, "MOST_MEMORY", trial.memory - 10)
    (trial,) = fuzz.all_tried([reader(read)], 5, 1, tmp_path)
    assert [(w["number"], w["outcome"]) for w in trial.wrong] == [(2, "memory")]


def test_what_is_left_beside_inputs_is_found(tmp_path):
    def made(folder):
        (folder / "tree").mkdir()
        (folder / "tree" / "a.txt").write_text("words")
        return [folder / "tree"]

    trial = tried(Target("a reader", made, lambda path: (path / "cache").write_text("")), 2, tmp_path)
    assert [(w["outcome"], w["error"]) for w in trial.wrong] == [("left", "tree/cache")]


def test_a_run_goes_on_where_it_was_broken_off_and_is_not_done_twice(tmp_path):
    tries = tmp_path / "tries"

    def read(number):
        with tries.open("a") as out:
            out.write("x")

    broken = reader(read)
    tried(broken, 6, tmp_path)
    log = tmp_path / "a-reader.jsonl"
    assert len(tries.read_text()) == 7
    assert tried(broken, 6, tmp_path).memory > 0 and len(tries.read_text()) == 7
    # As if it had been killed at the fifth: no end is written, and a line is half there.
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines[:-1], '{"number": 4, "outc']))
    (tmp_path / "a-reader.at").write_text(f"{4:12}")
    tried(broken, 6, tmp_path)
    assert len(tries.read_text()) == 7 + 3
    tried(broken, 8, tmp_path)
    assert len(tries.read_text()) == 10 + 3
    for _ in fuzz.tried(broken, 8, 0, tmp_path, "other code"):
        time.sleep(0.01)
    assert len(tries.read_text()) == 13 + 9


def test_sound_inputs_that_are_not_read_end_the_run(tmp_path):
    def read(number):
        raise MediaError("no")

    with pytest.raises(RuntimeError, match="sound inputs are not read"):
        tried(reader(read), 3, tmp_path)
