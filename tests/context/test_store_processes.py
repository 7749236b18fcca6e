"""The store in the hands of several processes, of ones that are killed, and in files that are no whole store."""

import os
import signal
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from affectlens.context.store import MIGRATIONS, Store, Unit
from affectlens.core.errors import OutputError
from affectlens.pipeline.averages import usual

PEOPLE = [Unit(person, 1, ("anger", "happiness", "neutral"), (0.25, 0.25, 0.5)) for person in range(3)]


def started(work):
    """A process of its own that does something; it ends with 1 where that raises."""
    process = os.fork()
    if process == 0:
        try:
            work()
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    return process


def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def whole(path, expected):
    """Whether the recordings are there, and all of each."""
    units = Store(path).units()
    assert expected <= set(units.fingerprint) and (units.groupby("fingerprint").size() == len(PEOPLE)).all()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_processes_that_make_and_fill_a_store_at_the_same_time_lose_nothing(tmp_path):
    for trial in range(5):
        path, go = tmp_path / f"{trial}.db", tmp_path / f"go {trial}"

        def work(number, path=path, go=go):
            while not go.exists():
                time.sleep(0.0005)
            for _ in range(2):
                Store(path).put(f"recording {number}", "office", True, None, PEOPLE)

        processes = [started(lambda n=n: work(n)) for n in range(4)]
        go.write_text("")
        assert [ended(p) for p in processes] == [0] * 4
        whole(path, {f"recording {n}" for n in range(4)})


def test_what_a_killed_process_had_stored_is_there_and_the_next_goes_on(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "s.db"

    def work(number):
        with (tmp_path / f"stored {number}").open("a", buffering=1) as stored:
            for i in range(10_000):
                Store(path).put(f"{number} {i % 50}", "office", True, None, PEOPLE)
                stored.write(f"{number} {i % 50}\n")

    for trial in range(5):
        processes = [started(lambda n=n, t=trial: work(f"{t}{n}")) for n in "ab"]
        for process in processes:
            time.sleep(rng.uniform(0.0, 0.1))
            os.kill(process, signal.SIGKILL)
        assert [ended(p) for p in processes] == [-signal.SIGKILL] * 2
        known = {line for file in tmp_path.glob("stored *") for line in file.read_text().split("\n")[:-1]}
        whole(path, known)
        Store(path).put("after", "office", True, None, PEOPLE)


def test_a_process_waits_for_one_that_writes_and_gives_up_on_one_that_does_not_end(tmp_path, monkeypatch):
    path, holding = tmp_path / "s.db", tmp_path / "holding"
    Store(path)

    def hold(seconds):
        with sqlite3.connect(path, isolation_level=None) as db:
            db.execute("BEGIN EXCLUSIVE")
            holding.write_text("")
            time.sleep(seconds)

    for seconds in (0.3, 60):
        process = started(lambda s=seconds: hold(s))
        while not holding.exists():
            time.sleep(0.001)
        if seconds < 1:
            Store(path).put("waits", "office", True, None, PEOPLE)
        else:
            monkeypatch.setattr("affectlens.context.store._WAIT", 0.2)
            with pytest.raises(OutputError, match="nothing was changed. Another process holds it; try again"):
                Store(path).put("gives up", "office", True, None, PEOPLE)
            os.kill(process, signal.SIGKILL)
        ended(process)
        holding.unlink()
    Store(path).put("the lock went with its process", "office", True, None, PEOPLE)
    assert set(Store(path).units().fingerprint) == {"waits", "the lock went with its process"}


def test_one_that_is_told_at_once_that_it_is_locked_begins_anew(tmp_path):
    store, times = Store(tmp_path / "s.db"), []

    def work(db):
        times.append(db)
        if len(times) < 3:  # two that read and want to write: SQLite lets neither wait for the other
            with sqlite3.connect(store.path, isolation_level=None, timeout=0) as other:
                other.execute("BEGIN IMMEDIATE")
                db.execute("PRAGMA busy_timeout = 0")
                db.execute("BEGIN IMMEDIATE")
        return "done"

    assert store._do(work) == "done" and len(times) == 3


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "s.db"
    for n in range(20):
        Store(path).put(f"recording {n}", "office", True, None, PEOPLE)
    assert [p.name for p in path.parent.iterdir()] == ["s.db"]
    return path.read_bytes()


def test_half_a_store_is_refused_and_stays_as_it_is(tmp_path, content):
    path = tmp_path / "half.db"
    for length in (150, 1024, 4096, 5000, 8192, len(content) // 2, len(content) - 4096):
        path.write_bytes(content[:length])
        for use in (lambda: Store(path).units(), lambda: Store(path).put("new", "office", True, None, PEOPLE)):
            with pytest.raises(OutputError, match="not a store of affectlens .*; give another"):
                use()
        assert path.read_bytes() == content[:length]


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE person",
        "ALTER TABLE person DROP COLUMN readable",
        "PRAGMA user_version = -1",
        "PRAGMA user_version = 1",
        "UPDATE recording SET place = CAST(x'ff' AS TEXT)",
        "UPDATE recording SET started = 'yesterday'",
        "UPDATE recording SET place = x'00'",
        "UPDATE person SET readable = 'many'",
        "UPDATE person SET labels = x'ff00'",
        "UPDATE person SET labels = '[1, 2, 3]'",
        """UPDATE person SET labels = '["anger", "anger", "neutral"]'""",
        "UPDATE person SET labels = '{}'",
        "UPDATE person SET probabilities = '[0.5, 0.5]'",
        "UPDATE person SET probabilities = '[NaN, 0.5, 0.5]'",
        "UPDATE person SET probabilities = '[1e999, 0, 0]'",
        "UPDATE person SET probabilities = '[-0.5, 0.5, 1]'",
        "UPDATE person SET probabilities = '[0.9, 0.9, 0.9]'",
        """UPDATE person SET probabilities = '["a", null, [1]]'""",
        "UPDATE person SET probabilities = '[true, false, false]'",
    ],
)
def test_what_no_store_holds_is_refused(tmp_path, content, change):
    path = tmp_path / "s.db"
    path.write_bytes(content)
    with sqlite3.connect(path) as db:
        db.execute(change)
    db.close()
    with pytest.raises(OutputError, match=r"s\.db.* store of affectlens"):
        Store(path).units()
    with pytest.raises(OutputError):
        usual(path)


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_version_without_its_tables_is_refused(tmp_path, version):
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute(f"PRAGMA user_version = {version}")
    db.close()
    with pytest.raises(OutputError, match="not a store of affectlens .no such table"):
        Store(tmp_path / "s.db").put("a", "office", True, None, PEOPLE)


@pytest.mark.parametrize(
    "make", [Path.mkdir, lambda path: path.symlink_to(path.parent / "gone" / "s.db")], ids=["folder", "link"]
)
def test_what_cannot_be_opened_says_so(tmp_path, make):
    make(tmp_path / "s.db")
    with pytest.raises(OutputError, match="unable to open.* nothing was changed. Expected a file and a folder"):
        Store(tmp_path / "s.db")
