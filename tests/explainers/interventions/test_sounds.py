"""Changes of sounds by hand: levels in dB, lengths and frequencies, what is kept of a band, steps of the coding."""

from __future__ import annotations

import numpy as np
import pytest

from affectlens.explainers.interventions.sounds import (
    RATE,
    coarse,
    formants,
    level,
    noise,
    pitch,
    speed,
    telephone,
    tempo,
)


def tone(hz, seconds=1.0, loud=0.3):
    return loud * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)


def frequency(x):
    middle = x[len(x) // 8 : -len(x) // 8]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 17))
    return spectrum.argmax() * RATE / (1 << 17)


def rms(x):
    middle = x[len(x) // 8 : -len(x) // 8]
    return float(np.sqrt((middle**2).mean()))


def test_the_level_moves_by_decibels_and_is_clipped():
    x = tone(200, loud=0.4)
    assert 20 * np.log10(rms(level(x, -9)) / rms(x)) == pytest.approx(-9)
    assert 20 * np.log10(rms(level(x, 6)) / rms(x)) == pytest.approx(6)
    loud = level(x, 20)
    assert loud.max() == 1 and loud.min() == -1


@pytest.mark.parametrize("dose", [20, 35, 50])
def test_noise_lies_as_far_under_the_voice_as_it_says(dose):
    x = tone(200, 2.0, 0.2)
    y = noise(x, dose)
    assert 10 * np.log10((x**2).mean() / ((y - x) ** 2).mean()) == pytest.approx(60 - dose, abs=0.2)
    np.testing.assert_array_equal(y, noise(x, dose))
    assert abs(np.corrcoef(y - x, x)[0, 1]) < 0.03
    loud = noise(tone(200, loud=1.0), 50)
    assert loud.max() == 1 and loud.min() == -1


@pytest.mark.parametrize("dose", [-20, -10, 10, 20])
@pytest.mark.parametrize("hz", [220, 1234.5])
def test_faster_is_shorter_at_the_same_pitch_and_loudness(dose, hz):
    x = tone(hz, 2.0)
    y = tempo(x, dose)
    assert len(y) == pytest.approx(len(x) / (1 + dose / 100), rel=0.01)
    assert frequency(y) == pytest.approx(hz, abs=1) and rms(y) == pytest.approx(rms(x), rel=0.15)


def test_events_keep_their_order_and_share_of_the_time():
    t = np.arange(2 * RATE) / RATE
    x = tone(300, 2.0) * ((t > 1.0) & (t < 1.5))
    y = tempo(x, 20)
    inside = np.flatnonzero(np.abs(y) > 0.1) / RATE
    assert inside.min() == pytest.approx(1.0 / 1.2, abs=0.03) and inside.max() == pytest.approx(1.5 / 1.2, abs=0.03)


def test_what_is_too_short_stays_as_it_is():
    x, y = tone(400, 2047 / RATE), tone(400, 2048 / RATE)
    assert len(x) == 2047 and np.array_equal(tempo(x, 20), x) and len(tempo(y, 20)) < len(y)
    x, y = tone(400, 1023 / RATE), tone(400, 1024 / RATE)
    assert np.array_equal(formants(x, 15), x) and not np.array_equal(formants(y, 15), y)


@pytest.mark.parametrize("dose", [-4, 2, 4])
def test_the_pitch_moves_by_semitones_and_the_length_stays(dose):
    x = tone(330, 2.0)
    y = pitch(x, dose)
    assert frequency(y) == pytest.approx(330 * 2 ** (dose / 12), rel=7e-4)
    assert len(y) <= len(x) and len(y) == pytest.approx(len(x), rel=0.02) and rms(y) == pytest.approx(rms(x), rel=0.15)


@pytest.mark.parametrize("dose", [-15, 15])
def test_speed_moves_pitch_and_length_together(dose):
    x = tone(400, 2.0)
    y = speed(x, dose)
    assert frequency(y) == pytest.approx(400 * (1 + dose / 100), rel=0.002)
    assert len(y) == pytest.approx(len(x) / (1 + dose / 100), rel=0.001) and rms(y) == pytest.approx(rms(x), rel=0.02)


@pytest.mark.parametrize(("hz", "kept"), [(100, 0.05), (1000, 1.0), (2500, 1.0), (6000, 0.05)])
def test_the_telephone_keeps_its_band(hz, kept):
    x = tone(hz, 1.0)
    full, half = rms(telephone(x, 1)) / rms(x), rms(telephone(x, 0.5)) / rms(x)
    assert full < 0.05 if kept < 1 else full == pytest.approx(1, abs=0.03)
    assert half == pytest.approx(0.5 if kept < 1 else 1, abs=0.03)  # zero phase, so that the parts add up


@pytest.mark.parametrize(("dose", "steps"), [(8, 127), (11, 15)])
def test_coarse_coding_has_the_steps_of_mu_law(dose, steps):
    ramp = np.linspace(-1, 1, 200001)
    y = coarse(ramp, dose)
    levels = np.unique(y)
    assert len(levels) == 2 * steps + 1 and levels[0] == pytest.approx(-1) and levels[-1] == pytest.approx(1)
    np.testing.assert_allclose(levels, -levels[::-1], atol=1e-12)
    np.testing.assert_allclose(levels[steps + 1], (256 ** (1 / steps) - 1) / 255)  # ITU-T G.711, continuous form
    np.testing.assert_allclose(coarse(y, dose), y, atol=1e-9)
    assert (np.diff(y) >= 0).all()


def test_formants_are_clipped_and_silence_stays_silent():
    assert not formants(np.zeros(4000), 15).any()
    assert np.abs(formants(tone(150, 0.5, 1.0), -15)).max() <= 1
