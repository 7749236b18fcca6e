"""Synthetic signals whose descriptors are known."""

import numpy as np
import pytest
from scipy.signal import lfilter

from affectlens.perception.voice.egemaps import NAMES, egemaps
from affectlens.perception.voice.spectrum import alpha_ratio, hammarberg_index, mel_filters, slope
from affectlens.perception.voice.stream import describe

RATE = 16000


def harmonics(hertz, seconds=1.0, count=12, amplitude=0.3):
    t = np.arange(int(RATE * seconds)) / RATE
    return (amplitude * sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, count + 1))).astype(np.float32)


def pulses(starts, heights, seconds=2.0):
    """Pulses at fractional sample positions (band-limited), low-passed a little."""
    n = int(RATE * seconds)
    t = np.arange(n)
    x = np.zeros(n)
    for s, h in zip(starts, heights, strict=True):
        near = slice(max(int(s) - 30, 0), min(int(s) + 31, n))
        x[near] += h * np.sinc((t[near] - s) * 0.5) * np.hanning(61)[: near.stop - near.start]
    return (0.5 * lfilter([1.0], [1.0, -0.9], x)).astype(np.float32)


def vowel(formants, widths, hertz=110.0, seconds=1.0):
    n = int(RATE * seconds)
    x = np.zeros(n)
    x[(np.arange(0, n, RATE / hertz)).astype(int)] = 1.0
    for f, b in zip(formants, widths, strict=True):
        r, w = np.exp(-np.pi * b / RATE), 2 * np.pi * f / RATE
        x = lfilter([1.0], [1, -2 * r * np.cos(w), r * r], x)
    return (0.5 * x / np.abs(x).max()).astype(np.float32)


@pytest.mark.parametrize("hertz", [70.0, 110.0, 147.3, 220.0, 385.0])
def test_pitch_of_a_harmonic_tone(hertz):
    d = describe(harmonics(hertz))
    assert (d.hertz > 0).mean() > 0.95
    semitones = 12 * np.log2(hertz / 27.5)
    assert np.median(np.abs(d.semitones[d.hertz > 0] - semitones)) < 0.1


def test_pitch_follows_a_glide():
    t = np.arange(2 * RATE) / RATE
    f = 120 * 2 ** (t / 2)
    phase = 2 * np.pi * np.cumsum(f) / RATE
    d = describe((0.3 * sum(np.sin(k * phase) / k for k in range(1, 9))).astype(np.float32))
    middle = np.arange(len(d)) * 0.01 + 0.03
    voiced = d.hertz > 0
    assert voiced.mean() > 0.95
    np.testing.assert_allclose(d.hertz[voiced], 120 * 2 ** (middle[voiced] / 2), rtol=0.02)


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.03])
def test_known_jitter(jitter):
    period = RATE / 120.0
    lengths = period * (1 + jitter / 2 * np.where(np.arange(200) % 2, 1.0, -1.0))
    d = describe(pulses(np.cumsum(lengths)[lengths.cumsum() < 31000], np.ones(200)[: (lengths.cumsum() < 31000).sum()]))
    inner = d.jitter[20:-20][d.hertz[20:-20] > 0]
    assert np.median(inner) == pytest.approx(jitter, abs=0.002 + 0.1 * jitter)


def test_known_shimmer():
    starts = np.arange(1, 230) * RATE / 120.0
    heights = np.where(np.arange(229) % 2, 1.0, 10 ** (-1.0 / 20))  # one decibel up and down
    d = describe(pulses(starts, heights))
    inner = d.shimmer[20:-20][d.hertz[20:-20] > 0]
    assert np.median(inner) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(("formants", "widths"), [((700, 1220, 2600), (80, 90, 120)), ((310, 2020, 2960), (60, 100, 120))])
def test_formants_of_a_synthetic_vowel(formants, widths):
    d = describe(vowel(formants, widths))
    voiced = d.hertz > 0
    found = np.median(d.formant[voiced], axis=0)
    assert found[0] == pytest.approx(formants[0], abs=60)  # pulled towards the nearest harmonic, 110 Hz apart
    np.testing.assert_allclose(found[1:], formants[1:], rtol=0.03)
    assert (np.median(d.bandwidth[voiced], axis=0) < 400).all()


def test_harmonics_to_noise_ratio_follows_the_noise():
    rng = np.random.default_rng(0)
    tone = harmonics(150.0, 2.0)
    found = []
    for decibels in (5, 10, 15, 20):
        noise = rng.normal(0, np.sqrt((tone**2).mean() / 10 ** (decibels / 10)), len(tone))
        d = describe((tone + noise).astype(np.float32))
        found.append(np.median(d.noise[d.hertz > 0]))
    assert np.all(np.diff(found) > 3)
    assert found[1] == pytest.approx(10, abs=2.5)


def test_differences_of_harmonics():
    t = np.arange(RATE) / RATE
    level = {1: 0.0, 2: -6.0, 3: -12.0, 4: -14.0}
    x = sum(0.2 * 10 ** (db / 20) * np.sin(2 * np.pi * 200 * k * t) for k, db in level.items()).astype(np.float32)
    d = describe(x)
    assert np.median(d.first_harmonics[d.hertz > 0]) == pytest.approx(6.0, abs=0.2)
    compatible = describe(x, compatible=True)  # counts from the second harmonic
    assert np.median(compatible.first_harmonics[compatible.hertz > 0]) == pytest.approx(6.0, abs=0.2)


def test_band_measures_by_hand():
    power = np.full((1, 257), 1e-6)
    power[0, 16], power[0, 96] = 1.0, 0.01  # 500 Hz, and 3 kHz twenty decibels below
    assert hammarberg_index(power)[0] == pytest.approx(20.0)
    low, high = 1.0 + 30 * 1e-6, 0.01 + 128 * 1e-6
    assert alpha_ratio(power)[0] == pytest.approx(10 * np.log10(high / low))
    f = np.arange(257) * 31.25
    tilted = 10 ** (-0.02 * f / 10)[None]
    assert slope(tilted, 500, 1500)[0] == pytest.approx(-0.02)
    louder = slope(tilted * 100, 500, 1500)[0]
    assert louder == pytest.approx(-0.02)
    assert abs(slope(tilted * 100, 500, 1500, one_short=True)[0] - slope(tilted, 500, 1500, one_short=True)[0]) > 1e-3


def test_mel_filters_cover_their_bands():
    weights, centres = mel_filters()
    assert weights.shape == (257, 26) and (weights >= 0).all() and (np.diff(centres) > 0).all()
    peaks = weights.argmax(axis=0) * 31.25
    assert np.all(np.abs(peaks - centres) <= 31.25)


def test_level_and_timing_functionals():
    loud = harmonics(150.0, 0.4)
    quiet = np.zeros(int(0.3 * RATE), dtype=np.float32)
    values = dict(zip(NAMES, egemaps(np.concatenate([quiet, loud, quiet, loud, quiet])), strict=True))
    seconds = (0.3 * 3 + 0.4 * 2) - 0.06 + 0.01
    assert values["VoicedSegmentsPerSec"] == pytest.approx(2 / seconds, rel=0.03)
    assert values["MeanVoicedSegmentLengthSec"] == pytest.approx(0.4, abs=0.06)
    assert values["F0semitoneFrom27.5Hz_sma3nz_percentile50.0"] == pytest.approx(12 * np.log2(150 / 27.5), abs=0.1)
    doubled = dict(zip(NAMES, egemaps(harmonics(150.0, amplitude=0.2)), strict=True))
    single = dict(zip(NAMES, egemaps(harmonics(150.0, amplitude=0.1)), strict=True))
    step = doubled["equivalentSoundLevel_dBp"] - single["equivalentSoundLevel_dBp"]
    assert step == pytest.approx(20 * np.log10(2), abs=0.05)
