from dataclasses import replace

import numpy as np
import pytest

from affectlens.explainers.shapley import shapley_values
from affectlens.fusion.pool import Fuser, Opinion, pool
from affectlens.learning.trainers.fusion import Bank, pool_threshold
from affectlens.models.base import Calibration


def fuse(opinions, labels):
    return Fuser(labels).fuse(opinions)


def shapley(opinions, target, prior):
    return Fuser(tuple(map(str, range(len(prior))))).shapley(opinions, target, prior)


LABELS = ("x", "y", "z")


def opinion(name, p, w=1.0, conformal=()):
    return Opinion(name, np.array(p), w, conformal or (LABELS[int(np.argmax(p))],))


def test_pool_by_hand():
    a, b = opinion("a", [0.8, 0.1, 0.1], 3.0), opinion("b", [0.2, 0.6, 0.2], 1.0)
    expected = np.array([0.8**0.75 * 0.2**0.25, 0.1**0.75 * 0.6**0.25, 0.1**0.75 * 0.2**0.25])
    np.testing.assert_allclose(pool([a, b]), expected / expected.sum())
    np.testing.assert_allclose(pool([a]), a.probabilities)
    np.testing.assert_allclose(pool([a, b]), pool([b, a]))
    with pytest.raises(ValueError, match="nothing"):
        pool([])


def test_weights_follow_reliability_and_absent_modalities_take_no_part():
    fused = fuse([opinion("a", [0.8, 0.1, 0.1], 0.3), opinion("b", [0.2, 0.6, 0.2], 0.1)], LABELS)
    assert fused.weights == pytest.approx({"a": 0.75, "b": 0.25})
    assert fuse([opinion("a", [0.8, 0.1, 0.1], 0.0)], LABELS).weights == {"a": 1.0}


def test_conflict_needs_both_to_exclude_the_other():
    a, b = [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]
    assert fuse([opinion("a", a), opinion("b", b)], LABELS).conflict
    assert not fuse([opinion("a", a, 1, ("x", "y")), opinion("b", b)], LABELS).conflict
    same = fuse([opinion("a", a), opinion("b", a)], LABELS)
    assert not same.conflict and same.divergence == pytest.approx(0, abs=1e-12)


def test_shapley_values_sum_to_the_change_and_are_symmetric(rng):
    opinions = [opinion(n, rng.dirichlet(np.ones(3)), w) for n, w in (("a", 0.5), ("b", 0.2), ("c", 0.9))]
    prior = np.full(3, 1 / 3)
    values = shapley(opinions, 1, prior)
    p = pool(opinions)[1]
    assert sum(values.values()) == pytest.approx(np.log(p / (1 - p)) - np.log(0.5))
    twin = shapley([opinion("a", [0.2, 0.7, 0.1]), opinion("b", [0.2, 0.7, 0.1])], 1, prior)
    assert twin["a"] == pytest.approx(twin["b"])


def test_a_class_ruled_out_by_one_is_not_ruled_out_for_good():
    p = pool([opinion("a", [1.0, 0.0, 0.0]), opinion("b", [0.0, 0.5, 0.5])])
    assert np.isfinite(p).all() and p[1] == p[2] > 0
    np.testing.assert_allclose(p[0] / p[1], np.sqrt(1e-9 / (1e-9 * 0.5)))  # both are next to nothing for one of them


def test_weights_that_say_nothing_are_even_and_negative_ones_are_none():
    a, b = opinion("a", [0.8, 0.1, 0.1], 0.0), opinion("b", [0.2, 0.6, 0.2], 0.0)
    assert fuse([a, b], LABELS).weights == {"a": 0.5, "b": 0.5}
    c = opinion("c", [0.8, 0.1, 0.1], -3.0)
    fused = fuse([c, opinion("b", [0.2, 0.6, 0.2], 0.5)], LABELS)
    assert fused.weights == {"c": 0.0, "b": 1.0} and fused.probabilities == pytest.approx([0.2, 0.6, 0.2])


def test_divergence_is_the_weighted_one_of_jensen_and_shannon_in_bits():
    from scipy.stats import entropy

    a, b = opinion("a", [0.9, 0.1, 0.0], 0.6), opinion("b", [0.1, 0.2, 0.7], 0.2)
    mean = 0.75 * a.probabilities + 0.25 * b.probabilities
    expected = entropy(mean, base=2) - 0.75 * entropy(a.probabilities, base=2) - 0.25 * entropy(b.probabilities, base=2)
    assert fuse([a, b], LABELS).divergence == pytest.approx(expected)
    far = fuse([opinion("a", [1.0, 0, 0]), opinion("b", [0, 0, 1.0])], LABELS)
    assert far.divergence == pytest.approx(1) and far.conflict
    assert fuse([a, a], LABELS).divergence >= 0


def test_any_two_of_three_can_conflict():
    a, b = opinion("a", [0.8, 0.1, 0.1]), opinion("b", [0.1, 0.8, 0.1])
    open_to_all = opinion("c", [0.1, 0.2, 0.7], 1.0, LABELS)
    assert fuse([a, open_to_all, b], LABELS).conflict and fuse([open_to_all, b, a], LABELS).conflict
    assert not fuse([a, open_to_all], LABELS).conflict
    one_sided = opinion("d", [0.3, 0.6, 0.1], 1.0, ("x", "y"))
    assert not fuse([one_sided, a], LABELS).conflict and not fuse([a, one_sided], LABELS).conflict


def test_shapley_values_of_two_by_hand():
    a, b = opinion("a", [0.7, 0.2, 0.1], 2.0), opinion("b", [0.2, 0.3, 0.5], 1.0)

    def odds(p):
        return np.log(p / (1 - p))

    prior, both = odds(0.25), odds(pool([a, b])[0])
    alone = {"a": odds(0.7), "b": odds(0.2)}
    values = shapley([a, b], 0, np.array([0.25, 0.25, 0.5]))
    assert values["a"] == pytest.approx(((alone["a"] - prior) + (both - alone["b"])) / 2)
    assert values["b"] == pytest.approx(((alone["b"] - prior) + (both - alone["a"])) / 2)
    certain = shapley([opinion("a", [1.0, 0.0, 0.0])], 0, np.full(3, 1 / 3))["a"]
    assert 15 < certain < 25  # a probability of one is a finite number of log-odds


def test_shapley_values_of_the_glove_game():
    """One has a left glove, two have a right one; a pair is worth one (2/3, 1/6, 1/6)."""
    values = shapley_values(3, lambda members: float(0 in members and len(members) > 1))
    np.testing.assert_allclose(values, [2 / 3, 1 / 6, 1 / 6])
    assert shapley_values(1, lambda members: 5.0 * len(members) + 2) == [5.0] and shapley_values(0, lambda members: 1.0) == []


class Network:
    """Stands for a network over the classes x and y that knows modules a and b."""

    modules, labels = ("a", "b"), ("x", "y")

    def __init__(self, threshold, **meta):
        self.calibration, self.meta = Calibration(conformal=threshold), meta

    def predict_one(self, opinions, labels):
        return pool(opinions)[:2] / pool(opinions)[:2].sum()


def deep(name, p, w=1.0):
    return replace(opinion(name, p, w), deep=np.zeros(2))


def test_sets_of_fused_answers_keep_to_the_threshold_that_was_fitted_for_them():
    both = [deep("a", [0.6, 0.3, 0.1]), deep("b", [0.6, 0.3, 0.1])]
    assert Fuser(LABELS, Network(0.8)).fuse(both).conformal == ("x", "y")
    assert Fuser(LABELS, Network(0.5)).fuse(both).conformal == ("x",)
    assert Fuser(LABELS, Network(0.1)).fuse(both).conformal == ("x",)  # never empty
    plain = [replace(one, deep=None) for one in both]
    assert Fuser(LABELS, Network(0.8, pool_conformal=0.95)).fuse(plain).conformal == ("x", "y", "z")
    assert Fuser(LABELS, Network(0.8)).fuse(plain).conformal == ("x",)  # none for the pool: what any is open to
    more = [*both, replace(opinion("c", [0.2, 0.2, 0.6]), conformal=("z",))]
    assert set(Fuser(LABELS, Network(0.5)).fuse(more).conformal) == {"x", "z"}  # another mix than was fitted
    assert Fuser(LABELS, Network(0.9)).fuse(both[:1]).conformal == ("x",)  # one alone has a set of its own


def test_modules_of_other_weights_and_without_weight_join_by_the_pool():
    both = [deep("a", [0.6, 0.3, 0.1]), deep("b", [0.1, 0.8, 0.1])]
    assert Fuser(LABELS, Network(0.8)).fuse(both).how == "early"
    assert Fuser(LABELS, Network(0.8), ("a",)).fuse(both).how == "pool"
    fused = Fuser(LABELS, Network(0.8)).fuse([both[0], replace(both[1], weight=0.0)])
    assert fused.how == "pool" and fused.probabilities == pytest.approx([0.6, 0.3, 0.1])


def test_coverage_of_fused_answers_is_fitted_jointly(rng):
    """Two modules that err together: sets that each hold 90 % have in common far less, the joint threshold holds 90 %."""
    classes, n = 4, 6000
    y = rng.integers(0, classes, n)
    shared = rng.normal(size=(n, classes))

    def bank():
        logits = 2.0 * np.eye(classes)[y] + shared + 0.7 * rng.normal(size=(n, classes))
        return Bank(np.zeros((n, 1)), logits, y, np.arange(n), Calibration(reliability=0.5))

    banks = {"a": bank(), "b": bank()}
    fit, rest = np.arange(n) < n // 2, np.arange(n) >= n // 2
    rows, present = {name: np.flatnonzero(fit) for name in banks}, rng.random((n // 2, 2)) < 0.6
    present[~present.any(axis=1), 0] = True
    threshold = pool_threshold(banks, rows, present, np.eye(classes)[y[fit]])
    fused = [
        pool([Opinion(name, np.exp(banks[name].answers[i]), 0.5, ()) for name, on in zip(banks, seen, strict=True) if on])
        for i, seen in zip(np.flatnonzero(rest), present, strict=True)
    ]
    assert np.mean(np.stack(fused)[np.arange(n // 2), y[rest]] >= 1 - threshold) == pytest.approx(0.9, abs=0.02)
