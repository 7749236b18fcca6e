"""Changes of sounds: each does what it says and nothing else."""

import numpy as np
import pytest

from affectlens.learning.augmentation.sounds import RATE, augmented, microphone, noise, room, speed, telephone


@pytest.fixture
def tone():
    return 0.3 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)


def peak(sound):
    return np.abs(np.fft.rfft(sound)).argmax() * RATE / len(sound)


def test_speed_changes_length_and_pitch_together(tone, rng):
    for _ in range(10):
        other = speed(tone, rng)
        ratio = len(tone) / len(other)
        assert 0.92 <= ratio <= 1.09 and peak(other) == pytest.approx(500 * ratio, abs=2)


def test_a_microphone_changes_tone_not_time(tone, rng):
    other = microphone(tone, rng)
    assert len(other) == len(tone) and peak(other) == 500


def test_a_room_rings_on(tone, rng):
    click = np.zeros(RATE)
    click[100] = 1
    other = room(click, rng)
    assert np.abs(other[:100]).max() < 1e-9 and (other[101:2000] ** 2).sum() > 0.01  # nothing before, an echo after


def test_noise_is_as_loud_as_it_says(tone):
    for seed in range(10):
        added = noise(tone, np.random.default_rng(seed)) - tone
        assert 8 - 0.1 <= 20 * np.log10(tone.std() / added.std()) <= 35 + 0.1


def test_a_telephone_carries_neither_hum_nor_hiss(rng):
    seconds = np.arange(RATE) / RATE
    for hertz, kept in ((60, False), (1000, True), (6000, False)):
        given = np.sin(2 * np.pi * hertz * seconds) + np.sin(2 * np.pi * 900 * seconds)
        spectrum = np.abs(np.fft.rfft(telephone(given, rng)))
        assert (spectrum[hertz] > 0.3 * spectrum[900]) == kept


def test_the_same_draw_is_the_same_sound(tone):
    first, again, other = (augmented(tone, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.float32 and (len(first) != len(other) or not np.array_equal(first, other))
