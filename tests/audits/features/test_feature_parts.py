import numpy as np
import pandas as pd
import pytest

from affectlens.audits.features.measures import Surrogate, class_weight, linear_shap, permuted_loss, row_loss
from affectlens.audits.features.roles import Clips, Importance, measure
from affectlens.audits.features.tables import over_people, rank_agreement
from affectlens.core.errors import UsageError
from affectlens.learning.speech import logistic


def _people(rng, n=480, people=24):
    speaker = np.repeat([f"s{i}" for i in range(people)], n // people)
    corpus = np.where(np.arange(n) < n // 2, "one", "two")
    return speaker, corpus, rng.integers(0, 4, n)


def test_planted_features_come_out(rng):
    speaker, corpus, y = _people(rng)
    x = rng.normal(size=(len(y), 6))
    x[:, 1] += 0.5 * (y == 0)
    label = np.array([-1.5, -0.5, 0.5, 1.5])[y] + rng.normal(0, 0.4, len(y))
    x = np.column_stack([x, label, rng.normal(size=len(y))])
    names = (*(f"f{i}" for i in range(6)), "label", "noise")
    groups = (*"aaabbb", "label", "noise")
    tables = measure(Clips(x, y, corpus, speaker, names, groups), "logistic", 0, rng).compute(rng)
    assert tables["features"].feature[0] == "label" and tables["groups"].sort_values("permuted").group.iloc[-1] == "label"
    table = tables["features"].set_index("feature")
    assert table.loc["label", "p_bh"] < 0.01 and table.loc["label", "conditional_p_bh"] < 0.01
    assert table.loc["noise", "p_bh"] > 0.05 and table.loc["noise", "conditional_p_bh"] > 0.05
    groups = tables["groups"].set_index("group")
    assert groups.loc["label", "left_out_p_holm"] < 0.01 and groups.loc["noise", "left_out_p_holm"] > 0.05


def test_conditional_importance_sees_through_a_copy(rng):
    """A noisy copy of the cause is harmful to shuffle for a model that uses it, but adds nothing to the cause."""
    n = 4000
    y = rng.integers(0, 2, n)
    cause = y * 2.0 + rng.normal(size=n)
    copy = cause + rng.normal(0, 0.3, n)
    x = np.column_stack([cause, copy])
    weight = np.ones(n)
    one = np.full(n, "c")

    def predict(v):
        p = 1 / (1 + np.exp(-2 * ((v[:, 0] + v[:, 1]) / 2 - 1)))
        return np.column_stack([1 - p, p])

    base = row_loss(predict(x), y, weight)
    marginal = (permuted_loss(predict, x, y, weight, np.array([1]), one, rng)[0] - base).mean()
    conditional = (permuted_loss(predict, x, y, weight, np.array([1]), one, rng, Surrogate(x))[0] - base).mean()
    assert marginal > 0.1 and abs(conditional) < 0.1 * marginal


def test_test_over_people_keeps_its_level(rng):
    """Rows of one person share a deviation; whole people are flipped, so that false alarms stay at 5 %."""
    speaker = np.repeat(np.arange(20), 15)
    alarms = []
    for _ in range(300):
        values = rng.normal(size=20)[speaker][:, None] + rng.normal(size=(300, 1))
        alarms.append(over_people(values, speaker, rng, 199)[3][0] <= 0.05)
    assert 0.02 < np.mean(alarms) < 0.085


def test_linear_shap_sums_to_the_score(rng):
    x, y = rng.normal(size=(300, 5)), rng.integers(0, 3, 300)
    x[:, 0] += y
    model = logistic().fit(x, y)
    centred = model.coef_ - model.coef_.mean(axis=0)
    values = linear_shap(x, y, x[:10])
    answer = (x[:10] @ centred.T + model.intercept_).argmax(axis=1)
    expected = ((x[:10] - x.mean(axis=0)) * centred[answer]).sum(axis=1)
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-9)


def test_tests_over_people_do_not_hang_on_the_order_of_clips(rng):
    speaker = np.repeat(np.arange(8), 5)
    values = rng.normal(size=(40, 3))
    order = rng.permutation(40)
    first = over_people(values, speaker, np.random.default_rng(0), 199)
    again = over_people(values[order], speaker[order], np.random.default_rng(0), 199)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_over_people_by_hand():
    values = np.array([[1.0], [1], [4], [-2]])
    mean, low, high, p = over_people(values, np.array(["a", "a", "b", "c"]), np.random.default_rng(0), 20000)
    assert mean[0] == 1
    # Sums of the people are 2, 4 and -2: of the 8 ways to flip them 3 reach the observed 4 (8, 4 and 4).
    assert p[0] == pytest.approx(3 / 8, abs=0.015)
    assert low[0] == -2 and high[0] == 4


def test_classes_of_a_corpus_count_alike():
    weight = class_weight(np.array([0, 0, 0, 1, 2, 2]), np.array(list("aaaabb")))
    np.testing.assert_allclose(weight, [2 / 3, 2 / 3, 2 / 3, 2, 1, 1])


def test_rank_agreement_by_hand(rng):
    up, down = np.arange(5.0), -np.arange(5.0)
    values = np.concatenate([np.tile(up, (6, 1)), np.tile(down, (6, 1)), np.tile(up * 3, (6, 1))])
    corpus, speaker = np.repeat(list("xyz"), 6), np.tile(np.arange(3), 6)
    table = rank_agreement({"features": values}, corpus, speaker, rng, 20).set_index("corpora")
    assert table.rank_correlation["x and y"] == pytest.approx(-1) and table.rank_correlation["x and z"] == pytest.approx(1)
    assert table.rank_correlation["mean"] == pytest.approx(-1 / 3)
    assert rank_agreement({"features": values[:6]}, corpus[:6], speaker[:6], rng).empty


def test_folds_are_gathered_in_any_order_and_merged(rng):
    speaker, corpus, y = _people(rng, 80, 8)
    x = rng.normal(size=(80, 3)) + y[:, None]
    clips = Clips(x, y, corpus, speaker, ("a", "b", "c"), ("g", "g", "h"), ("k", "l", "m", "n"))
    whole = measure(clips, "logistic", 0, np.random.default_rng(1))
    halves = np.arange(80) < 40

    def gathered(*masks):
        out = Importance(clips)
        for mask in masks:
            out.update(np.flatnonzero(mask), {k: v[mask] for k, v in whole.values.items()})
        return out

    expected = whole.compute(np.random.default_rng(2))
    for other in (gathered(~halves, halves), gathered(~halves).merge(gathered(halves))):
        for name, table in other.compute(np.random.default_rng(2)).items():
            pd.testing.assert_frame_equal(table, expected[name])
    assert set(expected["shapley"]["class"]) == set("klmn")
    with pytest.raises(UsageError, match="40 of 80 clips"):
        gathered(halves).compute(rng)
    with pytest.raises(UsageError, match="different folds"):
        gathered(halves).merge(gathered(halves))


@pytest.mark.parametrize("model", ["svm", "semi-supervised"])
def test_other_models_can_be_audited(rng, model):
    speaker, corpus, y = _people(rng, 120, 10)
    x = rng.normal(size=(120, 4)) + y[:, None]
    tables = measure(Clips(x, y, corpus, speaker, tuple("abcd"), tuple("gghh")), model, 0, rng).compute(rng)
    assert np.isfinite(tables["features"].permuted).all() and np.isfinite(tables["shapley"].shapley).all()


def test_one_group_and_three_classes(rng):
    """The only group cannot be left out, and a class that no clip has is no row."""
    speaker, corpus, y = _people(rng, 60, 10)
    clips = Clips(rng.normal(size=(60, 2)), np.minimum(y, 2), corpus, speaker, ("a", "b"), ("g", "g"))
    tables = measure(clips, "logistic", 0, rng).compute(rng)
    assert (tables["groups"].left_out == 0).all() and set(tables["shapley"]["class"]) == {"0", "1", "2"}
