"""Readers of dialogues on small trees in the official formats."""

import os
from collections import OrderedDict

import numpy as np
import pytest

from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.base import open_corpus
from affectlens.corpora.dialogues.base import dialogue_set, joined, open_dialogues
from affectlens.corpora.dialogues.iemocap import IemocapDialogues, ratings
from tests.corpora.dialogue_trees import dialogue_folder, iemocap_pickle, iemocap_tree, write_pickle


@pytest.fixture
def iemocap(tmp_path):
    return iemocap_tree(tmp_path)


def test_iemocap(iemocap):
    corpus = open_dialogues("iemocap-dialogues", iemocap)
    assert isinstance(corpus, IemocapDialogues)
    four = corpus.dialogues("four")
    assert len(four) == 12 and four.classes == ("anger", "happiness", "sadness", "neutral")
    first = four.rows[four.rows.dialogue == "Ses01F_impro01"]
    assert list(first.key.str[-4:]) == ["F000", "M000", "F001"]  # order of time, not of names
    assert list(four.labels[:3]) == [3, -1, 1]  # frustration is context; excitement counts as happiness
    assert first.text.iloc[1] == "Do you have your forms?" and first.end.iloc[2] == 18.0175
    assert list(first.speaker) == ["Ses01F", "Ses01M", "Ses01F"]
    assert list(corpus.dialogues("six").labels[:3]) == [4, 2, 1]
    assert len(corpus.dialogues("session2")) == 6 and set(corpus.dialogues("scripted").rows.improvised) == {False}
    assert "session3" not in corpus.info.splits
    assert first.valence.iloc[2] == 4.5


def test_iemocap_words_ratings_and_motion(iemocap):
    corpus = IemocapDialogues(iemocap)
    words = corpus.words("Ses01F_impro01_F000")
    assert (
        list(words.word) == ["excuse", "me"] and words.start[0] == pytest.approx(0.29) and words.end[1] == pytest.approx(1.11)
    )
    assert corpus.words("Ses01F_impro01_M000").empty
    assert list(corpus.head("Ses01F_impro01_F000").pitch) == [10, 20]
    face = corpus.face("Ses01F_impro01_F000")
    assert list(face.columns[2:5]) == ["CH1_x", "CH1_y", "CH1_z"] and np.isnan(face.RC2_z[1])
    said = ratings(iemocap)
    mine = said[said.key == "Ses01F_impro01_F000"]
    assert list(mine[mine.kind == "category"].rater) == ["E2", "E3", "F1"]
    assert mine[mine.kind == "dimension"].said.iloc[0] == "val 3; act 2; dom  2;"
    broken = iemocap / "Session1/sentences/MOCAP_head/Ses01F_impro01/Ses01F_impro01_F000.txt"
    broken.write_text("Frame# Time pitch\nX\n1 0.0 1 2\n")
    with pytest.raises(CorpusError, match="2 values a frame for 1 names"):
        corpus.head("Ses01F_impro01_F000")


def test_published_pickles(tmp_path):
    path = iemocap_pickle(tmp_path)
    corpus = open_dialogues("feature-pickle", path)
    train = corpus.dialogues("train")
    assert list(train.rows.label) == ["anger", "frustration"] and list(train.rows.text) == ["hello", "well"]
    assert {m: x.shape for m, x in train.features.items()} == {"text": (2, 4), "audio": (2, 3), "video": (2, 2)}
    ids = {"Ses01F": ["a0", "a1"], "Ses02F": ["b0"]}
    text, audio = ({k: [np.full(w, i, np.float32) for i in range(len(v))] for k, v in ids.items()} for w in (4, 3))
    meld = write_pickle(
        tmp_path / "MELD_features.pkl",
        ({0: [0, 1], 1: [0]}, {0: [[1, 0], [0, 1]], 1: [[1, 0]]}, {0: [0, 6], 1: [4]},
         {0: text["Ses01F"], 1: text["Ses02F"]}, {0: audio["Ses01F"], 1: audio["Ses02F"]}, {0: ["a", "b"], 1: ["c"]},
         [0], [1], {0: [0, 2], 1: [1]}),
    )  # fmt: skip
    held = open_dialogues("feature-pickle", meld)
    assert list(held.dialogues("train").rows.label) == ["neutral", "anger"]
    assert list(held.dialogues("train").rows.speaker) == ["0_0", "0_1"]
    assert list(held.dialogues("test").rows.label) == ["happiness"]


class _Evil:
    def __reduce__(self):
        return (os.system, ("true",))


def test_pickles_cannot_run_code(tmp_path):
    with pytest.raises(CorpusError, match="which data does not need"):
        open_dialogues("feature-pickle", write_pickle(tmp_path / "x.pkl", (_Evil(),) * 9))
    (tmp_path / "y.pkl").write_bytes(b"nothing")
    with pytest.raises(CorpusError, match="not a readable pickle"):
        open_dialogues("feature-pickle", tmp_path / "y.pkl")
    with pytest.raises(CorpusError, match="2 entries"):
        open_dialogues("feature-pickle", write_pickle(tmp_path / "z.pkl", (1, OrderedDict())))


def test_mosi_official_split(shared):
    corpus = open_dialogues("mosi-features", shared / "utterance" / "mosi_bclstm.npz")
    train, test = corpus.dialogues("train"), corpus.dialogues("test")
    assert (len(train), len(test)) == (1447, 752)
    assert (len(set(train.dialogues)), len(set(test.dialogues))) == (62, 31)
    assert not set(train.dialogues) & set(test.dialogues)
    turns = train.rows[train.rows.dialogue == train.rows.dialogue[0]].turn
    assert turns.is_monotonic_increasing
    assert joined(train, test).features["audio"].shape == (2199, 73)


def test_dialogue_folder(tmp_path):
    folder = dialogue_folder(tmp_path)
    corpus = open_dialogues("dialogue-folder", folder)
    assert corpus.info.splits == ("all", "test", "train")
    train = corpus.dialogues("train")
    assert list(train.rows.text) == ["first", "later"] and train.classes == ("anger", "happiness", "sadness")
    assert next(iter(corpus.items("test"))).problem
    (folder / "utterances.csv").write_text("file,start\n")
    with pytest.raises(CorpusError, match="expected"):
        open_dialogues("dialogue-folder", folder)


def test_errors(tmp_path):
    import pandas as pd

    with pytest.raises(CorpusError, match="no dialogues; those that have"):
        (tmp_path / "t.csv").write_text("file,label\n")
        (tmp_path / "train").mkdir()
        for label in ("anger", "sadness"):
            (tmp_path / "train" / label).mkdir()
        open_dialogues("goemotions", _goemotions(tmp_path))
    rows = pd.DataFrame({"key": ["a", "b"], "dialogue": ["d", "d"], "turn": [0, 1], "label": ["x", "y"]})
    with pytest.raises(CorpusError, match="3 rows of text features for 2"):
        dialogue_set("t", ("x", "y"), rows, {"text": np.zeros((3, 2))})
    data = dialogue_set("t", ("x", "y"), rows, {"text": np.zeros((2, 2))})
    with pytest.raises(UsageError, match="text"):
        data.with_modalities(("txt",))
    with pytest.raises(CorpusError, match="in both"):
        joined(data, data)


def _goemotions(root):
    folder = root / "go"
    folder.mkdir()
    (folder / "ekman_labels.txt").write_text("anger\njoy\n")
    (folder / "ekman_test.tsv").write_text("hi\t0\tk\n")
    return folder


def test_meld_is_a_dialogue_corpus(shared):
    corpus = open_corpus("meld", shared / "utterance" / "meld")
    test = corpus.dialogues("test")
    assert len(test) == 2610 and np.isfinite(test.rows.start).all()
    assert test.rows.groupby("dialogue").turn.apply(lambda t: t.is_monotonic_increasing).all()
