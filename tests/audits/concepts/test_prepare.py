"""Columns that concepts ask for are brought to a corpus where it can give them, and to no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts import prepare as module
from affectlens.audits.concepts.library.base import concepts, find
from affectlens.audits.concepts.prepare import prepared
from affectlens.core.errors import UsageError
from affectlens.corpora.dialogues.base import DialogueSet
from affectlens.corpora.dialogues.iemocap import IemocapDialogues
from affectlens.features.utterances import VIDEO_NAMES
from affectlens.perception.voice.egemaps import NAMES
from tests.conftest import asset_path


def utterances(tmp_path, suffix="", texts=("so it is", "no", "well", "yes")):
    n = len(texts)
    rows = pd.DataFrame(
        {"key": [f"u{i}" for i in range(n)], "dialogue": "d", "turn": range(n), "text": texts, "speaker": list("abab")[:n]}
    )
    if suffix:
        paths = [tmp_path / f"u{i}{suffix}" for i in range(n)]
        paths[0].write_bytes(b"")
        rows["path"] = [str(p) for p in paths]
    return DialogueSet("made", ("no", "yes"), rows.assign(label="", start=np.nan, end=np.nan))


@pytest.fixture
def measuring(monkeypatch):
    """Features are taken as measured; what is measured is kept."""
    asked = []

    def measured(data, modalities, progress):
        asked.append(modalities)
        sizes = {"audio": len(NAMES), "video": len(VIDEO_NAMES)}
        return replace(data, features={m: np.ones((len(data.rows), sizes[m])) for m in modalities})

    monkeypatch.setattr(module, "measured", measured)
    return asked


def test_what_nothing_asks_for_is_not_measured(tmp_path, measuring):
    rows = prepared(None, utterances(tmp_path, ".mp4"), find(["negation"]))
    assert measuring == [] and not [c for c in rows if c.startswith(("voice_", "face_", "norm_", "read_"))]


def test_voices_are_measured_where_there_are_recordings(tmp_path, measuring):
    rows = prepared(None, utterances(tmp_path, ".wav"), find(["loud"]))
    assert measuring == [("audio",)] and f"voice_{NAMES[0]}" in rows
    assert "arousal_cue" in rows  # loudness
    plain = prepared(None, utterances(tmp_path), find(["loud"]))
    assert list(plain) == list(utterances(tmp_path).rows) and len(measuring) == 1


def test_faces_come_from_videos_units_or_markers(tmp_path, measuring):
    smile = find(["smile"])
    assert "face_smile" in prepared(None, utterances(tmp_path, ".MP4"), smile) and measuring == [("video",)]
    assert "face_smile" not in prepared(None, utterances(tmp_path, ".wav"), smile)
    (tmp_path / "units.csv").write_text("key,AU12_r\nu1,3.5\n")
    units = prepared(None, utterances(tmp_path, ".mp4"), smile, units=tmp_path / "units.csv")
    assert units.face_smile[1] == 3.5 and np.isnan(units.face_smile[0]) and len(measuring) == 1
    with pytest.raises(UsageError, match="not a readable csv of action units"):
        prepared(None, utterances(tmp_path), smile, units=tmp_path / "absent.csv")

    class Marked(IemocapDialogues):
        def __init__(self):
            pass

        def face(self, key):
            return pd.DataFrame({"RC2_z": [float(key[1:])]})

        def head(self, key):
            return pd.DataFrame({"pitch": [9.0], "yaw": [0.0]})

    marked = prepared(Marked(), utterances(tmp_path, ".mp4"), smile)
    assert marked.face_smile.tolist() == [0, 1, 2, 3] and (marked.face_head_down == 9).all() and len(measuring) == 1


def test_partners_words_are_read_where_there_are_words(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_read_negative", lambda rows: np.arange(len(rows)) / 10)
    wanted = [concepts()["partner expressed negative"]]
    assert "read_negative" in prepared(None, utterances(tmp_path, texts=("no", "", " ", "yes")), wanted)
    assert "read_negative" not in prepared(None, utterances(tmp_path, texts=("", "", " ", "")), wanted)
    assert "read_negative" not in prepared(None, utterances(tmp_path), find(["negation"]))


def test_negative_words_are_four_classes_of_the_shipped_model(tmp_path):
    asset_path("minilm")
    rows = utterances(tmp_path, texts=("I hate you, you disgust me", "What a wonderful day, I love it", "", "I am so sad")).rows
    p = module._read_negative(rows)
    assert p[0] > 0.7 and p[1] < 0.2 and np.isnan(p[2]) and p[3] > 0.7
