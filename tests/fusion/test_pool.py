import numpy as np
import pytest

from affectlens.fusion.pool import Fuser, Opinion, pool


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
