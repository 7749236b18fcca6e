"""Each step of the audit of features by hand: folds, shuffles, what is left of a loss, tests over people, tables."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Ridge

from affectlens.audits.features import audit as audit_module
from affectlens.audits.features import measures as measures_module
from affectlens.audits.features import roles as module
from affectlens.audits.features import tables as tables_module
from affectlens.audits.features.audit import FeatureAuditor, clips_of
from affectlens.audits.features.measures import Surrogate, class_weight, permuted_loss, row_loss
from affectlens.audits.features.roles import Clips, Importance, _Fold, measure, measure_fold
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.features.tables import by_corpus, feature_table, group_table, over_people, rank_agreement, shapley_table
from affectlens.core.errors import CorpusError, UsageError
from affectlens.core.labels import IEMOCAP4
from affectlens.models.shipped.speech_scale import normalise
from affectlens.perception.voice.egemaps import NAMES
from affectlens.stats.multiple import benjamini_hochberg, holm
from tests.audits import corpora


def clips_by_hand(rng, n=40, features=3):
    """Two classes; the model of ``by_first`` goes by the first feature alone."""
    y = np.arange(n) % 2
    x = rng.normal(size=(n, features))
    x[:, 0] += 2 * y
    return Clips(x, y, np.where(np.arange(n) < n // 2, "one", "two"), np.repeat(np.arange(n // 4), 4), tuple("abcdefghi"[:features]),
                 ("g", *["h"] * (features - 1)))  # fmt: skip


def by_first(v):
    p = 1 / (1 + np.exp(-2 * (v[:, 0] - 1)))
    return np.column_stack([1 - p, p])


# What shuffling does.


def test_the_surrogate_is_a_ridge_regression(rng):
    """The same as scikit-learn's ridge where each feature's penalty is a tenth of its variance."""
    x = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + 3
    deviation = x[:, :3].std(axis=0)
    scaled = (x[:, :3] - x[:, :3].mean(axis=0)) / deviation
    # Covariances are over n - 1, the penalty is a tenth of the variance over n.
    model = Ridge(alpha=0.1 * 59, fit_intercept=False).fit(scaled, x[:, 3] - x[:, 3].mean())
    new = rng.normal(size=(7, 4)) + 3
    expected = x[:, 3].mean() + (new[:, :3] - x[:, :3].mean(axis=0)) / deviation @ model.coef_
    np.testing.assert_allclose(Surrogate(x).expected(new, np.array([3]))[:, 0], expected, rtol=1e-6)
    both = Surrogate(x).expected(new, np.array([1, 3]))
    assert both.shape == (7, 2) and not np.allclose(both[:, 1], expected)
    np.testing.assert_allclose(Surrogate(x).expected(new, np.arange(4)), np.tile(x.mean(axis=0), (7, 1)))


def test_a_shuffle_moves_whole_rows_of_columns_within_a_corpus(rng):
    x, corpus = np.arange(24.0).reshape(8, 3), np.repeat(["a", "b"], 4)
    seen = []

    def predict(v):
        seen.append(v.reshape(6, 8, 3))
        return np.full((len(v), 2), 0.5)

    loss, right = permuted_loss(predict, x, np.zeros(8, int), np.arange(8.0), np.array([0, 2]), corpus, rng, repeats=6)
    np.testing.assert_allclose(loss, np.arange(8.0))  # one bit, times the weight
    assert (right == 1).all()
    (moved,) = seen
    for one in moved:
        np.testing.assert_array_equal(one[:, 1], x[:, 1])
        np.testing.assert_array_equal(one[:, 2] - one[:, 0], 2)  # columns move together
        assert sorted(one[:4, 0]) == x[:4, 0].tolist() and sorted(one[4:, 0]) == x[4:, 0].tolist()
    assert len({tuple(one[:, 0]) for one in moved}) > 1
    default = []
    permuted_loss(
        lambda v: default.append(len(v)) or np.full((len(v), 2), 0.5),
        x,
        np.zeros(8, int),
        np.ones(8),
        np.array([0]),
        corpus,
        rng,
    )
    assert default == [8 * measures_module.REPEATS]


def test_what_the_others_foretell_stays_in_its_place(rng):
    x = np.arange(12.0).reshape(6, 2)
    kept = SimpleNamespace(expected=lambda given, columns: given[:, columns] - np.array([[1.0], [2], [3], [4], [5], [6]]))
    seen = []
    permuted_loss(lambda v: seen.append(v) or np.full((len(v), 2), 0.5), x, np.zeros(6, int), np.ones(6), np.array([1]), np.full(6, "c"),
                  rng, kept, 1)  # fmt: skip
    rest = seen[0][:, 1] - (x[:, 1] - np.arange(1, 7))
    assert sorted(rest) == [1, 2, 3, 4, 5, 6] and rest.tolist() != [1, 2, 3, 4, 5, 6]


def test_hits_and_losses_are_means_over_permutations():
    """Of two permutations the first is answered right, the second wrong."""
    answers = np.array([[0.75, 0.25], [0.75, 0.25], [0.25, 0.75], [0.25, 0.75]])
    loss, right = permuted_loss(lambda v: answers, np.zeros((2, 1)), np.zeros(2, int), np.array([1.0, 3]), np.array([0]), np.array(["c", "c"]),
                                np.random.default_rng(0), repeats=2)  # fmt: skip
    mean = (-np.log2(0.75) + 2) / 2
    np.testing.assert_allclose(loss, [mean, 3 * mean])
    assert right.tolist() == [0.5, 0.5]


def test_weights_have_a_mean_of_one_in_each_corpus(rng):
    y, corpus = rng.integers(0, 4, 60), rng.choice(["a", "b"], 60)
    weight = class_weight(y, corpus)
    for name in "ab":
        inside = corpus == name
        assert weight[inside].mean() == pytest.approx(1)
        assert len({round(weight[inside & (y == c)].sum(), 9) for c in set(y[inside])}) == 1
    assert class_weight(np.array([0, 3]), np.array(["a", "a"])).tolist() == [1, 1]  # classes without clips do not count


# Folds.


def test_every_clip_is_measured_where_its_speaker_was_not_trained_on(rng, monkeypatch):
    clips, folds, told = clips_by_hand(rng), [], []

    def fold(clips, train, test, model, seed, rng, tell):
        folds.append((train, test, model, seed))
        tell(2)
        return {"value": test * 2.0}

    monkeypatch.setattr(module, "measure_fold", fold)
    found = measure(clips, "svm", 7, rng, lambda *what: told.append(what))
    assert len(folds) == 5 and {f[2:] for f in folds} == {("svm", 7)}
    assert sorted(np.concatenate([test for _, test, *_ in folds])) == list(range(40))
    assert all(not set(clips.speaker[train]) & set(clips.speaker[test]) for train, test, *_ in folds)
    np.testing.assert_array_equal(found.values["value"], 2.0 * np.arange(40))
    assert found.seen.all() and told == [("features", 5 * i + 2, 25) for i in range(5)] + [("features", 25, 25)]


def test_what_a_fold_measures(rng, monkeypatch):
    """Numbers by hand in place of shuffles: each value goes to its feature or group, less what the model lost before."""
    clips = clips_by_hand(rng, features=9)
    train, test = np.arange(20), np.arange(20, 40)
    calls, told = [], []

    def shuffled(predict, x, y, weight, columns, corpus, rng, surrogate, repeats):
        calls.append((columns.tolist(), surrogate is not None, repeats))
        np.testing.assert_array_equal(x, clips.x[test])
        np.testing.assert_array_equal(weight, clips.weight[test])
        assert (corpus == clips.corpus[test]).all() and (y == clips.y[test]).all()
        return np.full(20, 10.0 + columns[0] + 100 * (surrogate is not None)), np.full(20, 0.25)

    monkeypatch.setattr(module, "permuted_loss", shuffled)
    trained = []

    class Classifier:
        def fit(self, x, y):
            trained.append((x, y))
            return self

        def predict_proba(self, x):
            return by_first(x)

    monkeypatch.setattr(module, "make_classifier", lambda model, seed: trained.append((model, seed)) or Classifier())
    asked = {}
    monkeypatch.setattr(module, "group_shapley", lambda predict, x, background, members: asked.update(background=background, x=x, members=members)
                        or np.zeros((20, 2, 2)))  # fmt: skip
    monkeypatch.setattr(module, "linear_shap", lambda x, y, rows: np.stack([x[:1].repeat(len(rows), 0)])[0])
    found = measure_fold(clips, train, test, "svm", 3, rng, told.append)
    answer = by_first(clips.x[test])
    loss = row_loss(answer, clips.y[test], clips.weight[test])
    right, weight = answer.argmax(1) == clips.y[test], clips.weight[test]
    np.testing.assert_allclose(found["permuted"], 10 + np.arange(9) - loss[:, None])
    np.testing.assert_allclose(found["conditional"], 110 + np.arange(9) - loss[:, None])
    np.testing.assert_allclose(found["recall_lost"], np.tile(((right - 0.25) * weight)[:, None], (1, 9)))
    np.testing.assert_allclose(found["group_permuted"], np.array([10, 11]) - loss[:, None])
    np.testing.assert_allclose(found["group_conditional"], np.array([110, 111]) - loss[:, None])
    np.testing.assert_allclose(found["recall_lost_permuted"], np.tile(((right - 0.25) * weight)[:, None], (1, 2)))
    without = by_first(clips.x[test][:, 1:])  # without the first group the model goes by the second feature
    np.testing.assert_allclose(found["left_out"][:, 0], row_loss(without, clips.y[test], weight) - loss)
    np.testing.assert_allclose(found["left_out"][:, 1], 0, atol=1e-12)
    np.testing.assert_allclose(
        found["recall_lost_left_out"][:, 0], (1.0 * right - (without.argmax(1) == clips.y[test])) * weight
    )
    assert [c for c in calls if len(c[0]) == 1 and c[0] == [3]] == [([3], False, 5), ([3], True, 5)]
    assert calls[-2:] == [([*range(1, 9)], False, 10), ([*range(1, 9)], True, 10)]
    assert told == [0, 8, 9, 10] and trained[0] == ("svm", 3) and {t for t in trained if isinstance(t[0], str)} == {("svm", 3)}
    np.testing.assert_array_equal(trained[1][0], clips.x[train])
    np.testing.assert_array_equal(trained[3][0], clips.x[train][:, 1:])
    assert len(asked["background"]) == 20 and [m.tolist() for m in asked["members"]] == [[0], [*range(1, 9)]]
    np.testing.assert_array_equal(found["shap_logistic"][0], clips.x[0])


def test_shapley_values_are_taken_against_twenty_four_clips_of_training(rng, monkeypatch):
    clips = clips_by_hand(rng, n=80)
    seen = []
    monkeypatch.setattr(
        module, "group_shapley", lambda predict, x, background, members: seen.append(background) or np.zeros((len(x), 2, 2))
    )
    measure_fold(clips, np.arange(60), np.arange(60, 80), "logistic", 0, rng)
    assert len(seen[0]) == 24 and {tuple(r) for r in seen[0]} <= {tuple(r) for r in clips.x[:60]}
    assert len({tuple(r) for r in seen[0]}) == 24


def test_the_only_group_cannot_be_left_out(rng):
    clips = Clips(rng.normal(size=(8, 2)), np.arange(8) % 2, np.full(8, "c"), np.arange(8), ("a", "b"), ("g", "g"))
    made = _Fold(clips, np.arange(4), np.arange(4, 8), by_first).group(np.array([0, 1]), "logistic", 0, rng)
    assert (made["left_out"] == 0).all() and (made["recall_lost_left_out"] == 0).all() and len(made["group_permuted"]) == 4


def test_groups_are_in_order_of_their_first_feature(rng):
    clips = Clips(
        np.zeros((2, 4)), np.array([0, 1]), np.array(["c", "c"]), np.array([0, 1]), tuple("abcd"), ("y", "x", "y", "z")
    )
    assert clips.group_names == ("y", "x", "z") and [m.tolist() for m in clips.members] == [[0, 2], [1], [3]]
    assert clips.weight.tolist() == [1, 1] and clips.classes == ()


def test_folds_of_other_clips_are_not_merged(rng):
    one, other = Importance(clips_by_hand(rng)), Importance(clips_by_hand(rng, n=80))
    with pytest.raises(UsageError, match="different folds of the same clips"):
        one.merge(other)
    same = Importance(one.clips)
    assert one.merge(same) is one and one.values == {}  # nothing was measured yet
    one.update(np.arange(10), {"v": np.ones((10, 2))})
    assert one.values["v"].shape == (40, 2) and one.values["v"].sum() == 20 and one.seen.sum() == 10
    with pytest.raises(UsageError, match="30 of 40 clips were in no fold yet"):
        one.compute(rng)


# Tables.


def test_means_over_people_by_every_flip_of_signs():
    values = np.array([[3.0, 1], [1, -1], [2, 0], [-1, -2], [4, 1]])
    speaker = np.array(list("aabcd"))
    mean, low, high, p, _ = over_people(values, speaker, np.random.default_rng(0), 20000)
    sums = np.array([values[speaker == s].sum(axis=0) for s in "abcd"])
    flips = np.array(list(product([-1, 1], repeat=4)))
    exact = (flips @ sums >= sums.sum(axis=0) - 1e-9).mean(axis=0)
    np.testing.assert_allclose(p, exact, atol=0.015)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    assert (low < mean).all() and (mean < high).all()
    picks = np.random.default_rng(0).multinomial(4, np.full(4, 0.25), size=20000)
    drawn = picks @ sums / (picks @ np.array([2.0, 1, 1, 1]))[:, None]
    np.testing.assert_allclose(np.stack([low, high]), np.quantile(drawn, [0.025, 0.975], axis=0))


def test_what_is_above_zero_of_everybody_is_as_small_as_draws_allow(rng):
    """What is above zero of everybody is reached by the signs as they are alone."""
    *_, p, smallest = over_people(1 + rng.random((40, 1)), np.arange(40), rng)
    assert p[0] <= smallest[0] == 1 / 1000 or p[0] == smallest[0] < 1 / 1000


def test_the_main_table_by_hand(rng):
    values = {name: rng.normal(size=(12, 3)) for name in ("permuted", "conditional", "recall_lost", "shap_logistic")}
    values["permuted"] += [0.1, 2, 1]
    speaker = np.repeat(np.arange(6), 2)
    table = feature_table(tuple("abc"), tuple("ggh"), values, speaker, np.random.default_rng(0))
    assert list(table.feature) == ["b", "c", "a"] and list(table.group) == ["g", "h", "g"] and table.index.tolist() == [0, 1, 2]
    assert (
        list(table.columns[:4]) == ["feature", "group", "statistic", "permuted"] and (table.statistic == table.permuted).all()
    )
    by_name = table.set_index("feature").loc[list("abc")]
    draw = np.random.default_rng(0)
    for column, name in (("permuted", ""), ("conditional", "conditional_")):
        mean, low, high, p, _ = over_people(values[column], speaker, draw)
        np.testing.assert_allclose(by_name[column], mean)
        np.testing.assert_allclose(by_name[[f"{column}_low", f"{column}_high"]], np.stack([low, high], axis=1))
        np.testing.assert_allclose(by_name[f"{name}p_value"], p)
        np.testing.assert_allclose(by_name[f"{name}p_bh"], benjamini_hochberg(p))
    np.testing.assert_allclose(by_name.recall_lost, values["recall_lost"].mean(axis=0))
    np.testing.assert_allclose(by_name.shap_logistic, np.abs(values["shap_logistic"]).mean(axis=0))


def test_the_table_of_groups_by_hand(rng):
    names = ("group_permuted", "group_conditional", "left_out", "recall_lost_permuted", "recall_lost_left_out")
    values = {name: rng.normal(size=(10, 2)) for name in names} | {"shapley": rng.normal(size=(10, 2, 3))}
    y, speaker = np.arange(10) % 3, np.repeat(np.arange(5), 2)
    table = group_table(("g", "h"), [np.array([0, 2]), np.array([1])], values, y, speaker, np.random.default_rng(0))
    assert list(table.group) == ["g", "h"] and list(table.features) == [2, 1]
    draw = np.random.default_rng(0)
    for name, key in (("permuted", "group_permuted"), ("conditional", "group_conditional"), ("left_out", "left_out")):
        mean, _, _, p, _ = over_people(values[key], speaker, draw)
        np.testing.assert_allclose(table[name], mean)
        np.testing.assert_allclose(table[f"{name}_p_holm"], holm(p))
    for name in names[3:]:
        np.testing.assert_allclose(table[name], values[name].mean(axis=0))
    label = [np.mean([values["shapley"][i, g, y[i]] for i in range(10)]) for g in (0, 1)]
    np.testing.assert_allclose(table.shapley_label, label)


def test_corpora_have_ranks_of_their_own():
    values, corpus = np.array([[3.0, 1, 3], [1, 2, 0], [3, 4, 0]]), np.array(["x", "y", "y"])
    table = by_corpus({"feature": ("abc", values), "group": ("g", values[:, :1])}, corpus)
    assert table.drop(columns="permuted").to_numpy().tolist() == [
        ["x", "feature", "a", 1.5], ["x", "feature", "b", 3], ["x", "feature", "c", 1.5], ["x", "group", "g", 1],
        ["y", "feature", "a", 2], ["y", "feature", "b", 1], ["y", "feature", "c", 3], ["y", "group", "g", 1],
    ]  # fmt: skip
    assert table.permuted.tolist() == [3, 1, 3, 3, 2, 3, 0, 2] and table.index.tolist() == [*range(8)]


def test_shapley_values_by_corpus_and_class():
    values = np.arange(16.0).reshape(4, 2, 2)
    table = shapley_table(values, ("g", "h"), np.array([1, 1, 0, 1]), np.array(["x", "x", "y", "y"]))
    assert table.to_numpy().tolist() == [
        ["x", "1", "g", 3], ["x", "1", "h", 5], ["y", "0", "g", 8], ["y", "0", "h", 10], ["y", "1", "g", 13], ["y", "1", "h", 15],
    ]  # fmt: skip


def test_agreement_of_corpora_with_intervals_over_speakers(rng):
    values = rng.normal(size=(24, 5)) + np.arange(5)
    corpus, speaker = np.repeat(["x", "y"], 12), np.repeat(np.arange(8), 3)
    table = rank_agreement({"features": values, "groups": values[:, :2]}, corpus, speaker, np.random.default_rng(0), 200)
    assert table[["of", "corpora"]].to_numpy().tolist() == [
        ["features", "x and y"],
        ["groups", "x and y"],
    ]  # two corpora have no mean
    expected = spearmanr(values[:12].mean(axis=0), values[12:].mean(axis=0))[0]
    assert table.rank_correlation[0] == pytest.approx(expected)
    draw = np.random.default_rng(0)
    means = [tables_module._resampled_means(values[corpus == c], speaker[corpus == c], draw, 200) for c in "xy"]
    each = [spearmanr(a, b)[0] for a, b in zip(means[0][1:], means[1][1:], strict=True)]
    assert (table.low[0], table.high[0]) == pytest.approx(tuple(np.quantile(each, [0.025, 0.975])))
    # A resampled mean is that of the clips of four drawn speakers.
    picks = np.random.default_rng(3).multinomial(4, np.full(4, 0.25), size=2)
    again = tables_module._resampled_means(values[:12], speaker[:12], np.random.default_rng(3), 2)
    np.testing.assert_allclose(again[0], values[:12].mean(axis=0))
    by_hand = [sum(n * values[:12][speaker[:12] == s].sum(axis=0) for s, n in enumerate(row)) / 12 for row in picks]
    np.testing.assert_allclose(again[1:], by_hand)
    assert np.isnan(tables_module._rank_correlations(np.ones((1, 1)), np.ones((1, 1)))).all()


def test_three_corpora_have_a_mean(rng):
    values, corpus = rng.normal(size=(12, 4)), np.repeat(list("xyz"), 4)
    table = rank_agreement({"features": values}, corpus, np.arange(12), rng, 50)
    assert table.corpora.tolist() == ["x and y", "x and z", "y and z", "mean"]
    assert table.rank_correlation[3] == pytest.approx(table.rank_correlation[:3].mean())


# The audit.


def test_the_audit_measures_what_it_is_given(rng, monkeypatch):
    asked = {}

    class Measured:
        def compute(self, rng):
            empty = pd.DataFrame()
            return dict.fromkeys(("features", "groups", "by_corpus", "agreement", "shapley"), empty)

    def measured(clips, kind, seed, rng, progress):
        asked.update(clips=clips, kind=kind, seed=seed, progress=progress)
        return Measured()

    monkeypatch.setattr(audit_module, "measure", measured)
    table = corpora.table(rng, ("one",), people=5, each=4)
    made = FeatureAuditor(table, FeatureSettings(kind="svm", seed=3)).compute("progress")
    assert (asked["kind"], asked["seed"], asked["progress"]) == ("svm", 3, "progress") and asked["clips"].x.shape == (20, 88)
    assert made.left_out.key.tolist() == ["one/lost"] and made.provenance.data["items"] == 20
    assert made.provenance.model == {
        "name": "svm speech model",
        "spec": "trained in this audit, 5 folds without shared speakers",
        "folds": 5,
        "repeats": 5,
    }
    FeatureAuditor(table, FeatureSettings(plant=True)).compute()
    assert asked["clips"].names[-2:] == ("planted: label", "planted: noise") and asked["clips"].x.shape == (20, 90)
    for few in (table.where(np.arange(19)), table.where(np.arange(16))):
        with pytest.raises(
            CorpusError, match="training in 5 folds without shared speakers needs at least 20 clips of 5 speakers"
        ):
            FeatureAuditor(few, FeatureSettings()).compute()


def test_corpora_are_measured_and_the_settings_taken(rng, monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(
        audit_module, "open_table", lambda given, progress: asked.update(given=given, progress=progress) or "table"
    )

    class Auditor:
        def __init__(self, table, settings, out):
            asked.update(table=table, settings=settings, out=out)

        def run(self, progress):
            return progress

    monkeypatch.setattr(audit_module, "FeatureAuditor", Auditor)
    told = print
    assert audit_module.features("svm", "emodb=here", out=tmp_path, progress=told, seed=4) is told
    assert asked == {
        "given": "emodb=here",
        "progress": told,
        "table": "table",
        "out": tmp_path,
        "settings": FeatureSettings(kind="svm", seed=4),
    }
    assert (
        audit_module.features(None, "emodb=here") is None
        and callable(asked["progress"])
        and asked["settings"] == FeatureSettings()
    )


def test_clips_are_normalised_features_with_their_names(rng):
    table = corpora.table(rng, people=2, each=4)
    clips = clips_of(table)
    np.testing.assert_allclose(clips.x, normalise(table.features, table.corpus, table.speaker))
    assert clips.names == tuple(NAMES) and len(clips.groups) == 88 and clips.classes == IEMOCAP4.labels
    np.testing.assert_array_equal(clips.y, table.labels)
