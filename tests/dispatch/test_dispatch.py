"""Items through this process and through worker processes: every one once, whatever happens to workers."""

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from affectlens.core.errors import UsageError
from affectlens.core.limits import Limits, current, limited
from affectlens.dispatch import Crash, Running, Shard, chosen, dispatched, longest_first
from affectlens.dispatch.running import processors


@dataclass
class Upper:
    """Writes every item in capitals; an item may say what shall happen to its worker."""

    folder: Path
    stopped: bool = field(default=False)

    def open(self, threads):
        (self.folder / f"opened-{os.getpid()}").write_text(str(threads))
        return self.do

    def do(self, item):
        if item.startswith("die"):
            tries = self.folder / item
            tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
            if item == "die" or len(tries.read_text()) < 3:
                os.kill(os.getpid(), signal.SIGKILL)
        if item == "long":
            (self.folder / "at-it").write_text(str(os.getpid()))
            time.sleep(60)
        if item == "limits":
            return current().pixels
        return item.upper()

    def stop(self):
        (self.folder / "given-back").write_text("")


class Broken:
    def open(self, threads):
        raise UsageError("--device cuda: there is none")

    def stop(self):
        pass


class Dying:
    def open(self, threads):
        os._exit(7)

    def stop(self):
        pass


def test_this_process_opens_once_and_keeps_the_order(tmp_path):
    assert list(dispatched(Upper(tmp_path), ["a", "b"], Running())) == ["A", "B"]
    assert [path.read_text() for path in tmp_path.iterdir()] == ["None"]
    assert list(dispatched(Upper(tmp_path / "none"), [], Running())) == []


def test_workers_do_every_item_once_with_what_holds_here(tmp_path):
    with limited(Limits(pixels=77)):
        made = list(dispatched(Upper(tmp_path), [*"abcdef", "limits"], Running(workers=2)))
    assert sorted(map(str, made)) == ["77", *"ABCDEF"]
    opened = [path.read_text() for path in tmp_path.glob("opened-*")]
    assert opened == [str(max(1, processors() // 2))] * 2


def test_a_killed_worker_is_replaced_and_its_item_tried_twice_more(tmp_path):
    made = list(dispatched(Upper(tmp_path), ["die-twice", "die", "a", "b"], Running(workers=2)))
    assert {"DIE-TWICE", "A", "B"} == {item for item in made if isinstance(item, str)}
    (crash,) = [item for item in made if isinstance(item, Crash)]
    assert crash.item == "die" and crash.tries == 3 and "SIGKILL" in crash.reason
    assert (tmp_path / "die").read_text() == "xxx"


def test_what_cannot_be_opened_is_an_error_here():
    with pytest.raises(UsageError, match="there is none"):
        list(dispatched(Broken(), ["a", "b"], Running(workers=2)))
    with pytest.raises(Exception, match="workers end before they begin .exit code 7"):
        list(dispatched(Dying(), ["a", "b"], Running(workers=2)))


def test_a_run_that_is_stopped_ends_its_workers_which_give_back_what_they_hold(tmp_path):
    coming = dispatched(Upper(tmp_path), ["a", "long", "b"], Running(workers=2))
    next(coming)
    while not (tmp_path / "at-it").exists():
        next(coming, None)
    process = int((tmp_path / "at-it").read_text() or "0")
    coming.close()
    assert (tmp_path / "given-back").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_are_all_items_once_wherever_the_folder_lies(count):
    files = [f"/data/{number % 5}/{number}.mp4" for number in range(60)]
    shares = [Shard(number, count).files(files) for number in range(1, count + 1)]
    assert sorted(file for share in shares for file in share) == sorted(files)
    moved = [file.replace("/data", "/mnt/copy") for file in files]
    assert [[file.replace("/mnt/copy", "/data") for file in Shard(n + 1, count).files(moved)] for n in range(count)] == shares
    assert count == 1 or max(map(len, shares)) < 60


def test_blocks_stay_whole():
    shares = [Shard(number, 3).blocks(list(range(25)), 4) for number in (1, 2, 3)]
    assert shares[0] == [0, 1, 2, 3, 12, 13, 14, 15, 24] and sorted(item for share in shares for item in share) == list(
        range(25)
    )


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"])
def test_shards_that_there_are_not(text):
    with pytest.raises(UsageError, match="I/N"):
        chosen(shard=text)


def test_other_wrong_values():
    with pytest.raises(UsageError, match="--workers 0"):
        chosen(workers=0)
    with pytest.raises(UsageError, match="--on slurm"):
        chosen(on="slurm")
    with pytest.raises(UsageError, match="--journal"):
        chosen(journal="no such folder/log.jsonl")
    assert longest_first(["b", "a"], lambda _: 1.0) == ["b", "a"]
