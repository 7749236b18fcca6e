"""Databases in audformat as they are published."""

import pandas as pd
import pytest

from affectlens.core.errors import CorpusError
from affectlens.corpora.base import account_of, open_corpus
from affectlens.corpora.survey import survey
from tests.corpora.trees import write_wav

HEADER = """
name: emodb
usage: unrestricted
languages: [deu]
description: Berlin Database of Emotional Speech. A description that goes
  over two lines.
media:
  microphone: {type: other, format: wav, channels: 1, sampling_rate: 16000}
raters:
  gold: {type: human}
schemes:
  age: {dtype: int, minimum: 0}
  confidence: {dtype: float, minimum: 0, maximum: 1}
  emotion:
    dtype: str
    labels: [anger, boredom, disgust, fear, happiness, neutral, sadness]
  gender: {dtype: str, labels: [female, male]}
  speaker: {dtype: int, labels: speaker}
  transcription:
    dtype: str
    labels: {a01: Der Lappen liegt auf dem Eisschrank., b02: Heute abend.}
splits:
  test: {type: test, description: Unofficial speaker-independent test split}
  train: {type: train}
tables:
  emotion:
    type: filewise
    columns:
      emotion: {scheme_id: emotion, rater_id: gold}
      emotion.confidence: {scheme_id: confidence, rater_id: gold}
  emotion.categories.test.gold_standard:
    type: filewise
    split_id: test
    columns: {emotion: {scheme_id: emotion}}
  emotion.categories.train.gold_standard:
    type: filewise
    split_id: train
    columns: {emotion: {scheme_id: emotion}}
  files:
    type: filewise
    columns: {duration: {}, speaker: {scheme_id: speaker}, transcription: {scheme_id: transcription}}
misc_tables:
  speaker:
    levels: {speaker: int}
    columns: {age: {scheme_id: age}, gender: {scheme_id: gender}}
"""
CLIPS = {"wav/03a01Fa.wav": "happiness", "wav/03a01Nc.wav": "neutral", "wav/08b02Wb.wav": "anger", "wav/09a01La.wav": "boredom"}
PEOPLE = {"3": ("31", "male"), "8": ("34", "female"), "9": ("21", "female")}


def emodb(root, form="csv"):
    """The tables that audb ships for EmoDB, on four clips."""
    for file in CLIPS:
        write_wav(root / file)
    root.joinpath("db.yaml").write_text(HEADER)
    frame = pd.DataFrame({"file": CLIPS.keys(), "emotion": CLIPS.values(), "emotion.confidence": 0.9})
    tables = {
        "emotion": frame,
        "emotion.categories.test.gold_standard": frame.iloc[2:],
        "emotion.categories.train.gold_standard": frame.iloc[:2],
        "files": pd.DataFrame({"file": CLIPS.keys(), "duration": "0 days 00:00:00.6", "speaker": [3, 3, 8, 9],
                               "transcription": ["a01", "a01", "b02", "a01"]}),
        "speaker": pd.DataFrame({"speaker": [3, 8, 9], "age": [31, 34, 21], "gender": ["male", "female", "female"]}),
    }  # fmt: skip
    for name, table in tables.items():
        if form == "csv":
            table.to_csv(root / f"db.{name}.csv", index=False)
        else:
            table.to_parquet(root / f"db.{name}.parquet")
    return root


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_emodb_as_it_is_published(tmp_path, form):
    source = open_corpus("audformat", emodb(tmp_path, form))
    table = source.table("all").set_index("key")
    assert table.label.to_dict() == CLIPS
    assert source.info.splits == ("four", "all", "train", "test")
    assert list(source.table("train").key) == ["wav/03a01Fa.wav", "wav/03a01Nc.wav"]
    assert list(source.table("test").key) == ["wav/08b02Wb.wav"]  # boredom is none of the four
    for file, row in table.iterrows():
        who = str(int(file[4:6]))
        assert (row.speaker, row.age, row.gender, row.language) == (who, *PEOPLE[who], "de")
    assert table.text["wav/08b02Wb.wav"] == "b02"
    read = survey(source)
    assert read.account.found == 4 and read.adds_up and not read.problems
    assert read.elsewhere.to_dict("records") == [
        {"split": "four", "label": "boredom", "n": 1},
        {"split": "test", "label": "boredom", "n": 1},
    ]


def test_facts_of_speakers_in_the_header(tmp_path):
    emodb(tmp_path)
    (tmp_path / "db.speaker.csv").unlink()
    labels = "{3: {age: 31, gender: male}, 8: {age: 34, gender: female}, 9: {age: 21, gender: female}}"
    (tmp_path / "db.yaml").write_text(HEADER.replace("labels: speaker}", f"labels: {labels}}}"))
    table = open_corpus("audformat", tmp_path).table("all")
    assert list(table.gender) == ["male", "male", "female", "female"] and table.age[0] == "31"


def test_a_column_of_another_name_and_what_tables_do_not_agree_on(tmp_path):
    emodb(tmp_path)
    header = HEADER.replace("      emotion: {scheme_id: emotion, rater_id: gold}", "      felt: {scheme_id: emotion}")
    (tmp_path / "db.yaml").write_text(header)
    frame = pd.read_csv(tmp_path / "db.emotion.csv").rename(columns={"emotion": "felt"})
    frame.loc[0, "felt"] = "fear"  # the gold standard says happiness
    frame.loc[4] = ["wav/absent.wav", None, 0.1]
    frame.to_csv(tmp_path / "db.emotion.csv", index=False)
    source = open_corpus("audformat", tmp_path)
    assert source.table("all").set_index("key").label.to_dict() == CLIPS
    account = account_of(source)
    assert account.found == 5 and dict(account.dropped) == {"no table gives it an emotion": 1}
    assert any("differ in the emotion of 1" in note for note in account.notes)
    (tmp_path / "db.emotion.categories.train.gold_standard.csv").unlink()
    (tmp_path / "db.second.csv").write_text("file,emotion\nwav/03a01Fa.wav,happiness\n")
    source = open_corpus("audformat", tmp_path)
    assert "wav/03a01Fa.wav" not in set(source.table("all").key)  # one says fear, one says happiness
    assert "tables give it several emotions, equally often" in account_of(source).dropped
    assert any("without a csv or parquet file: emotion.categories.train" in note for note in account_of(source).notes)


def test_segments_and_whole_files(tmp_path):
    write_wav(tmp_path / "a.wav", 2.0)
    (tmp_path / "db.emotion.csv").write_text(
        "file,start,end,emotion\na.wav,0 days 00:00:00.100,0 days 00:00:00.700,happiness\n"
        "a.wav,0 days 00:00:00.104,0 days 00:00:00.900,anger\na.wav,0 days,NaT,fear\nb.wav,0 days,NaT,fear\n"
    )
    source = open_corpus("audformat", tmp_path)
    table = source.table("all").set_index("key")
    assert table.label.to_dict() == {"a.wav#0.1-0.7": "happiness", "a.wav#0.104-0.9": "anger", "b.wav": "fear"}
    assert dict(account_of(source).dropped) == {"a whole file, of which parts are items": 1}
    assert "no db.yaml" in account_of(source).notes[0]
    assert abs(len(next(iter(source.items("four"))).data) - 0.6 * 16000) <= 1


def test_what_is_no_database_is_said(tmp_path):
    (tmp_path / "db.yaml").write_text("- a list\n")
    with pytest.raises(CorpusError, match="a header with schemes and tables was expected"):
        open_corpus("audformat", tmp_path)
    (tmp_path / "db.yaml").write_text("tables: {emotion: {}}\n")
    (tmp_path / "db.emotion.pkl").write_bytes(b"")
    with pytest.raises(CorpusError, match="columns file and emotion"):
        open_corpus("audformat", tmp_path)
    with pytest.raises(CorpusError, match="folder of an audformat database"):
        open_corpus("audformat", tmp_path / "db.yaml")
    (tmp_path / "db.emotion.csv").write_text("file,start,end,emotion\na.wav,soon,later,fear\n")
    with pytest.raises(CorpusError, match="'soon' is no time"):
        open_corpus("audformat", tmp_path)


def test_emodb_reads_whole_from_its_published_tables(tmp_path, shared):
    """All 535 clips, as many as the reader of file names finds."""
    named = open_corpus("emodb", shared / "speech" / "emodb").table("all")
    files = [f"wav/{key.rsplit('/', 1)[-1]}.wav" for key in named.key]
    frame = pd.DataFrame({"file": files, "emotion": named.label})
    test = named.speaker.isin(["12", "13", "14", "15", "16"]).to_numpy()
    for name, part in (("emotion", frame), ("emotion.categories.test.gold_standard", frame[test])):
        part.to_csv(tmp_path / f"db.{name}.csv", index=False)
    frame[~test].to_csv(tmp_path / "db.emotion.categories.train.gold_standard.csv", index=False)
    source = open_corpus("audformat", tmp_path)
    assert len(source.table("all")) == 535 and dict(source.table("all").label.value_counts()) == dict(
        named.label.value_counts()
    )
    assert len(source.table("train")) + len(source.table("test")) == len(source.table("four")) == 339
