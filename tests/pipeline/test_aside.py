"""Listening while the picture is watched: the same notes in the same order, and errors as where it is heard first."""

import threading
import time
from types import SimpleNamespace

import pytest
import torch

from affectlens.core.errors import MediaError
from affectlens.core.progress import silent
from affectlens.media.frames import Problems
from affectlens.pipeline.aside import Aside
from affectlens.pipeline.engine import Engine


def engine(hear, threads=2, apart=True):
    made = object.__new__(Engine)
    made.options = SimpleNamespace(threads=threads)
    made.modalities = [
        SimpleNamespace(needs_audio=True, hears_apart=apart),
        SimpleNamespace(needs_audio=False, hears_apart=False),
    ]
    made._listen = lambda clip, scratch, progress, problems: hear(problems)
    return made


def recording(**info):
    given = {"audio_tracks": 1, "video_tracks": 1, "duration": 2.0} | info
    return SimpleNamespace(problems=Problems(["opened"]), info=SimpleNamespace(**given))


def test_what_is_heard_is_noted_before_what_is_seen_whichever_ends_first():
    seen, clip = threading.Event(), recording()

    def hear(problems):
        assert seen.wait(10) and threading.current_thread() is not threading.main_thread()
        assert torch.get_num_threads() == 1
        problems.add("heard")

    seconds = {}
    with engine(hear)._listening(clip, None, silent, seconds):
        clip.problems.add("seen")
        seen.set()
    assert clip.problems.notes == ["opened", "heard", "seen"] and seconds["listening"] >= 0


@pytest.mark.parametrize(("given", "info"), [({"threads": 1}, {}), ({"apart": False}, {}), ({}, {"video_tracks": 0})])
def test_without_a_thread_to_spare_listening_comes_first(given, info):
    clip = recording(**info)
    with engine(lambda problems: problems.add("heard"), **given)._listening(clip, None, silent, {}):
        assert clip.problems.notes == ["opened", "heard"]


def test_a_sound_that_cannot_be_heard_is_told_also_where_the_picture_fails():
    def hear(problems):
        raise MediaError("no sound")

    for inside in (lambda: None, lambda: 1 / 0):
        with pytest.raises(MediaError, match="no sound"), engine(hear)._listening(recording(), None, silent, {}):
            inside()


def test_an_error_inside_is_raised_once_the_sound_is_heard():
    heard = []
    with pytest.raises(ZeroDivisionError), engine(lambda problems: heard.append(1))._listening(recording(), None, silent, {}):
        raise ZeroDivisionError
    assert heard == [1]


def test_a_run_that_is_stopped_leaves_no_thread_at_work():
    began, heard = threading.Event(), []

    def listen(clip, scratch, progress, problems):
        for second in range(10_000):
            began.set()
            time.sleep(0.001)
            heard.append(second)
            progress("listening", second, 10_000.0)

    made = engine(None)
    made._listen = listen
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), made._listening(recording(), None, silent, {}):
        assert began.wait(10)
        raise KeyboardInterrupt
    assert len(heard) < 9_000 and threading.active_count() == before


def test_progress_is_told_while_it_is_waited_for():
    gate, told = threading.Event(), []
    aside = Aside(gate.wait)
    aside.wait(lambda: (told.append(1), gate.set()))
    assert told
