import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.errors import CorpusError, UsageError
from affectlens.corpora.base import CORPORA, label_targets, name_and_path, open_corpus
from affectlens.corpora.dialogues.base import open_dialogues
from affectlens.corpora.speech.base import register_speech
from tests.corpora.every import every_tree


@pytest.fixture
def trees(tmp_path):
    return every_tree(tmp_path)


def test_official_csv_and_parquet_of_fer2013_read_alike(trees, tmp_path):
    source = open_corpus("fer2013", trees["fer2013"])
    assert [i.labels[0] for i in source.items("train")] == ["anger", "happiness"]
    rows = []
    for split in ("train", "val", "test"):
        for item in source.items(split):
            buffer = io.BytesIO()
            Image.fromarray(item.data).save(buffer, "PNG")
            rows.append({"name": item.key, "split": split, "emotion": item.labels[0], "jpeg": buffer.getvalue()})
    pd.DataFrame(rows).to_parquet(tmp_path / "fer.parquet")
    other = open_corpus("fer2013", tmp_path / "fer.parquet")
    for a, b in zip(source.items("test"), other.items("test"), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
        assert a.labels == b.labels


def test_details(trees):
    assert next(open_corpus("meld", trees["meld"]).items("test")).data == "You're here"
    assert [i.labels for i in open_corpus("goemotions", trees["goemotions"]).items("dev")] == [
        ("happiness",),
        ("anger", "surprise"),
    ]
    missing = list(open_corpus("csv", trees["csv"]).items("all"))[1]
    assert missing.data is None and "no such file" in missing.problem
    np.testing.assert_allclose(label_targets([("a",), ("a", "b")], ("a", "b")), [[1, 0], [0.5, 0.5]])


def test_wrong_layouts_say_what_was_expected(trees, tmp_path):
    pd.DataFrame({"file": ["x"], "label": ["bliss"]}).to_csv(tmp_path / "strange.csv", index=False)
    with pytest.raises(CorpusError, match="bliss"):
        open_corpus("csv", tmp_path / "strange.csv")
    pd.DataFrame({"file": ["x", "y"], "label": ["joy", None]}).to_csv(tmp_path / "holes.csv", index=False)
    with pytest.raises(CorpusError, match="1 rows have no label"):
        open_corpus("csv", tmp_path / "holes.csv")
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "fer2013.csv", index=False)
    with pytest.raises(CorpusError, match="expected"):
        open_corpus("fer2013", tmp_path / "fer2013.csv")
    (trees["goemotions"] / "ekman_dev.tsv").write_text("no tabs here\n")
    with pytest.raises(CorpusError, match="line 1"):
        open_corpus("goemotions", trees["goemotions"])
    with pytest.raises(UsageError, match="did you mean"):
        open_corpus("fer13", tmp_path)


def test_real_corpora_have_their_published_sizes(shared):
    fer = open_corpus("fer2013", shared / "face" / "fer2013.parquet")
    assert [len(fer.table(s)) for s in ("train", "val", "test")] == [28707, 3589, 3589]
    go = open_corpus("goemotions", shared / "text" / "goemotions")
    assert [len(go.table(s)) for s in ("train", "dev", "test")] == [43410, 5426, 5427]
    meld = open_corpus("meld", shared / "utterance" / "meld")
    assert [len(meld.table(s)) for s in ("train", "dev", "test")] == [9989, 1109, 2610]


def test_a_name_and_a_path_in_one(trees, tmp_path):
    one, two = open_corpus(f"fer2013={trees['fer2013']}"), open_corpus("fer2013", str(trees["fer2013"]))
    assert list(one.table("train").key) == list(two.table("train").key)
    assert name_and_path("csv=a=b.csv") == ("csv", Path("a=b.csv"))  # only the first sign counts
    for wrong in ("fer2013", "fer2013=", "=/data"):
        with pytest.raises(UsageError, match=r"NAME=PATH was expected"):
            open_corpus(wrong)
    with pytest.raises(UsageError, match="did you mean fer2013"):
        open_corpus(f"fer-2013={tmp_path}")
    with pytest.raises(CorpusError, match=r"can be had from https://www\.kaggle.*Expected: fer2013\.csv"):
        open_corpus("fer2013=/nowhere")
    assert len(open_dialogues(f"meld={trees['meld']}").dialogues("test")) == 2


def test_speech_corpora_of_one_name_are_told(trees):
    def rows(root):
        return []

    before = CORPORA.get("emodb")
    with pytest.warns(UserWarning, match=r"the corpus 'emodb' of .*named\.emodb is replaced by that of .*rows"):
        register_speech("emodb", "t", "de", "l", "h", "layout")(rows)
    CORPORA._entries["emodb"] = before


def test_broken_tables_are_errors_that_say_what_was_expected(tmp_path):
    for name, file in (("csv", "t.csv"), ("speech-csv", "t.parquet"), ("mosi-features", "t.npz"), ("fer2013", "t.csv")):
        (tmp_path / file).write_bytes(b"")
        with pytest.raises(CorpusError, match=r"not readable as .*; expected "):
            open_corpus(name, tmp_path / file)
