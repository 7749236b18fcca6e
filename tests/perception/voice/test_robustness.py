"""What signals can be like, and what must not change."""

import numpy as np
import pytest

from affectlens.core.errors import UsageError
from affectlens.perception.voice import functionals as F
from affectlens.perception.voice.descriptors import Descriptors
from affectlens.perception.voice.egemaps import NAMES, egemaps
from affectlens.perception.voice.stream import DescriptorStream, describe

from .test_oracles import RATE, harmonics


def signals():
    rng = np.random.default_rng(1)
    return {
        "silence": np.zeros(RATE, np.float32),
        "dc": np.full(RATE, 0.3, np.float32),
        "clipped": np.clip(harmonics(140.0) * 9, -1, 1),
        "shortest": harmonics(140.0)[:3200],
        "noise": rng.normal(0, 0.1, RATE).astype(np.float32),
        "one click": np.eye(1, RATE, 4000, dtype=np.float32)[0],
    }


@pytest.mark.parametrize("name", list(signals()))
@pytest.mark.parametrize("compatible", [False, True])
def test_every_value_is_a_number(name, compatible):
    values = egemaps(signals()[name], compatible=compatible)
    assert values.shape == (88,) and np.isfinite(values).all()


WRONG = {
    "not numbers": np.array([0.1, np.nan] * 4000, np.float32),
    "not numbers ": np.array([0.1, np.inf] * 4000, np.float32),
    "int16 was given; divide by full scale": (harmonics(140.0) * 32767).astype(np.int16),
    "uint8 was given": np.zeros(RATE, np.uint8),
    "bool was given": np.zeros(RATE, bool),
    "complex128 was given": np.zeros(RATE, complex),
    "samples reach": harmonics(140.0) * 32767,
    "one channel": np.stack([harmonics(140.0)] * 2),
    "one channel ": np.stack([harmonics(140.0)] * 2, axis=1),
    "list was given": [0.1] * RATE,
}


@pytest.mark.parametrize("says", list(WRONG))
def test_what_is_no_signal_is_an_error(says):
    for measure in (egemaps, describe, DescriptorStream().push):
        with pytest.raises(UsageError, match=says.strip()):
            measure(WRONG[says])


@pytest.mark.parametrize("samples", [0, 1, 320, 3199])
def test_what_is_too_short_is_an_error(samples):
    with pytest.raises(UsageError, match="at least 200 ms"):
        egemaps(harmonics(140.0)[:samples])


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_another_rate_is_an_error(rate):
    with pytest.raises(UsageError, match=f"{rate} Hz was given; resample"):
        egemaps(harmonics(140.0), rate=rate)


@pytest.mark.parametrize("level", [0.01, 0.001, 0.0001])
def test_what_is_quiet_has_a_pitch_all_the_same(level):
    loud, quiet = describe(harmonics(140.0)), describe(harmonics(140.0) * np.float32(level))
    assert ((quiet.hertz > 0) == (loud.hertz > 0)).all() and (loud.hertz > 0).mean() > 0.9
    faint = np.concatenate([harmonics(140.0), harmonics(140.0) * np.float32(level)])
    assert (describe(faint).hertz[110:] > 0).any() == (level > 0.002)  # beside loud speech it is its background


@pytest.mark.parametrize("compatible", [False, True])
def test_blocks_do_not_matter(compatible):
    x = np.concatenate([harmonics(120.0, 3.0), np.zeros(4000, np.float32), harmonics(210.0, 6.0)])
    whole = describe(x, compatible=compatible)
    for size in (160, 1234, 50_000):
        stream = DescriptorStream(compatible=compatible)
        parts = [stream.push(x[i : i + size]) for i in range(0, len(x), size)]
        cut = Descriptors.join([*parts, stream.finish()])
        for name in Descriptors.__dataclass_fields__:
            np.testing.assert_allclose(getattr(cut, name), getattr(whole, name), atol=1e-3, rtol=1e-4, err_msg=name)


def test_the_stream_holds_little():
    stream, held = DescriptorStream(), []
    for _ in range(40):
        stream.push(harmonics(150.0, 2.0))
        held.append(len(stream._signal))
    assert max(held) < 10 * RATE


def test_functionals_by_hand():
    mean, variation = F.mean_and_variation(np.array([1.0, 2.0, 3.0]))
    assert mean == 2.0 and variation == pytest.approx(np.sqrt(2 / 3) / 2)
    assert F.percentiles(np.arange(11.0)) == (2.0, 5.0, 8.0, 6.0)
    up_down = np.concatenate([np.arange(0, 11.0), np.arange(9, -1, -1.0)])
    assert F.slopes(up_down) == pytest.approx((100.0, 0.0, 100.0, 0.0))
    assert F.peaks_per_second(np.tile(up_down, 5)) == pytest.approx(5 / 1.05)
    wiggle = up_down + np.where(np.arange(21) % 2, 0.4, 0.0)  # under a tenth of the range: no turn
    assert len(F.turning_points(wiggle)[0]) == 3
    np.testing.assert_allclose(F.smooth(np.array([3.0, 0.0, 6.0, 9.0])), [1.5, 3.0, 5.0, 7.5])
    np.testing.assert_allclose(F.smooth(np.array([3.0, 0.0, 6.0, 9.0]), keep_zeros=True), [3.0, 0.0, 7.5, 7.5])
    np.testing.assert_allclose(F.stretches(np.array([1, 1, 0, 1], bool)), [0.02, 0.01])


def test_names_are_the_published_ones():
    assert len(NAMES) == len(set(NAMES)) == 88
    assert NAMES[0] == "F0semitoneFrom27.5Hz_sma3nz_amean" and NAMES[-1] == "equivalentSoundLevel_dBp"
