"""Every modality and outside models on generated corpora; what does not meet is refused before any work."""

import numpy as np
import pandas as pd
import pytest

from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.base import Item, open_corpus
from affectlens.evaluation.evaluate import evaluate
from affectlens.evaluation.predictions import predict_corpus, split_of
from affectlens.evaluation.result import HEADINGS, Evaluation
from affectlens.models.base import BaseModel
from affectlens.models.open import open_model
from tests.conftest import asset_path
from tests.models.conftest import background_file, bclstm_file  # noqa: F401
from tests.perception.body.walker import walker, write_bvh

TEXTS = ["SO GLAD", "so bad", "WHAT FUN", "oh no", "HURRAY", "why me"]


@pytest.fixture
def texts(tmp_path):
    """A table of texts: shouted ones are happy, quiet ones sad, but for one."""
    labels = ["happiness", "sadness", "happiness", "sadness", "happiness", "happiness"]
    frame = pd.DataFrame({"text": TEXTS, "label": labels, "group": list("xxyyzz")})
    frame.to_csv(tmp_path / "texts.csv", index=False)
    return tmp_path / "texts.csv"


def loud(batch):
    shout = np.array([float(t.isupper()) for t in batch])
    return np.stack([0.1 + 0.8 * shout, 0.9 - 0.8 * shout], axis=1)


loud.labels = ("happiness", "sadness")


@pytest.fixture
def walks(tmp_path):
    """A tree in Bandai-Namco's layout."""
    root = tmp_path / "bandai"
    root.mkdir()
    for i, (style, speed) in enumerate((("angry", 2.0), ("sad", 0.6), ("happy", 1.5), ("normal", 1.0))):
        for motion in ("walk", "run"):
            walk = walker(seconds=2.5, speed=speed, lean=4 * i)
            write_bvh(walk, root / f"dataset-1_{motion}_{style}_00{i}.bvh")
    (root / "dataset-1_walk_happy_009.bvh").write_text("")
    return root


def test_a_function_on_texts_by_hand(texts, tmp_path):
    told = []
    result = evaluate(
        "tests.evaluation.test_evaluate:loud", f"csv={texts}", draws=30, out=tmp_path / "out",
        progress=lambda *now: told.append(now),
    )  # fmt: skip
    assert result.scores["accuracy"].value == pytest.approx(5 / 6) and result.scores["accuracy"].groups == 3
    assert result.scores["mean_recall"].value == pytest.approx((3 / 4 + 1) / 2)
    assert result.confusion.loc["happiness"].tolist() == [3, 1, 0]
    assert result.about["split"] == "all" and len(result.about["sha256"]) == 64
    assert told[5] == ("csv, all", 6, 6) and told[-1] == ("bootstrap", 1, 1)


def test_the_same_seed_gives_the_same_intervals(texts):
    spec, corpus = "tests.evaluation.test_evaluate:loud", open_corpus("csv", texts)
    first, again, other = (evaluate(spec, corpus, draws=40, seed=s).to_frame() for s in (3, 3, 4))
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)


def test_a_table_of_predictions(texts, tmp_path):
    keys = open_corpus("csv", texts).table("all").key
    p = loud(TEXTS)
    frame = pd.DataFrame({"key": keys, "p_happiness": p[:, 0], "p_sadness": p[:, 1]})
    frame.iloc[1:].to_csv(tmp_path / "p.csv", index=False)
    result = evaluate(str(tmp_path / "p.csv"), f"csv={texts}", draws=5)
    assert result.scores["accuracy"].value == pytest.approx(4 / 6) and list(result.missed) == [keys[0]]
    assert "no prediction" in result.missed[keys[0]]


def test_saved_and_loaded_without_loss(texts, tmp_path):
    result = evaluate("tests.evaluation.test_evaluate:loud", f"csv={texts}", draws=30)
    again = Evaluation.load(result.save(tmp_path / "out"))
    assert again.scores == result.scores and again.about == result.about and again.n == result.n
    pd.testing.assert_frame_equal(again.confusion, result.confusion, check_index_type=False)
    pd.testing.assert_frame_equal(again.groups, result.groups, check_dtype=False)
    frame = result.to_frame()
    assert list(frame.columns) == ["score", "heading", "value", "low", "high", "n", "groups"]
    assert all(name.isidentifier() for name in frame.score) and set(frame.score) <= set(HEADINGS)
    assert "UAR" in str(result.plot().to_dict())
    with pytest.raises(UsageError, match="no evaluation in it"):
        Evaluation.load(tmp_path)
    (tmp_path / "scores.json").write_text('{"n": 3, "scores": {}}')
    with pytest.raises(UsageError, match="has layout None"):
        Evaluation.load(tmp_path)


@pytest.mark.parametrize("name", ["gait", "posture"])
def test_bodies(name, walks):
    result = evaluate(name, f"bandai={walks}", draws=10)
    assert result.n == 9 and len(result.missed) == 1 and "empty file" in next(iter(result.missed.values()))
    assert result.about["split"] == "four" and "trained these weights" in result.notes[0]
    assert set(result.groups.group) == {"walk", "run"}
    model, corpus = open_model(name), open_corpus("bandai", walks)
    items = [i for i in corpus.items("four") if i.data is not None]
    p = model.probabilities([model.read(i) for i in items])
    right = np.mean([*(model.labels[k] == i.labels[0] for k, i in zip(p.argmax(1), items, strict=True)), False])
    assert result.scores["accuracy"].value == pytest.approx(right)


def test_backgrounds(background_file, tmp_path):  # noqa: F811
    asset_path("efficientdet-lite0")
    from tests.corpora.visual_trees import caer_s

    result = evaluate("background", f"caer-s={caer_s(tmp_path)}", weights=background_file, draws=5)
    assert result.n == 3 and not result.missed and result.about["split"] == "test"


def test_utterances_keep_their_context(bclstm_file, tmp_path):  # noqa: F811
    rng = np.random.default_rng(0)
    stored = {}
    for split, names in (("train", ["a_1"]), ("test", [f"{v}_{i}" for v in "bc" for i in range(3)])):
        n = len(names)
        stored |= {f"utt_{split}": np.array(names), f"y_{split}": np.arange(n) % 2, f"transcript_{split}": np.array(["W"] * n)}
        stored |= {f"{m}_{split}": rng.normal(size=(n, w)).astype(np.float32) for m, w in (("text", 4), ("audio", 3))}
    np.savez(tmp_path / "mosi.npz", **stored)
    model, corpus = open_model("bclstm", weights=bclstm_file), open_corpus("mosi-features", tmp_path / "mosi.npz")
    result = evaluate(model, corpus, draws=5)
    assert result.n == 6 and not result.missed and set(result.groups.group) == {"b", "c"}
    cut, whole = (predict_corpus(model, corpus, "test", batch=b).probabilities for b in (1, 100))
    np.testing.assert_array_equal(cut, whole)
    alone = [model.probabilities([model.read(i)])[0] for i in corpus.items("test")]
    assert np.abs(np.array(alone) - whole).max() > 1e-4


def test_speech_by_name_and_as_an_open_corpus(tmp_path):
    from tests.corpora.test_speech import speech_trees

    tree = speech_trees(tmp_path / "trees")["emodb"]
    (tree / "wav" / "12a01Nc.wav").write_bytes(b"RIFF")
    by_path = evaluate("speech", f"emodb={tree}", draws=5)
    opened = evaluate("speech", open_corpus("emodb", tree), draws=5)
    assert by_path.scores == opened.scores and len(by_path.missed) == len(opened.missed) == 1
    with pytest.raises(CorpusError, match="not among the classes of speech"):
        evaluate("speech", f"emodb={tree}", split="all")


class Untouchable(BaseModel):
    """Fails as soon as it is given anything."""

    def __init__(self, modality, labels):
        super().__init__("untouchable", modality, labels)

    def read(self, item):
        raise AssertionError("work began")

    predict = read


@pytest.mark.parametrize(
    "modality, labels, error, wrong",
    [
        ("voice", ("happiness", "sadness"), UsageError, "untouchable reads voice: a corpus of voice .* csv holds words"),
        ("fused", ("happiness", "sadness"), UsageError, "deep features of several modules, not a corpus"),
        ("words", ("bliss", "sadness"), CorpusError, r"label 'happiness' \(4 items\) not among the classes of untouchable"),
    ],
)
def test_what_does_not_meet_is_refused_before_any_work(texts, modality, labels, error, wrong):
    with pytest.raises(error, match=wrong):
        evaluate(Untouchable(modality, labels), f"csv={texts}")


def test_options_that_are_wrong(texts):
    for wrong, more in (("--draws 0", {"draws": 0}), ("no split 'tset'", {"split": "tset"})):
        with pytest.raises((UsageError, CorpusError), match=wrong):
            evaluate("words", f"csv={texts}", **more)
    with pytest.raises(UsageError, match="NAME=PATH"):
        evaluate("words", "csv")
    with pytest.raises(UsageError, match="did you mean words"):
        evaluate("wrods", f"csv={texts}")


def test_the_split_that_is_scored():
    class Fake:
        def __init__(self, *splits):
            self.info = type("Info", (), {"splits": splits, "name": "fake"})

    for splits, want in (
        (("train", "test"), "test"),
        (("all", "four"), "four"),
        (("train", "val"), "val"),
        (("real", "elmd"), "real"),
    ):
        assert split_of(Fake(*splits)) == want
    assert split_of(Fake("train", "test"), "train") == "train"


def test_items_that_fail_are_missed_with_their_reason():
    class Picky(BaseModel):
        def read(self, item):
            from affectlens.models.readers import text_of

            return text_of(item)

        def predict(self, inputs):
            return np.zeros((len(inputs), 2), np.float32)

    class Fake:
        info = type("Info", (), {"splits": ("test",), "name": "fake"})
        rows = (Item("a", "x", ("p",)), Item("b", " ", ("p",)), Item("c", None, ("q",), problem="gone"))

        def table(self, split):
            return pd.DataFrame({"key": [r.key for r in self.rows]})

        def items(self, split):
            return iter(self.rows)

    found = predict_corpus(Picky("picky", "words", ("p", "q")), Fake(), "test")
    assert found.missed == {"b": "the text is empty", "c": "gone"} and np.isnan(found.probabilities[1:]).all()
