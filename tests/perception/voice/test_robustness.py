"""What signals can be like, and what must not change."""

import numpy as np
import pytest

from affectlens.core.errors import AffectlensError
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
        "short": harmonics(140.0)[:320],
        "one frame": harmonics(140.0)[:960],
        "nothing": np.zeros(0, np.float32),
        "noise": rng.normal(0, 0.1, RATE).astype(np.float32),
        "one click": np.eye(1, RATE, 4000, dtype=np.float32)[0],
    }


@pytest.mark.parametrize("name", list(signals()))
@pytest.mark.parametrize("compatible", [False, True])
def test_every_value_is_a_number(name, compatible):
    values = egemaps(signals()[name], compatible=compatible)
    assert values.shape == (88,) and np.isfinite(values).all()


def test_samples_that_are_not_numbers_are_an_error():
    with pytest.raises(AffectlensError, match="not numbers"):
        describe(np.array([0.1, np.nan] * 1000, np.float32))


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
        held.append(len(stream._x))
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
