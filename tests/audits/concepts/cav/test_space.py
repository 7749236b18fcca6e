"""Directions and scores against hand-computed ones and scikit-learn, and that width and rotation do not matter."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from affectlens.audits.concepts.cav.space import Space, centred, directions
from affectlens.core.errors import UsageError


def _unit(v):
    return v / np.linalg.norm(v)


@pytest.fixture
def data(rng):
    x = rng.normal(size=(60, 9)) @ rng.normal(size=(9, 9))
    x[:20] += rng.normal(size=9) * 2
    return x, rng.normal(size=(7, 9)), np.repeat([1.0, 0.0], [20, 40])


def test_pattern_is_difference_of_means(data):
    x, g, y = data
    v = Space.of(x, g)
    found = v.expand(directions(v, y))[0]
    expected = x[:20].mean(0) - x[20:].mean(0)
    np.testing.assert_allclose(found, _unit(expected), atol=1e-8)


def test_scores_are_cosines(data):
    x, g, y = data
    space = Space.of(x, g)
    v = _unit(x[:20].mean(0) - x[20:].mean(0))
    expected = g @ v / np.linalg.norm(g, axis=1)
    np.testing.assert_allclose(space.gradients @ directions(space, y)[0], expected, atol=1e-8)


def test_ridge_is_discriminant_analysis(data):
    x, g, y = data
    space = Space.of(x, g)
    points = space.points
    share = 1 - 1e-12  # without shrinkage the two must agree exactly
    variance = (points**2).mean(axis=0)
    raw = centred(y[None]) @ points / (share * variance)
    lda = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y)
    found = space.expand(raw)[0]
    np.testing.assert_allclose(_unit(found), _unit(lda.coef_[0]), atol=1e-6)


def test_graded_concept_is_covariance(data, rng):
    x, g, _ = data
    y = rng.normal(size=60)
    space = Space.of(x, g)
    expected = ((y - y.mean())[:, None] * x).sum(0)
    np.testing.assert_allclose(space.expand(directions(space, y))[0], _unit(expected), atol=1e-8)


def test_examples_that_take_no_part(data):
    x, g, y = data
    part = y.copy()
    part[40:] = np.nan
    space = Space.of(x, g)
    expected = x[:20].mean(0) - x[20:40].mean(0)
    np.testing.assert_allclose(space.expand(directions(space, part))[0], _unit(expected), atol=1e-8)


@pytest.mark.parametrize("method", ["pattern", "ridge", "svm"])
def test_rotation_changes_nothing(data, rng, method):
    x, g, y = data
    q = np.linalg.qr(rng.normal(size=(9, 9)))[0]
    a, b = Space.of(x, g), Space.of(x @ q, g @ q)
    one, two = (s.gradients @ directions(s, y, method).T for s in (a, b))
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_wide_layers_give_the_same_in_pieces(rng):
    x, g = rng.normal(size=(30, 20_000)), rng.normal(size=(4, 20_000))
    y = np.repeat([1.0, 0.0], 15)
    space = Space.of(x.astype(np.float32), g.astype(np.float32))
    v = _unit(x[:15].mean(0) - x[15:].mean(0))
    np.testing.assert_allclose(space.gradients @ directions(space, y)[0], g @ v / np.linalg.norm(g, axis=1), atol=1e-6)


def test_place_inverts_expand(data):
    x, g, y = data
    space = Space.of(x, g)
    v = directions(space, y)
    np.testing.assert_allclose(space.place(space.expand(v)), v, atol=1e-8)


def test_errors_say_what_to_do(rng):
    with pytest.raises(UsageError, match="same layer"):
        Space.of(np.zeros((5, 3)), np.zeros((2, 4)))
    with pytest.raises(UsageError, match="same activations"):
        Space.of(np.ones((6, 3)), np.ones((2, 3)))
    with pytest.raises(UsageError, match="not finite"):
        Space.of(np.full((6, 3), np.nan), np.ones((2, 3)))
    space = Space.of(rng.normal(size=(6, 3)), np.ones((2, 3)))
    with pytest.raises(UsageError, match="pattern"):
        directions(space, np.array([1, 1, 1, 0, 0, 0]), "patern")
    with pytest.raises(UsageError, match="6"):
        directions(space, np.ones(5))
