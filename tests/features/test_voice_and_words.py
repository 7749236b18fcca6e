"""Properties of voices and texts on sounds and texts whose values are known by how they were made."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from affectlens.explainers.interventions.registry import intervention
from affectlens.features.properties.registry import property_named
from affectlens.features.properties.voice import VoiceView

RATE = 16000
TIME = np.arange(3 * RATE) / RATE


def measured(name, samples):
    return property_named(name, "voice").measure(VoiceView({}, samples, {}))


def noise(seconds=3.0, seed=0):
    return 0.1 * np.random.default_rng(seed).normal(size=round(seconds * RATE))


def speechlike(rate=4.0, seed=1):
    """Harmonics with a falling spectrum and some breath, louder and quieter ``rate`` times a second."""
    tone = sum(np.sin(2 * np.pi * 130 * k * TIME) / k for k in range(1, 55))
    breath = 0.02 * np.random.default_rng(seed).normal(size=len(TIME))
    return 0.1 * (tone + breath) * (0.15 + np.sin(np.pi * rate * TIME) ** 2)


@pytest.mark.parametrize("limit", [2.0, 3.4, 5.5])
def test_bandwidth_is_where_the_filter_ends(limit):
    low = sosfiltfilt(butter(16, limit * 1000, "low", fs=RATE, output="sos"), noise())
    assert measured("bandwidth", low) == pytest.approx(limit, abs=0.9) and measured("bandwidth", noise()) > 7.8
    assert measured("bandwidth", np.zeros(5000)) is None


def test_bandwidth_moves_with_its_intervention():
    change = intervention("bandwidth", "voice").change
    found = [measured("bandwidth", change(noise(), dose)) for dose in (0, 2, 4, 5, 6)]
    assert found == sorted(found, reverse=True) and found[0] > 7.8 and found[-1] < 3.5


@pytest.mark.parametrize("rate", [2, 4, 6])
def test_speech_rate_counts_bumps(rate):
    assert measured("speech rate", speechlike(rate)) == pytest.approx(rate, abs=0.4)
    assert measured("speech rate", np.zeros(3 * RATE)) is None


def test_loudness_range_by_hand():
    halves = np.concatenate([noise(3), noise(3, 1) * 10 ** (-12 / 20)])
    assert measured("loudness range", halves) == pytest.approx(12, abs=0.8)
    assert measured("loudness range", halves / 3) == pytest.approx(measured("loudness range", halves))
    assert measured("loudness range", noise(3)) < 1
    pauses = np.concatenate([noise(2), np.zeros(4 * RATE)])
    assert measured("loudness range", pauses) < 8  # what is silent does not count


def test_compression_takes_the_range_away_and_keeps_the_level():
    change = intervention("compression", "voice").change
    clip = np.concatenate([noise(3), noise(3, 1) * 10 ** (-12 / 20)])
    before = measured("loudness range", clip)
    assert measured("loudness range", change(clip, 0.8)) < 0.35 * before
    assert measured("loudness range", change(clip, -0.5)) > 1.3 * before
    for dose in (-0.5, 0, 0.8):
        assert (change(clip, dose) ** 2).mean() == pytest.approx((clip**2).mean(), rel=0.02)
    assert np.array_equal(change(np.zeros(10), 0.5), np.zeros(10))


def test_reverberation_is_heard_as_such():
    change = intervention("reverberation", "voice").change
    gated = noise() * (np.sin(2 * np.pi * 1.5 * TIME) > 0.6)
    found = [measured("reverberation", change(gated, dose) + 1e-5 * noise(3, 5)) for dose in (0, 0.3, 1.2)]
    assert found[0] < found[1] < found[2]
    assert (change(gated, 0.6) ** 2).mean() == pytest.approx((gated**2).mean(), rel=0.05)
    assert np.array_equal(change(gated, 0.6), change(gated, 0.6))


def test_a_codec_leaves_holes_and_stays_in_time():
    change = intervention("codec", "voice").change
    clip = speechlike()
    coded = {dose: change(clip, dose) for dose in (0, 32, 48, 56)}
    assert np.array_equal(coded[0], clip) and all(len(one) == len(clip) for one in coded.values())
    holes = [measured("coding holes", one) for one in coded.values()]
    assert holes[0] < 0.02 and holes[-1] > 0.15 and holes[-1] > holes[1]
    middle = slice(4000, 40000)
    assert np.corrcoef(coded[32][middle], clip[middle])[0, 1] > 0.98
    assert measured("coding holes", noise()) < 0.001
    assert len(change(clip[:500], 56)) == 500


@pytest.mark.parametrize("name", ["reverberation", "bandwidth", "compression", "codec"])
def test_the_dose_nearest_zero_leaves_a_clip_as_it_is(name):
    entry = intervention(name, "voice")
    base = min(entry.doses, key=abs)
    assert np.array_equal(entry.change(noise(), base), noise())
    assert all(np.isfinite(entry.change(noise(), dose)).all() for dose in entry.doses)


def test_words_by_hand():
    def of(name, text):
        return property_named(name, "words").measure(text)

    assert [of("negation", text) for text in ("I like it", "I don't like it", "no, never, not nothing without it")] == [0, 1, 4]
    assert of("negation", "nothingness is notable") == 0
    assert [of("politeness", text) for text in ("Go.", "Please go, thank you.", "Sorry, could you please go?")] == [0, 2, 3]
    assert (
        of("group of names", "Emily and Greg left") == "European American"
        and of("group of names", "Jamal left") == "African American"
    )
    assert of("group of names", "Emily met Jamal") is None and of("group of names", "they left") is None


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("I am happy", "I am not happy"), ("That was awful!", "That was not awful!"), ("I cannot go", "I can go"),
        ("We will see", "We will not see"), ("Great film", "Great film"), ("He is not here", "He is here"),
    ],
)  # fmt: skip
def test_negation_turns_around(text, denied):
    assert intervention("negation", "words").change(text) == denied


def test_politeness_comes_and_goes():
    change = intervention("politeness", "words").change
    assert change("Leave me alone.") == "Leave me alone, please." and change("Sit down, please.") == "Sit down."
    assert change("Please sit") == "sit" and change("") == ""
