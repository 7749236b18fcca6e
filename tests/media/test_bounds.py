"""Recordings that promise more than is read."""

import itertools

import numpy as np
import pytest

from affectlens.core.errors import LimitError, MediaError
from affectlens.core.limits import Limits, limited
from affectlens.media.frames import frames, probe
from tests.conftest import plain_frames, write_video


@pytest.mark.parametrize("limits", [Limits(pixels=5000), Limits(frames=4), Limits(seconds=1)])
def test_more_than_the_limit_is_refused(tmp_path, limits):
    path = write_video(tmp_path / "v.mkv", plain_frames(6), [0.0, 0.1, 0.2, 0.3, 0.4, 5.0])
    assert len(list(frames(path))) == 6
    with limited(limits), pytest.raises((LimitError, MediaError), match="pixels|frames|seconds|unreadable|could"):
        probe(path)
        list(frames(path))


def test_damage_in_the_middle_is_left_out_and_said(tmp_path):
    from affectlens.media.frames import Problems

    rng = np.random.default_rng(3)
    path = write_video(tmp_path / "v.ts", [rng.integers(0, 255, (64, 96, 3), dtype=np.uint8) for _ in range(40)])
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = rng.integers(0, 255, 3000, dtype=np.uint8).tobytes()
    path.write_bytes(bytes(data))
    problems = Problems()
    got = list(frames(path, problems=problems))
    times = [f.time for f in got]
    assert 10 < len(got) <= 41 and all(a < b for a, b in itertools.pairwise(times))


def test_codecs_that_keep_frames_are_bounded_more_tightly(tmp_path):
    path = write_video(tmp_path / "v.mp4", plain_frames(3, (100, 100)))
    intra = write_video(tmp_path / "v.avi", plain_frames(3, (100, 100)), codec="ffv1")
    with limited(Limits(pixels=12_000)):
        assert probe(intra).width == 100
        for read in (probe, lambda p: list(frames(p))):
            with pytest.raises(LimitError, match="--limit pixels=25000"):
                read(path)
    with limited(Limits(pixels=25_000)):
        assert probe(path).width == 100
