import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.base import corpora_of, open_corpus
from affectlens.dispatch import Running, Shard, ShareDoneError, running
from affectlens.evaluation.protocols import OTHERS, STEPS, Setting, _jobs, run_protocol, scores
from affectlens.features.speech import TURNS, SpeechTable, as_recordings, speech_table
from affectlens.learning.recipes.speech import BASELINES, SpeechRecipe
from affectlens.learning.trainers.speech import SpeechAutoencoder, make_classifier, train_net
from affectlens.models.nets.names import KINDS
from affectlens.models.nets.speech import SpeechNetConfig
from affectlens.models.shipped.speech_scale import Scale
from tests.corpora.trees import speech_trees, write_wav

ONE = SpeechRecipe(seeds=1)
LABELS = ["anger", "happiness", "sadness", "neutral"]


def table(rng, corpora=("one", "two"), people=6, each=24, shift=3.0):
    rows, x = [], []
    for c, corpus in enumerate(corpora):
        for s in range(people):
            voice = rng.normal(size=88)
            for i in range(each):
                x.append(rng.normal(size=88) + 1.2 * np.repeat(np.eye(4)[i % 4], 22) + voice + shift * c)
                rows.append({"corpus": corpus, "key": f"{s}-{i}", "label": LABELS[i % 4], "speaker": str(s), "gender": "",
                             "language": "xx", "seconds": 1.0})  # fmt: skip
    return SpeechTable(np.array(x), pd.DataFrame(rows), {})


@pytest.mark.parametrize("name", [*KINDS, *BASELINES])
def test_one_interface_for_all(name, rng):
    y = np.tile(np.arange(4), 40)
    x = rng.normal(size=(160, 88)) + 2 * np.repeat(np.eye(4), 22, axis=1)[y]
    first, again = (make_classifier(name, 3).fit(x, y).predict_proba(x) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first.sum(axis=1), 1, atol=1e-6)
    assert (first.argmax(axis=1) == y).mean() > 0.9
    # A class that training did not hold keeps its column.
    few = make_classifier(name).fit(x[y < 2], y[y < 2]).predict_proba(x[:5])
    assert few.shape == (5, 4) and np.isfinite(few).all()
    with pytest.raises(CorpusError, match="only one class"):
        make_classifier(name).fit(x[y == 0], y[y == 0])


def test_unknown_models_and_settings():
    with pytest.raises(UsageError, match="did you mean"):
        make_classifier("denoisin")
    with pytest.raises(UsageError, match="source"):
        Setting("logistic", "sources")
    with pytest.raises(UsageError, match="fit the model first"):
        SpeechAutoencoder().predict_proba(np.zeros((1, 88)))


def test_unlabelled_rows_bring_no_labels(rng):
    """A semi-supervised net must not change when labels that it may not see change, only with the features."""
    x, y = rng.normal(size=(64, 88)), np.tile(np.arange(4), 16)
    more = rng.normal(size=(32, 88))
    config, recipe = SpeechNetConfig(), SpeechRecipe(epochs=3)
    a = train_net(x, y, config, recipe, more)
    b = train_net(x, y, config, recipe, more)
    c = train_net(x, y, config, recipe, more + 1)
    same = [(p == q).all() for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True)]
    assert all(same) and not (a.latent.weight == c.latent.weight).all()


def test_no_speaker_is_on_both_sides(rng):
    t = table(rng)
    for protocol in ("within", "leave-one-out", "one-to-one"):
        jobs = list(_jobs(t, protocol, 2))
        for _, _, target, train, test in jobs:
            assert not set(t.speaker[train]) & set(t.speaker[test])
            assert set(t.corpus[test]) == {target}
            assert (set(t.corpus[train]) == {target}) == (protocol == "within")
        assert len(jobs) == {"within": 20, "leave-one-out": 4, "one-to-one": 4}[protocol]
    tested = np.concatenate([j[4] for j in _jobs(t, "within", 1)])
    assert sorted(tested) == list(range(len(t.features)))


@pytest.mark.parametrize("normalisation", ["source", "corpus", "speaker", "recording"])
def test_protocols_do_not_look_at_test_labels(rng, normalisation):
    t = table(rng)
    other = t.rows.label.map(dict(zip(LABELS, LABELS[1:] + LABELS[:1], strict=True)))
    wrong = SpeechTable(t.features, t.rows.assign(label=t.rows.label.where(t.rows.corpus == "one", other)), {})
    given = Setting("logistic", normalisation)
    a, b = (run_protocol(v, "one-to-one", given, ONE) for v in (t, wrong))
    p = [c for c in a if c in ("p0", "p1", "p2", "p3")]
    np.testing.assert_array_equal(a[a.target == "two"][p], b[b.target == "two"][p])


def test_scores_by_hand_and_intervals(rng):
    frame = pd.DataFrame({"row": [0, 1, 2, 3], "truth": [0, 0, 0, 1], "speaker": list("aabb"),
                          "p0": [0.9, 0.9, 0.1, 0.2], "p1": [0.1, 0.1, 0.9, 0.8]})  # fmt: skip
    frame = frame.assign(protocol="within", setting="s", seed=0, source="c", target="c")
    other = frame.assign(seed=1, p0=[0.9, 0.9, 0.9, 0.2], p1=[0.1, 0.1, 0.1, 0.8])
    found = scores(pd.concat([frame, other]), rng, 50).set_index(["target", "score"]).value
    assert found["c", "UA"] == pytest.approx(np.mean([(2 / 3 + 1) / 2, 1]))
    assert found["c", "WA"] == pytest.approx(np.mean([3 / 4, 1])) and found["mean", "UA"] == found["c", "UA"]


def test_normalisation_is_worth_what_it_should_be(rng):
    """Two corpora that differ by an offset: the source's scale fails, each corpus's own does not."""
    t = table(rng, shift=8.0)
    means = {}
    for n in ("source", "speaker"):
        found = scores(run_protocol(t, "leave-one-out", Setting("logistic", n), ONE), rng, 20)
        means[n] = found[(found.target == "mean") & (found.score == "UA")].value.iloc[0]
    assert means["speaker"] > 0.9 > means["source"] + 0.2


def test_too_few_people_or_corpora(rng):
    with pytest.raises(CorpusError, match="at least two corpora"):
        run_protocol(table(rng, ("one",)), "leave-one-out", Setting(), ONE)
    with pytest.raises(CorpusError, match="of 3 people"):
        run_protocol(table(rng, people=3), "within", Setting("logistic"), ONE)
    assert len({s.name for _, s in (*STEPS, *OTHERS)}) == len(STEPS) + len(OTHERS)


@pytest.mark.parametrize(("count", "order"), [(1, (1,)), (3, (3, 1, 2))])
def test_clips_measured_in_shards_give_the_same_table(tmp_path, monkeypatch, count, order):
    trees = speech_trees(tmp_path / "trees")
    monkeypatch.setattr("affectlens.features.speech.BLOCK", 2)
    given = {"emodb": trees["emodb"], "urdu": trees["urdu"]}
    whole = speech_table(given, tmp_path / "whole")
    for number in order if count > 1 else ():
        with running(Running(shard=Shard(number, count))), pytest.raises(ShareDoneError):
            speech_table(given, tmp_path / "shared")
    if count > 1:
        monkeypatch.setattr("affectlens.features.speech.functionals", None)  # nothing is left to measure
    made = speech_table(given, tmp_path / "shared")
    np.testing.assert_array_equal(made.features, whole.features)
    pd.testing.assert_frame_equal(made.rows, whole.rows)
    assert made.missed == whole.missed and made.notes == whole.notes


def test_table_of_features_is_cached_and_lists_what_is_missing(tmp_path, monkeypatch):
    trees = speech_trees(tmp_path / "trees")
    write_wav(trees["emodb"] / "wav" / "11a01Wc.wav", 0.02)  # 20 ms
    (trees["emodb"] / "wav" / "12a01Nc.wav").write_bytes(b"RIFF")
    given = {"emodb": trees["emodb"], "urdu": trees["urdu"]}
    first = speech_table(given, tmp_path / "cache")
    assert len(first.features) == 8 and np.isfinite(first.features).all()
    assert "20 ms long" in first.missed["emodb/wav/11a01Wc"] and "emodb/wav/12a01Nc" in first.missed
    monkeypatch.setattr("affectlens.features.speech.functionals", None)
    again = speech_table(given, tmp_path / "cache")
    np.testing.assert_array_equal(first.features, again.features)
    assert again.missed == first.missed and list(again.rows.key) == list(first.rows.key)
    # The same content elsewhere is known; another clip under the same name is not.
    for path in (tmp_path / "cache").glob("*.npz"):
        path.unlink()  # the table alone: what was measured of the clips is kept too
    assert speech_table(given, tmp_path / "cache").missed == first.missed
    moved = {"urdu": trees["urdu"].rename(tmp_path / "elsewhere")}
    np.testing.assert_array_equal(speech_table(moved, tmp_path / "cache").features, first.features[first.corpus == "urdu"])
    write_wav(tmp_path / "elsewhere" / "Angry" / "SM1_F10_A010.wav", hertz=300)
    with pytest.raises(CorpusError, match="NoneType"):
        speech_table(moved, tmp_path / "cache")
    with pytest.raises(UsageError, match="NAME=PATH"):
        corpora_of(["emodb"])
    with pytest.raises(UsageError, match="not speech"):
        (tmp_path / "go").mkdir()
        for split in ("train", "dev", "test"):
            (tmp_path / "go" / f"ekman_{split}.tsv").write_text("so glad\t3\tk1\n")
        (tmp_path / "go" / "ekman_labels.txt").write_text("anger\ndisgust\nfear\njoy\nneutral\nsadness\nsurprise\n")
        speech_table({"goemotions": tmp_path / "go"}, tmp_path / "cache")


def test_a_recording_holds_turns_of_one_speaker(rng):
    x, speaker = rng.normal(size=(40, 88)), np.repeat(["a", "b"], 20)
    rows = rng.permutation(40)[:31]
    scale = Scale.of(x)
    heard = as_recordings(x, speaker, rows, scale, seed=3)
    mine = speaker[rows] == "a"
    other = x.copy()
    other[speaker == "b"] = other[speaker == "b"] * 2 + 5
    changed = as_recordings(other, speaker, rows, scale, seed=3)
    np.testing.assert_array_equal(changed[mine], heard[mine])
    assert (changed[~mine] != heard[~mine]).any(axis=1).all()
    # A clip's own turns matter: nobody is scaled against the corpus alone, and at most five are heard together.
    assert (np.abs(heard - np.clip(scale(x[rows]), -3, 3)).max(axis=1) > 0).all()
    together = [int((np.abs(as_recordings(_moved(x, r), speaker, rows, scale, 3) - heard).max(axis=1) > 0).sum()) for r in rows]
    assert max(together) <= TURNS and min(together) > 1


def _moved(x, row):
    out = x.copy()
    out[row] += 1
    return out


def test_unknown_labels_are_left_out_of_the_four(tmp_path):
    root = tmp_path / "list.csv"
    write_wav(tmp_path / "a.wav")
    root.write_text("file,label,speaker\na.wav,bliss,p1\nb.wav,angry,p1\n")
    source = open_corpus("speech-csv", root)
    assert len(source.table("four")) == 1 and len(source.table("all")) == 2
    root.write_text("file,label\na.wav,bliss\n")
    with pytest.raises(CorpusError, match="no clip with one of the labels"):
        speech_table({"speech-csv": root}, tmp_path / "cache")


def test_evaluation_of_a_corpus(tmp_path):
    from affectlens.evaluation.scores import score
    from affectlens.evaluation.speech import predict_speech
    from affectlens.models.base import load_model

    trees = speech_trees(tmp_path / "trees")
    (trees["emodb"] / "wav" / "12a01Nc.wav").write_bytes(b"RIFF")
    model = load_model("speech")
    found = predict_speech(model, "emodb", trees["emodb"], cache=tmp_path / "cache")
    assert len(found.keys) == 5 and len(found.missed) == 1 and np.isnan(found.probabilities).any(axis=1).sum() == 1
    result = score(found, model.calibration, np.random.default_rng(0), draws=20)
    assert result.confusion["(missed)"].sum() == 1
