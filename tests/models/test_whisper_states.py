"""What is taken of the encoder's states: level, mean and deviation over time, with moments left out."""

import numpy as np
import pytest
import torch

from affectlens.core.errors import ModelError
from affectlens.models.whisper.encoder import WhisperEncoder
from affectlens.models.whisper.states import DEPTH, levelled, pooled, states_of


@pytest.fixture(scope="module")
def net():
    with torch.random.fork_rng():
        torch.manual_seed(1)
        net = WhisperEncoder(layers=DEPTH, width=64, heads=2, positions=1500)
        net.positions.data.normal_(0, 0.1)
    return net.eval().requires_grad_(False)


@pytest.fixture
def sound(rng):
    return (rng.normal(size=16000) * np.linspace(0.1, 1, 16000) / 20).astype(np.float32)


def test_gain_and_offset_change_nothing(net, sound):
    for other in (0.01 * sound, 8 * sound, sound + 0.3):
        assert torch.allclose(states_of(net, sound), states_of(net, other), atol=1e-3)
    assert not torch.allclose(states_of(net, sound, level=False), states_of(net, 8 * sound, level=False), atol=1e-2)


def test_level_is_that_of_the_louder_half():
    half = np.concatenate([np.full(800, 1e-3), np.tile([0.5, -0.5], 400)])
    assert np.abs(levelled(half)[800:]).mean() == pytest.approx(0.05, rel=0.01)
    assert not levelled(np.zeros(2000)).any() and len(levelled(np.zeros(0))) == 0


def test_pooled_is_mean_and_deviation_of_what_is_kept(rng):
    states = torch.from_numpy(rng.normal(300, 0.01, size=(2, 10, 3)).astype(np.float32))  # a large mean, a small deviation
    plain = states.numpy().astype(np.float64)
    expected = np.concatenate([np.concatenate([layer.mean(axis=0), layer.std(axis=0)]) for layer in plain])
    np.testing.assert_allclose(pooled(states)[0], expected, rtol=1e-2)
    kept = torch.tensor([[1.0] * 6 + [0.0] * 4, [0.0] * 9 + [1.0]])
    first, last = pooled(states, kept)
    np.testing.assert_allclose(first, pooled(states[:, :6])[0], rtol=1e-2)
    np.testing.assert_allclose(last[:3], plain[0, 9], rtol=1e-5)
    assert np.abs(last[3:6]).max() < 1e-4  # one frame does not deviate


def test_no_padding_and_no_more_than_half_a_minute(net, sound):
    assert states_of(net, sound).shape == (DEPTH + 1, 50, 64)
    assert states_of(net, np.tile(sound, 31)).shape == (DEPTH + 1, 1500, 64)


@pytest.mark.parametrize(("sound", "reason"), [(np.zeros(1000), "62 ms"), (np.full(16000, np.nan), "not numbers")])
def test_what_cannot_be_heard_is_refused(net, sound, reason):
    with pytest.raises(ModelError, match=reason):
        states_of(net, sound)


def test_silence_has_states(net):
    assert torch.isfinite(states_of(net, np.zeros(16000))).all()
