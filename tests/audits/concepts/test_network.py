"""Concept tests of any network in one call: what the steps by hand give, a planted concept, what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from affectlens.audits.concepts.cav.space import Space
from affectlens.audits.concepts.cav.tcav import test_concepts as run_tests
from affectlens.audits.concepts.layers import read_layers
from affectlens.audits.concepts.network import concept_tests
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import ModelError, UsageError
from affectlens.models.adapters import TorchModel

LABELS = ("calm", "upset")


@pytest.fixture(scope="module")
def case():
    """The first input moves the second class's logit, the last moves nothing."""
    generator = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 2)).eval()
    with torch.no_grad():
        net[0].weight.copy_(torch.eye(5))
        net[2].weight.copy_(torch.tensor([[0.0, 0.1, 0.1, 0.1, 0.0], [2.0, 0.1, 0.1, 0.1, 0.0]]))
    inputs = torch.randn(150, 5, generator=generator)
    return net, inputs, {"first": (inputs[:, 0] > 0).numpy(), "last": (inputs[:, 4] > 0).numpy()}


def test_a_planted_concept_is_found_and_another_not(case):
    net, inputs, concepts = case
    tests = concept_tests(net, inputs, concepts, ["1"], labels=LABELS, draws=999, bootstraps=50)
    frame = tests.to_frame().set_index(["concept", "class"])
    assert frame.loc[("first", "upset")].p_max_t <= 0.05 and frame.loc[("first", "upset")].statistic > 1
    assert frame.loc[("last", "upset")].p_value > 0.05


def test_one_call_gives_what_the_steps_give(case):
    net, inputs, concepts = case
    truth = np.where(inputs[:, 1] > 0, "upset", "calm")
    groups = np.arange(150) // 3
    tests = concept_tests(
        net,
        inputs.numpy(),
        concepts,
        [net[1]],
        ["upset", 0],
        labels=LABELS,
        truth=truth,
        groups=groups,
        rng=5,
        draws=99,
        bootstraps=20,
    )
    reading = read_layers(net, inputs, ["1"], [1, 0])["1"]
    rows = {name: np.flatnonzero(truth == name) for name in ("upset", "calm")}
    gradients = np.concatenate([reading.gradients[rows["upset"], 0], reading.gradients[rows["calm"], 1]])
    count = len(rows["upset"])
    by_hand = run_tests(
        {"1": Space.of(reading.activations, gradients)},
        {name: values.astype(float) for name, values in concepts.items()},
        {"upset": np.arange(count), "calm": np.arange(count, 150)},
        ConceptSettings(draws=99, bootstraps=20, seed=5),
        strata=(truth == "upset").astype(int), groups=groups, input_groups=groups[np.concatenate(list(rows.values()))],
    )  # fmt: skip
    np.testing.assert_allclose(tests.frame.statistic, by_hand.frame.statistic)
    np.testing.assert_allclose(tests.frame.p_value, by_hand.frame.p_value)
    np.testing.assert_allclose(tests.frame.p_within_labels, by_hand.frame.p_within_labels)


def test_a_model_knows_its_classes_and_numbers_come_from_anywhere(case):
    net, inputs, concepts = case
    one = concept_tests(TorchModel(net, LABELS), inputs.numpy(), concepts, ["1"], ["upset"], draws=99, rng=3)
    other = concept_tests(net, inputs, concepts, ["1"], [1], draws=99, seed=3)
    assert one.frame["class"].unique().tolist() == ["upset"] and other.frame["class"].unique().tolist() == ["class 1"]
    np.testing.assert_array_equal(one.frame.p_value, other.frame.p_value)
    drawn = [concept_tests(net, inputs, concepts, ["1"], [1], draws=99, rng=np.random.default_rng(2)).frame for _ in "ab"]
    np.testing.assert_array_equal(drawn[0].p_value, drawn[1].p_value)


def test_what_cannot_be_tested_is_refused(case):
    net, inputs, concepts = case
    with pytest.raises(UsageError, match="name the classes: labels="):
        concept_tests(net, inputs, concepts, ["1"])
    with pytest.raises(UsageError, match=r"concept 'short' has the shape \(3,\); one value for each of the 150 inputs"):
        concept_tests(net, inputs, {"short": [1, 0, 1]}, ["1"], labels=LABELS)
    with pytest.raises(UsageError, match=r"truth has the shape \(2,\)"):
        concept_tests(net, inputs, concepts, ["1"], labels=LABELS, truth=["calm", "upset"])
    with pytest.raises(UsageError, match=r"too few inputs of upset \(1\); at least 3"):
        concept_tests(net, inputs, concepts, ["1"], labels=LABELS, truth=["upset", *["calm"] * 149])
    with pytest.raises(UsageError, match="unknown class 'upst'; did you mean upset"):
        concept_tests(net, inputs, concepts, ["1"], ["upst"], labels=LABELS)
    with pytest.raises(UsageError, match="unknown layer '11'"):
        concept_tests(net, inputs, concepts, ["11"], labels=LABELS)
    with pytest.raises(UsageError, match="unknown setting of ConceptSettings 'draw'; did you mean draws"):
        concept_tests(net, inputs, concepts, ["1"], labels=LABELS, draw=9)
    with pytest.raises(ModelError, match="no gradient at layer '1'"):
        concept_tests(net, inputs, concepts, ["1"], [0], forward=lambda n, x: n(x).detach())
