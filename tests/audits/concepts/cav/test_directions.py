"""Directions of concepts, and whether they hold anything."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import SGDClassifier

from affectlens.audits.concepts.cav.accuracy import held_out_accuracy
from affectlens.audits.concepts.cav.space import Space, directions, method_name
from affectlens.core.errors import UsageError
from tests.audits.concepts.cases import case


def test_accuracy_is_that_of_a_loop(rng):
    x, g, y = case(rng, n=60)
    groups = np.repeat(np.arange(20), 3)
    space = Space.of(x, g)
    fold = np.random.default_rng(4).permutation(np.arange(20) % 5)[groups]
    right = []
    for f in range(5):
        test = fold == f
        direction = x[~test & (y == 1)].mean(0) - x[~test & (y == 0)].mean(0)
        along = x @ direction
        middle = (along[~test & (y == 1)].mean() + along[~test & (y == 0)].mean()) / 2
        right += list(zip(np.flatnonzero(test), (along[test] > middle) == (y[test] == 1), strict=True))
    correct = np.array([dict(right)[i] for i in range(60)])
    dealt = np.array([rng.permutation(60) for _ in range(3)])
    found = held_out_accuracy(space, y[None], dealt, groups=groups, seed=4)
    assert found.held_out[0] == pytest.approx((correct[y == 1].mean() + correct[y == 0].mean()) / 2)
    control = [held_out_accuracy(space, y[None][:, o], dealt[:1], groups=groups, seed=4).held_out[0] for o in dealt]
    assert found.control[0] == pytest.approx(np.mean(control))
    assert found.p_value[0] == (1 + sum(c >= found.held_out[0] - 1e-12 for c in control)) / 4
    # A fold without examples to train on says nothing of the concept.
    one = np.zeros((1, 60))
    one[0, 0] = 1
    alone = held_out_accuracy(space, one, dealt, groups=groups)
    assert np.isnan(alone.held_out[0]) and np.isnan(alone.p_value[0])


def test_four_examples_have_a_direction_and_three_have_none(rng):
    assert Space.of(rng.normal(size=(4, 3)), np.eye(3)).points.shape == (4, 3)
    with pytest.raises(UsageError, match="3 examples; a direction needs at least 4"):
        Space.of(rng.normal(size=(3, 3)), np.eye(3))
    for x, g in ((np.zeros(5), np.eye(3)), (np.zeros((5, 3)), np.zeros(3))):
        with pytest.raises(UsageError, match="same layer"):
            Space.of(x, g)


def test_a_space_keeps_distances_and_gradients(rng):
    x, g = rng.normal(size=(12, 30)) + 5, rng.normal(size=(4, 30))
    g[0] = 0
    space = Space.of(x, g)
    centred = x - x.mean(axis=0)
    np.testing.assert_allclose(space.points @ space.points.T, centred @ centred.T, atol=1e-9)
    assert space.points.shape == (12, 11)  # eleven dimensions are left of twelve centred rows
    np.testing.assert_allclose(space.norms, np.linalg.norm(g, axis=1))
    np.testing.assert_allclose(space.gradients[1:] * space.norms[1:, None] @ space.points.T, g[1:] @ centred.T, atol=1e-9)
    assert (space.gradients[0] == 0).all()
    np.testing.assert_allclose(space.expand(np.eye(11)) @ space.expand(np.eye(11)).T, np.eye(11), atol=1e-9)
    wide = Space.of(np.tile(x, (1, 300)), np.tile(g, (1, 300)))  # more columns than go through at once
    np.testing.assert_allclose(wide.points @ wide.points.T, 300 * centred @ centred.T, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(wide.gradients, axis=1), np.linalg.norm(space.gradients, axis=1), atol=1e-9)


def test_a_ridge_weighs_by_the_shrunk_covariance(rng):
    x, g, _ = case(rng)
    space = Space.of(x, g)
    shrunk = LedoitWolf(assume_centered=True).fit(space.points).covariance_
    np.testing.assert_allclose(space.inner(), 1 / np.diag(shrunk))
    np.testing.assert_allclose(shrunk, np.diag(np.diag(shrunk)), atol=1e-9)


def test_gradient_descent_is_scikit_learns(rng):
    x, g, y = case(rng)
    y[:5] = np.nan
    space = Space.of(x, g)
    fitted = SGDClassifier(alpha=0.01, max_iter=1000, tol=1e-3, random_state=2).fit(space.points[5:], y[5:] > 0.5)
    np.testing.assert_allclose(directions(space, y, "sgd", 2)[0], fitted.coef_[0] / np.linalg.norm(fitted.coef_), atol=1e-9)
    assert method_name("lda") == "ridge" and method_name("fastcav") == method_name("mean-difference") == "pattern"
