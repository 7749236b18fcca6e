"""From a folder of raw recordings to features of every modality, and to the concepts they support."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.library.base import concepts, supported
from affectlens.audits.concepts.prepare import prepared
from affectlens.core.disk.places import located
from affectlens.core.errors import UsageError
from affectlens.corpora.dialogues.base import open_dialogues
from affectlens.features import utterances
from affectlens.features.utterances import measured, transcribe
from affectlens.perception.words import transcript
from tests.conftest import asset_path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    for name in ("whisper-base", "minilm", "yunet", "face-landmarker"):
        asset_path(name)
    out = tmp_path_factory.mktemp("dialogues")
    shutil.copy(asset_path("sample-clip"), out / "talk.mp4")
    (out / "broken.mp4").write_bytes(b"no video")
    return out


def test_from_recordings_to_features(folder, tmp_path):
    path, failed = transcribe(folder)
    table = pd.read_csv(path)
    assert "negotiations" in table.text[0] and table.speaker[0] == "person 0" and "broken.mp4" in failed
    table.to_csv(path, index=False)
    assert len(pd.read_csv(transcribe(folder)[0])) == len(table)  # what is there stays
    corpus = open_dialogues("dialogue-folder", folder)
    data = corpus.dialogues("all")
    found = measured(data, ("text", "audio", "video"), cache=tmp_path)
    assert {m: x.shape[1] for m, x in found.features.items()} == {"text": 384, "audio": 88, "video": 110}
    assert all(np.abs(x).sum() > 0 for x in found.features.values()) and not found.rows.missing_video.any()
    again = measured(data, ("text",), cache=tmp_path)
    np.testing.assert_array_equal(again.features["text"], found.features["text"])
    rows = prepared(corpus, data, list(concepts().values()))
    held, why = supported(rows)
    assert {"smile", "high pitch", "negation", "overlap"} <= set(held) and "norm_valence" in why["pleasant words"]


def test_errors(folder, shared, tmp_path):
    meld = open_dialogues("meld", shared / "utterance" / "meld").dialogues("test")
    with pytest.raises(UsageError, match="no recordings here"):
        measured(meld, ("audio",))
    with pytest.raises(UsageError, match="text"):
        measured(meld, ("txt",))
    with pytest.raises(UsageError, match="no recording here"):
        transcribe(tmp_path)


@pytest.fixture
def heard(monkeypatch):
    """Recordings in the order in which they are transcribed, without listening to any."""
    names = []

    def recognised(path, *_):
        names.append(path.name)
        return [{"start": 0.0, "end": 1.0, "speaker": "", "text": f"{path.read_text()} 1"}]

    monkeypatch.setattr(utterances, "_recognised", recognised)
    monkeypatch.setattr(utterances, "fetch", lambda *_: None)
    monkeypatch.setattr(transcript, "WordRecogniser", lambda *_: None)
    for name in ("whisper-base", "yunet", "face-landmarker"):
        asset_path(name)
    return names


def transcribed(folder):
    path, problems = transcribe(folder)
    return pd.read_csv(path, keep_default_na=False).set_index("file"), problems


def test_recordings_are_known_by_path_and_content(heard, tmp_path):
    (tmp_path / "day").mkdir()
    for name in ("a.wav", "day/a.wav", "b.wav"):
        (tmp_path / name).write_text(name)
    table, problems = transcribed(tmp_path)
    assert heard == ["a.wav", "b.wav", "a.wav"] and problems == {}
    assert table.text.to_dict() == {name: f"{name} 1" for name in ("a.wav", "b.wav", "day/a.wav")}
    heard.clear()
    assert transcribed(tmp_path)[0].equals(table) and heard == []
    (tmp_path / "day" / "a.wav").write_text("new")
    (tmp_path / "b.wav").rename(tmp_path / "c.wav")
    table, problems = transcribed(tmp_path)
    assert heard == ["a.wav"] and problems == {}
    assert table.text.to_dict() == {"a.wav": "a.wav 1", "c.wav": "b.wav 1", "day/a.wav": "new 1"}


def test_names_that_are_no_text_are_found_again(heard, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    path.write_text("a")
    transcribed(tmp_path)
    heard.clear()
    transcribed(tmp_path)
    assert heard == [] and located(open_dialogues("dialogue-folder", tmp_path).table("all").path[0]) == path


def test_rows_with_labels_and_rows_by_hand_are_never_replaced(heard, tmp_path):
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_text(name)
    (tmp_path / "utterances.csv").write_text("file;start;end;text\na.wav;0;1;by hand\n")
    table, _ = transcribed(tmp_path)
    assert heard == ["b.wav"] and table.text["a.wav"] == "by hand"
    table.loc["b.wav", "label"] = "joy"
    table.reset_index().to_csv(tmp_path / "utterances.csv", index=False)
    (tmp_path / "a.wav").write_text("new")
    (tmp_path / "b.wav").write_text("new")
    table, problems = transcribed(tmp_path)
    assert heard == ["b.wav"] and table.text.tolist() == ["by hand", "b.wav 1"]
    assert list(problems) == ["b.wav"] and "Remove these rows" in problems["b.wav"]


def test_a_table_without_files_is_refused(heard, tmp_path):
    (tmp_path / "a.wav").write_text("a")
    (tmp_path / "utterances.csv").write_text("name,text\na.wav,hello\n")
    with pytest.raises(UsageError, match="a column file was expected"):
        transcribe(tmp_path)
