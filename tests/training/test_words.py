"""Words on several corpora: each counts alike, class shares are told apart from what texts say, errors of recognition."""

import numpy as np
import pandas as pd
import pytest

from affectlens import train
from affectlens.core.errors import ModelError, UsageError
from affectlens.learning.augmentation.word_errors import WordErrors, sound_of
from affectlens.learning.trainers.words import Texts, _drawn
from affectlens.models.base import load_model
from affectlens.models.shipped.words import WordsModel
from affectlens.models.weights import read_weights, weights_path
from affectlens.training.words import _earlier
from tests.conftest import asset_path

NAMES = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")


@pytest.fixture
def corpora(tmp_path):
    """Comments of evenly many classes, and dialogue that is mostly neutral."""
    for name in ("goemotions", "meld"):
        (tmp_path / name).mkdir()
    for split in ("train", "dev", "test"):
        lines = [f"what {NAMES[i % 7]} is this {i}\t{i % 7}\tk{split}{i}" for i in range(28)]
        (tmp_path / "goemotions" / f"ekman_{split}.tsv").write_text("\n".join(lines) + "\n")
        said = [NAMES[i % 7] if i % 4 == 0 else "neutral" for i in range(40)]
        frame = pd.DataFrame({"Utterance": [f"oh {label} you {i}" for i, label in enumerate(said)], "Emotion": said})
        frame = frame.assign(Speaker="Ann", Dialogue_ID=[i // 5 for i in range(40)], Utterance_ID=[i % 5 for i in range(40)])
        frame.to_csv(tmp_path / "meld" / f"{split}_sent_emo.csv", index=False)
    (tmp_path / "goemotions" / "ekman_labels.txt").write_text("\n".join(NAMES) + "\n")
    return {name: tmp_path / name for name in ("goemotions", "meld")}


def test_two_corpora_are_learnt_together_and_scored_apart(corpora, tmp_path):
    asset_path("minilm")
    run = train.words(corpora, tmp_path / "run", epochs=1, each=20)
    assert {name.split()[0] for name in run.scores.score} == {"goemotions", "meld"} and not run.missed
    tensors, meta, calibration = read_weights(run.weights)
    assert set(meta["domains"]) == {"goemotions", "meld"} and "MELD" in meta["corpus"] and "GoEmotions" in meta["corpus"]
    prior = meta["domains"]["meld"]["prior"]
    assert prior[NAMES.index("neutral")] == max(prior) > 0.6 > meta["domains"]["goemotions"]["prior"][4]
    model = WordsModel(run.weights)
    assert model.typicality is not None and any(name.startswith("typicality.") for name in tensors)
    deep = model.embed(["oh neutral you 3"])
    assert deep.shape == (1, 384) and 0 <= model.typical(deep)[0] <= 1
    card = run.card.read_text()
    assert card.index("## New data") < card.index("## Test") and "meld, 40 texts" in card
    # Logits without the class shares that are answered for are those that the next run goes on from.
    start = _earlier(run.weights)
    assert "head.bias" in start and not any(name.startswith("typicality.") for name in start)
    expected = tensors["head.bias"].float().numpy() - np.log(np.maximum(calibration.prior, 1e-4))
    np.testing.assert_allclose(start["head.bias"].numpy(), expected, atol=1e-3)
    assert train.words(corpora, tmp_path / "on", epochs=1, each=6, start=run.weights).weights.exists()


def test_corpora_of_other_classes_and_other_weights_are_refused(corpora, tmp_path):
    asset_path("minilm")
    pd.DataFrame({"text": ["a", "b"], "label": ["joy", "anger"], "split": ["train", "dev"]}).to_csv(
        tmp_path / "t.csv", index=False
    )
    with pytest.raises(UsageError, match="corpora that are learnt together must have the same"):
        train.words({**corpora, "csv": tmp_path / "t.csv"}, tmp_path / "run")
    with pytest.raises(ModelError, match="not the weights of a words model"):
        train.words(corpora, tmp_path / "run", start=weights_path("gait"))
    with pytest.raises(UsageError, match="words.safetensors"):
        train.words(corpora, tmp_path / "run", start=tmp_path / "absent")


def test_an_epoch_draws_as_many_of_each_corpus(rng):
    domains = np.repeat([0, 1], [500, 60])
    large, small = _drawn(domains, 100, rng)
    assert len(set(large)) == 100 and sorted(small) == list(range(500, 560))
    assert [len(part) for part in _drawn(domains, 0, rng)] == [500, 60]


def test_class_shares_of_each_corpus_by_hand():
    part = Texts(["a", "b", "c"], np.array([[1, 0], [0.5, 0.5], [0, 1.0]]), np.array([0, 0, 1]))
    np.testing.assert_allclose(part.priors(), [[2.5 / 4, 1.5 / 4], [1 / 3, 2 / 3]])  # one more of each class than there are


def test_errors_of_recognition_are_as_frequent_as_is_said(rng):
    vocabulary = ["right", "write", "there", "their", "hear", "here", "so", "no", "dog", "cat"]
    errors = WordErrors([" ".join(vocabulary)] * 3, left_out=0.1, mistaken=0.2)
    text = " ".join(["Right!"] * 400)
    heard = [errors(text, rng) for _ in range(40)]
    words = [word.strip("!").lower() for line in heard for word in line.split()]
    assert len(words) / (40 * 400) == pytest.approx(0.9, abs=0.02)
    assert np.mean([word == "write" for word in words]) == pytest.approx(0.2, abs=0.02) and set(words) == {"right", "write"}
    assert np.mean(["!" in line for line in heard]) == pytest.approx(0.5, abs=0.25)
    assert {errors("Dog 7 😀", rng) for _ in range(50)} <= {"Dog 7", "dog 7", "Dog", "dog", "7", "Dog 7 😀"}
    assert WordErrors([], left_out=1.0)("so it is", rng) == "so it is"  # one of which nothing would be left


def test_words_that_sound_alike_share_a_key():
    for one, other in (("right", "write"), ("their", "there"), ("night", "knight"), ("peace", "piece")):
        assert sound_of(one) == sound_of(other), (one, other)
    assert len({sound_of(word) for word in ("dog", "house", "window", "run")}) == 4


def test_shipped_words_know_what_they_have_not_seen():
    asset_path("minilm")
    assert load_model("words").typicality is not None
