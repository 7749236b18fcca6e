"""Parts of the audit of a latent by hand: halves of people, discrepancy, stability, sentences."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.metrics.pairwise import rbf_kernel

from affectlens.audits.latent.audit import Examined, _associations, _stages, halves
from affectlens.audits.latent.clusters import Clustering
from affectlens.audits.latent.directions import bootstrap_stability, likeness, matched, principal
from affectlens.audits.latent.findings import agreement_sentence, corpus_sentence, findings
from affectlens.audits.latent.shift import discrepancy, shift_table
from affectlens.audits.latent.stability import SeedStability, over_seeds
from affectlens.core.labels import AFFECT
from affectlens.models.shipped.speech_scale import normalise
from affectlens.perception.voice.egemaps import NAMES
from tests.audits import corpora


def test_the_larger_half_of_each_corpus_trains(rng):
    for people, trained in ((2, 1), (5, 3), (6, 3)):
        table = corpora.table(rng, people=people, each=4)
        drawn = set()
        for seed in range(30):
            mask = halves(table, np.random.default_rng(seed))
            for name in ("one", "two"):
                assert len(set(table.speaker[mask & (table.corpus == name)])) == trained
            drawn.add(tuple(sorted(set(table.speaker[mask]))))
        assert len(drawn) > people  # not always the same ones


def test_stages_are_counted():
    told = []
    stage = _stages(lambda *words: told.append(words), 3)
    stage("a"), stage("b")
    assert told == [("a", 1, 3), ("b", 2, 3)]


def mmd(x, corpus):
    """Gretton et al. 2012, eq. 3, from scikit-learn's kernel."""
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    distances = ((z[:, None] - z[None]) ** 2).sum(axis=2)
    kernel = rbf_kernel(z, gamma=1 / np.median(distances[np.triu_indices(len(z), 1)]))
    values = []
    names = sorted(set(corpus))
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            one, two = corpus == a, corpus == b
            within = [(kernel[np.ix_(m, m)].sum() - m.sum()) / (m.sum() * (m.sum() - 1)) for m in (one, two)]
            values.append(sum(within) - 2 * kernel[np.ix_(one, two)].mean())
    return np.mean(values)


@pytest.mark.parametrize("names", ["aaaaaabbbbb", "aaaabbbbccc"])
def test_the_discrepancy_is_that_of_a_loop(names, rng):
    corpus = np.array(list(names))
    x = rng.normal(size=(11, 3)) + (corpus == "a")[:, None]
    value, null, p = discrepancy(x, corpus, np.arange(11), rng, 99)
    assert value == pytest.approx(mmd(x, corpus), rel=1e-6) and value > null and 0 < p < 1
    # Of so many clips a part is looked at.
    many = np.repeat(corpus, 30)
    part = discrepancy(np.repeat(x, 30, axis=0) + rng.normal(size=(330, 3)), many, np.arange(330), rng, 9, most=40)
    assert np.isfinite(part).all()


def test_the_shift_of_every_form_of_the_features(rng):
    table = corpora.table(rng, people=10, each=8)
    seen = ~halves(table, rng)
    z = normalise(table.features, table.corpus, table.speaker)
    shift = shift_table(table, seen, z, rng.normal(size=(seen.sum(), 4)), rng, 19).set_index("representation")
    assert list(shift.index) == [
        "features as measured", "each corpus scaled by itself", "each trusted speaker by themselves", "latent"
    ]  # fmt: skip
    assert (shift.chance == 0.5).all() and shift.corpus_probe["features as measured"] > 0.95
    assert (shift.corpus_probe[1:] < 0.8).all() and (shift.low <= shift.corpus_probe).all()
    assert shift.mmd_squared["features as measured"] > 10 * shift.mmd_squared.iloc[1:].max()
    assert shift_table(table.where(table.corpus == "one"), seen[table.corpus == "one"], z, z, rng, 9).empty


def test_directions_go_with_features_and_with_the_affect_of_the_label(rng):
    table = corpora.table(rng, people=4, each=16)
    examined = Examined.of(table, np.ones(len(table.features), bool))
    valence = np.array([AFFECT[label][0] for label in examined.rows.label])
    made = _associations(np.column_stack([valence, table.features[:, 5]]), table, examined).set_index(["direction", "feature"])
    assert made.correlation[1, "valence (of the label)"] > 0.99 and made.correlation[2, NAMES[5]] > 0.99
    assert abs(made.correlation[1, "arousal (of the label)"]) < 0.99 and len(made) == 2 * (88 + 2)
    assert set(examined.factors) == {"emotion", "corpus", "language", "speaker", "gender"}


def test_clusters_of_other_people_are_those_of_a_loop():
    """Speakers that are clusters: a draw that lacks one cannot find it."""
    rng = np.random.default_rng(0)
    z = np.repeat([[0.0], [10], [20]], 5, axis=0) + 0.1 * rng.normal(size=(15, 1))
    groups = np.repeat(list("abc"), 5)
    values = bootstrap_stability(z, 3, np.random.default_rng(1), groups, draws=40)
    truth = np.repeat(np.arange(3), 5)
    drawn = [set(np.random.default_rng(1).integers(0, 3, (40, 3))[i]) for i in range(40)]
    assert len(values) == 40 and {v == 1 for v in values} == {True, False}
    assert np.mean(values == 1) == pytest.approx(np.mean([len(d) == 3 for d in drawn]), abs=0.15)
    assert all(v <= adjusted_rand_score(truth, truth) for v in values)
    assert len(bootstrap_stability(z[:3], 2, rng, np.array(list("abb")), draws=10)) <= 10


def test_likeness_by_hand():
    a = np.array([[1.0, 0], [0, 1], [-1, -1]])
    b = np.array([[2.0], [0], [-2]])
    centred = a - a.mean(axis=0), b - b.mean(axis=0)
    gram = [m @ m.T for m in centred]
    assert likeness(a, b) == pytest.approx((gram[0] * gram[1]).sum() / (np.linalg.norm(gram[0]) * np.linalg.norm(gram[1])))


def test_directions_without_a_partner(rng):
    a = rng.normal(size=(50, 3))
    found = matched(a, a[:, [2, 0]])
    assert found[[0, 2]] == pytest.approx(1) and np.isnan(found[1])
    assert len(principal(rng.normal(size=(40, 6)), 0.9, 2).vectors) == 2


def test_over_seeds_without_seeds_and_with(rng):
    z = rng.normal(size=(40, 3))
    alone = over_seeds(SeedStability(z, principal(z), 2).compute(np.arange(40) % 5, rng))
    assert list(alone) == ["measure", "mean", "lowest", "highest"] and alone.index.tolist() == [0]
    assert len(alone) == 1 and alone["lowest"][0] <= alone["mean"][0] <= alone["highest"][0]
    two = SeedStability(z, principal(z), 2)
    two.update(1, z * 3)
    two.update(2, rng.normal(size=(40, 3)))
    table = over_seeds(two.compute(np.arange(40) % 5, rng)).set_index("measure")
    assert table["highest"]["linear CKA"] == pytest.approx(1) and table["lowest"]["linear CKA"] < 0.5
    assert table["mean"]["linear CKA"] == pytest.approx((1 + table["lowest"]["linear CKA"]) / 2)


def test_findings_by_hand():
    clusterings = (Clustering("k-means", np.array([0, 0, 1]), 0.21, "x"), Clustering("HDBSCAN", np.array([0, -1, 1]), 0.1, "x"))
    columns = ["clusters", "factor", "ari", "p_holm"]
    rows = [("k-means", "corpus", 0.2, 0.05), ("k-means", "emotion", 0.4, 0.051), ("(the factor itself)", "speaker", np.nan, 0.01),
            ("GMM", "corpus", 0.3, 0.01), ("GMM", "gender", 0.1, 0.02)]  # fmt: skip
    shift = pd.DataFrame({"corpus_probe": [0.9, 0.7, 0.55], "chance": [0.5] * 3})
    audit = SimpleNamespace(clusterings=clusterings, agreement=pd.DataFrame(rows, columns=columns), shift=shift)
    audit.provenance = SimpleNamespace(data={})
    assert findings(audit) == [
        "k-means: 2 clusters (silhouette 0.210); most like emotion (ARI 0.400, p adjusted 0.051).",
        "HDBSCAN: 2 clusters (silhouette 0.100); no factor with two values to compare them with.",
        "Beyond chance the clusters agree with corpus (ARI 0.30, GMM), gender (ARI 0.10, GMM).",
        "A probe tells the corpus of speakers that it never heard with UAR 0.90 from the features as measured and 0.55 from "
        "the latent; chance is 0.50.",
    ]
    none = SimpleNamespace(agreement=audit.agreement.assign(p_holm=0.2), shift=shift.iloc[:0])
    assert agreement_sentence(none) == "No clustering agrees with any factor beyond chance."
    assert corpus_sentence(none).startswith("There is one corpus")
    assert replace(clusterings[1], labels=np.array([0, -1, -1])).unclustered == pytest.approx(2 / 3)
