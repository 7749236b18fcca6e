"""Tests over concepts, layers and classes, number by number."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from affectlens.audits.concepts.cav import layer as layer_module
from affectlens.audits.concepts.cav import tcav as tcav_module
from affectlens.audits.concepts.cav.bootstrap import _resampled_scores, intervals
from affectlens.audits.concepts.cav.layer import LayerTest
from affectlens.audits.concepts.cav.null import max_t, orders, two_sided
from affectlens.audits.concepts.cav.space import Space, directions
from affectlens.audits.concepts.cav.tcav import check_concepts, test_concepts
from affectlens.audits.concepts.cav.view import View
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.core.errors import UsageError
from affectlens.stats.multiple import benjamini_hochberg, holm
from tests.audits.concepts.cases import case


def test_every_number_of_a_layers_tests_has_its_column():
    """Two layers, two concepts, three classes: each array holds numbers of its own, which the table must put in their place."""
    shape, count = (2, 3), iter(range(1, 1000))

    def tests_of():
        made = {name: 100 * next(count) + np.arange(6.0).reshape(shape) for name in ("shift", "cosine", "sign", "within")}
        made |= {
            name: (next(count) * 6 + np.arange(6.0).reshape(shape)) / 1000
            for name in ("p_value", "cosine_p_value", "sign_p_value", "within_p_value")
        }
        for name in ("interval", "cosine_interval"):
            made[name] = 1000 * next(count) + np.arange(12.0).reshape(2, *shape)
        return SimpleNamespace(z=next(count) + np.arange(24.0).reshape(4, *shape) ** 1.5 % 7, **made)

    layers = {"low": tests_of(), "high": tests_of()}
    y = np.array([[1, 0, 1, np.nan], [0.5, 0.6, 0, 0]])
    frame = tcav_module._frame(layers, ["c", "d"], ["k", "l", "m"], y).set_index(["layer", "concept", "class"])
    assert len(frame) == 12 and frame.examples["low", "c", "k"] == 2 and frame.examples["low", "d", "k"] == 1
    for layer, t in layers.items():
        row = frame.loc[(layer, "d", "m")]
        for column, value in {
            "statistic": t.shift, "shift": t.shift, "low": t.interval[0], "high": t.interval[1], "p_value": t.p_value, "cosine": t.cosine,
            "cosine_low": t.cosine_interval[0], "cosine_high": t.cosine_interval[1], "cosine_p_value": t.cosine_p_value,
            "sign_count": t.sign, "sign_count_p_value": t.sign_p_value, "z": t.z[-1], "shift_within_labels": t.within,
            "p_within_labels": t.within_p_value,
        }.items():  # fmt: skip
            assert row[column] == value[1, 2], column
    np.testing.assert_allclose(frame.p_holm, holm(frame.p_value.to_numpy()))
    np.testing.assert_allclose(frame.p_bh, benjamini_hochberg(frame.p_value.to_numpy()))
    np.testing.assert_allclose(frame.p_within_labels_bh, benjamini_hochberg(frame.p_within_labels.to_numpy()))
    np.testing.assert_allclose(frame.p_max_t, max_t(np.concatenate([t.z.reshape(4, 6) for t in layers.values()], axis=1)))


def test_what_is_warned_of():
    coarse = tcav_module._coarse
    assert coarse(2, 39) == [] and coarse(1, 19) == [] and len(coarse(2, 38)) == 1
    (words,) = coarse(4, 19)
    assert words.startswith("With this design the smallest p is 0.05, so at most 0 of the 4")
    assert "Take at least 79 pseudo" in words
    layers = {"a": SimpleNamespace(alignment=np.array([0.9991, 0.999])), "b": SimpleNamespace(alignment=np.array([0.5, 0.9]))}
    (words,) = tcav_module._saturated(layers, ["k", "l"])
    assert words.startswith("layer a: the logit of k is linear")
    y = np.array([[1.0] * 9 + [0, np.nan], [1.0] * 10 + [0]])
    assert tcav_module._few(["nine", "ten"], y) == ["concept nine: 9 examples only; its direction is hardly more than noise"]


def test_graded_concepts_need_three_values():
    grades = np.array([0.1, 0.2, 0.3, np.nan])
    check_concepts({"g": grades}, np.array(list("aaaa")))  # three values are graded: no counterexamples, no dialogue to lie in
    with pytest.raises(
        UsageError, match=r"concept 'g' has 2 examples and 2 counterexamples .*\(10 for a result worth reading\)"
    ):
        check_concepts({"g": np.array([1.0, 1, 0, 0])})
    with pytest.raises(UsageError, match="has 0 examples and 2 counterexamples"):
        check_concepts({"few": np.array([0.1, 0.2, np.nan])})


def test_layers_are_told_of_and_share_their_orders(rng):
    x, g, y = case(rng)
    told = []
    spaces = {"one": Space.of(x, g), "two": Space.of(x * 3, g)}
    found = test_concepts(
        spaces,
        {"c": y},
        {"k": np.arange(12)},
        ConceptSettings(draws=19, bootstraps=0),
        progress=lambda *what: told.append(what),
    )
    assert told == [("layers", 1, 2), ("layers", 2, 2)]
    assert found.frame.p_value[0] == found.frame.p_value[1] and found.frame["shift"][0] == pytest.approx(
        found.frame["shift"][1]
    )
    assert list(found.layers) == ["one", "two"]


@pytest.mark.parametrize("chunk", [1, 7, 40])
def test_how_many_are_scored_at_once_does_not_matter(rng, monkeypatch, chunk):
    x, g, y = case(rng)
    dealt = orders(40, 40, rng)

    def scores():
        made = LayerTest(Space.of(x, g), y[None], [np.arange(12)], ConceptSettings(draws=40), strata=np.arange(40) % 2)
        made.update(dealt)
        return np.concatenate(made._null, axis=1), np.concatenate(made._null_within)

    whole = scores()
    monkeypatch.setattr(layer_module, "CHUNK", chunk)
    for a, b in zip(scores(), whole, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    assert whole[0].shape == (3, 40, 1, 1) and whole[1].shape == (40, 1, 1)


def test_a_layers_result_by_hand(rng):
    x, g, y = case(rng)
    space, classes = Space.of(x, g), [np.arange(6), np.arange(6, 12)]
    both = np.array([y, np.roll(y, 1)])
    test = LayerTest(space, both, classes, ConceptSettings(draws=19, bootstraps=0))
    assert not test.within_labels and [s.shape for s in test.sets] == [(1, 40)] * 2
    test.update(orders(40, 19, rng))
    found = test.compute()
    vectors = directions(space, both)
    np.testing.assert_allclose(found.directions, vectors)
    np.testing.assert_allclose(found.cosines, vectors @ vectors.T)
    np.testing.assert_allclose(found.alignment, test.view.alignment())
    observed, null = test.view.score(test.sets), np.concatenate(test._null, axis=1)
    for k, (value, p) in enumerate((("shift", "p_value"), ("cosine", "cosine_p_value"), ("sign", "sign_p_value"))):
        np.testing.assert_array_equal(getattr(found, value), observed[k])
        np.testing.assert_array_equal(getattr(found, p), two_sided(observed[k], null[k])[0])
    np.testing.assert_array_equal(found.z, two_sided(observed[0], null[0])[1])
    assert np.isnan(found.within).all() and np.isnan(found.within_p_value).all() and np.isnan(found.interval).all()
    machine = LayerTest(space, both, classes, ConceptSettings(method="svm", draws=9), strata=np.arange(40) % 2)
    assert not machine.within_labels  # weights of a machine have no length that a label could be taken out of
    assert LayerTest(space, both, classes, ConceptSettings(method="lda", draws=9), strata=np.arange(40) % 2).within_labels


def test_the_direction_of_a_concept_is_the_mean_over_its_counterparts(rng):
    x, g, y = case(rng)
    test = LayerTest(Space.of(x, g), y[None], [np.arange(12)], ConceptSettings(draws=9, bootstraps=0, counterparts=4))
    test.update(orders(40, 9, rng))
    mean = directions(test.view.space, test.sets[0]).mean(axis=0)
    np.testing.assert_allclose(test.compute().directions[0], mean / np.linalg.norm(mean))
    assert np.linalg.norm(mean) < 0.999


def test_as_many_counterexamples_as_there_are(rng):
    """Thirty examples and ten others: all ten are taken, each once."""
    row = np.r_[np.ones(30), np.zeros(10)]
    (sets,) = layer_module._with_counterparts(row[None], 2, rng)
    assert (sets == 1).sum(axis=1).tolist() == [30, 30] and (sets == 0).sum(axis=1).tolist() == [10, 10]
    (few,) = layer_module._with_counterparts(1 - row[None], 50, rng)
    assert (few == 0).sum(axis=1).tolist() == [10] * 50 and len({tuple(r == 0) for r in few}) > 40
    with_unknown = np.r_[row, np.nan]
    assert np.isnan(layer_module._with_counterparts(with_unknown[None], 2, rng)[0][:, -1]).all()


def test_intervals_are_of_resampled_dialogues(rng):
    x, g, y = case(rng)
    view = View.of(Space.of(x, g), [np.arange(12)], "pattern")
    shift, cosine = intervals(view, y[None], 400, np.random.default_rng(0))
    observed = view.score([y[None]])
    assert shift.shape == cosine.shape == (2, 1, 1)
    assert shift[0, 0, 0] < observed[0, 0, 0] < shift[1, 0, 0] and cosine[0, 0, 0] < observed[1, 0, 0] < cosine[1, 0, 0]
    again = intervals(view, y[None], 400, np.random.default_rng(0))
    np.testing.assert_array_equal(again[0], shift)


def test_a_draw_in_which_nothing_differs_shifts_nothing(rng):
    x, g, _ = case(rng)
    space = Space.of(x, g)
    view = View.of(space, [np.arange(12)], "pattern")
    once, inner = np.ones((1, 40)), np.ones(space.points.shape[1])
    shift, cosine = _resampled_scores(view, np.ones(40), once, view.means[None], inner)
    assert shift[0, 0] == 0 and cosine[0, 0] == 0  # everybody has the concept
    still = View.of(Space.of(x, np.zeros((12, 5))), [np.arange(12)], "pattern")
    shift, cosine = _resampled_scores(still, np.arange(40) % 2, once, still.means[None], inner)
    assert shift[0, 0] == 0 and cosine[0, 0] == 0  # the logit does not move
    assert (still.shift((np.arange(40) % 2)[None].astype(float)) == 0).all()
    grades = rng.normal(size=(1, 40))
    np.testing.assert_allclose(view.shift(0.01 * grades), 100 * view.shift(grades))  # a slope: small grades count as large ones


def test_gradients_that_lie_beside_the_span_agree_within_it(rng):
    """Four examples span three dimensions of thirty: of a unit gradient only a part lies in them, whose length does not count."""
    g = np.tile(rng.normal(size=30), (2, 1))
    space = Space.of(rng.normal(size=(4, 30)), g)
    assert (np.linalg.norm(space.gradients, axis=1) < 0.9).all()
    assert View.of(space, [np.arange(2)], "pattern").alignment()[0] == pytest.approx(1)
