"""Calibration: temperature on one half, threshold on the other, and what the file says."""

import numpy as np
import pytest
import torch

from affectlens.learning.export import calibrate, export
from affectlens.models.base import Calibration
from affectlens.models.weights import read_weights
from affectlens.stats.classification import softmax


def answers(rng, n=4000, classes=5, temperature=2.0):
    """Logits that are ``temperature`` times too sure, with labels drawn from what is true."""
    logits = rng.normal(0, 3, (n, classes))
    p = softmax(logits / temperature)
    return logits, np.eye(classes)[[rng.choice(classes, p=row) for row in p]]


def test_the_threshold_comes_from_rows_that_the_temperature_has_not_seen(rng):
    """The rows with an even number fix the temperature, those with an odd one the threshold: each is blind for the other."""
    logits, targets = answers(rng)
    whole = calibrate(logits, targets)
    odd = np.arange(len(logits)) % 2 == 1
    shuffled = targets.copy()
    shuffled[odd] = targets[odd][::-1]
    other = calibrate(logits, shuffled)
    assert other.temperature == whole.temperature and other.conformal != whole.conformal
    shuffled = targets.copy()
    shuffled[~odd] = targets[~odd][::-1]
    assert calibrate(logits, shuffled).temperature != whole.temperature
    # With the temperature of the even rows the threshold is the quantile of the odd ones by hand.
    score = np.sort(1 - (softmax(logits[odd] / whole.temperature) * targets[odd]).sum(axis=1))
    assert whole.conformal == pytest.approx(score[int(np.ceil((odd.sum() + 1) * 0.9)) - 1])


def test_what_is_promised_holds_on_new_rows(rng):
    logits, targets = answers(rng)
    c = calibrate(logits, targets)
    assert c.temperature == pytest.approx(2, rel=0.1) and c.coverage == 0.9
    fresh, labels = answers(np.random.default_rng(99))
    inside = c.probabilities(fresh) >= 1 - c.conformal
    assert (inside * labels).sum(axis=1).mean() == pytest.approx(0.9, abs=0.02)
    np.testing.assert_allclose(c.prior, targets.mean(axis=0))
    loss = -np.log((softmax(logits / c.temperature) * targets).sum(axis=1)).mean()
    entropy = -(targets.mean(axis=0) * np.log(targets.mean(axis=0))).sum()
    assert c.reliability == pytest.approx(1 - loss / entropy)


def test_weights_ship_in_half_precision_but_running_statistics(tmp_path):
    tensors = {
        "layer.weight": torch.tensor([1 / 3, 70.0]),
        "norm.running_mean": torch.tensor([1 / 3]),
        "steps": torch.tensor([7]),
    }
    export(tmp_path / "m.safetensors", tensors, {"labels": ["a"]}, Calibration(1.5, 0.8, 0.9, 0.4, (0.25, 0.75)))
    read, meta, calibration = read_weights(tmp_path / "m.safetensors")
    assert read["layer.weight"].dtype == torch.float16 and read["norm.running_mean"].dtype == torch.float32
    assert read["steps"].dtype == torch.int64 and meta == {"labels": ["a"]}
    assert torch.equal(read["norm.running_mean"], tensors["norm.running_mean"])
    assert calibration == Calibration(1.5, 0.8, 0.9, 0.4, (0.25, 0.75))
