"""Weights of ours fitted to a user's labels: the layer against a reference, people held out, what is written and said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from affectlens import train
from affectlens.core.errors import AffectlensError, CorpusError, UsageError
from affectlens.learning.trainers.head import STRENGTHS, choose_strength, fit_head
from affectlens.models.base import load_model
from affectlens.models.weights import read_weights, weights_path
from affectlens.training.tuning import tune
from tests.corpora.trees import write_wav

ZERO = np.zeros((3, 4)), np.zeros(3)


@pytest.fixture
def blobs():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 120)
    features = rng.normal(size=(120, 4)) * [1, 10, 0.1, 1] + 2 * np.eye(3, 4)[labels] * [1, 10, 0.1, 1] + 5
    return features, np.eye(3)[labels], labels


def test_drawn_to_zero_it_is_scikit_learns_logistic_regression(blobs):
    features, targets, labels = blobs
    weight, bias = fit_head(features, targets, *ZERO, 0.1)
    scaled = (features - features.mean(axis=0)) / features.std(axis=0)
    wide = np.column_stack([scaled, np.ones(len(scaled))])  # the intercept is held too
    reference = LogisticRegression(C=1 / (0.1 * len(labels)), fit_intercept=False, tol=1e-10, max_iter=5000).fit(wide, labels)
    ours = features @ weight.T + bias
    theirs = wide @ reference.coef_.T
    assert np.allclose(ours - ours.mean(axis=1, keepdims=True), theirs - theirs.mean(axis=1, keepdims=True), atol=1e-4)


def test_held_strongly_it_stays_and_held_weakly_it_goes(blobs):
    features, targets, labels = blobs
    rng = np.random.default_rng(1)
    before = rng.normal(size=(3, 4)), rng.normal(size=3)
    kept, level = fit_head(features, targets, *before, 1e6)
    assert np.allclose(kept, before[0], atol=1e-4) and np.allclose(level, before[1], atol=1e-3)
    moved, level = fit_head(features, targets, *before, 1e-3)
    right = [(np.argmax(features @ w.T + b, axis=1) == labels).mean() for w, b in (before, (moved, level))]
    assert right[1] > 0.8 > right[0]


def test_labels_that_say_nothing_are_held_most_and_clear_ones_least(blobs):
    features, targets, _ = blobs
    folds = [(np.arange(120)[np.arange(120) % 3 != k], np.arange(120)[np.arange(120) % 3 == k]) for k in range(3)]
    assert choose_strength(features, targets, *ZERO, folds) < STRENGTHS[0]
    shuffled = targets[np.random.default_rng(2).permutation(120)]
    assert choose_strength(features, shuffled, *ZERO, folds) == STRENGTHS[0]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Texts in a jargon whose words say the opposite of what the network has learnt, of ten people."""
    said = {"sadness": "what a wonderful great happy day", "happiness": "this is terrible, I am crying and alone"}
    rows = [
        {"text": f"{text} {'very ' * (i % 3)}{i}", "label": label, "group": f"person{i % 10}"}
        for i in range(40)
        for label, text in said.items()
    ]
    path = tmp_path_factory.mktemp("texts") / "mine.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fitted(texts, tmp_path_factory):
    return train.words({"csv": texts}, tmp_path_factory.mktemp("fitted"), from_weights="shipped")


def value(run, name):
    return run.scores.set_index("score").value[name]


def test_what_is_fitted_is_right_on_people_that_it_was_not_fitted_to(fitted):
    assert value(fitted, "accuracy before") < 0.3 and value(fitted, "accuracy after") > 0.9
    gain = fitted.scores.set_index("score").loc["accuracy difference"]
    assert gain.low > 0.5 and gain.groups == 10 and gain.n == 80


def test_the_file_is_read_as_other_weights_are_and_only_the_last_layer_differs(fitted):
    model, shipped = load_model("words", fitted.weights), load_model("words")
    assert model.labels == shipped.labels
    new, _, calibration = read_weights(fitted.weights)
    old, _, _ = read_weights(weights_path("words"))
    assert {name for name in old if not torch.equal(old[name], new[name])} == {"head.weight", "head.bias"}
    assert calibration.conformal < 1
    probabilities = model.probabilities(["what a wonderful great happy day"])[0]
    assert model.labels[int(probabilities.argmax())] == "sadness"


def test_fusion_does_not_take_what_comes_from_other_weights_than_it_learnt_from(fitted):
    fusion = load_model("fusion")
    assert fusion.knows("words", load_model("words")) and not fusion.knows("words", load_model("words", fitted.weights))


def test_the_card_says_from_what_and_to_what(fitted):
    card = fitted.card.read_text()
    assert (
        "80 items (10 people)" in card
        and "80 items, people held out in 5 folds" in card
        and "better than before." in card
        and "not shown" not in card
    )
    assert "sha256" in card and "csv=PATH" in card


def test_labels_at_random_are_not_told_as_better(texts, tmp_path):
    frame = pd.read_csv(texts)
    frame["label"] = np.random.default_rng(0).permutation(frame.label)
    frame["label"] = np.where(np.arange(len(frame)) % 2, frame.label, np.random.default_rng(1).permutation(frame.label))
    frame.to_csv(tmp_path / "random.csv", index=False)
    run = train.words({"csv": tmp_path / "random.csv"}, tmp_path / "out", from_weights="shipped")
    assert value(run, "accuracy after") < 0.7


def test_a_split_of_the_corpus_is_kept(texts, tmp_path):
    frame = pd.read_csv(texts).assign(split=lambda f: np.where(f.group.isin(["person8", "person9"]), "test", "train"))
    frame.to_csv(tmp_path / "parted.csv", index=False)
    run = train.words({"csv": tmp_path / "parted.csv"}, tmp_path / "out", from_weights="shipped")
    assert (
        run.scores.n.unique() == [16]
        and run.scores.groups.unique() == [2]
        and "the corpus's own test split" in run.card.read_text()
    )


def test_items_without_people_are_said(texts, tmp_path):
    pd.read_csv(texts).drop(columns="group").to_csv(tmp_path / "alone.csv", index=False)
    run = train.words({"csv": tmp_path / "alone.csv"}, tmp_path / "out", from_weights="shipped")
    assert "items held out in 5 folds" in run.card.read_text()
    assert any("whose items these are is not said" in note for note in run.notes)


def test_too_few_people_and_several_corpora_are_errors(texts, tmp_path):
    pd.read_csv(texts).query("group < 'person3'").to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(CorpusError, match="at least 6 people"):
        train.words({"csv": tmp_path / "few.csv"}, tmp_path / "out", from_weights="shipped")
    with pytest.raises(CorpusError, match="one corpus at a time"):
        tune("words", {"csv": texts, "folder": Path("x")}, tmp_path, None)


def test_weights_of_another_model_or_no_file_are_errors(texts, tmp_path):
    with pytest.raises(UsageError, match="shipped, or a file"):
        train.words({"csv": texts}, tmp_path, from_weights="nowhere.safetensors")
    with pytest.raises(AffectlensError, match="not the weights of a words model"):
        train.words({"csv": texts}, tmp_path, from_weights=str(weights_path("face")))


def test_speech_is_fitted_by_the_same_way(tmp_path):
    rows = []
    for speaker in range(8):
        write_wav(tmp_path / f"{speaker}.wav", 0.6, hertz=120 + 100 * (speaker % 2))
        rows.append({"file": f"{speaker}.wav", "label": ("sadness", "anger")[speaker % 2], "speaker": f"p{speaker}"})
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    run = train.speech({"speech-csv": tmp_path / "clips.csv"}, tmp_path / "out", from_weights="shipped")
    old, new = (read_weights(path)[0] for path in (weights_path("speech"), run.weights))
    assert {name for name in old if not torch.equal(old[name], new[name])} == {"head.1.weight", "head.1.bias"}
    assert value(run, "accuracy after") == 1 and run.scores.groups.unique() == [8]
