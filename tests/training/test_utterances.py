"""From a folder of raw recordings to features of every modality, and to the concepts they support."""

import shutil

import numpy as np
import pandas as pd
import pytest

from affectlens.audits.concepts.library.base import concepts, supported
from affectlens.audits.concepts.prepare import prepared
from affectlens.core.errors import UsageError
from affectlens.corpora.dialogues.base import open_dialogues
from affectlens.features.utterances import measured, transcribe
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
