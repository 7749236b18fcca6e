import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import silhouette_score

from affectlens.audits.latent.clusters import (
    _distances,
    _factor_silhouette,
    agreement,
    describe_clusters,
    find_clusters,
    shuffled,
)
from affectlens.audits.latent.directions import (
    associations,
    bootstrap_stability,
    likeness,
    matched,
    most_moved,
    principal,
    traversal,
)
from affectlens.audits.latent.shift import corpus_probe, discrepancy
from affectlens.core.errors import UsageError
from affectlens.stats.multiple import benjamini_hochberg, holm


def _blobs(rng, k=3, each=60):
    centres = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0]])[:k]
    return np.concatenate([rng.normal(c, 1, (each, 3)) for c in centres]), np.repeat(np.arange(k), each)


def test_clusters_that_are_there_are_found(rng):
    z, truth = _blobs(rng)
    speaker = rng.permutation(np.tile([f"s{i}" for i in range(12)], 15))
    found = [find_clusters(z, m) for m in ("k-means", "GMM", "HDBSCAN")]
    assert [c.count for c in found] == [3, 3, 3]
    emotion = np.array(["x", "y", "z"])[truth]
    table = agreement(found, z, {"emotion": emotion, "speaker": speaker, "one": np.full(180, "v")}, speaker, rng, 99)
    assert set(table.factor) == {"emotion", "speaker"}
    emotions = table[table.factor == "emotion"]
    assert (emotions.ari.dropna() > 0.8).all() and (emotions.p_value == 0.01).all()
    assert (table[table.factor == "speaker"].p_value > 0.05).all()
    described = describe_clusters(found[0].labels, z, z, ("a", "b", "c"), {"emotion": emotion})
    assert described.clips.sum() == 180 and described.emotion.str.contains("100%").all()


def test_silhouette_is_the_reference_librarys(rng):
    z, labels = rng.normal(size=(50, 4)), rng.integers(0, 3, 50)
    assert abs(_factor_silhouette(_distances(z), labels) - silhouette_score(z, labels)) < 1e-9


def test_voices_alone_are_no_corpora(rng):
    """Speakers differ, corpora do not: tests that deal whole speakers keep their level, where single clips would not."""
    p_mmd, p_ari = [], []
    for _ in range(30):
        speaker = np.repeat([f"s{i}" for i in range(12)], 12)
        corpus = np.repeat(["a", "b"], 72)
        z = rng.normal(size=(12, 3))[np.repeat(np.arange(12), 12)] * 2 + rng.normal(size=(144, 3))
        p_mmd.append(discrepancy(z, corpus, speaker, rng, 39)[2])
        c = find_clusters(z, "GMM")
        table = agreement([c], z, {"corpus": corpus}, speaker, rng, 39)
        p_ari.append(table.p_value.iloc[0])
    assert np.mean(np.array(p_mmd) <= 0.05) < 0.2
    assert np.mean(np.array(p_ari) <= 0.05) < 0.2


def test_a_corpus_that_differs_is_seen(rng):
    speaker = np.repeat([f"s{i}" for i in range(20)], 10)
    corpus = np.repeat(["a", "b"], 100)
    z = rng.normal(size=(200, 4)) + (corpus == "a")[:, None] * 1.5
    assert corpus_probe(z, corpus, speaker, rng).value > 0.85
    assert discrepancy(z, corpus, speaker, rng, 99)[2] == 0.01
    assert 0.35 < corpus_probe(rng.normal(size=(200, 4)), corpus, speaker, rng).value < 0.65


def test_shuffling_keeps_what_people_are(rng):
    speaker = np.repeat(list("abcd"), 6)
    emotion = np.tile(["x", "y"], 12)
    gender = np.repeat(["m", "f"], 12)
    for _ in range(20):
        e, g = shuffled(emotion, speaker, rng), shuffled(gender, speaker, rng)
        assert all(list(e[speaker == s]).count("x") == 3 for s in "abcd")
        assert all(len(set(g[speaker == s])) == 1 for s in "abcd")


def test_directions_associations_and_traversals(rng):
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    hidden = rng.normal(size=(240, 3)) * [3, 1, 0.3]
    z = hidden @ turn + 5
    found = principal(z, 0.99)
    scores = found.scores(z)
    assert (
        np.abs(np.corrcoef(scores.T, hidden.T)[: len(found.vectors), 3 - 3 + len(found.vectors) :]).max(axis=1) > 0.95
    ).all()
    np.testing.assert_allclose(found.at(0, np.array([0.0])), [found.mean])
    speaker = np.repeat([f"s{i}" for i in range(12)], 20)
    # The voice of a speaker moves both, which must not count.
    offset = rng.normal(size=12)[np.repeat(np.arange(12), 20)] * 5
    what = np.column_stack([scores[:, 0] * 2 + rng.normal(size=240), rng.normal(size=240) + offset])
    table = associations(scores + offset[:, None], what, ["tied", "voice"], speaker)
    first = table[table.direction == 1].set_index("feature")
    assert abs(first.loc["tied", "correlation"]) > 0.6 and first.loc["tied", "p_bh"] < 0.001
    assert first.loc["voice", "p_bh"] > 0.01 and abs(first.loc["voice", "correlation"]) < 0.2
    curves = traversal(found, lambda v: v[:, :2], lambda n: 10 * n + 1, ["f", "g"], steps=5)
    mine = curves[(curves.direction == 1) & (curves.feature == "f")]
    assert len(mine) == 5 and np.allclose(np.diff(mine.value, 2), 0)


def test_likeness_and_matching_ignore_turns(rng):
    z = rng.normal(size=(200, 4)) * [4, 3, 2, 1]
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert abs(likeness(z, z @ turn * 3 + 1) - 1) < 1e-9
    np.testing.assert_allclose(matched(z, -z[:, [2, 0, 3, 1]]), 1)
    assert likeness(z, rng.normal(size=(200, 4))) < 0.2
    blobs, _ = _blobs(rng)
    assert bootstrap_stability(blobs, 3, rng, np.tile(np.arange(18), 10), 5).min() > 0.9


def test_principal_directions_by_hand(rng):
    z = rng.normal(size=(5000, 3)) * [1, 4, 2] + [10, 20, 30]
    found = principal(z, 0.9)
    assert len(found.vectors) == 2  # 16 and 4 of 21
    np.testing.assert_allclose(found.share, [16 / 21, 4 / 21], atol=0.02)
    np.testing.assert_allclose(found.spread, [4, 2], atol=0.1)
    assert found.vectors[0, 1] > 0.99 and found.vectors[1, 2] > 0.99  # the largest part is positive
    np.testing.assert_allclose(found.scores(z).std(axis=0), 1)
    np.testing.assert_allclose(found.scores(found.at(1, np.array([-2.0, 1.5]))), [[0, -2], [0, 1.5]], atol=1e-9)
    assert len(principal(z, 1.0, 2).vectors) == 2


def test_features_that_move_most_two_of_a_group():
    reach = {"a1": 5, "a2": 4, "a3": 3, "b1": 2, "c1": 1, "d1": 0.5}
    curves = pd.DataFrame(
        [(1, s, n, s * v) for n, v in reach.items() for s in (-1, 1)], columns=["direction", "score", "feature", "normalised"]
    )
    assert most_moved(curves, {n: n[0] for n in reach}) == {1: ["a1", "a2", "b1", "c1"]}


def test_speakers_with_few_clips_take_no_part(rng):
    speaker = np.repeat(["a", "b", "c", "d"], [8, 8, 8, 7])
    table = associations(rng.normal(size=(31, 1)), rng.normal(size=(31, 2)), ["x", "y"], speaker)
    assert (table.speakers == 3).all()
    none = associations(rng.normal(size=(6, 1)), rng.normal(size=(6, 2)), ["x", "y"], speaker[:6])
    assert (none.speakers == 0).all() and none.correlation.isna().all() and (none.p_value == 1).all()


def test_p_values_are_corrected_over_all_rows(rng):
    z, truth = _blobs(rng)
    speaker = np.tile([f"s{i}" for i in range(12)], 15)
    factors = {"emotion": np.array(["x", "y", "z"])[truth], "noise": rng.permutation(np.tile(["p", "q", "r"], 60))}
    table = agreement([find_clusters(z, m) for m in ("k-means", "GMM")], z, factors, speaker, rng, 99)
    np.testing.assert_allclose(table.p_holm, holm(table.p_value.to_numpy()))
    assert len(table) == 6 and (table[table.factor == "emotion"].p_holm <= 0.06).all()
    scores = rng.normal(size=(180, 2))
    related = associations(scores, np.column_stack([scores[:, 0], rng.normal(size=180)]), ["same", "noise"], speaker)
    np.testing.assert_allclose(related.p_bh, benjamini_hochberg(related.p_value.to_numpy()))


def test_points_in_no_cluster_and_one_cluster(rng):
    z = np.concatenate([rng.normal(size=(40, 2)) * 0.1, rng.normal(size=(40, 2)) * 0.1 + 5, [[40.0, 40], [-40, 40]]])
    found = find_clusters(z, "HDBSCAN")
    assert found.count == 2 and found.unclustered == pytest.approx(2 / 82) and found.silhouette > 0.9
    one = find_clusters(rng.normal(size=(200, 2)), "GMM")
    assert one.count == 1 and np.isnan(one.silhouette) and one.column == "gmm"
    with pytest.raises(UsageError, match="k-means"):
        find_clusters(z, "kmeans")


def test_description_of_a_cluster_by_hand():
    labels = np.array([0, 0, 1, 1, -1])
    z = np.array([[2.0, 0], [2, 0], [-1, 3], [-1, 3], [-1, 0]])
    table = describe_clusters(labels, z, z * 10, ("f", "g"), {"emotion": np.array(["x", "x", "x", "y", "y"])}, top=1)
    assert list(table.clips) == [2, 2] and list(table.emotion) == ["x 100%", "x 50%"]
    assert list(table.most_unlike) == ["f +3.0 SD (20 against -10)", "g +3.0 SD (30 against 0)"]


def test_probe_is_asked_of_voices_that_it_never_heard(rng):
    """Every voice has a place of its own; that a place was heard in one corpus says nothing about the next voice."""
    speaker = np.repeat([f"s{i}" for i in range(20)], 20)
    corpus = np.repeat(["a", "b"], 200)
    z = 6 * rng.normal(size=(20, 15))[np.repeat(np.arange(20), 20)] + rng.normal(size=(400, 15))
    assert corpus_probe(z, corpus, speaker, rng).value < 0.8


def test_what_a_speaker_has_once_is_dealt_to_other_speakers(rng):
    speaker, gender = np.repeat(list("abcdefgh"), 4), np.repeat(["m", "f"], 16)
    assert len({tuple(shuffled(gender, speaker, rng)) for _ in range(20)}) > 10


def test_rows_without_a_value_take_no_part(rng):
    z, truth = _blobs(rng)
    speaker = np.tile([f"s{i}" for i in range(12)], 15)
    gender = np.where(truth == 0, "", np.array(["", "m", "f"])[truth])
    table = agreement([find_clusters(z, "k-means")], z, {"gender": gender}, speaker, rng, 19)
    assert list(table.number) == [3, 2] and table.ari[0] == pytest.approx(1)


def test_silhouette_is_of_what_is_in_a_cluster(rng):
    z = np.concatenate([rng.normal(size=(40, 2)) * 0.1, rng.normal(size=(40, 2)) * 0.1 + 5, [[40.0, 40], [-40, 40]]])
    found = find_clusters(z, "HDBSCAN")
    inside = found.labels >= 0
    assert found.silhouette == pytest.approx(silhouette_score(z[inside], found.labels[inside]))
