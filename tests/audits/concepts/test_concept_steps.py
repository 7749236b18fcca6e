"""Each step of the audit of concepts by hand: what tests are made of, what layers give, what each concept looks at."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from benchmarks.planted_dialogues import dialogues, wrapped
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import SGDClassifier
from torch import nn

from affectlens.audits.concepts import audit as audit_module
from affectlens.audits.concepts import prepare as prepare_module
from affectlens.audits.concepts import sources as sources_module
from affectlens.audits.concepts.audit import ConceptAuditor, _Pool, _unit
from affectlens.audits.concepts.bank import ConceptBank
from affectlens.audits.concepts.cav import layer as layer_module
from affectlens.audits.concepts.cav import tcav as tcav_module
from affectlens.audits.concepts.cav.accuracy import held_out_accuracy
from affectlens.audits.concepts.cav.bootstrap import _resampled_scores, intervals
from affectlens.audits.concepts.cav.layer import LayerTest
from affectlens.audits.concepts.cav.null import max_t, orders, two_sided
from affectlens.audits.concepts.cav.space import Space, directions, method_name
from affectlens.audits.concepts.cav.tcav import check_concepts, test_concepts
from affectlens.audits.concepts.cav.view import View
from affectlens.audits.concepts.findings import cautions, findings, methods_paragraph, support_sentences
from affectlens.audits.concepts.layers import LayerReading, cached, content_hash, pooled, read_layers
from affectlens.audits.concepts.library.base import (
    concepts,
    find,
    from_folder,
    from_keys,
    from_query,
    supported,
    values,
    words_held,
)
from affectlens.audits.concepts.library.dialogue import with_cues
from affectlens.audits.concepts.library.face import markers, with_action_units, with_video
from affectlens.audits.concepts.library.voice import with_voice
from affectlens.audits.concepts.recurrent import context_layers, read_dialogues, rerun
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.concepts.sources import available, known_layers, listed, open_dialogue_source
from affectlens.audits.concepts.tables import CONFOUNDED, association, direction_cosines, layer_agreement, pair_table
from affectlens.core.errors import ModelError, UsageError
from affectlens.features.utterances import VIDEO_NAMES
from affectlens.learning.bclstm import pack, predict, scale_of
from affectlens.models.nets.bclstm import BcLstmConfig, BcLstmNet
from affectlens.perception.voice.egemaps import NAMES
from affectlens.stats.multiple import benjamini_hochberg, holm


def case(rng, n=40, d=5, m=12):
    """Activations, gradients and a concept that the first coordinate holds."""
    x, g = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    y = (np.arange(n) % 3 == 0).astype(float)
    x[:, 0] += 2 * y
    return x, g, y


# Tests over concepts, layers and classes.


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
    assert (
        words.startswith("With this design the smallest p is 0.05, so at most 0 of the 4")
        and "Take at least 79 pseudo" in words
    )
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


# Directions and whether they hold anything.


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


def test_a_bank_asks_about_some_concepts(tmp_path, rng):
    vectors = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    null = rng.normal(size=(39, 6))
    null /= np.linalg.norm(null, axis=1, keepdims=True)
    bank = ConceptBank(("a", "b", "c"), vectors[:3], null, {"layer": "dense", "corpus": "made"})
    gradient = 2 * vectors[1] + vectors[2]
    cosines, p = bank.sensitivity(gradient, np.array([1, 2]))
    np.testing.assert_allclose(cosines, np.array([2, 1]) / np.sqrt(5))
    by_chance = np.abs(null @ gradient / np.linalg.norm(gradient))
    raw = np.array([(1 + (by_chance >= c).sum()) / 40 for c in cosines])
    np.testing.assert_allclose(p, holm(raw))
    assert bank.sensitivity(-gradient[None])[0].tolist() == pytest.approx([0, -2 / np.sqrt(5), -1 / np.sqrt(5)], abs=1e-9)
    none, sure = bank.sensitivity(np.zeros(6), np.array([0]))
    assert none.tolist() == [0] and sure.tolist() == [1] and bank.layer == "dense"
    bank.save(tmp_path / "b.safetensors")
    again = ConceptBank.load(tmp_path / "b.safetensors")
    assert again.names == bank.names and again.about == bank.about
    np.testing.assert_allclose(np.linalg.norm(again.null, axis=1), 1)


# Layers of networks.


def test_what_a_row_of_a_layer_is():
    maps, tokens, vector = torch.arange(48.0).reshape(2, 2, 3, 4), torch.arange(24.0).reshape(2, 3, 4), torch.ones(2, 5)
    assert pooled(vector, "first", False).shape == (2, 5)
    np.testing.assert_allclose(pooled(maps, "auto", False), maps.mean((2, 3)))
    np.testing.assert_allclose(pooled(maps, "mean", True), maps.sum((2, 3)))
    np.testing.assert_allclose(pooled(tokens, "auto", False), tokens.mean(1))
    np.testing.assert_allclose(pooled(tokens, "mean", True), tokens.sum(1))
    np.testing.assert_allclose(pooled(tokens, "first", True), tokens[:, 0])
    assert pooled(maps, "flat", False).shape == (2, 24) and pooled(tokens, "flat", True).shape == (2, 12)
    for x, pool in ((maps, "first"), (torch.zeros(2, 2, 2, 2, 2), "auto")):
        with pytest.raises(UsageError, match=f"cannot be pooled by '{pool}'"):
            pooled(x, pool, False)


class Odd(nn.Module):
    """A network with layers that cannot be read."""

    def __init__(self):
        super().__init__()
        self.first, self.unused, self.words = nn.Linear(3, 4), nn.Linear(3, 4), nn.Identity()
        self.head = nn.Linear(4, 2)

    def forward(self, x):
        self.words(["no", "tensor"])
        return self.head(self.first(x))


def test_layers_that_cannot_be_read_are_named():
    net, x = Odd(), torch.ones(5, 3)
    with pytest.raises(ModelError, match="layer 'words' gives list, expected a tensor of numbers"):
        read_layers(net, x, ["words"])
    with pytest.raises(ModelError, match="layer 'unused' took no part"):
        read_layers(net, x, ["unused"])
    with pytest.raises(ModelError, match=r"the network gave logits \(5,\); expected"):
        read_layers(net, x, ["first"], [0], forward=lambda n, b: n(b)[:, 0])
    assert not any(m._forward_hooks for m in net.modules())  # nothing of ours stays in it


def test_a_network_is_left_as_it_was_and_read_by_ones_own_forward():
    net, x = Odd(), torch.arange(15.0).reshape(5, 3)
    net.train()
    net.head.eval()
    net.first.weight.requires_grad_(False)
    read = read_layers(net, x, ["first", "head"], [1, 0], batch_size=2, forward=lambda n, b: 2 * n(b))
    assert net.training and not net.head.training and not net.first.weight.requires_grad and net.head.weight.requires_grad
    np.testing.assert_allclose(read["first"].activations, net.first(x).detach(), rtol=1e-5)
    weights = net.head.weight.detach().numpy()
    np.testing.assert_allclose(read["first"].gradients, np.tile(2 * weights[[1, 0]], (5, 1, 1)), rtol=1e-5)
    assert read["first"].gradients.dtype == np.float32
    # A layer beside the way to the logit has no say in it.
    aside = read_layers(net, x, ["first", "unused"], [0], forward=lambda n, b: (n.unused(b), n(b))[1])
    assert (aside["unused"].gradients == 0).all() and aside["first"].gradients.any()


def test_readings_without_gradients_are_kept_too(tmp_path):
    first = {"l": LayerReading(np.ones((3, 2), np.float32), None), "m": LayerReading(np.zeros((3, 1)), np.ones((3, 2, 1)))}
    assert cached(None, "k", lambda: first) is first
    cached(tmp_path / "new", "k", lambda: first)
    again = cached(tmp_path / "new", "k", lambda: 1 / 0)
    assert list(again) == ["l", "m"] and again["l"].gradients is None
    np.testing.assert_array_equal(again["m"].gradients, first["m"].gradients)
    np.testing.assert_array_equal(again["l"].activations, first["l"].activations)
    (file,) = (tmp_path / "new").iterdir()
    assert file.match("layers-*.npz")


def test_the_name_of_a_reading_tells_everything_apart():
    torch.manual_seed(0)
    net, x = nn.Linear(2, 2), np.zeros((2, 3))
    base = content_hash(net, {"x": x}, "act", 1)
    others = [
        content_hash(net, {"x": x}, "act", 2), content_hash(net, {"y": x}, "act", 1), content_hash(net, {"x": x.T}, "act", 1),
        content_hash(net, {"x": x.astype(np.float32)}, "act", 1), content_hash(nn.Linear(2, 2), {"x": x}, "act", 1),
        content_hash(nn.Sequential(net), {"x": x}, "act", 1),
    ]  # fmt: skip
    assert len({base, *others}) == 7 and len(base) == 24 and content_hash(net, {"x": x.copy()}, "act", 1) == base
    both = {"a": x, "b": x + 1}
    assert content_hash(net, both) == content_hash(net, dict(reversed(both.items())))


def small_net(seed=0, branches=("text", "audio")):
    torch.manual_seed(seed)
    widths = {"text": 20, "audio": 10}
    config = BcLstmConfig({m: widths[m] for m in branches}, 2, hidden=4, dense=3, anchor=branches[0])
    return BcLstmNet(config).eval()


def test_dialogues_are_read_in_pieces_and_the_network_is_left_as_it_was():
    data, _ = dialogues(0, 5, turns=3)
    net = small_net()
    packed = pack(data, scale_of(data), 3.0)
    whole = read_dialogues(net, packed, ["dense"], [1])
    net.train()
    next(net.parameters()).requires_grad_(False)
    part = read_dialogues(net, packed, ["dense"], [1], batch=2)
    assert net.training and [p.requires_grad for p in net.parameters()].count(False) == 1
    np.testing.assert_allclose(part["dense"].activations, whole["dense"].activations, atol=1e-6)
    np.testing.assert_allclose(part["dense"].gradients, whole["dense"].gradients, atol=1e-6)
    assert read_dialogues(net, packed, ["dense"])["dense"].gradients is None and whole["dense"].gradients.shape == (15, 1, 3)
    state = whole["dense"].activations
    np.testing.assert_allclose(rerun(net, packed, "dense", state, batch=2), rerun(net, packed, "dense", state), atol=1e-6)
    assert net.training and not any(m._forward_hooks for m in net.modules())
    with pytest.raises(UsageError, match="unknown step 'owns'; did you mean own"):
        read_dialogues(net, packed, ["dense"], step="owns")


def test_layers_of_one_modality_are_not_joined():
    assert context_layers(small_net(branches=("text",))) == ("branches.text.context", "branches.text.dense")
    model = SimpleNamespace(net=small_net())
    every = context_layers(model.net)
    assert every == (
        "branches.text.context",
        "branches.text.dense",
        "branches.audio.context",
        "branches.audio.dense",
        "context",
        "dense",
    )
    assert known_layers(model, ()) == every and known_layers(model, ["dense"]) == ("dense",)
    with pytest.raises(UsageError, match="unknown layer 'dens'; did you mean dense"):
        known_layers(model, ["dense", "dens"])


# The audit.


def auditor(count=12, **settings):
    data, targets = dialogues(0, count)
    options = {"draws": 9, "bootstraps": 0, "layers": ("dense",)} | settings
    return ConceptAuditor(wrapped(small_net(), scale_of(data)), data, targets, ConceptSettings(**options))


def test_what_the_audit_looks_at():
    one = auditor()
    told = []
    pool, why = one._pool(lambda *what: told.append(what))
    assert why == {} and told == [("reading layers", 0, 1), ("reading layers", 1, 1)]
    labels = one.data.labels
    assert {c: len(rows) for c, rows in pool.rows_of.items()} == {"no": (labels == 0).sum(), "yes": (labels == 1).sum()}
    np.testing.assert_array_equal(pool.inputs, [*np.flatnonzero(labels == 0), *np.flatnonzero(labels == 1)])
    reading = pool.readings["dense"]
    gradients = np.concatenate([reading.gradients[labels == c, c] for c in (0, 1)])
    np.testing.assert_allclose(pool.spaces["dense"].norms, np.linalg.norm(gradients, axis=1), rtol=1e-5)
    assert pool.rows_of["yes"].tolist() == [*range((labels == 0).sum(), 96)]
    np.testing.assert_array_equal(pool.predicted, predict(one.model.net, pool.packed).argmax(axis=1))
    assert pool.accuracy == pytest.approx((pool.predicted == labels).mean()) and (pool.labels == labels).all()


def test_where_there_is_no_label_the_answer_stands_for_it():
    one = auditor()
    pool, _ = one._pool(lambda *what: None)
    rows = pool.data.rows.assign(label="")
    unlabelled = replace(pool, data=replace(pool.data, rows=rows))
    assert unlabelled.accuracy is None and (unlabelled.labels == pool.predicted).all()
    assert isinstance(unlabelled, _Pool)
    some = replace(
        pool, data=replace(pool.data, rows=pool.data.rows.assign(label=np.where(np.arange(96) < 40, pool.data.rows.label, "")))
    )
    assert some.accuracy == pytest.approx((pool.predicted == pool.data.labels)[:40].mean())
    np.testing.assert_array_equal(some.labels, np.where(np.arange(96) < 40, pool.data.labels, pool.predicted))
    two = auditor()
    two.data = replace(two.data, rows=two.data.rows.assign(label=""))
    bare, _ = two._pool(lambda *what: None)
    assert {c: len(r) for c, r in bare.rows_of.items()} == {
        c: n for c, n in (("no", (bare.predicted == 0).sum()), ("yes", (bare.predicted == 1).sum())) if n >= 3
    }  # fmt: skip


def test_classes_of_two_utterances_are_not_looked_at():
    one = auditor()
    for count, kept in ((2, ["no"]), (3, ["no", "yes"])):
        labels = np.where(np.arange(96) < count, "yes", "no")
        one.data = replace(one.data, rows=one.data.rows.assign(label=labels))
        assert list(one._pool(lambda *what: None)[0].rows_of) == kept


def test_directions_are_checked_against_pseudo_concepts(monkeypatch):
    asked = {}
    one = auditor()
    pool, _ = one._pool(lambda *what: None)

    def accuracy(space, y, dealt, *, method, groups):
        asked.update(controls=len(dealt), method=method, groups=groups)
        return SimpleNamespace(held_out=np.array([0.9, 0.5]), control=np.array([0.51, 0.52]), p_value=np.array([0.02, 0.6]))

    def complete(space, activations, vectors, pseudo, run, truth):
        asked.update(spans=pseudo.shape, truth=truth, states=run(activations))
        return SimpleNamespace(share=0.7, control=0.1, p_value=0.05, rank=2)

    monkeypatch.setattr(audit_module, "held_out_accuracy", accuracy)
    monkeypatch.setattr(audit_module, "completeness", complete)
    tests, told = SimpleNamespace(layers={"dense": SimpleNamespace(directions="vectors")}), []
    rows, whole = one._checks(pool, tests, lambda *what: told.append(what))
    assert rows.to_dict("records") == [
        {"layer": "dense", "concept": "concept", "accuracy": 0.9, "control": 0.51, "accuracy_p_value": 0.02},
        {"layer": "dense", "concept": "decoy", "accuracy": 0.5, "control": 0.52, "accuracy_p_value": 0.6},
    ]
    assert whole.to_dict("records") == [
        {"layer": "dense", "completeness": 0.7, "pseudo_concepts": 0.1, "p_value": 0.05, "directions": 2, "width": 3}
    ]
    assert told == [("accuracy and completeness", 1, 1)] and asked["controls"] == 49 and asked["spans"] == (19, 2, 3)
    assert asked["method"] == "pattern" and (asked["groups"] == pool.data.dialogues).all()
    np.testing.assert_array_equal(asked["truth"], pool.predicted)
    np.testing.assert_allclose(asked["states"].argmax(axis=1), pool.predicted)  # the layer's own states give the same answers


def test_the_result_is_put_together_of_its_parts():
    """Two layers: tests meet the accuracy of their layer and concept, examples are placed along the last layer's directions."""
    one = auditor(layers=("branches.text.dense", "dense"))
    one.meanings, one.unsupported, one.facts = {"decoy": "decides nothing"}, {"loud": "needs voice"}, {"split": "test"}
    few = np.zeros(96)
    few[0] = 1
    one.targets["few"] = few
    told = []
    made = one.compute(lambda *what: told.append(what))
    assert len(made.tests) == 2 * 2 * 2 and set(made.unsupported) == {"loud", "few"} and made.best_layer in one.layers
    pool, _ = one._pool(lambda *what: None)
    rows, whole = one._checks(pool, SimpleNamespace(layers={
        layer: SimpleNamespace(directions=directions(space, np.array(list(pool.targets.values())))) for layer, space in pool.spaces.items()}),
        lambda *what: None)  # fmt: skip
    meant = made.tests.set_index(["layer", "concept"]).accuracy
    for row in rows.to_dict("records"):
        assert (meant[row["layer"], row["concept"]] == row["accuracy"]).all()
    pd.testing.assert_frame_equal(made.completeness, whole)
    last = pool.spaces["dense"]
    value = (last.points @ directions(last, pool.targets["decoy"]).T)[:, 0]
    first = made.examples[(made.examples.concept == "decoy") & (made.examples.kind == "example")].iloc[0]
    examples = np.flatnonzero(pool.targets["decoy"] > 0.5)
    assert first.key == pool.data.rows.key.iloc[examples[value[examples].argmax()]]
    assert first.typicality == pytest.approx(value[examples].max() / value.std())
    for layer, vectors in made.directions.items():
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1)
        assert vectors.shape == (2, pool.readings[layer].activations.shape[1])
    assert made.support.meaning.tolist() == ["", "decides nothing"] and len(made.agreement) == 2 and len(made.cosines) == 2
    data = made.provenance.data
    assert (data["items_examined"], data["dialogues_examined"], data["split"]) == (96, 12, "test")
    assert (
        data["classes"] == {c: len(r) for c, r in pool.rows_of.items()} and made.provenance.model["accuracy"] == pool.accuracy
    )
    assert {what for what, *_ in told} == {"reading layers", "layers", "accuracy and completeness"}


def test_an_audit_is_given_what_the_corpus_supports(monkeypatch):
    """What is missing of the features is measured; concepts that the corpus cannot support are named with their reason."""
    data, targets = dialogues(0, 3)
    model = wrapped(small_net(), scale_of(data))
    text_only = data.with_modalities(("text",))
    source = SimpleNamespace(dialogues=lambda split: text_only if split == "val" else None, info=SimpleNamespace(licence="CC0"))
    wanted = [SimpleNamespace(name="concept", meaning="decides"), SimpleNamespace(name="loud", meaning="is loud")]
    asked = {}
    monkeypatch.setattr(audit_module, "open_dialogue_source", lambda corpus: source if corpus == "made" else None)
    monkeypatch.setattr(audit_module, "choose", lambda settings: wanted)
    monkeypatch.setattr(audit_module, "prepared", lambda *given, **more: asked.update(prepared=(given, more)) or data.rows)
    monkeypatch.setattr(
        audit_module, "supported", lambda rows, wanted: ({"concept": targets["concept"]}, {"loud": "needs voice"})
    )
    monkeypatch.setattr(
        audit_module, "measured", lambda data_, modalities, tell: asked.update(measured=(modalities, tell)) or data
    )

    class Auditor:
        def __init__(self, network, data, targets, settings, out, **more):
            asked.update(network=network, data=data, targets=targets, settings=settings, out=out, **more)

        def run(self, progress):
            return asked | {"progress": progress}

    monkeypatch.setattr(audit_module, "ConceptAuditor", Auditor)
    told = lambda *what: None  # noqa: E731
    found = audit_module.concepts(model, "made", progress=told, split="val", against=("concept:concept",), draws=7)
    assert found["network"] is model and found["data"] is data and found["out"] is None and found["progress"] is told
    assert list(found["targets"]) == ["concept", "concept against concept"] and found["unsupported"] == {"loud": "needs voice"}
    assert found["meanings"] == {"concept": "decides", "loud": "is loud"} and found["facts"] == {
        "split": "val",
        "licence": "CC0",
    }
    assert found["measured"] == (("text", "audio"), told) and found["settings"].draws == 7 and found["cache"].name == "layers"
    assert found["prepared"][0] == (source, text_only, wanted) and found["prepared"][1] == {
        "norms": None,
        "units": None,
        "progress": told,
    }
    asked.clear()
    source.dialogues = lambda split: data
    assert "measured" not in audit_module.concepts(model, "made")
    with pytest.raises(UsageError, match="give --model WEIGHTS"):
        audit_module.concepts(None, "made")
    with pytest.raises(UsageError, match="unknown layer 'dens'"):
        audit_module.concepts(model, "nothing", layers=("dens",))


def test_facts_of_the_network_and_of_the_data():
    one = auditor()
    facts = one.model_facts()
    assert (facts["name"], facts["spec"], facts["corpus"], facts["licence"], facts["modalities"]) == (
        "bclstm",
        "",
        "planted",
        "",
        ["text", "audio"],
    )
    assert len(facts["sha256"]) == 64 and auditor().model_facts()["sha256"] == facts["sha256"]
    data = one.data_facts()
    assert data["corpus"] == "planted" and data["items"] == 96 and auditor().data_facts() == data
    assert auditor(11).data_facts()["sha256"] != data["sha256"]
    np.testing.assert_allclose(np.linalg.norm(_unit(np.array([[3.0, 4], [1, 0]])), axis=1), 1)
    assert (_unit(np.zeros((1, 2))) == 0).all()


CONTEXT = "branches.text.context"  # a layer of which the next one reads the whole dialogue


def test_the_step_goes_into_the_layers():
    own, everywhere = auditor()._pool(lambda *w: None)[0], auditor(step="all")._pool(lambda *w: None)[0]
    np.testing.assert_allclose(own.readings["dense"].activations, everywhere.readings["dense"].activations)
    context_own, context_all = (auditor(step=s, layers=(CONTEXT,))._pool(lambda *w: None)[0] for s in ("own", "all"))
    assert not np.allclose(context_own.readings[CONTEXT].gradients, context_all.readings[CONTEXT].gradients)


# Tables.


def test_association_is_cramers_with_bergsmas_correction(rng):
    a, b = rng.integers(0, 3, 60).astype(float), rng.integers(0, 2, 60).astype(float)
    b[:30] = a[:30] > 0
    a[3], b[5] = np.nan, np.nan
    known = np.isfinite(a) & np.isfinite(b)
    n, table = 58, np.array([[((a == i) & (b == j) & known).sum() for j in (0, 1)] for i in (0, 1, 2)], float)
    expected = np.outer(table.sum(1), table.sum(0)) / n
    phi = max(0, ((table - expected) ** 2 / expected).sum() / n - 2 * 1 / (n - 1))
    k = min(3 - 4 / (n - 1), 2 - 1 / (n - 1)) - 1
    assert association(a, b) == pytest.approx(np.sqrt(phi / k)) and association(b, a) == pytest.approx(association(a, b))
    assert association(np.array([1.0, np.nan]), np.array([1.0, 0])) == 0
    assert association(np.array([0.0, 1]), np.array([0.0, 1])) >= 0  # two rows are the fewest


def test_pairs_are_told_from_a_threshold_on_strongest_first(monkeypatch):
    strength = {("a", "b"): CONFOUNDED, ("a", "c"): 0.29, ("b", "c"): 0.8}
    monkeypatch.setattr("affectlens.audits.concepts.tables.association", lambda x, y: strength[x, y])
    pairs = pair_table({"a": "a", "b": "b", "c": "c"})
    assert pairs.to_numpy().tolist() == [["b", "c", 0.8], ["a", "b", CONFOUNDED]] and pairs.index.tolist() == [0, 1]


def test_layers_are_compared_by_what_they_say_of_utterances(rng):
    points = {layer: rng.normal(size=(20, 3)) for layer in ("l", "m", "n")}
    spaces = {layer: SimpleNamespace(points=p) for layer, p in points.items()}
    tests = {
        layer: SimpleNamespace(directions=rng.normal(size=(2, 3)), cosines=np.array([[1, 0.25], [0.25, 1]])) for layer in points
    }
    found = layer_agreement(spaces, tests, ["c", "d"])
    assert list(zip(found.layer, found.other_layer, found.concept, strict=True)) == [
        (a, b, c) for a, b in (("l", "m"), ("l", "n"), ("m", "n")) for c in "cd"
    ]  # fmt: skip
    one, two = (points[m] @ tests[m].directions[1] for m in ("l", "n"))
    assert found.correlation[3] == pytest.approx(np.corrcoef(one, two)[0, 1])
    cosines = direction_cosines(tests, ["c", "d"])
    assert cosines.to_numpy().tolist() == [[layer, "c", "d", 0.25] for layer in "lmn"]


# Sentences.


def told(**more):
    columns = {"layer": ["branches.text.dense", "dense", "dense"], "concept": ["smile", "smile", "loud"], "class": ["joy", "joy", "fear"],
               "statistic": [0.4, -0.9, 0.2], "low": [0.1, -1.1, 0.1], "high": [0.6, -0.7, 0.3], "p_max_t": [0.05, 0.01, 0.2],
               "accuracy_p_value": [0.05, 0.02, 0.01], "p_within_labels": [np.nan, 0.2, 0.2], "p_within_labels_bh": [np.nan, 0.2, 0.2]}  # fmt: skip
    return SimpleNamespace(tests=pd.DataFrame(columns | more))


def test_findings_by_hand():
    first, second = findings(told())
    assert first == (
        "2 of 3 tests hold over all tests (max-T, p ≤ .05) at layers that can tell the concept; 1 of 2 concepts are among them."
    )
    assert (
        second == "“smile” speaks for joy at text dense (+0.40 SD, +0.10 to +0.60; p = 0.05 over all tests)."
    )  # of two classes those with a sign above
    three = told(**{"class": ["joy", "awe", "fear"]})
    assert findings(three)[1] == (
        "“smile” speaks against awe at joined dense (-0.90 SD, -1.10 to -0.70; p = 0.01 over all tests). With the label held fixed "
        "it is not shown."
    )
    assert len(findings(three, most=1)) == 2
    more = told(
        **{
            "class": ["joy", "joy", "awe"],
            "statistic": [0.4, 0.9, 0.2],
            "p_max_t": [0.01] * 3,
            "p_within_labels_bh": [0.01, 0.05, 0.2],
        }
    )
    assert " and at 1 more layer. It stays within labels." in findings(more)[1] and findings(more)[1].startswith(
        "“smile” speaks for joy at joined dense"
    )
    many = told(
        layer=["a", "b", "c"],
        concept=["smile"] * 3,
        **{"class": ["joy"] * 3, "statistic": [0.4, 0.9, 0.2], "p_max_t": [0.01] * 3},
    )
    assert " and at 2 more layers." in findings(many)[1]
    assert findings(told(p_max_t=[0.051] * 3)) == [
        "Of 3 tests none holds over all of them (max-T) where the layer can tell the concept at all."
    ]


def test_sentences_on_support_and_cautions():
    support = pd.DataFrame(
        {
            "concept": ["a", "b"],
            "label_association": [0.45, 0.1],
            "most_with": ["joy", "fear"],
            "confounded_with_label": [True, False],
        }
    )
    pairs = pd.DataFrame({"concept": [f"c{i}" for i in range(8)], "other": "d", "association": 0.5})
    unsupported = {"x": "concept 'x' needs voice_a, which", "y": "concept 'y' needs voice_b, which", "z": "9 examples"}
    said = support_sentences(SimpleNamespace(support=support, pairs=pairs, unsupported=unsupported))
    assert said[0] == "Bound to the label at V ≥ 0.3: a (0.45, most with joy)."
    assert said[1].endswith("c5 and d (0.50).") and said[1].startswith("Hard to tell apart: c0 and d (0.50)")
    assert said[2] == "Left out: x, y (needs recordings, to measure the voice); z (9 examples)."
    none = SimpleNamespace(support=support.assign(confounded_with_label=False), pairs=pairs[:0], unsupported={})
    assert support_sentences(none) == ()
    warned = cautions(SimpleNamespace(warnings=("few examples",)))
    assert warned[0] == "Few examples." and len(warned) == 2


@pytest.mark.parametrize(("counterparts", "step"), [(0, "own"), (5, "all")])
def test_the_paragraph_names_what_was_done(counterparts, step):
    settings = {"counterparts": counterparts, "step": step, "method": "lda", "draws": 99, "seed": 4}
    provenance = SimpleNamespace(settings=settings, data={"items_examined": 70, "dialogues_examined": 9})
    text = methods_paragraph(SimpleNamespace(tests=told().tests, provenance=provenance))
    assert "at 2 layers of the network from ridge regression" in text and "a pool of 70 utterances of 9 dialogues" in text
    assert "2 concepts × 2 layers × 2 classes" in text and "K = 99 pseudo" in text and text.endswith("Seed 4; affectlens.")
    assert ("each of 5 random sets" in text) == bool(counterparts) and ("all other utterances" in text) == (not counterparts)
    assert ("summed over the layer's states of its dialogue" in text) == (step == "all")


# Concepts of the library.


def rows_of(n, speakers=None, texts=None):
    return pd.DataFrame({"key": [f"u{i}" for i in range(n)], "dialogue": "d", "turn": range(n), "speaker": speakers or ["a"] * n,
                         "text": texts or ["x"] * n, "start": np.nan, "end": np.nan})  # fmt: skip


VOICE = {
    "high pitch": "F0semitoneFrom27.5Hz_sma3nz_amean", "lively pitch": "F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2",
    "rising pitch": "F0semitoneFrom27.5Hz_sma3nz_meanRisingSlope", "loud": "loudness_sma3_amean", "fast": "loudnessPeaksPerSec",
    "pressed": "alphaRatioV_sma3nz_amean", "pauses": "MeanUnvoicedSegmentLength",
}  # fmt: skip


@pytest.mark.parametrize("name", [*VOICE, "breathy", "trembling"])
def test_each_concept_of_the_voice_looks_at_its_measure(name):
    """Nine values 0 to 8 of one speaker: deviations from the median 4 in units of 1.4826 · 2, so that 7 is above one and 6 is not."""
    x = np.full((9, len(NAMES)), 5.0)
    if name == "breathy":
        x[:, NAMES.index("HNRdBACF_sma3nz_amean")] = 8 - np.arange(9)
    elif name == "trembling":
        x[:, NAMES.index("jitterLocal_sma3nz_amean")] = np.arange(9)
        x[:, NAMES.index("shimmerLocaldB_sma3nz_amean")] = 3 * np.arange(9)
    else:
        x[:, NAMES.index(VOICE[name])] = np.arange(9)
    out = values(concepts()[name], with_voice(rows_of(9), x, NAMES))
    assert out.tolist() == [0] * 7 + [1, 1]


def test_a_row_of_zeros_was_not_measured_and_small_values_were():
    x = np.zeros((2, len(NAMES)))
    x[1, 0] = 1e-3
    made = with_voice(rows_of(2), x, NAMES)
    assert made[f"voice_{NAMES[0]}"].isna().tolist() == [True, False] and made[f"voice_{NAMES[0]}"][1] == 1e-3


FACE = {"smile": "face_smile", "brow lowered": "face_brow_down", "brow raised": "face_brow_up", "gaze away": "face_gaze_away",
        "head down": "face_head_down", "head shake": "face_head_shake", "mouth open": "face_jaw_open"}  # fmt: skip


@pytest.mark.parametrize("name", list(FACE))
def test_each_concept_of_the_face_looks_at_its_measure(name):
    rows = rows_of(9).assign(**{FACE[name]: np.arange(9.0)})
    assert values(concepts()[name], rows).tolist() == [0] * 7 + [1, 1]


def test_columns_of_a_face_from_video_and_units():
    x = np.full((2, len(VIDEO_NAMES)), 0.5)
    for i, name in enumerate(("mouthSmileLeft mean", "mouthSmileRight mean", "jawOpen mean", "pitch mean", "yaw deviation")):
        x[0, VIDEO_NAMES.index(name)] = 10 * (i + 1)
    x[1] = 0
    made = with_video(rows_of(2), x, VIDEO_NAMES)
    assert (
        made.face_smile[0] == 15
        and made.face_jaw_open[0] == 30
        and made.face_head_down[0] == 40
        and made.face_head_shake[0] == 50
    )
    assert (
        made.face_brow_down[0] == made.face_brow_up[0] == made.face_gaze_away[0] == 0.5
        and made.loc[1, list(FACE.values())].isna().all()
    )
    units = pd.DataFrame({"key": ["u1"], "AU01": [1.0], "AU02_r": [3.0], "AU25": [4.0], "pose_Rx": [0.2], "pose_Ry_std": [0.4]})
    faces = with_action_units(rows_of(2), units)
    assert faces.loc[1, ["face_brow_up", "face_jaw_open", "face_head_down", "face_head_shake"]].tolist() == [2, 4, 0.2, 0.4]
    assert faces.loc[0, "face_brow_up":].isna().all() and "face_smile" not in faces
    still = markers(pd.DataFrame({"RBRO1_z": [2.0, 4.0], "MOU1_z": [1.0, 1.0]}), pd.DataFrame({"yaw": [1.0]}))
    assert still == {"face_brow_up": 3, "face_brow_down": -3, "face_smile": 1}


@pytest.mark.parametrize(
    ("name", "column", "on"),
    [("pleasant words", "norm_valence", [0, 0, 0, 0, 1]), ("unpleasant words", "norm_valence", [1, 0, 0, 0, 0]),
     ("arousing words", "norm_arousal", [0, 0, 0, 0, 1]), ("dominant words", "norm_dominance", [0, 0, 0, 0, 1]),
     ("submissive words", "norm_dominance", [1, 0, 0, 0, 0])],
)  # fmt: skip
def test_quarters_of_norms(name, column, on):
    """Of five values the quarters begin at the second and at the fourth, which they do not hold."""
    rows = rows_of(6).assign(**{column: [1.0, 2, 3, 4, 5, np.nan]})
    out = values(concepts()[name], rows)
    assert out[:5].tolist() == on and np.isnan(out[5])


@pytest.mark.parametrize(("name", "column", "given"), [("partner was pleasant", "norm_valence", [5.0, 1, 2, 3, 4]),
                                                      ("partner was unpleasant", "norm_valence", [1.0, 5, 4, 3, 2]),
                                                      ("partner expressed negative", "read_negative", [0.51, 0.5, 0.4, 0, 0])])  # fmt: skip
def test_what_the_partner_said_last(name, column, given):
    out = values(concepts()[name], rows_of(5, list("ababa")).assign(**{column: given}))
    assert np.isnan(out[0]) and out[1:].tolist() == [1, 0, 0, 0]


def test_cues_of_arousal_are_the_voice_before_the_words():
    rows = rows_of(2).assign(norm_arousal=[1.0, 2])
    assert with_cues(rows).arousal_cue.tolist() == [1, 2] and "arousal_cue" not in with_cues(rows_of(2))
    assert with_cues(rows.assign(voice_loudness_sma3_amean=[5.0, 6])).arousal_cue.tolist() == [5, 6]


def test_topics_need_three_words_of_their_own():
    def shift(*texts):
        return values(concepts()["topic shift"], rows_of(len(texts), texts=list(texts)))

    assert shift("cats chase dogs", "ships sail far").tolist()[1] == 1 and np.isnan(
        shift("cats chase dogs", "ships sail far")[0]
    )
    assert np.isnan(shift("cats chase dogs", "ships sail"))[1]  # two words are too few to tell
    assert np.isnan(shift("oh well", "ships sail far"))[1]  # nothing was said that could be kept
    assert shift("cats", "ships sail far", "cats chase dogs")[2] == 0  # two utterances before


def test_concepts_are_found_by_name_and_group_and_checked():
    assert [c.name for c in find(["smile", "smile", "negation"])] == ["smile", "negation"]
    groups = [c.group for c in concepts().values()]
    assert groups == sorted(groups, key=("voice", "words", "face", "dialogue", "user").index)
    rows = rows_of(3, texts=["no", "", "yes"])
    with pytest.raises(UsageError, match="':' has no place in a query"):
        values(from_query("long", "key.iloc[:2] == 'u0'"), rows)
    short = replace(concepts()["negation"], name="short", needs=(), predicate=lambda rows: np.ones(2))
    with pytest.raises(UsageError, match=r"concept 'short' gave \(2,\) values for 3 utterances"):
        values(short, rows)
    for lacking in (rows.drop(columns="text"), rows.assign(text=""), rows.assign(text=np.nan)):
        with pytest.raises(UsageError, match="concept 'negation' needs text, which this corpus does not have"):
            values(concepts()["negation"], lacking)
    targets, why = supported(rows, find(["negation", "loud"]))
    assert list(targets) == ["negation"] and list(why) == ["loud"]
    assert words_held("I do not know", ("negation", "question")) == {"negation": True, "question": False}


def test_examples_from_files_and_folders(tmp_path):
    rows = rows_of(3)
    (tmp_path / "waving.txt").write_text("u0\nu2\n")
    made = from_folder(tmp_path / "waving.txt")
    assert made.name == "waving" and values(made, rows).tolist() == [1, 0, 1] and made.group == "user"
    (tmp_path / "folder" / "u1").mkdir(parents=True)
    (tmp_path / "folder" / "u2.wav").write_text("")
    assert values(from_folder(tmp_path / "folder"), rows).tolist() == [0, 0, 1]  # a folder in it is no example
    with pytest.raises(UsageError, match="neither a folder of examples nor a file"):
        from_folder(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="here: none of 2 names is the key of an utterance, such as 'u0'"):
        values(from_keys("c", {"x", "y"}, "here"), rows)


def test_what_is_listed(monkeypatch):
    frame = pd.DataFrame({"concept": ["a", "b"], "group": ["words", "voice"], "meaning": ["means a", "means b"]})
    monkeypatch.setattr(sources_module, "available", lambda corpus, settings, progress: frame if corpus is None else frame.assign(
        examples=[3, 0], utterances=[9, 9], why=["", "needs voice"]))  # fmt: skip
    assert listed(None, settings=ConceptSettings()) == ["words     a: means a", "voice     b: means b"]
    assert listed("x", settings=ConceptSettings()) == ["words     a: 3 examples of 9 utterances", "voice     b: needs voice"]


def test_what_a_corpus_supports_is_counted(monkeypatch):
    source = SimpleNamespace(dialogues=lambda split: split)
    monkeypatch.setattr(sources_module, "open_dialogue_source", lambda corpus: source)
    monkeypatch.setattr(
        sources_module, "prepared", lambda s, data, wanted, **more: rows_of(4, texts=["not so", "well", "", "never"])
    )
    found = available("made", concepts=("negation", "loud")).set_index("concept")
    assert found.examples.to_dict() == {"negation": 2, "loud": 0} and (found.utterances == 4).all()
    assert found.why["negation"] == "" and "needs voice_" in found.why["loud"] and found.group["loud"] == "voice"
    with pytest.raises(UsageError, match="2 corpora were given; this audit looks at one at a time"):
        monkeypatch.undo()
        open_dialogue_source(["meld=a", "iemocap=b"])


def test_negative_is_the_sum_of_four_classes(monkeypatch):
    labels = ("joy", "anger", "disgust", "fear", "sadness")
    p = np.array([[0.5, 0.1, 0.1, 0.2, 0.1], [1.0, 0, 0, 0, 0]])
    asked = []
    model = SimpleNamespace(
        labels=labels,
        predict=lambda texts: asked.append(texts) or "logits",
        calibration=SimpleNamespace(probabilities=lambda logits: p),
    )
    monkeypatch.setattr(prepare_module, "load_model", lambda name: model if name == "words" else None)
    found = prepare_module._read_negative(rows_of(2, texts=["so sad", "  "]))
    assert found[0] == pytest.approx(0.5) and np.isnan(found[1]) and asked == [["so sad", "."]]
