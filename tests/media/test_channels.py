"""How the channels of a recording are heard: every kind made from bursts that stand for syllables."""

from __future__ import annotations

import av
import numpy as np
import pytest

from affectlens.core.errors import LimitError
from affectlens.core.limits import Limits, limited
from affectlens.media.frames import Problems
from affectlens.media.sound.audio import Sound, audio_blocks

RATE = 16000


def syllables(seconds=6.0, pitch=140.0, seed=0, pauses=()):
    """A buzz in bursts of uneven strength, silent in the pauses ``(start, end)``."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.cos(2 * np.pi * pitch * h * t + h * h) / h for h in range(1, 12))
    strength = np.interp(t, np.arange(0, seconds + 0.2, 0.2), rng.choice([0.002, 0.4, 0.7, 1.0], round(seconds / 0.2) + 1))
    for start, end in pauses:
        strength[(t >= start) & (t < end)] = 0.0
    x = buzz * strength
    return (0.4 * x / np.abs(x).max()).astype(np.float32)


def noise(n, level, seed=1):
    return np.random.default_rng(seed).normal(0, level, n).astype(np.float32)


def write(path, channels, layout="stereo", rate=RATE, codec="pcm_f32le"):
    """Write ``(channels, n)`` samples as floats."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate)
        stream.layout = layout
        for start in range(0, channels.shape[1], 4096):
            block = np.ascontiguousarray(channels[:, start : start + 4096].T.reshape(1, -1), dtype=np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def heard(path, voice=None):
    problems = Problems()
    sound = Sound(path, problems)
    chosen = sound if voice is None else sound.voices[voice]
    return np.concatenate([b.samples for b in chosen]), problems.notes


def test_one_channel_comes_as_it_is(tmp_path):
    x = syllables()
    got, notes = heard(write(tmp_path / "a.wav", x[None], "mono"))
    np.testing.assert_array_equal(got, x)
    assert notes == []


def test_channels_are_mixed_in_equal_parts_and_that_is_said(tmp_path):
    x = syllables()
    y = (0.5 * x + noise(len(x), 0.02)).astype(np.float32)
    got, notes = heard(write(tmp_path / "a.wav", np.stack([x, y])))
    np.testing.assert_allclose(got, (x + y) / 2, atol=1e-6)
    assert notes == ["2 channels were mixed in equal parts"]


@pytest.mark.parametrize("second", [-1.0, -0.6])
def test_channels_that_cancel_are_turned_over(tmp_path, second):
    x = syllables()
    got, notes = heard(write(tmp_path / "a.wav", np.stack([x, second * x])))
    np.testing.assert_allclose(got, x, atol=1e-6)
    assert "channel 2 is in opposite phase to channel 1" in notes[0]
    noisy = second * x + noise(len(x), 0.02)
    got, _ = heard(write(tmp_path / "b.wav", np.stack([x, noisy])))
    assert np.corrcoef(got, x)[0, 1] > 0.98


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("level", [0.001, 0.3])
def test_noise_on_one_side_leaves_the_other_alone(tmp_path, side, level):
    x = syllables()
    channels = np.stack([x, noise(len(x), level)] if side else [noise(len(x), level), x])
    got, notes = heard(write(tmp_path / "a.wav", channels))
    np.testing.assert_allclose(got, x, atol=1e-6)
    assert notes == [f"channel {side + 1} is steady noise and left out"]


def test_a_silent_channel_is_left_out_for_the_whole_recording(tmp_path):
    x = syllables(pauses=[(0, 3)])
    got, notes = heard(write(tmp_path / "a.wav", np.stack([np.zeros_like(x), x])))
    np.testing.assert_allclose(got, x, atol=1e-6)
    assert notes == ["channel 1 is silent and left out"]
    # Sound on one side for a while only is no dead channel: its share of the mix is the same before and after.
    y = x.copy()
    y[: 3 * RATE] = 0.5 * syllables(3.0, seed=4)
    z = y.copy()
    z[RATE : 2 * RATE] = 0
    got, _ = heard(write(tmp_path / "b.wav", np.stack([y, z])))
    np.testing.assert_allclose(got, (y + z) / 2, atol=1e-6)


def test_one_speaker_a_channel_is_heard_as_two_people(tmp_path):
    first, second = syllables(8.0, 120.0, 1, [(3, 8)]), 0.3 * syllables(8.0, 210.0, 2, [(0, 3.2)])
    path = write(tmp_path / "call.wav", np.stack([first + noise(len(first), 1e-4), second + noise(len(first), 1e-4, 2)]))
    one, notes = heard(path, 0)
    two, _ = heard(path, 1)
    assert np.corrcoef(one, first)[0, 1] > 0.999 and np.corrcoef(two, second)[0, 1] > 0.999
    assert notes == ["one speaker a channel: channels 1 and 2 were heard apart, as 2 people"]
    assert [v.channel for v in Sound(path, Problems()).voices] == [1, 2]
    together = np.concatenate([b.samples for b in audio_blocks(path)])
    np.testing.assert_allclose(together, (one + two) / 2, atol=1e-6)


def test_speakers_in_each_others_channels_are_silenced_there(tmp_path):
    first, second = syllables(8.0, 120.0, 1, [(3, 8)]), syllables(8.0, 210.0, 2, [(0, 3.2)])
    path = write(tmp_path / "leak.wav", np.stack([first + 0.1 * second, second + 0.1 * first]))
    one, notes = heard(path, 0)
    two, _ = heard(path, 1)
    assert np.abs(one[int(3.4 * RATE) :]).max() < 0.01 and np.abs(two[: 3 * RATE]).max() < 0.01
    assert np.corrcoef(one, first)[0, 1] > 0.99 and np.corrcoef(two, second)[0, 1] > 0.99
    assert "speakers are heard in each other's channels" in notes[-1] and "of channel 2 were silenced" in notes[-1]


def test_one_speaker_on_both_channels_is_one_person(tmp_path):
    x = syllables()
    for k, channels in enumerate(([x, 0.2 * x], [x, np.roll(x, 12)], [x, x + noise(len(x), 0.05)])):
        assert len(Sound(write(tmp_path / f"{k}.wav", np.stack(channels)), Problems()).voices) == 1


def test_of_surround_sound_the_centre_is_heard(tmp_path):
    x = syllables()
    music = [0.2 * syllables(pitch=p, seed=p) for p in (330, 440, 550, 660)]
    rumble = np.sin(np.arange(len(x)) * 0.01).astype(np.float32)
    full = np.stack([music[0], music[1], x, rumble, music[2], music[3]])
    got, notes = heard(write(tmp_path / "a.wav", full, "5.1"))
    np.testing.assert_allclose(got, x, atol=1e-6)
    assert any("the centre" in n for n in notes)
    full[2] = 0  # nothing in the centre: the speech comes from the front
    full[:2], full[4:] = x, 0
    got, notes = heard(write(tmp_path / "b.wav", full, "5.1"))
    np.testing.assert_allclose(got, x, atol=1e-6)


def test_an_offset_is_taken_off_and_told(tmp_path):
    x = syllables()
    got, notes = heard(write(tmp_path / "a.wav", (x + 0.3)[None], "mono"))
    np.testing.assert_allclose(got, x - x.mean(), atol=1e-4)
    assert notes == ["an offset of +0.300 of full scale was taken off"]


def test_floats_above_full_scale_are_scaled_as_a_whole(tmp_path):
    x = syllables()
    got, notes = heard(write(tmp_path / "a.wav", (20 * x)[None], "mono"))
    np.testing.assert_allclose(got, x / np.abs(x).max(), atol=1e-5)
    assert notes == ["samples reach 8 times full scale; the whole was scaled to full scale, nothing was cut off"]


def test_one_damaged_float_does_not_silence_the_rest(tmp_path):
    x = syllables()
    x[5000] = 1e30
    got, notes = heard(write(tmp_path / "a.wav", x[None], "mono"))
    x[5000] = 0
    np.testing.assert_array_equal(got, x)
    assert any("read as silence" in n for n in notes)


def test_a_very_quiet_recording_is_made_louder(tmp_path):
    x = syllables()
    got, notes = heard(write(tmp_path / "a.wav", (0.003 * x)[None], "mono"))
    assert 0.05 < got.std() < 0.4 and np.corrcoef(got, x)[0, 1] > 0.9999
    assert len(notes) == 1 and "very quiet" in notes[0]
    got, notes = heard(write(tmp_path / "b.wav", np.zeros((1, RATE), np.float32), "mono"))
    assert not got.any() and notes == []


def test_clipping_is_told(tmp_path):
    x = syllables()
    for k, top in enumerate((0.05, 0.2)):
        _, notes = heard(write(tmp_path / f"{k}.wav", (np.clip(x, -top, top) * 2)[None], "mono"))
        assert any(n.startswith("clipped: ") for n in notes)


def test_too_much_sound_is_refused_before_room_is_made(tmp_path):
    path = write(tmp_path / "a.wav", syllables(3.0)[None], "mono")
    for limits in (Limits(seconds=2), Limits(samples=1000)):
        with limited(limits), pytest.raises(LimitError, match="a.wav"):
            list(audio_blocks(path))
