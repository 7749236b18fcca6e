"""What a model's answers are, by hand: what is settled, what is refused, and what becomes of them."""

import numpy as np
import pytest

from affectlens.models.scores import (
    BINARY,
    BINARY_PROBABILITY,
    INDEPENDENT,
    PROBABILITIES,
    SOFTMAX,
    Scores,
    ScoresError,
    stated_scores,
)

LABELS = ("calm", "upset", "glad")


def test_every_row_that_sums_to_one_makes_probabilities_and_one_that_does_not_makes_none():
    known = Scores()
    known.checked(np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]]), LABELS, "net")
    assert known.kind == PROBABILITIES and "all 2 of the first rows sum to one" in known.source
    mixed = Scores()
    mixed.checked(np.array([[0.5, 0.25, 0.25], [2.0, -1.0, 3.0]]), LABELS, "net")
    assert mixed.kind == SOFTMAX
    with pytest.raises(ScoresError, match=r"1 of 2 rows do not sum to one .* such as \(0.5, 0.25, 0.5\) \(sum 1.25\)"):
        Scores(PROBABILITIES, "the caller").checked(np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.5]]), LABELS, "net")


def test_rounding_of_half_precision_is_allowed_and_no_more():
    for lowest, fits in ((-0.0009, True), (-0.0011, False)):
        row = np.array([[lowest, 0.5, 0.5 - lowest]])
        scores = Scores(PROBABILITIES, "the caller")
        if fits:
            scores.checked(row, LABELS, "net")
            np.testing.assert_allclose(scores.as_given(row).sum(axis=1), 1)
            continue
        with pytest.raises(ScoresError, match="values below zero"):
            scores.checked(row, LABELS, "net")
    for highest, inside in ((1.0009, True), (1.0011, False)):
        scores = Scores(INDEPENDENT, "the caller")
        if inside:
            scores.checked(np.array([[highest, 0.5, 0.5]]), LABELS, "net")
            continue
        with pytest.raises(ScoresError, match="from 0 to 1 were expected"):
            scores.checked(np.array([[highest, 0.5, 0.5]]), LABELS, "net")


def test_errors_call_them_what_they_are():
    for kind, word in (("", "logits"), (PROBABILITIES, "scores")):
        with pytest.raises(ScoresError, match=rf"numbers \({word} \(n, 3\) for calm, upset, glad\) were expected"):
            Scores(kind).checked(np.array([["a", "b", "c"]]), LABELS, "net")


def test_logits_and_probabilities_by_hand():
    given = np.array([[0.2, 0.9]])
    independent = stated_scores(INDEPENDENT, LABELS[:2])
    np.testing.assert_allclose(independent.logits(given), np.log(given / (1 - given)))
    np.testing.assert_allclose(independent.probabilities(independent.logits(given)), given)
    np.testing.assert_array_equal(independent.as_given(np.array([[-0.0005, 1.0005]])), [[0, 1]])
    one = stated_scores(BINARY_PROBABILITY, LABELS[:2])
    np.testing.assert_allclose(one.logits(np.array([[0.2]])), np.log([[0.8, 0.2]]))
    binary = stated_scores(BINARY, LABELS[:2])
    np.testing.assert_allclose(binary.logits(np.array([[3.0]])), [[-1.5, 1.5]])
    np.testing.assert_allclose(binary.as_given(np.array([[3.0]]))[0, 1], 1 / (1 + np.exp(-3)))


def test_what_half_precision_rounded_is_made_whole():
    probabilities = stated_scores(PROBABILITIES, LABELS)
    np.testing.assert_allclose(
        probabilities.as_given(np.array([[0.502, 0.25, 0.25]])), [[0.502 / 1.002, 0.25 / 1.002, 0.25 / 1.002]]
    )
    exact = np.array([[0.5, 0.25, 0.25]])
    np.testing.assert_array_equal(probabilities.as_given(exact), exact)
