from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.features.audit import planted
from affectlens.audits.features.findings import features_sentence, findings, groups_sentence
from affectlens.audits.features.measures import Surrogate, class_weight, linear_shap, permuted_loss, row_loss
from affectlens.audits.features.roles import Clips, Importance, measure
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.features.tables import by_corpus, over_people, rank_agreement, shapley_table
from affectlens.core.errors import UsageError
from affectlens.learning.trainers.speech import logistic
from affectlens.stats.multiple import benjamini_hochberg, holm


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
    mean, low, high, p, smallest = over_people(values, np.array(["a", "a", "b", "c"]), np.random.default_rng(0), 20000)
    assert mean[0] == 1
    # Sums of the people are 2, 4 and -2: of the 8 ways to flip them 3 reach the observed 4 (8, 4 and 4).
    assert p[0] == 3 / 8 and smallest[0] == 1 / 8
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


def test_loss_by_hand():
    p = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    np.testing.assert_allclose(row_loss(p, np.array([0, 0, 0]), np.array([1, 2, 1])), [1, 4, 0])
    assert row_loss(p[2:], np.array([1]), np.ones(1))[0] == pytest.approx(np.log2(1e6))


def test_shuffling_stays_within_a_corpus(rng):
    """A column that is the corpus cannot be shuffled within it, so nothing happens; across corpora it would."""
    corpus = np.repeat(["a", "b"], 50)
    x, y = np.column_stack([(corpus == "b") * 1.0, rng.normal(size=100)]), (corpus == "b").astype(int)

    def predict(v):
        return np.column_stack([0.9 - 0.8 * v[:, 0], 0.1 + 0.8 * v[:, 0]])

    base = row_loss(predict(x), y, np.ones(100))
    loss, right = permuted_loss(predict, x, y, np.ones(100), np.array([0]), corpus, rng)
    np.testing.assert_allclose(loss, base)
    assert (right == 1).all()
    loss, right = permuted_loss(predict, x, y, np.ones(100), np.array([0]), np.full(100, "one"), rng)
    assert loss.mean() > base.mean() + 1 and right.mean() < 0.7


def test_ranks_and_shapley_by_hand():
    values = np.array([[1.0, 3, 2], [1, 3, 2]])
    table = by_corpus({"feature": (("a", "b", "c"), values)}, np.array(["x", "x"]))
    assert list(table["rank"]) == [3, 1, 2] and list(table.permuted) == [1, 3, 2]
    shapley = np.arange(12.0).reshape(2, 2, 3)  # two clips, two groups, three classes
    table = shapley_table(shapley, ("g", "h"), np.array([2, 0]), np.array(["x", "x"]), ("k", "l", "m"))
    assert table.to_dict("list") == {
        "corpus": ["x"] * 4, "class": ["k", "k", "m", "m"], "group": ["g", "h", "g", "h"], "shapley": [6, 9, 2, 5],
    }  # fmt: skip


def test_rises_and_losses_have_the_right_sign(rng):
    """A model that leans on one group: shuffling it, and leaving it out, costs; the other costs nothing."""
    speaker, corpus, y = _people(rng, 240, 12)
    x = np.column_stack([np.eye(4)[y] * 1.5 + rng.normal(size=(240, 4)), rng.normal(size=(240, 2))])
    clips = Clips(x, y, corpus, speaker, tuple("abcdef"), (*"ssss", *"nn"))
    tables = measure(clips, "logistic", 0, rng).compute(rng)
    g = tables["groups"].set_index("group")
    assert list(g.features) == [4, 2]
    for column in ("permuted", "conditional", "left_out", "recall_lost_permuted", "recall_lost_left_out", "shapley_label"):
        assert g.loc["s", column] > 0.2 and abs(g.loc["n", column]) < 0.1, column
    assert (g.permuted_low < g.permuted).all() and (g.permuted < g.permuted_high).all()
    f = tables["features"]
    assert list(f.permuted) == sorted(f.permuted, reverse=True) and (f.shap_logistic >= 0).all()
    assert (f.recall_lost[:4] > 0.02).all()
    np.testing.assert_allclose(f.p_bh, benjamini_hochberg(f.p_value.to_numpy()))
    np.testing.assert_allclose(g.left_out_p_holm, holm(g.left_out_p_value.to_numpy()))


def test_groups_that_stand_in_for_each_other(rng):
    """Shuffled alone a noisy copy harms; what the cause does not foretell of it does not."""
    speaker, corpus, y = _people(rng, 400, 20)
    cause = y + rng.normal(0, 0.4, 400)
    x = np.column_stack([cause, cause + rng.normal(0, 0.2, 400)])
    tables = measure(Clips(x, y, corpus, speaker, ("cause", "copy"), ("cause", "copy")), "logistic", 0, rng).compute(rng)
    g = tables["groups"].set_index("group")
    assert g.permuted["copy"] > 0.1 and abs(g.conditional["copy"]) < 0.3 * g.permuted["copy"]


def test_nobody_is_trained_on_and_measured(rng):
    """Every voice has a place and one emotion of its own: known voices would be told by their place, new ones cannot."""
    speaker = np.repeat(np.arange(24), 10)
    y = rng.permutation(np.repeat(np.arange(4), 6))[speaker]
    x = 4 * rng.normal(size=(24, 6))[speaker] + 0.1 * rng.normal(size=(240, 6))
    clips = Clips(x, y, np.full(240, "one"), speaker, tuple("abcdef"), tuple("gggggg"))
    tables = measure(clips, "svm", 0, rng).compute(rng)
    assert tables["groups"].permuted[0] < 0.3


def test_linear_shap_of_two_unlike_classes_speaks_for_the_answer(rng):
    """One in ten is of the second class, so that the answer hangs on the intercept."""
    y = (np.arange(400) % 10 == 0).astype(int)
    x = rng.normal(size=(400, 3)) + np.outer(y, [0.8, 0, 0])
    model = logistic().fit(x, y)
    answer, weight = model.predict(x), model.coef_[0]
    expected = np.where(answer[:, None] == 1, 1, -1) * weight * (x - x.mean(axis=0))
    np.testing.assert_allclose(linear_shap(x, y, x), expected)
    assert len(set(answer)) == 2 and (answer != ((x - x.mean(axis=0)) @ weight > 0)).any()


def test_planted_features_are_what_they_say(rng):
    y = np.arange(4000) % 4
    clips = Clips(rng.normal(size=(4000, 2)), y, np.full(4000, "c"), y, ("a", "b"), ("g", "h"), tuple("klmn"))
    made = planted(clips, rng)
    label, noise = made.x[:, 2], made.x[:, 3]
    assert made.names == ("a", "b", "planted: label", "planted: noise") and made.groups == ("g", "h", "planted", "planted")
    np.testing.assert_allclose([label[y == c].mean() for c in range(4)], [-1.5, -0.5, 0.5, 1.5], atol=0.05)
    assert all(label[y == c].std() == pytest.approx(0.3, rel=0.1) for c in range(4))
    assert noise.std() == pytest.approx(1, rel=0.05) and abs(noise.mean()) < 0.06 and abs(np.corrcoef(noise, y)[0, 1]) < 0.05
    np.testing.assert_array_equal(made.x[:, :2], clips.x)
    assert made.classes == clips.classes and FeatureSettings().plant is False


def said(groups, features=(), agreement=()):
    columns = ["group", "permuted", "permuted_low", "permuted_high", "left_out", "left_out_p_holm"]
    return SimpleNamespace(
        groups=pd.DataFrame(groups, columns=columns),
        features=pd.DataFrame(features, columns=["feature", "permuted", "p_bh", "conditional_p_bh"]),
        agreement=pd.DataFrame(agreement, columns=["of", "corpora", "rank_correlation"]),
    )


def test_sentences_on_groups_and_features():
    audit = said([("pitch", 0.1, 0.05, 0.15, 0.02, 0.051), ("energy", 0.3, 0.2, 0.4, 0.1, 0.05)],
                 [(f"f{i}", 0.01 * (9 - i), 0.05 + 0.001 * (i > 2), 0.05 + 0.001 * (i > 0)) for i in range(7)])  # fmt: skip
    assert groups_sentence(audit) == (
        "Shuffling the energy features harms most, then pitch. Trained again without them, the model is significantly worse "
        "without energy."
    )
    assert features_sentence(audit).startswith("3 of 7 features matter when shuffled, 1 when only")
    audit.provenance = SimpleNamespace(data={})
    told = findings(audit)
    assert told[0] == "energy: log loss +0.300 bit when shuffled (0.200 to 0.400), +0.100 when left out."
    assert told[1].startswith("pitch: ") and told[2] == "f0: +0.0900 bit, p adjusted 0.05." and len(told) == 2 + 5 + 1
    assert told[-1] == "There is one corpus, so there is nothing to compare between corpora."
    alone = groups_sentence(said([("pitch", 0.1, 0.05, 0.15, 0.02, 0.2)]))
    assert alone.startswith("Shuffling the pitch features harms most. Trained again without any one group")


def test_the_pass_is_told_to_the_end(rng):
    speaker, corpus, y = _people(rng, 80, 10)
    clips = Clips(rng.normal(size=(80, 9)) + y[:, None], y, corpus, speaker, tuple("abcdefghi"), tuple("ggghhhiii"))
    told = []
    measure(clips, "logistic", 0, rng, lambda *words: told.append(words))
    done = [d for _, d, _ in told]
    assert {(s, n) for s, _, n in told} == {("features", 5 * 12)} and done == sorted(done) and done[0] == 0 and done[-1] == 60
    assert len(told) == 5 * (2 + 3) + 1  # of nine features two are told, then each group
