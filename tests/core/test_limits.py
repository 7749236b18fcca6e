"""Limits and the barrier: what a file promises is checked before room is made, and every exception names the file."""

import re
from pathlib import Path

import pytest

from affectlens.core.barrier import reading, reads
from affectlens.core.errors import CorpusError, LimitError, MediaError, UsageError
from affectlens.core.limits import Limits, current, limited, limits_of, within


def test_the_limit_itself_is_within_and_one_more_is_not():
    with limited(Limits(pixels=10)):
        within("pixels", 10, "a.png")
        with pytest.raises(LimitError, match=re.escape("a.png: 11 pixels, more than the 10")):
            within("pixels", 11, "a.png")
    assert current() == Limits()


@pytest.mark.parametrize("amount", [float("nan"), float("inf")])
def test_what_is_no_number_is_damage(amount):
    with pytest.raises(LimitError, match="damaged"):
        within("seconds", amount, "a.mp4")


def test_limits_from_words():
    limits = limits_of(("pixels=400_000_000", "seconds=1.5"))
    assert (limits.pixels, limits.seconds, limits.bytes) == (400_000_000, 1.5, Limits().bytes)
    for wrong, says in (("pixel=3", "did you mean pixels"), ("pixels", "pixels=NUMBER"), ("pixels=many", "a number was expected"), ("pixels=0", "at least 1")):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            limits_of((wrong,))


@pytest.mark.parametrize("cause", [ValueError("bad\nheader"), KeyError("x"), RecursionError(), UnicodeDecodeError("utf-8", b"a", 0, 1, "odd"), ZeroDivisionError("z")])  # fmt: skip
def test_every_exception_names_the_file_and_keeps_its_cause(cause):
    with (
        pytest.raises(CorpusError, match="^a.csv cannot be read as a table: .") as told,
        reading("a.csv", "a table", CorpusError),
    ):
        raise cause
    assert told.value.__cause__ is cause and "\n" not in str(told.value)


def test_own_errors_and_interrupts_pass_and_memory_is_a_limit():
    own = CorpusError("own")
    with pytest.raises(CorpusError) as told, reading("a", "b"):
        raise own
    assert told.value is own
    with pytest.raises(KeyboardInterrupt), reading("a", "b"):
        raise KeyboardInterrupt
    with pytest.raises(LimitError, match="memory does not suffice"), reading("a", "b"):
        raise MemoryError


def test_a_file_that_is_not_there_is_told_apart_from_one_missing_inside():
    with pytest.raises(MediaError, match="^gone.wav: no such file$"), reading("gone.wav", "sound"):
        Path("gone.wav").read_bytes()
    with pytest.raises(MediaError, match="^there.csv cannot be read as a list: No such file"), reading("there.csv", "a list"):
        Path("gone.wav").read_bytes()


def test_generators_are_guarded_while_they_run():
    @reads("frames")
    def frames(path):
        yield 1
        raise ValueError("broken")

    stream = frames("clip.mp4")
    assert next(stream) == 1
    with pytest.raises(MediaError, match="clip.mp4 cannot be read as frames: broken"):
        next(stream)
