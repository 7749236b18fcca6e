from itertools import pairwise

import numpy as np
import pytest

from affectlens.media.sound.audio import AudioBlock, audio_blocks
from affectlens.perception.words.turns import LONGEST, turns

RATE = 16000


@pytest.fixture(scope="module")
def voice(clip):
    return np.concatenate([b.samples for b in audio_blocks(clip)])


def heard(x, seconds=7.0):
    step = int(seconds * RATE)
    blocks = [AudioBlock(i / RATE, x[i : i + step].astype(np.float32), RATE) for i in range(0, len(x), step)]
    return list(turns(blocks))


def chords(n):
    t = np.arange(n) / RATE
    out = np.zeros(n)
    for k, root in enumerate([262, 220, 175, 196] * 30):
        part = slice(k * 8000, min((k + 1) * 8000, n))
        for ratio in (1, 1.26, 1.5):
            for h in range(1, 6):
                out[part] += np.exp(-2 * (t[part] - k / 2)) * np.sin(2 * np.pi * root * ratio * h * t[part]) / h
    return out


def mixed(x, noise, snr):
    y = x + noise * np.sqrt(np.mean(x**2) / np.mean(noise**2) / 10 ** (snr / 10))
    return y / max(1.0, np.abs(y).max())


def test_clean_speech_gives_turns_with_features(voice):
    found = heard(voice)
    assert found and all(t.problem == "" for t in found)
    for t in found:
        assert 0 < t.end - t.start <= LONGEST + 0.6 and t.features.shape == (88,) and np.isfinite(t.features).all()
        assert t.quality > 0.5 and not t.narrow
    assert all(a.end <= b.start + 1e-6 for a, b in pairwise(found))
    again = heard(voice, 3.0)
    assert [round(t.start, 2) for t in again] == [round(t.start, 2) for t in found]


def test_a_long_stretch_is_cut(voice):
    dense = np.concatenate([voice[RATE : 4 * RATE]] * 5)
    found = heard(dense)
    assert len(found) >= 3 and max(t.end - t.start for t in found) <= LONGEST + 1.1


@pytest.mark.parametrize(
    ("what", "says"),
    [("noise", "noise"), ("music", "music"), ("clipped", "clipped"), ("short", "too short")],
)
def test_what_cannot_be_judged_says_why(voice, what, says, rng):
    x = voice.astype(np.float64)
    if what == "noise":
        x = mixed(x, rng.normal(size=len(x)), 0)
    elif what == "music":
        x = mixed(x, chords(len(x)), 8)
    elif what == "clipped":
        x = np.clip(x * 12, -0.9, 0.9)
    else:
        x = np.concatenate([np.zeros(RATE), x[int(1.3 * RATE) : int(1.38 * RATE)], np.zeros(RATE)])
    found = heard(x)
    told = [says in (t.problem or t.tonal) for t in found]
    assert all(told) or (what == "noise" and sum(told) >= len(found) / 2)
    assert what == "short" or found


def test_telephone_bandwidth_is_noticed(voice):
    spectrum = np.fft.rfft(voice)
    spectrum[np.fft.rfftfreq(len(voice), 1 / RATE) > 3400] = 0
    found = heard(np.fft.irfft(spectrum, len(voice)))
    assert found and all(t.narrow for t in found) and found[0].quality <= 0.5


def test_an_offset_changes_nothing(voice):
    plain, moved = heard(voice * 0.5), heard(voice * 0.5 + 0.05)
    for a, b in zip(plain, moved, strict=True):
        assert a.features[0] == pytest.approx(b.features[0], abs=0.2)


def test_nothing_heard_gives_nothing(rng):
    assert heard(np.zeros(RATE * 5)) == [] and heard(rng.normal(0, 0.02, RATE * 5)) == [] and list(turns([])) == []
