"""What is found is read or dropped with a reason, in every reader."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from affectlens.core.errors import CorpusError
from affectlens.corpora.account import coded, each_once, spelling
from affectlens.corpora.base import account_of, corpora, open_corpus
from affectlens.corpora.survey import survey
from tests.corpora.every import every_tree
from tests.corpora.trees import write_wav

CLUTTER = ("._{0}", ".hidden/{0}", "__MACOSX/{0}", "@eaDir/{0}", ".ipynb_checkpoints/{0}")


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    return every_tree(tmp_path_factory.mktemp("corpora"))


@pytest.mark.parametrize("name", [c.name for c in corpora()])
def test_found_is_items_and_drops_together(trees, name):
    read = survey(open_corpus(name, trees[name]))
    assert read.account.found > 0, "the reader does not say what it finds"
    assert read.account.found == read.items + read.account.dropped.total()
    assert read.adds_up and all(len(read.account.examples[why]) for why in read.account.dropped)
    for split, rows in read.counts.groupby("split"):
        assert rows.n.sum() == len(open_corpus(name, trees[name]).table(split))
    assert read.counts.unreadable.sum() >= len(read.problems) > 0 or not read.problems


@pytest.mark.parametrize("name", [c.name for c in corpora()])
def test_what_systems_hide_in_folders_is_no_item(trees, name, tmp_path):
    if not trees[name].is_dir():
        pytest.skip("a file")
    before = open_corpus(name, trees[name])
    copy = tmp_path / "copy"
    shutil.copytree(trees[name], copy)
    for file in [p for p in copy.rglob("*") if p.is_file()]:
        for pattern in CLUTTER:
            clutter = file.parent / pattern.format(file.name)
            clutter.parent.mkdir(exist_ok=True)
            shutil.copy(file, clutter)
    after = open_corpus(name, copy)
    assert after.info.splits == before.info.splits
    for split in before.info.splits:
        assert list(after.table(split).key) == list(before.table(split).key)
    assert account_of(after).found == account_of(before).found


def picture(path, shade=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((12, 12, 3), shade, np.uint8)).save(path)


def test_a_folder_with_everything_in_it(tmp_path):
    root = tmp_path / "faces"
    for name in ("train/happy/1.png", "valid/happy/1.png", "valid/contempt/1.png", "train/sad/anna/1.png", "loose.png"):
        picture(root / name)
    (root / "train/sad/2.psd").write_bytes(b"x")
    elsewhere = tmp_path / "elsewhere"
    picture(elsewhere / "9.png")
    (root / "train/fear").symlink_to(elsewhere)
    (root / "train/happy/back").symlink_to(root)
    source = open_corpus("folder", root)
    assert source.info.splits == ("all", "seven", "train", "val")
    assert list(source.table("val").label) == ["happiness"] and list(source.table("train").label) == [
        "fear",
        "happiness",
        "sadness",
    ]
    assert list(source.table("all").label) == ["fear", "happiness", "sadness", "contempt", "happiness"]
    read = survey(source)
    assert read.account.found == 7 and read.items == 5 and read.adds_up
    assert sorted(read.account.examples.values()) == [["loose.png"], ["train/sad/2.psd"]]
    assert any(why.startswith(".psd files are not read; convert them to one of") for why in read.account.dropped)
    text = "\n".join(read.lines())
    assert "found 7 pictures: 5 items and 2 dropped" in text and "contempt 1" in text and "linked twice" in text
    assert read.elsewhere.to_dict("records") == [
        {"split": "seven", "label": "contempt", "n": 1},
        {"split": "val", "label": "contempt", "n": 1},
    ]


def test_spellings_are_listed_with_what_may_be_meant(tmp_path):
    assert spelling(["Angray", "joy", "bliss", "unhappy"]) == (
        "'Angray' (1 row, perhaps anger), 'bliss' (1 row), 'unhappy' (1 row)"
    )
    picture(tmp_path / "hapy/1.png")
    picture(tmp_path / "sad/1.png")
    with pytest.raises(CorpusError, match=r"'hapy' \(1 row, perhaps happiness\)"):
        open_corpus("folder", tmp_path)
    (tmp_path / "t.csv").write_text("file,label\na.wav,Angray\nb.wav,Anger \nc.wav,boredom\n")
    source = open_corpus("speech-csv", tmp_path / "t.csv")
    assert "'Angray' (1 row, perhaps anger)" in account_of(source).notes[0] and "boredom" not in account_of(source).notes[0]
    assert list(source.table("four").label) == ["anger"]
    left = survey(source).elsewhere
    assert dict(zip(left.label, left.n, strict=True)) == {"angray": 1, "boredom": 1}


@pytest.mark.parametrize("name", ["csv", "speech-csv"])
def test_rows_that_come_again_count_once_and_contradictions_not_at_all(tmp_path, name):
    rows = ["file,label", "a\\1.wav,joy", "./a/1.wav,Happy", "b.wav,joy", "b.wav,sad", "c.wav,anger"]
    (tmp_path / "t.csv").write_text("\n".join(rows))
    source = open_corpus(name, tmp_path / "t.csv")
    assert list(source.table("all").key) == ["a/1.wav", "c.wav"]
    assert dict(account_of(source).dropped) == {"a duplicate of another item": 1, "it has several labels": 2}
    assert each_once([{"key": 1, "label": "x"}]) == [{"key": 1, "label": "x"}]


def test_segments_a_moment_apart_have_their_own_keys(tmp_path):
    (tmp_path / "t.csv").write_text("file,label,start,end\na.wav,joy,0.1,0.7\na.wav,anger,0.104,0.9\na.wav,sad,0.1,0.8\n")
    table = open_corpus("speech-csv", tmp_path / "t.csv").table("all")
    assert list(table.key) == ["a.wav#0.1-0.7", "a.wav#0.1-0.8", "a.wav#0.104-0.9"]
    assert list(table.label) == ["happiness", "sadness", "anger"]


def test_texts_stay_what_was_written(tmp_path):
    texts = ["NA", "None", "nan", "", "  ", "\u200b", "&lt;3 you &amp; me", "so\u0085glad"]
    pd.DataFrame({"text": texts, "label": "neutral"}).to_csv(tmp_path / "t.csv", index=False)
    items = list(open_corpus("csv", tmp_path / "t.csv").items("all"))
    assert [i.data for i in items] == ["NA", "None", "nan", None, None, None, "<3 you & me", "so\u0085glad"]
    assert [bool(i.problem) for i in items] == [False, False, False, True, True, True, False, False]
    pd.DataFrame({"text": ["a", None], "label": "neutral"}).to_parquet(tmp_path / "t.parquet")
    assert [i.data for i in open_corpus("csv", tmp_path / "t.parquet").items("all")] == ["a", None]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_tables_of_any_spreadsheet(tmp_path, encoding):
    (tmp_path / "t.csv").write_bytes("file;label;group\r\nü.png;joy;Jürgen\r\n".encode(encoding))
    row = open_corpus("csv", tmp_path / "t.csv").table("all").iloc[0]
    assert (row.key, row.label, row.group) == ("ü.png", "happiness", "Jürgen")


def test_silence_is_no_sample(tmp_path):
    write_wav(tmp_path / "wav/03a01Fa.wav")
    import wave

    with wave.open(str(tmp_path / "wav/03a01Na.wav"), "wb") as out:
        out.setparams((1, 2, 16000, 0, "NONE", ""))
        out.writeframes(np.zeros(8000, "<i2").tobytes())
    loud, silent = open_corpus("emodb", tmp_path).items("all")
    assert loud.data is not None and silent.data is None and "nothing but silence" in silent.problem


def test_a_tree_that_holds_itself_again_counts_once(tmp_path):
    for i, folder in enumerate(("Actor_01", "speech/Actor_01")):
        write_wav(tmp_path / folder / "03-01-05-01-01-01-01.wav")
        write_wav(tmp_path / folder / "03-01-03-01-01-01-01.wav", hertz=200 + 50 * i)  # like-named, but another clip
    (tmp_path / "Actor_01/notes.wav").write_bytes(b"")
    source = open_corpus("ravdess", tmp_path)
    assert len(source.table("all")) == 3
    dropped = account_of(source).dropped
    assert sorted(dropped.values()) == [1, 1] and account_of(source).found == 5


def test_codes_out_of_range_are_errors(tmp_path):
    for wrong in (-1, 7, 0.5, "nan", "inf"):
        with pytest.raises(ValueError, match="a number of 0"):
            coded(wrong, ("a", "b", "c"))
    assert coded("3", ("a", "b", "c"), first=1) == "c" and coded(1.0, ("a", "b")) == "b"
    pixels = " ".join(["0"] * 48 * 48)
    pd.DataFrame({"emotion": [-1], "Usage": ["Training"], "pixels": [pixels]}).to_csv(tmp_path / "fer2013.csv", index=False)
    with pytest.raises(CorpusError, match=r"class -1; a number of 0 \(anger\) to 6"):
        open_corpus("fer2013", tmp_path)
    folder = tmp_path / "EmoLabel"
    folder.mkdir()
    (folder / "list_patition_label.txt").write_text("train_1.jpg 0\n")
    with pytest.raises(CorpusError, match="line 1"):
        open_corpus("raf-db", tmp_path)


def mosi(path, y, infinite=False, names=None):
    n = len(y)
    arrays = {
        "utt_train": np.array(names or [f"v_{i}" for i in range(n)]),
        "y_train": np.asarray(y),
        "text_train": np.ones((n, 2)),
    }
    if infinite:
        arrays["text_train"][1, 0] = np.inf
    np.savez(path, **arrays)
    return path


def test_mosi_is_read_by_its_sign(tmp_path):
    source = open_corpus("mosi-features", mosi(tmp_path / "a.npz", [-1.6, 0.2, 3.0, 0.0]))
    assert list(source.table("train").label) == ["negative", "positive", "positive", "neutral"]
    assert list(source.dialogues("train").labels) == [0, 1, 1, -1]  # undecided is context
    assert "1 of 0 are context" in account_of(source).notes[0]
    binary = open_corpus("mosi-features", mosi(tmp_path / "b.npz", [0, 1, 1]))
    assert list(binary.table("train").label) == ["negative", "positive", "positive"] and not account_of(binary).notes
    for wrong in ([0.0, 4.0], [np.nan, 1.0]):
        with pytest.raises(CorpusError, match="sentiment of -3 to 3 was expected"):
            open_corpus("mosi-features", mosi(tmp_path / "c.npz", wrong))
    with pytest.raises(CorpusError, match=r"1 values of the text features are infinite, the first of v_1"):
        open_corpus("mosi-features", mosi(tmp_path / "d.npz", [0, 1], infinite=True))
    with pytest.raises(CorpusError, match="utterance 'a-1'; a video and a number"):
        open_corpus("mosi-features", mosi(tmp_path / "e.npz", [0, 1], names=["v_1", "a-1"]))


def test_goemotions_as_google_publishes_it(tmp_path):
    emotions = ["admiration", "anger", "annoyance", "grief", "realization", "neutral"]
    mapping = {"anger": ["anger", "annoyance"], "joy": ["admiration"], "sadness": ["grief"], "surprise": ["realization"]}
    (tmp_path / "emotions.txt").write_text("\n".join(emotions))
    (tmp_path / "ekman_mapping.json").write_text(json.dumps(mapping))
    (tmp_path / "train.tsv").write_text("a\t1,2\tk1\nso \u2028 b &amp; c\t0,5\tk2\n", encoding="utf-8")
    items = list(open_corpus("goemotions", tmp_path).items("train"))
    assert [i.labels for i in items] == [("anger",), ("happiness", "neutral")] and items[1].data == "so \u2028 b & c"
    (tmp_path / "train.tsv").write_text("a\t-1\tk1\n")
    with pytest.raises(CorpusError, match="line 1"):
        open_corpus("goemotions", tmp_path)
    (tmp_path / "ekman_mapping.json").write_text(json.dumps(mapping | {"joy": []}))
    with pytest.raises(CorpusError, match="says nothing of admiration"):
        open_corpus("goemotions", tmp_path)
