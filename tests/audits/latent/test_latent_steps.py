"""Each step of the audit of a latent, with networks and searches that are made by hand so that every number is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, silhouette_samples, silhouette_score

from affectlens.audits.latent import audit as module
from affectlens.audits.latent import clusters as clusters_module
from affectlens.audits.latent import directions as directions_module
from affectlens.audits.latent import shift as shift_module
from affectlens.audits.latent import stability as stability_module
from affectlens.audits.latent.audit import Examined, LatentAuditor, _points, _projection
from affectlens.audits.latent.clusters import (
    Clustering,
    _factor_silhouette,
    agreement,
    describe_clusters,
    find_clusters,
    shuffled,
)
from affectlens.audits.latent.directions import associations, bootstrap_stability, most_moved, principal, traversal
from affectlens.audits.latent.findings import findings
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.latent.shift import corpus_probe, discrepancy, shift_table
from affectlens.audits.latent.stability import ARI, PEOPLE, SeedStability, over_seeds
from affectlens.core.errors import CorpusError, UsageError
from affectlens.features.speech import SpeechTable
from affectlens.models.shipped.speech_scale import pooled
from affectlens.stats.multiple import holm, mean_of_units
from tests.audits import corpora


class Network:
    """An autoencoder whose latent is the first three features, turned by its seed."""

    made: list[Network]

    def __init__(self, kind, recipe):
        self.kind, self.recipe = kind, recipe
        value = SimpleNamespace(numpy=lambda: np.array([float(recipe.seed)]))
        self.net = SimpleNamespace(state_dict=lambda: {"weight": value})
        Network.made.append(self)

    def fit(self, z, labels):
        self.fitted = z, labels
        return self

    def encode(self, z):
        return np.roll(z[:, :3], self.recipe.seed, axis=1)

    def decode(self, latent):
        return np.concatenate([latent, np.zeros((len(latent), 85))], axis=1)


@pytest.fixture
def quick(monkeypatch):
    """The audit with networks by hand; clusters and corpora are not searched for."""
    Network.made = []
    asked = {}
    monkeypatch.setattr(module, "SpeechAutoencoder", Network)

    def clusters(latent, method, seed):
        asked.setdefault("seeds", []).append((method, seed))
        return Clustering(method, np.arange(len(latent)) % 2, 0.5, "by hand")

    monkeypatch.setattr(module, "find_clusters", clusters)
    monkeypatch.setattr(module, "agreement", lambda c, z, factors, speaker, rng, draws: asked.update(draws=draws, factors=factors)
                        or pd.DataFrame({"p_value": [1.0]}))  # fmt: skip
    monkeypatch.setattr(module, "shift_table", lambda table, seen, z, latent, rng, draws: asked.update(shift_draws=draws)
                        or pd.DataFrame())  # fmt: skip
    monkeypatch.setattr(
        module, "_projection", lambda latent, seed: np.column_stack([np.arange(len(latent)), np.full(len(latent), seed)])
    )
    return asked


def test_networks_are_trained_on_one_half_and_looked_at_on_the_other(quick, rng):
    table = corpora.table(rng, ("one",), people=4, each=8)
    said = []
    made = LatentAuditor(table, LatentSettings(seeds=3, epochs=2, draws=7, seed=5)).compute(lambda *what: said.append(what))
    names = ["training"] * 3 + ["clusters", "agreement", "corpora", "directions", "stability", "projection"]
    assert said == [(name, i + 1, 9) for i, name in enumerate(names)]
    assert [n.recipe.seed for n in Network.made] == [5, 6, 7] and {n.recipe.epochs for n in Network.made} == {2}
    first = Network.made[0]
    assert {n.kind for n in Network.made} == {LatentSettings().kind} and len(first.fitted[0]) == len(first.fitted[1]) == 16
    assert quick["draws"] == quick["shift_draws"] == 7 and quick["seeds"] == [("k-means", 5), ("GMM", 5), ("HDBSCAN", 5)]
    assert made.latent.shape == (16, 3) and len(made.points) == 16 and made.points.y.eq(5).all()
    np.testing.assert_allclose(made.directions.mean, first.encode(first.fitted[0]).mean(axis=0))  # of those that trained
    np.testing.assert_allclose(made.points[["direction_1"]], made.directions.scores(made.latent)[:, :1])
    assert list(dict.fromkeys(made.stability.compared)) == ["seed 1", "seed 2", PEOPLE]
    first_seed = made.stability[made.stability.compared == "seed 1"].set_index("measure").value
    assert first_seed["linear CKA"] == pytest.approx(1)  # the latent of another seed is the same, turned
    assert set(made.clusters) >= {"emotion", "corpus", "gender"} and made.clusters.clips.tolist() == [8, 8]
    data, model = made.provenance.data, made.provenance.model
    assert (data["items"], data["items_examined"], data["speakers_examined"]) == (32, 16, 2)
    assert model["recipe"]["seed"] == 5 and model["name"].endswith("speech autoencoder") and len(model["sha256"]) == 64
    assert made.left_out.key.tolist() == ["one/lost"]


def test_traversals_are_in_real_units(quick, rng):
    table = corpora.table(rng, ("one",), people=4, each=8)
    made = LatentAuditor(table, LatentSettings(seeds=1, draws=7)).compute()
    curves, scale = made.traversals, pooled(table.features, table.corpus)
    names = list(dict.fromkeys(curves.feature))
    at = [names.index(f) for f in curves.feature]
    np.testing.assert_allclose(curves.value, curves.normalised * scale.deviation[at] + scale.mean[at])
    assert curves.score.unique() == pytest.approx(np.linspace(-2, 2, 9))


@pytest.mark.parametrize(
    ("corpora_", "people", "enough"), [(("one",), 2, True), (("one", "two"), 4, False), (("one", "two"), 5, False)]
)
def test_five_people_are_needed_to_tell_corpora_apart(quick, rng, corpora_, people, enough):
    """Half of the people train; of five in each corpus two are left, four in all, and of one corpus one is enough."""
    table = corpora.table(rng, corpora_, people=people, each=8)
    audit = LatentAuditor(table, LatentSettings(seeds=1, draws=7))
    if enough:
        assert len(audit.compute().points) == 8
    else:
        with pytest.raises(CorpusError, match="16|32 clips of 4 speakers and 4 classes: looking at the other half"):
            audit.compute()
    six = LatentAuditor(corpora.table(rng, ("one", "two"), people=6, each=4), LatentSettings(seeds=1, draws=7)).compute()
    assert len(six.points) == 24


def test_eight_clips_of_other_people_are_needed_and_four_to_train(quick, rng):
    def audited(trained, seen):
        table = corpora.table(rng, ("one",), people=2, each=16)
        order = list(dict.fromkeys(table.speaker))
        first = order[int(np.random.default_rng(0).permutation(2)[0])]  # the one that trains
        rows = np.concatenate([np.flatnonzero(table.speaker == first)[:trained], np.flatnonzero(table.speaker != first)[:seen]])
        chosen = table.where(np.sort(rows))
        return LatentAuditor(chosen, LatentSettings(seeds=1, draws=7)).compute()

    assert len(audited(4, 8).points) == 8
    with pytest.raises(CorpusError, match="3 clips of 1 speakers and 3 classes: training on half"):
        audited(3, 8)
    with pytest.raises(CorpusError, match="7 clips of 1 speakers and 4 classes: looking at the other half"):
        audited(4, 7)


def test_a_projection_of_few_points_has_few_neighbours(monkeypatch):
    asked = []

    class Flat:
        def __init__(self, *given, **more):
            asked.append((given, more))

        def fit_transform(self, latent):
            return latent[:, :2]

    monkeypatch.setattr("sklearn.manifold.TSNE", Flat)
    assert _projection(np.eye(10), 4).shape == (10, 2)
    _projection(np.zeros((500, 3)), 4)
    assert asked[0] == ((2,), {"init": "pca", "random_state": 4, "perplexity": 3.0}) and asked[1][1]["perplexity"] == 30


def test_points_hold_factors_clusters_and_scores(rng):
    table = corpora.table(rng, ("one", "two"), people=2, each=4)
    examined = Examined.of(table, np.arange(16) >= 4)
    assert len(examined.rows) == 12 and examined.rows.index[0] == 0 and examined.speaker[0] == "one/1"
    clusterings = (Clustering("k-means", np.arange(12), 0.5, ""), Clustering("HDBSCAN", -np.ones(12, int), 0.5, ""))
    scores, flat = rng.normal(size=(12, 2)), rng.normal(size=(12, 2))
    points = _points(examined, clusterings, scores, flat)
    np.testing.assert_array_equal(points[["x", "y"]], flat)
    np.testing.assert_array_equal(points[["direction_1", "direction_2"]], scores)
    assert (
        points.k_means.tolist() == [*range(12)]
        and (points.hdbscan == -1).all()
        and points.corpus.tolist() == ["one"] * 4 + ["two"] * 8
    )
    assert clusterings[1].count == 0 and clusterings[1].unclustered == 1 and clusterings[0].count == 12
    audit = SimpleNamespace(
        clusterings=clusterings[1:], agreement=pd.DataFrame(columns=["clusters", "p_holm"]), shift=pd.DataFrame()
    )
    audit.provenance = SimpleNamespace(data={})
    assert findings(audit)[0] == "HDBSCAN found no clusters."


def test_the_number_of_clusters_is_searched_from_two_to_ten(rng, monkeypatch):
    """The best silhouette of k-means and the best criterion of mixtures, whichever number has them."""
    asked = []

    class Fake:
        def __init__(self, k, **more):
            asked.append((k, more["random_state"]))
            self.k = k

        def fit(self, z):
            self.labels_ = np.arange(len(z)) % self.k
            return self

        def bic(self, z):
            return abs(self.k - 4)

        def predict(self, z):
            return self.labels_

    monkeypatch.setattr(clusters_module, "KMeans", Fake)
    monkeypatch.setattr(clusters_module, "GaussianMixture", Fake)
    monkeypatch.setattr(clusters_module, "_silhouette", lambda z, labels: 1 / (1 + abs(len(set(labels)) - 7)))
    found = find_clusters(np.zeros((40, 2)), "k-means", seed=3)
    assert asked == [(k, 3) for k in range(2, 11)] and (found.count, found.silhouette, found.how) == (
        7,
        1,
        "silhouette, 2 to 10",
    )
    asked.clear()
    found = find_clusters(np.zeros((40, 2)), "GMM", seed=3)
    assert asked == [(k, 3) for k in range(1, 11)] and (found.count, found.silhouette, found.how) == (4, 0.25, "BIC, 1 to 10")
    assert (
        find_clusters(np.zeros((6, 2)), "k-means").how == "silhouette, 2 to 5"
        and find_clusters(np.zeros((6, 2)), "GMM").how == "BIC, 1 to 5"
    )


@pytest.mark.parametrize(("n", "least"), [(100, 5), (250, 5), (300, 6), (400, 8)])
def test_a_dense_cluster_is_a_fiftieth_of_the_points(rng, n, least):
    assert find_clusters(rng.normal(size=(n, 2)), "HDBSCAN").how == f"density, clusters of at least {least}"


def test_a_silhouette_is_of_two_clusters_or_more(rng, monkeypatch):
    z, labels = rng.normal(size=(30, 2)), np.arange(30) % 3 - 1
    assert clusters_module._silhouette(z, labels) == pytest.approx(silhouette_score(z[labels >= 0], labels[labels >= 0]))
    assert np.isnan(clusters_module._silhouette(z, np.minimum(labels, 0)))
    asked = []
    monkeypatch.setattr(clusters_module, "silhouette_score", lambda z, labels, **more: asked.append(more) or 0.5)
    for n in (30, 3000):
        clusters_module._silhouette(np.zeros((n, 2)), np.arange(n) % 2)
    assert [a["sample_size"] for a in asked] == [30, 2000]


def test_a_point_alone_has_no_silhouette(rng):
    z = rng.normal(size=(9, 2))
    labels = np.array(["a", "a", "a", "b", "b", "b", "c", "c", "d"])
    distances = np.linalg.norm(z[:, None] - z, axis=2)
    np.testing.assert_allclose(clusters_module._distances(z), distances, atol=1e-6)
    assert _factor_silhouette(distances, labels) == pytest.approx(silhouette_samples(z, labels).mean())


def test_what_changes_places_with_what(rng):
    speaker = np.repeat(list("abcd"), 3)
    emotion = np.array(["x", "y", "z"] * 4)
    dealt = shuffled(emotion, speaker, rng)
    assert all(sorted(dealt[speaker == s]) == ["x", "y", "z"] for s in "abcd") and (dealt != emotion).any()
    gender = np.repeat(["m", "m", "f", "f"], 3)
    drawn = {tuple(shuffled(gender, speaker, rng)) for _ in range(40)}
    assert len(drawn) == 6 and all(len({*d[3 * i : 3 * i + 3]}) == 1 for d in drawn for i in range(4))
    people = shuffled(speaker, speaker, rng)
    assert sorted(people) == sorted(speaker) and any(len(set(people[speaker == s])) > 1 for s in "abcd")


def test_agreement_is_that_of_the_reference_library_with_p_values_of_its_own_draws(rng):
    z, speaker = rng.normal(size=(24, 2)), np.repeat(list("abcdef"), 4)
    emotion = np.array(["x", "y", "", "z"] * 6)
    z[emotion == "x"] += 2
    found = [Clustering("k-means", (z[:, 0] > 1).astype(int), 0.1, ""), Clustering("GMM", np.arange(24) % 3, 0.1, "")]
    table = agreement(found, z, {"emotion": emotion, "one": np.full(24, "v")}, speaker, np.random.default_rng(2), 29)
    known = emotion != ""
    draw = np.random.default_rng(2)
    null = [shuffled(emotion[known], speaker[known], draw) for _ in range(29)]
    for row, c in zip(table.itertuples(), found, strict=False):
        labels = c.labels[known]
        assert row.ari == row.statistic == pytest.approx(adjusted_rand_score(emotion[known], labels))
        assert row.ami == pytest.approx(adjusted_mutual_info_score(emotion[known], labels)) and row.number == c.count
        assert row.p_value == (1 + sum(adjusted_rand_score(u, labels) >= row.ari - 1e-12 for u in null)) / 30
    own = table.iloc[2]
    assert (own.clusters, own.number) == ("(the factor itself)", 3) and own.statistic == own.silhouette
    assert own.silhouette == pytest.approx(silhouette_score(z[known], emotion[known]))
    distances = clusters_module._distances(z[known])
    assert own.p_value == (1 + sum(_factor_silhouette(distances, u) >= own.silhouette - 1e-12 for u in null)) / 30
    assert len(table) == 3
    np.testing.assert_allclose(table.p_holm, holm(table.p_value.to_numpy()))


def test_features_of_a_cluster_come_by_their_size():
    z = np.array([[0.0, -3, 1, 2, 0.5], [0, -3, 1, 2, 0.5], [0, 0, 0, 0, 0]])
    table = describe_clusters(np.array([1, 1, 0]), z, z + 100, tuple("abcde"), {})
    assert table.cluster.tolist() == [0, 1] and table.clips.tolist() == [1, 2]
    assert (
        table.most_unlike[1]
        == "b -3.0 SD (97 against 100); d +2.0 SD (102 against 100); c +1.0 SD (101 against 100); e +0.5 SD (100 against 100)"
    )


def test_associations_are_means_over_speakers(rng):
    speaker = np.repeat(["a", "b", "c"], 9)
    scores, what = rng.normal(size=(27, 2)), rng.normal(size=(27, 3))
    what[:, 2] = scores[:, 1]
    what[:9, 0] = 1.0  # one speaker does not vary in the first feature
    table = associations(scores, what, ["f", "g", "same"], speaker).set_index(["direction", "feature"])
    by_hand = [spearmanr(scores[speaker == s, 0], what[speaker == s, 1])[0] for s in "abc"]
    mean, low, high, p = mean_of_units(np.arctanh(by_hand))
    assert tuple(table.loc[(1, "g"), ["correlation", "low", "high", "p_value"]]) == pytest.approx(
        (np.tanh(mean), np.tanh(low), np.tanh(high), p)
    )
    assert table.speakers[1, "f"] == 2 and table.speakers[1, "g"] == 3
    assert table.correlation[2, "same"] == pytest.approx(0.999) and list(table.index[:3]) == [(1, "f"), (1, "g"), (1, "same")]
    negative = associations(scores[:, 1:], -what[:, 2:], ["opposite"], speaker)
    assert negative.correlation[0] == pytest.approx(-0.999)


def test_directions_point_where_their_largest_part_is_positive():
    z = np.array([[0.0, 0, 0], [-3, 1, 0], [3, -1, 0], [0, 0, 1e-3], [0, 0, -1e-3]]) + [5, 6, 7]
    found = principal(z, 0.5)
    assert len(found.vectors) == 1 and found.vectors[0] == pytest.approx(np.array([3, -1, 0]) / np.sqrt(10))
    assert found.mean == pytest.approx([5, 6, 7]) and found.spread == pytest.approx([np.sqrt(20 / 5)])
    assert (
        len(principal(z, 0.9999999999).vectors) == 2
        and len(principal(np.random.default_rng(0).normal(size=(40, 12)), 1.0).vectors) == 8
    )


def test_curves_are_told_direction_by_direction():
    made = principal(np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]]), 1.0)
    curves = traversal(made, lambda latent: latent, lambda normal: normal * 10, ["f", "g"], reach=3.0, steps=3)
    assert curves.direction.tolist() == [1] * 6 + [2] * 6 and curves.score.tolist() == [-3, -3, 0, 0, 3, 3] * 2
    assert curves.feature.tolist() == ["f", "g"] * 6 and curves.index.tolist() == [*range(12)]
    np.testing.assert_allclose(curves.normalised[:6], np.array([-1, 0, 0, 0, 1, 0]) * 3 * made.spread[0], atol=1e-12)
    np.testing.assert_allclose(curves.value, curves.normalised * 10)
    assert most_moved(curves, {"f": "x", "g": "y"}, most=1) == {1: ["f"], 2: ["g"]}


def test_all_directions_are_given_where_rounding_leaves_their_share_below_one(rng):
    for _ in range(20):
        assert len(principal(rng.normal(size=(40, 3)) * [4, 2, 1], 1.0).vectors) == 3


def test_draws_with_too_few_clips_for_the_clusters_are_left_out(monkeypatch):
    """Three people of one clip: as many clips as clusters are too few, one more is enough."""
    monkeypatch.setattr(directions_module, "KMeans", lambda k, **more: SimpleNamespace(
        fit=lambda z: SimpleNamespace(labels_=np.zeros(3), predict=lambda z: np.zeros(3))))  # fmt: skip
    z, people = np.array([[0.0], [1], [10]]), np.array(list("abc"))
    assert bootstrap_stability(z, 2, np.random.default_rng(0), people, draws=12).tolist() == [1] * 12
    assert len(bootstrap_stability(z, 3, np.random.default_rng(0), people, draws=12)) == 0
    assert len(bootstrap_stability(z, 2, np.random.default_rng(0), people)) == 30


def test_other_networks_are_compared_direction_by_direction(rng, monkeypatch):
    first = rng.normal(size=(40, 3)) * [4, 2, 1]
    made = SeedStability(first, principal(first, 1.0), 2)
    made.update(2, first[:, [2, 0, 1]])
    made.update(1, rng.normal(size=(40, 3)))
    monkeypatch.setattr(stability_module, "bootstrap_stability", lambda z, k, rng, speaker: np.linspace(0, 1, 41))
    table = made.compute(np.arange(40) % 4, rng)
    measures = ["linear CKA", *(f"direction {k}, matched |r|" for k in (1, 2, 3)), ARI]
    assert table.measure.tolist() == measures * 2 + [ARI] and table.compared.tolist() == ["seed 1"] * 5 + ["seed 2"] * 5 + [
        PEOPLE
    ]
    assert table.value[5:10].tolist() == pytest.approx([1] * 5) and (table.value[:5] < 0.9).all()
    assert tuple(table.iloc[-1][["value", "low", "high"]]) == pytest.approx((0.5, 0.025, 0.975))
    summary = over_seeds(table)
    assert summary.measure.tolist() == [*measures, f"{ARI}, {PEOPLE} (95 %)"] and summary.index.tolist() == [*range(6)]
    assert summary.highest[:5].tolist() == pytest.approx([1] * 5) and summary.iloc[-1][1:].tolist() == pytest.approx(
        [0.5, 0.025, 0.975]
    )
    assert summary["mean"][0] == pytest.approx((1 + summary.lowest[0]) / 2)
    with pytest.raises(UsageError, match="39 latents; expected those of the same 40 clips"):
        made.update(3, first[:39])
    with pytest.raises(UsageError, match="same first latent and number of clusters"):
        made.merge(SeedStability(first, principal(first), 3))


def test_the_probe_is_asked_in_folds_of_people(rng, monkeypatch):
    """Five folds; features are scaled, so that a column in other units counts the same."""
    speaker = np.repeat([f"s{i}" for i in range(10)], 4)
    corpus = np.repeat(["b", "a"], 20)
    x = np.column_stack([1e-6 * (corpus == "a") + 1e-8 * rng.normal(size=40), 1e6 * rng.normal(size=40)])
    found = corpus_probe(x, corpus, speaker, rng)
    assert (found.value, found.low, found.high) == (1, 1, 1)
    seen = []

    class Learner:
        def fit(self, z, y):
            seen.append((len(z), z.mean(), sorted(set(y))))
            return self

        def predict(self, z):
            return np.zeros(len(z), int)

    monkeypatch.setattr(shift_module, "logistic", lambda strength: Learner())
    same = corpus_probe(x, corpus, speaker, rng)
    assert same.value == pytest.approx(0.5) and [n for n, *_ in seen] == [32] * 5 and all(y == [0, 1] for *_, y in seen)


def test_the_null_of_the_discrepancy_deals_speakers(rng):
    corpus, speaker = np.repeat(["a", "a", "b", "b"], 4), np.repeat(list("stuv"), 4)
    x = rng.normal(size=(16, 2)) + 3 * (corpus == "a")[:, None]
    value, null, p = discrepancy(x, corpus, speaker, np.random.default_rng(0), 400)
    assert p == pytest.approx(1 / 3, abs=0.08)  # two of the six deals of four speakers are as the corpora are
    assert 0 < null < value


def test_a_point_alone_in_its_corpus_counts_for_nothing_within():
    kernel = np.array([[1.0, 0.5, 0.2], [0.5, 1, 0.3], [0.2, 0.3, 1]])
    assert shift_module._pairs(kernel, np.array(["a", "a", "b"])) == pytest.approx(0.5 + 0 - 2 * 0.25)
    three = shift_module._pairs(kernel, np.array(["a", "b", "c"]))
    assert three == pytest.approx(-2 * np.mean([0.5, 0.2, 0.3]))


def test_every_form_is_asked_on_the_clips_that_are_looked_at(rng, monkeypatch):
    """What is measured is scaled by those that trained; the others by themselves."""
    asked = []
    monkeypatch.setattr(
        shift_module,
        "corpus_probe",
        lambda x, c, s, rng: asked.append((x, c, s)) or SimpleNamespace(value=0.7, low=0.6, high=0.8),
    )
    monkeypatch.setattr(shift_module, "discrepancy", lambda x, c, s, rng, draws: (0.3, 0.1, draws / 100))
    table = corpora.table(rng, ("one", "two", "three"), people=2, each=4)
    seen = np.arange(24) % 8 >= 4
    z, latent = rng.normal(size=(24, 88)), rng.normal(size=(12, 3))
    found = shift_table(table, seen, z, latent, rng, 19)
    measured = table.features
    np.testing.assert_allclose(
        asked[0][0], (measured[seen] - measured[~seen].mean(0)) / measured[~seen].std(0), rtol=1e-3, atol=1e-3
    )
    np.testing.assert_array_equal(asked[2][0], z[seen])
    np.testing.assert_array_equal(asked[3][0], latent)
    assert all((c == table.corpus[seen]).all() and (s == table.speaker[seen]).all() for _, c, s in asked)
    assert (found.chance == 1 / 3).all() and (found.p_value == 0.19).all() and (found.corpus_probe == 0.7).all()
    assert (found.mmd_squared == 0.3).all() and (found.mmd_squared_null == 0.1).all() and (found.low < found.high).all()
    one = SpeechTable(measured[:8], table.rows[:8], {})
    assert shift_table(one, seen[:8], z, latent, rng, 19).empty


def test_corpora_are_measured_and_the_settings_taken(monkeypatch, tmp_path):
    asked = {}
    monkeypatch.setattr(module, "open_table", lambda given, progress: asked.update(given=given, progress=progress) or "table")

    class Auditor:
        def __init__(self, table, settings, out):
            asked.update(table=table, settings=settings, out=out)

        def run(self, progress):
            return progress

    monkeypatch.setattr(module, "LatentAuditor", Auditor)
    told = print
    assert module.latent("undercomplete", "emodb=here", out=tmp_path, progress=told, seed=4) is told
    settings = LatentSettings(kind="undercomplete", seed=4)
    assert asked == {"given": "emodb=here", "progress": told, "table": "table", "out": tmp_path, "settings": settings}
    assert module.latent(None, "emodb=here") is None and callable(asked["progress"]) and asked["settings"] == LatentSettings()
