"""The voice's model: what it takes, how turns of a speaker belong together, how two answers are joined."""

import numpy as np
import pytest

from affectlens.core.errors import ModelError
from affectlens.models.base import load_model
from affectlens.models.shipped.voice import own_share


@pytest.fixture(scope="module")
def model():
    return load_model("voice")


@pytest.fixture
def states(model, rng):
    net = model.net
    size = (6, net.config.features)
    return (net.running_mean.numpy() + net.running_deviation.numpy() * rng.normal(size=size)).astype(np.float32)


def test_centring_answers_is_centring_states(model, states):
    """The linear head makes both the same where nothing is limited."""
    z = model.deep(states).astype(np.float64)
    moved = z - own_share(6, model.shrink) * z.mean(axis=0)
    head = model.net.head
    expected = moved @ head.weight.detach().numpy().astype(np.float64).T + head.bias.detach().numpy()
    np.testing.assert_allclose(model.centred(model.heard(states)), expected, atol=1e-4)


def test_a_turn_alone_is_the_joined_answer_of_both(model, states, rng):
    measured = model.acoustic.scale.mean + model.acoustic.scale.deviation * rng.normal(size=(6, 88))
    said = model.predict(np.hstack([measured, states]))
    for row in range(6):
        heard = model.centred(model.heard(states[row : row + 1]))
        acoustic = model.acoustic.predict(model.acoustic.normalise(measured[row : row + 1].astype(np.float32)))
        np.testing.assert_allclose(said[row], (model.join[0] * heard + model.join[1] * acoustic)[0], atol=1e-4)
    assert model.predict(np.zeros((0, said.shape[1] * 0 + 88 + states.shape[1]))).shape == (0, 4)


def test_what_ships_listens_to_the_encoder_most(model):
    assert model.join[0] > 0 and model.join[1] >= 0 and 0 < model.least_typical < 0.2
    assert model.typicality is not None and model.acoustic.labels == model.labels


def test_noise_in_the_states_is_not_typical(model, states):
    far = states + 8 * model.net.running_deviation.numpy() * np.where(np.arange(states.shape[1]) % 2, 1, -1)
    assert (model.typicality_of(far.astype(np.float32)) < model.least_typical).all()


@pytest.mark.parametrize("wrong", [np.zeros((2, 3)), np.full((1, 5), np.nan), np.zeros(4)])
def test_other_shapes_and_values_are_refused(model, wrong):
    with pytest.raises(ModelError, match="expected"):
        model.heard(wrong)
    with pytest.raises(ModelError, match="not numbers"):
        model.heard(np.full((1, model.net.config.features), np.nan))
