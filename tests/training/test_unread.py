"""Items that could not be read are named by every recipe, also where a run goes on from what an earlier one kept."""

import numpy as np
import pandas as pd
import pytest

from affectlens import train
from affectlens.corpora.dialogues.base import dialogue_set, joined
from affectlens.features.banks import Fold
from affectlens.features.utterances import measured
from affectlens.training import background
from affectlens.training.fusion.joint import joint_banks
from affectlens.training.fusion.train import banks_for
from tests.corpora.trees import write_wav
from tests.training.test_small_corpora import FOUR, fer, scenes


def spoil(path, *rows):
    """Break the pixels of some rows of a table of crops."""
    table = pd.read_csv(path)
    table.loc[list(rows), "pixels"] = "1 2 3"
    table.to_csv(path, index=False)
    return path


def test_face(tmp_path):
    faces = spoil(fer(tmp_path / "fer.csv", 6, 4, 4), 1, 12)  # one to learn from, one to test on
    run = train.face({"fer2013": faces}, tmp_path / "out", epochs=1)
    assert [key.split("/")[0] for key in run.missed] == ["train", "test"]
    assert all("cannot be read" in reason for reason in run.missed.values())
    assert pd.read_csv(tmp_path / "out" / "unread.csv").key.tolist() == list(run.missed)


class Detector:
    """Sees nobody, and no background in the brightest pictures."""

    def __call__(self, image):
        return []

    def features(self, image, boxes):
        return np.full(320, np.nan if image.mean() > 200 else image.mean(), np.float32)


def test_background(tmp_path, monkeypatch):
    from tests.corpora.visual_trees import picture

    (tmp_path / "detector").write_bytes(b"weights")
    monkeypatch.setattr(background, "object_detector", lambda _: Detector())
    monkeypatch.setattr(background, "locate", lambda _: tmp_path / "detector")
    tree = scenes(tmp_path / "caer", 8)
    (tree / "train" / "Sad" / "0003.png").write_bytes(b"no picture")
    picture(tree / "train" / "Happy" / "0005.png", 255)
    first = train.background({"caer-s": tree}, tmp_path / "out", epochs=1, batch=8)
    assert set(first.missed) == {"train/Sad/0003.png", "train/Happy/0005.png"}
    assert "nothing of the background" in first.missed["train/Happy/0005.png"]
    assert train.background({"caer-s": tree}, tmp_path / "out", epochs=1, batch=8).missed == first.missed


def test_fusion_of_pictures(tmp_path):
    tree = scenes(tmp_path / "caer", 12)
    (tree / "train" / FOUR[0] / "0003.png").write_bytes(b"no picture")
    rng = np.random.default_rng(0)

    def modules(item):
        return {name: rng.normal(size=6) for name in ("face", "posture", "background")}

    for _ in range(2):
        missed = {}
        joint_banks("caer-s", tree, Fold(0, 3), modules=modules, cache=tmp_path / "kept", missed=missed)
        assert list(missed) == ["caer-s/train/Anger/0003.png"]


@pytest.mark.parametrize("kept", [False, True])
def test_fusion_of_faces(tmp_path, kept, monkeypatch):
    monkeypatch.setattr("affectlens.training.fusion.train._checked", lambda banks: banks)
    monkeypatch.setattr("affectlens.training.fusion.train.SINGLE", ())
    faces = spoil(fer(tmp_path / "fer.csv", 8, 28, 28), 0, 9, 40)
    banks = {"fer2013": faces, "bandai": tmp_path}
    monkeypatch.setattr("affectlens.training.fusion.train.open_corpus", opened_as(faces))
    monkeypatch.setattr("affectlens.training.fusion.train.body_banks", lambda *_: {})
    monkeypatch.setattr("affectlens.training.fusion.train.sha256_of", lambda path: str(path))
    for _ in range(2):
        missed = {}
        banks_for(banks, cache=tmp_path / "kept" if kept else None, missed=missed)(Fold(0, 2))
        assert [key.split("/")[1] for key in missed] == ["train", "val", "test"]


def opened_as(faces):
    """Opens the corpus of faces, and says of the other that it holds motion."""
    from types import SimpleNamespace

    from affectlens.corpora.base import open_corpus

    def opened(name, path):
        return open_corpus(name, path) if path == faces else SimpleNamespace(info=SimpleNamespace(modality="gait"))

    return opened


def test_recordings_of_dialogues(tmp_path):
    write_wav(tmp_path / "good.wav", 1.0)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    parts = []
    for name in ("good", "broken"):
        rows = pd.DataFrame(
            {
                "key": [f"{name}0", f"{name}1"],
                "dialogue": name,
                "turn": [0, 1],
                "start": [0.0, 0.5],
                "end": [0.5, 1.0],
                "path": str(tmp_path / f"{name}.wav"),
            }
        )
        parts.append(dialogue_set(name, ("anger",), rows, {}))
    data = joined(*parts)
    for _ in range(2):
        result = measured(data, ("audio",), cache=tmp_path / "kept")
        assert list(result.unread) == [str(tmp_path / "broken.wav")]
        assert result.rows.missing_audio.tolist() == [True, True, False, False]
    both = joined(
        measured(parts[0], ("audio",), cache=tmp_path / "kept"), measured(parts[1], ("audio",), cache=tmp_path / "kept")
    )
    assert both.unread == result.unread
