"""Sound lies where the recording's clock puts it: beeps at known moments in tracks that start late, have holes, start again."""

from __future__ import annotations

import wave
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from affectlens.core.errors import LimitError, MediaError
from affectlens.media.frames import Problems
from affectlens.media.sound.audio import Sound, audio_blocks
from affectlens.media.sound.track import CHANNELS, FASTEST, pieces
from tests.conftest import plain_frames, write_video

RATE = 16000
FRAME = 0.04  # seconds
CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "media"


def beeps(times, seconds):
    t = np.arange(round(seconds * RATE)) / RATE
    on = np.any([(t >= start) & (t < start + 0.1) for start in times], axis=0)
    return (0.5 * np.sin(2 * np.pi * 1000 * t) * on).astype(np.float32)


def write(path, x, starts=(0.0,), codec="pcm_f32le", video=2.0):
    """Write sound cut into equal parts that start at the given seconds, beside a picture from 0 s on."""
    with av.open(str(path), "w") as out:
        sound = out.add_stream(codec, rate=RATE)
        sound.layout = "mono"
        picture = out.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for i in range(round(video * 10)):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), i, np.uint8), format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            out.mux(picture.encode(frame))
        out.mux(picture.encode(None))
        for part, start in zip(np.split(x, len(starts)), starts, strict=True):
            for first in range(0, len(part), 1024):
                frame = av.AudioFrame.from_ndarray(part[None, first : first + 1024], format="flt", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = RATE, round(start * RATE) + first, Fraction(1, RATE)
                out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def heard(path):
    """Onsets of beeps in seconds, length of the sound, notes."""
    problems = Problems()
    blocks = list(Sound(path, problems, seconds=0.7))
    for before, after in pairwise(blocks):
        assert after.start == pytest.approx(before.start + len(before.samples) / RATE)
    x = np.concatenate([b.samples for b in blocks])
    loud = np.flatnonzero(np.abs(x) > 0.2 * np.abs(x).max()) / RATE
    onsets = loud[np.diff(loud, prepend=-1.0) > 0.2]
    return [round(float(v), 3) for v in onsets], len(x) / RATE, problems.notes


def test_a_track_that_starts_late_is_late(tmp_path):
    onsets, seconds, notes = heard(write(tmp_path / "late.mkv", beeps([0.3, 1.2], 2.0), [1.5], video=4.0))
    assert onsets == pytest.approx([1.8, 2.7], abs=0.002) and seconds == pytest.approx(3.5, abs=0.01)
    assert notes == ["the sound starts 1.50 s after the recording; before that it is silent"]


def test_a_hole_becomes_silence_of_its_length(tmp_path):
    x = np.concatenate([beeps([0.3], 1.0), beeps([0.2], 1.0)])
    onsets, seconds, notes = heard(write(tmp_path / "hole.mkv", x, [0.0, 3.0], video=4.0))
    assert onsets == pytest.approx([0.3, 3.2], abs=0.003) and seconds == pytest.approx(4.0, abs=0.01)
    assert notes == ["the sound has a hole at 1.0 s; 2.00 s in all were read as silence"]


def test_a_hole_of_years_is_refused_before_room_is_made(tmp_path):
    x = beeps([0.3], 2.0)
    with pytest.raises(LimitError, match="seconds"):
        heard(write(tmp_path / "years.mkv", x, [0.0, 4e5], video=1.0))


def test_where_time_stamps_start_again_time_goes_on(tmp_path):
    parts = [write(tmp_path / f"{k}.ts", beeps([0.5], 2.0), codec="aac") for k in range(2)]
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(p.read_bytes() for p in parts))
    onsets, _, notes = heard(joined)
    assert len(onsets) == 2 and onsets[1] - onsets[0] == pytest.approx(2.0, abs=3 * FRAME)
    assert any("start again" in n for n in notes)


def test_a_change_of_channels_and_rate_goes_on(tmp_path):
    """As where broadcasts go from one channel to two: every second is kept, the first format holds."""
    paths = []
    for layout, rate in (("mono", 32000), ("stereo", 48000)):
        path = tmp_path / f"{layout}.mp3"
        with av.open(str(path), "w", format="mp3") as out:
            stream = out.add_stream("mp3", rate=rate)
            stream.layout = layout
            channels = 2 if layout == "stereo" else 1
            t = np.arange(rate) / rate
            x = np.repeat(0.3 * np.sin(2 * np.pi * 440 * t)[None].astype(np.float32), channels, 0)
            for first in range(0, rate, 1152):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(x[:, first : first + 1152]), format="fltp", layout=layout
                )
                frame.sample_rate, frame.pts = rate, first
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        paths.append(path)
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(b"".join(p.read_bytes() for p in paths))
    problems = Problems()
    x = np.concatenate([b.samples for b in audio_blocks(joined, problems=problems)])
    assert len(x) / RATE == pytest.approx(2.0, abs=0.2)
    assert any("changes to stereo" in n for n in problems.notes)


def test_no_sound_and_no_file(tmp_path):
    silent = write_video(tmp_path / "silent.mp4", plain_frames(3))
    assert list(Sound(silent, Problems())) == [] and len(Sound(silent, Problems()).voices) == 1
    with pytest.raises(MediaError, match="no such file"):
        list(audio_blocks(tmp_path / "absent.wav"))


@pytest.mark.parametrize(
    ("name", "first"), [("sync_alate.mp4", 2.5), ("sync_vlate.mp4", 1.0), ("sync_cut.ts", 0.1), ("sync.avi", 1.04)]
)
def test_recorded_tracks_that_are_shifted(name, first):
    """In the first two the edit list shifts one track by 1.5 s and the other not, so that flash and beep, which both come 1 s
    after their own track's start, are 1.5 s apart on the container's clock, as in a player; in the others they meet."""
    if not (CASES / name).exists():
        pytest.skip("the cases are not here")
    onsets, _, _ = heard(CASES / name)
    np.testing.assert_allclose(onsets, first + np.arange(len(onsets)), atol=FRAME)


def many_channels(path, channels, rate=RATE):
    """As many samples as a second has, in which each channel has values of its own, in 16 bits; ``(channels, n)``."""
    values = np.random.default_rng(channels).integers(-30_000, 30_000, (channels, RATE)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(values.T.tobytes())
    return values


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 10, 16, 33, CHANNELS])
def test_every_channel_has_its_own_samples(tmp_path, channels):
    values = many_channels(tmp_path / "a.wav", channels)
    read = np.concatenate([piece.samples for piece in pieces(tmp_path / "a.wav", Problems())], axis=1)
    np.testing.assert_array_equal(read, (values / 32768).astype(np.float32))
    assert sum(len(block.samples) for block in audio_blocks(tmp_path / "a.wav")) == RATE


def test_more_channels_than_can_be_read_are_refused(tmp_path):
    many_channels(tmp_path / "a.wav", CHANNELS + 1)
    with pytest.raises(MediaError, match=r"a\.wav: 65 channels of sound; at most 64 are read"):
        list(audio_blocks(tmp_path / "a.wav"))


@pytest.mark.parametrize("rate", [FASTEST + 1, 1_000_000_000])
def test_sound_that_is_too_fast_is_refused(tmp_path, rate):
    many_channels(tmp_path / "a.wav", 2, rate)
    with pytest.raises(MediaError, match=r"a\.wav: [\d,]+ samples of sound a second; at most 10,000,000 are read"):
        list(audio_blocks(tmp_path / "a.wav"))


def test_fast_sound_is_brought_to_another_rate(tmp_path):
    many_channels(tmp_path / "a.wav", 1, FASTEST)
    assert sum(len(block.samples) for block in audio_blocks(tmp_path / "a.wav")) == pytest.approx(RATE**2 / FASTEST, abs=5)
