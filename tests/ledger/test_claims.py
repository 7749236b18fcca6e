"""Claims: one of several processes, stale ones, clocks that differ, file systems without links."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from affectlens.core.errors import OutputError
from affectlens.ledger import Claim, Claims, Holder, Timing
from affectlens.ledger import claims as claims_module

QUICK = Timing(beat=0.02, stale=0.8, watched=0.2)


def held_elsewhere(folder):
    """The number of a process that holds a claim."""
    told, tells = os.pipe()
    process = os.fork()
    if not process:
        claim = Claims(folder, QUICK).take("work")
        os.write(tells, type(claim).__name__.encode())
        time.sleep(60)
        os._exit(0)
    assert os.read(told, 5) == b"Claim"
    os.close(told)
    os.close(tells)
    return process


def of_another_machine(claims, name="work", number=0, **facts):
    """A claim whose process cannot be looked at."""
    claims.folder.mkdir(exist_ok=True)
    file = claims.folder / f"{name}.{number}"
    file.write_text(json.dumps({"machine": "elsewhere", "host": "node7", "process": 12, "token": "x"} | facts))
    return file


def test_one_holds_and_the_other_is_told_who(tmp_path):
    ours, theirs = Claims(tmp_path), Claims(tmp_path)
    with ours.take("work", "a.mp4") as claim:
        assert isinstance(claim, Claim) and claim.number == 0 and claim.is_ours
        other = theirs.take("work")
        assert isinstance(other, Holder) and f"process {os.getpid()} on" in str(other)
        assert isinstance(theirs.take("work.1"), Claim)  # another name, which ends like a number
    assert isinstance(theirs.take("work"), Claim)


def until(holds, seconds=20.0):
    """Wait for something that comes sooner or later."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.01)


def test_a_killed_process_is_taken_over_at_once_and_counted(tmp_path):
    for killed in range(2):
        process = held_elsewhere(tmp_path)
        assert isinstance(Claims(tmp_path).take("work"), Holder)
        os.kill(process, signal.SIGKILL)
        until(lambda: Claims(tmp_path).is_stale("work"))  # also unburied; a signal takes its time on a busy machine
        os.waitpid(process, 0)
        assert Claims(tmp_path).numbers("work") == list(range(killed + 1))
    claim = Claims(tmp_path).take("work")
    assert claim.number == 2
    claim.release()
    assert Claims(tmp_path).names() == set()


def test_a_claim_of_another_machine_is_stale_once_it_is_not_touched(tmp_path):
    claims = Claims(tmp_path, QUICK)
    file = of_another_machine(claims)
    assert isinstance(claims.take("work"), Holder)
    time.sleep(0.5)
    os.utime(file)  # its heart beats
    time.sleep(0.5)
    assert isinstance(claims.take("work"), Holder)
    time.sleep(1.1)
    assert claims.take("work").number == 1


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_clock_that_is_off_by_hours_makes_no_claim_stale(tmp_path, hours, monkeypatch):
    """Neither this machine's clock, nor one of the folder's that is set anew between two touches."""
    claims = Claims(tmp_path, QUICK)
    file = of_another_machine(claims)
    monkeypatch.setattr(time, "time", lambda: 3600.0 * hours)
    os.utime(file, (time.time_ns() / 1e9 + 3600 * hours,) * 2)
    for _ in range(3):
        assert isinstance(claims.take("work"), Holder)
        time.sleep(0.03)
        past = file.stat().st_mtime + 0.01  # it goes on to be touched
        os.utime(file, (past, past))
    assert isinstance(claims.take("work"), Holder)
    time.sleep(1.1)
    assert claims.take("work").number == 1  # and one that is not, is stale whatever the clock says


def test_a_process_that_ends_gives_everything_back_and_takes_nothing_more(tmp_path):
    claims = Claims(tmp_path, QUICK)
    claims.take("a")
    claims.take("b")
    claims.release_all()
    assert claims.names() == set()
    other = threading.Thread(target=claims.take, args=("c",), daemon=True)
    other.start()
    other.join(0.1)
    assert other.is_alive() and claims.names() == set()


def test_a_heart_beats(tmp_path):
    claims = Claims(tmp_path, QUICK)
    with claims.take("work") as claim:
        os.utime(claim.file, (1, 1))
        time.sleep(0.5)
        assert claim.file.stat().st_mtime > 1
    assert not claim.file.exists()


def test_a_torn_claim_is_somebodys_until_it_is_stale(tmp_path):
    claims = Claims(tmp_path, QUICK)
    (tmp_path / "work.0").write_text('{"tok')
    assert str(claims.take("work")) == "another process"
    time.sleep(1.1)
    assert claims.take("work").number == 1


def test_what_was_taken_over_is_noticed(tmp_path):
    claims = Claims(tmp_path, QUICK)
    claim = claims.take("work")
    of_another_machine(claims, number=1)
    assert not claim.is_ours
    claim.release()
    assert claims.numbers("work") == [1]  # the other's is left alone


def test_claims_are_numbered_on_where_a_release_was_broken_off(tmp_path):
    claims = Claims(tmp_path, QUICK)
    of_another_machine(claims, number=3, machine="elsewhere")
    time.sleep(0.01)
    assert isinstance(claims.take("work"), Holder)
    time.sleep(1.1)
    assert claims.take("work").number == 4


def test_of_many_processes_one_gets_it(tmp_path):
    told, tells = os.pipe()
    begun, begins = os.pipe()
    processes = []
    for _ in range(4):
        processes.append(os.fork())
        if not processes[-1]:
            os.read(begun, 1)
            claims = Claims(tmp_path)
            got = [name for name in map(str, range(40)) if isinstance(claims.take(name), Claim)]
            os.write(tells, "".join(f"{name} " for name in got).encode())
            time.sleep(60)  # until all have tried: what a process held that has ended is anybody's
    os.write(begins, b"xxxx")
    names = []
    while len(names) < 40:
        names += os.read(told, 1000).decode().split()
    time.sleep(0.05)
    for process in processes:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    for end in (told, tells, begun, begins):
        os.close(end)
    assert sorted(names, key=int) == [str(number) for number in range(40)]
    assert sorted(path.name for path in tmp_path.glob("[0-9]*")) == sorted(f"{number}.0" for number in range(40))


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def no_link(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(claims_module.os, "link", no_link)
    claims = Claims(tmp_path)
    with claims.take("work") as claim:
        assert isinstance(Claims(tmp_path).take("work"), Holder) and claim.is_ours
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file stands where a folder"):
        Claims(tmp_path / "file" / "claims").take("work")


def test_a_folder_that_vanishes_meanwhile(tmp_path):
    claims = Claims(tmp_path / "claims", QUICK)
    with claims.take("work") as claim:
        for path in Path(claims.folder).iterdir():
            path.unlink()
        claims.folder.rmdir()
        time.sleep(0.05)
        assert not claim.is_ours
