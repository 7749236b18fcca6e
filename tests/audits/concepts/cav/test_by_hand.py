"""Parts of the concept test by hand: p-values with ties, resampled means, directions of nothing, counts of examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import zscore
from sklearn.svm import LinearSVC

from affectlens.audits.concepts.cav.accuracy import held_out_accuracy
from affectlens.audits.concepts.cav.bootstrap import _counts, _resampled_means, _resampled_scores, intervals
from affectlens.audits.concepts.cav.completeness import completeness
from affectlens.audits.concepts.cav.null import max_t, orders, residual, two_sided
from affectlens.audits.concepts.cav.space import Space, centred, directions
from affectlens.audits.concepts.cav.tcav import FEWEST, check_concepts
from affectlens.audits.concepts.cav.view import View
from affectlens.audits.concepts.pool import pooled_rows, with_enough_examples
from affectlens.core.errors import UsageError


def test_scores_are_those_of_null_and_observed_together(rng):
    null, observed = rng.normal(10, 2, (30, 4)), rng.normal(12, 2, 4)
    p, z = two_sided(observed, null)
    np.testing.assert_allclose(z, zscore(np.vstack([null, observed]), axis=0))
    assert p.tolist() == [(1 + sum(abs(v) >= abs(z[-1, j]) for v in z[:-1, j])) / 31 for j in range(4)]


def test_what_is_as_far_counts_as_far_and_what_never_varies_is_no_finding():
    p, _ = two_sided(np.array([1.0]), np.array([[1.0], [1.0], [0.0]]))
    assert p[0] == 1
    p, z = two_sided(np.array([2.0]), np.full((9, 1), 2.0))
    assert p[0] == 1 and (z == 0).all()
    assert max_t(np.array([[2.0, 1.0], [0.5, 0.2], [2.0, 1.0]])).tolist() == [2 / 3, 2 / 3]


def test_residuals_leave_out_what_is_not_known():
    y = np.array([[1.0, 0, np.nan, 1, np.nan]])
    np.testing.assert_allclose(residual(y, np.array(list("aabbc"))), [[0.5, -0.5, np.nan, 0, np.nan]])
    assert residual(y, None) is y
    assert y[0, 0] == 1  # what was given stays


def test_without_dialogues_any_order_may_come(rng):
    dealt = orders(3, 600, rng)
    assert {tuple(o) for o in dealt} == {(a, b, 3 - a - b) for a in range(3) for b in range(3) if a != b}


def test_dialogues_of_like_length_change_places(rng):
    """Sixteen dialogues, half of two rows and half of nine: a row of a long one comes from a long one."""
    groups = np.repeat(np.arange(16), [2, 9] * 8)
    long = np.isin(groups, np.arange(1, 16, 2))
    dealt = orders(len(groups), 40, rng, groups)
    assert all(sorted(o) == list(range(len(groups))) for o in dealt)
    assert all((long[o] == long).all() for o in dealt)
    place = np.concatenate([np.arange(n) for n in [2, 9] * 8])
    assert all((place[o] == place).all() for o in dealt)  # each keeps its place among the rows of its dialogue
    few = np.repeat(np.arange(7), 4)
    shifted = [place for o in orders(28, 40, rng, few) for place in np.flatnonzero(np.arange(28) % 4 != o % 4)]
    assert shifted  # fewer than eight are also shifted along their line


def case(rng, n=60, d=5):
    x, g = rng.normal(size=(n, d)), rng.normal(size=(12, d))
    return Space.of(x, g), (rng.random((2, n)) < 0.4).astype(float)


@pytest.mark.parametrize("method", ["pattern", "ridge"])
def test_resampled_scores_with_every_example_once_are_the_scores(method, rng):
    space, targets = case(rng)
    targets[0, :7] = np.nan
    view = View.of(space, [np.arange(6), np.arange(6, 12)], method)
    means = _resampled_means(view, np.ones((1, 12)))
    np.testing.assert_allclose(means[0], view.means)
    inner = space.inner() if method == "ridge" else np.ones(space.points.shape[1])
    for y, shift, cosine in zip(targets, view.shift(targets), directions(space, targets, method) @ view.means.T, strict=True):
        once = _resampled_scores(view, y, np.ones((1, 60)), means, inner)
        np.testing.assert_allclose(once[0][0], shift)
        np.testing.assert_allclose(once[1][0], cosine)
        # An example of weight two counts as two, one of weight zero, or not known, as none.
        weight = rng.integers(0, 3, 60).astype(float)
        rows = np.repeat(np.arange(60), weight.astype(int))
        known = rows[np.isfinite(y[rows])]
        away = y[known] - y[known].mean()
        raw = (away @ space.points[known]) * inner
        got = _resampled_scores(view, y, weight[None], means, inner)
        np.testing.assert_allclose(got[0][0], raw @ view.means.T / (away @ away) / view.spread)
        np.testing.assert_allclose(got[1][0], raw @ view.means.T / np.linalg.norm(raw))


def test_a_class_that_was_not_drawn_has_no_gradient(rng):
    space, _ = case(rng)
    view = View.of(space, [np.arange(3), np.arange(3, 12)], "pattern")
    drawn = np.r_[np.zeros(3), 2.0, np.zeros(8)][None]
    means = _resampled_means(view, drawn)
    np.testing.assert_allclose(means[0], [np.zeros(means.shape[2]), space.gradients[3]])


def test_whole_dialogues_are_drawn(rng):
    groups = np.repeat(list("abc"), [2, 3, 4])
    counts = _counts(200, 9, groups, rng)
    assert all(len(set(row[groups == g])) == 1 for row in counts for g in "abc")
    assert (counts[:, [0, 2, 5]].sum(axis=1) == 3).all()
    alone = _counts(300, 9, None, rng)
    assert (alone.sum(axis=1) == 9).all() and abs(alone[:, 0].mean() - 1) < 0.2


def test_no_draws_no_intervals_and_classifiers_are_resampled_by_inputs_alone(rng):
    space, targets = case(rng)
    view = View.of(space, [np.arange(6), np.arange(6, 12)], "svm")
    assert all(np.isnan(v).all() and v.shape == (2, 2, 2) for v in intervals(view, targets, 0, rng))
    shift, cosine = intervals(view, targets, 200, rng)
    np.testing.assert_array_equal(shift, cosine)  # no length of theirs means anything
    made = directions(space, targets, "svm") @ view.means.T
    assert (cosine[0] < made).all() and (made < cosine[1]).all()


def test_alignment_is_one_of_gradients_that_agree_and_none_of_those_that_do_not():
    x = np.random.default_rng(0).normal(size=(30, 2))
    g = np.array([[1.0, 0], [2, 0], [0, 1], [0, -3], [1, 0], [0, 2]])
    view = View.of(Space.of(x, g), [np.array([0, 1]), np.array([2, 3]), np.array([4, 5])], "pattern")
    np.testing.assert_allclose(view.alignment(), [1, 0, 0.5], atol=1e-12)
    still = View.of(Space.of(x, np.array([[0.0, 0], [3, 0]])), [np.array([0, 1])], "pattern")
    np.testing.assert_allclose(still.alignment(), [0.25])  # a logit that does not move at all


def test_a_concept_of_nothing_has_no_direction(rng):
    space, _ = case(rng)
    none = np.ones((1, 60))
    view = View.of(space, [np.arange(12)], "pattern")
    assert (directions(space, none, "pattern") == 0).all() and (view.shift(none) == 0).all()
    unknown = np.full((1, 60), np.nan)
    assert (centred(unknown) == 0).all() and (view.shift(unknown) == 0).all()
    one = np.array([[np.nan, 1.0, np.nan]])
    np.testing.assert_array_equal(centred(one), [[0, 0, 0]])
    np.testing.assert_allclose(centred(np.array([[1.0, 0, 1, np.nan]])), [[1 / 3, -2 / 3, 1 / 3, 0]])


def test_a_support_vector_machine_is_scikit_learns(rng):
    space, targets = case(rng)
    targets[0, :5] = np.nan
    known = np.isfinite(targets[0])
    for seed in (0, 3):
        fitted = LinearSVC(C=0.01, dual=True, max_iter=20000, random_state=seed).fit(
            space.points[known], targets[0, known] > 0.5
        )
        expected = fitted.coef_[0] / np.linalg.norm(fitted.coef_)
        np.testing.assert_allclose(directions(space, targets, "svm", seed)[0], expected, atol=1e-6)


@pytest.mark.parametrize(("values", "says"), [([1, 1, 1, 0, 0], "3 examples and 2 counter"), ([1, 1, 0, 0, 0], "2 examples and 3 counter"),
                                              ([1, 0.5, 0, 0.5, np.nan], "")])  # fmt: skip
def test_three_of_each_are_needed_and_graded_concepts_have_no_counterexamples(values, says):
    y = {"c": np.array(values, float)}
    if says:
        with pytest.raises(UsageError, match=says):
            check_concepts(y)
    else:
        check_concepts(y)
    check_concepts({"c": np.array([1.0, 1, 1, 0, 0, 0])}, np.array(list("aabbbb")))


def test_pools_are_whole_dialogues_and_all_where_that_is_few(rng):
    from benchmarks.planted_dialogues import dialogues

    data, _ = dialogues(0, 10)
    assert pooled_rows(data, len(data), rng).tolist() == list(range(len(data)))
    drawn = {tuple(pooled_rows(data, 20, np.random.default_rng(s))) for s in range(6)}
    assert len(drawn) > 3
    for rows in drawn:
        inside = set(data.dialogues[list(rows)])
        assert list(rows) == np.flatnonzero([d in inside for d in data.dialogues]).tolist()
        assert len(rows) >= 20 > len(rows) - max((data.dialogues == d).sum() for d in inside)


def test_concepts_with_few_examples_or_dialogues_fall_away():
    """A hundred utterances of ten dialogues."""
    dialogues, at = np.repeat(np.arange(10), 10), np.arange(100)

    def made(count, first=0, step=100 // FEWEST):
        return np.isin(at, first + step * np.arange(count)).astype(float)

    targets = {
        "enough": made(FEWEST), "few": made(FEWEST - 1), "all": 1 - made(FEWEST - 1), "most": 1 - made(FEWEST),
        "half": np.where(made(FEWEST) > 0, 1.0, 0.5),  # a half is no example
        "unknown": np.where(at < 50, made(FEWEST, step=5), np.nan),
        "two places and halves": np.where(at < 20, 1.0, np.where(at < 30, 0.5, 0.0)),
        "three places": (at < 21).astype(float), "two places": (at < 20).astype(float),
    }  # fmt: skip
    kept, why = with_enough_examples(targets, dialogues)
    assert list(kept) == ["enough", "most", "half", "unknown", "three places"]
    assert why == {
        "few": f"{FEWEST - 1} examples and {101 - FEWEST} counterexamples in the pool; {FEWEST} of each are needed",
        "all": f"{101 - FEWEST} examples and {FEWEST - 1} counterexamples in the pool; {FEWEST} of each are needed",
        "two places and halves": "its 20 examples lie in 2 dialogues; at least 3 are needed",
        "two places": "its 20 examples lie in 2 dialogues; at least 3 are needed",
    }
    assert with_enough_examples({"c": made(FEWEST)}, np.zeros(100))[1]["c"].endswith("lie in 1 dialogue; at least 3 are needed")


def test_ties_with_the_control_count_against_the_concept(rng):
    """A concept dealt to where it was is no better than itself."""
    space, targets = case(rng)
    same = np.tile(np.arange(60), (9, 1))
    found = held_out_accuracy(space, targets, same)
    assert (found.p_value == 1).all() and (found.held_out == found.control).all()


def test_completeness_by_hand():
    """Two coordinates decide between four classes; a span that holds one of them keeps half of what can be kept."""
    x = np.array([[a, b, c] for a in (-1.0, 1) for b in (-1.0, 1) for c in (-0.3, 0.3)] * 5)
    space = Space.of(x, np.eye(3))

    def run(states):
        a, b = states[:, 0], states[:, 1]
        return np.stack([-a - b, -a + b, a - b, a + b], axis=1) + 1e-6 * np.arange(4)  # a tie goes to the last

    truth = run(x).argmax(axis=1)
    both = completeness(space, x, space.place(np.eye(3)[:2]), np.array([space.place(np.eye(3)[[2]])] * 3), run, truth)
    assert (both.share, both.control, both.p_value, both.rank) == (pytest.approx(1), pytest.approx(0), 1 / 4, 2)
    one = completeness(space, x, space.place(np.eye(3)[[0, 0]]), np.zeros((0, 1, 3)), run, truth)
    assert one.rank == 1 and one.share == pytest.approx(1 / 3) and np.isnan([one.control, one.p_value]).all()
