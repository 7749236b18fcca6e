"""What is too little to train on is told before any network is, with what there is and what is needed."""

import numpy as np
import pandas as pd
import pytest

from affectlens import train
from affectlens.core.errors import CorpusError
from affectlens.features.speech import SpeechTable
from affectlens.learning.folds import check_classes, grouped_folds
from affectlens.training import background
from affectlens.training.fusion import joint as fusion_joint
from affectlens.training.speech import train as speech
from tests.conftest import asset_path
from tests.corpora.trees import speech_trees
from tests.corpora.visual_trees import picture
from tests.perception.body.walker import walker, write_bvh

FOUR = ("Anger", "Happy", "Neutral", "Sad")


def fer(path, training, validation, test=2):
    rng = np.random.default_rng(0)
    usages = ["Training"] * training + ["PublicTest"] * validation + ["PrivateTest"] * test
    pixels = [" ".join(map(str, rng.integers(0, 255, 48 * 48))) for _ in usages]
    pd.DataFrame({"emotion": np.arange(len(usages)) % 7, "Usage": usages, "pixels": pixels}).to_csv(path, index=False)
    return path


def scenes(root, each, splits=("train", "test")):
    for split in splits:
        for name in FOUR:
            for i in range(each):
                picture(root / split / name / f"{i:04}.png", 100 + i)
    return root


def test_face(tmp_path):
    with pytest.raises(CorpusError, match="fer2013, val: 1 items that can be read; at least 2"):
        train.face({"fer2013": fer(tmp_path / "one.csv", 8, 1)}, tmp_path / "out")
    run = train.face({"fer2013": fer(tmp_path / "few.csv", 3, 2)}, tmp_path / "few", epochs=1)  # fewer rows than a batch
    assert run.scores.n.tolist()[0] == 2


def test_words(tmp_path):
    for split, lines in (("train", 2), ("dev", 1), ("test", 1)):
        (tmp_path / f"ekman_{split}.tsv").write_text("".join(f"so glad\t3\tk{i}\n" for i in range(lines)))
    (tmp_path / "ekman_labels.txt").write_text("anger\ndisgust\nfear\njoy\nneutral\nsadness\nsurprise\n")
    with pytest.raises(CorpusError, match="goemotions, dev: 1 texts that can be read; at least 2"):
        train.words({"goemotions": tmp_path}, tmp_path / "out")


def voices(people, each=4):
    n = 2 * people * each
    labels = ("anger", "happiness", "sadness", "neutral")
    rows = pd.DataFrame({
        "corpus": np.repeat(["emodb", "urdu"], n // 2), "key": [f"k{i}" for i in range(n)], "gender": "", "language": "xx",
        "speaker": np.tile(np.repeat([str(p) for p in range(people)], each), 2),
        "label": [labels[i % 4] for i in range(n)], "seconds": 1.0,
    })  # fmt: skip
    return SpeechTable(np.random.default_rng(0).normal(size=(n, 88)), rows, {})


@pytest.mark.parametrize(
    ("people", "each", "match"),
    [(3, 4, "emodb: 3 anger, 3 happiness, 3 sadness, 3 neutral of 3 people"), (6, 1, "2 anger.* and 5 items of a class")],
)
def test_speech(people, each, match, tmp_path, monkeypatch):
    trees = speech_trees(tmp_path / "trees")
    monkeypatch.setattr(speech, "speech_table", lambda *_, **__: voices(people, each))
    with pytest.raises(CorpusError, match=match):
        train.speech({name: trees[name] for name in ("emodb", "urdu")}, tmp_path / "out")


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    """One type of motion in every style, and another in one of them."""
    folder = tmp_path_factory.mktemp("bandai")
    for i, style in enumerate(("angry", "happy", "normal", "sad")):
        write_bvh(walker(seconds=2, lean=5 * i), folder / f"dataset-1_walk_{style}_001.bvh")
    write_bvh(walker(seconds=2, speed=2), folder / "dataset-1_run_angry_001.bvh")
    return folder


@pytest.mark.parametrize("name", ["gait", "posture"])
def test_motion(name, walks, tmp_path):
    with pytest.raises(CorpusError, match="anger in 2, happiness in 1.*every class is needed in two"):
        getattr(train, name)({"bandai": walks}, tmp_path / "out", epochs=1, seeds=1)


def test_fusion_of_motion(walks, tmp_path):
    with pytest.raises(CorpusError, match="2 types of motion; 6 are needed for 3 folds"):
        train.fusion({"bandai": walks}, tmp_path / "out")


def test_fusion_of_pictures(tmp_path, monkeypatch):
    class Modules:
        def __call__(self, item):
            return dict.fromkeys(fusion_joint.MODULES, np.arange(6.0))

    monkeypatch.setattr(fusion_joint, "PictureModules", Modules)
    monkeypatch.setattr(fusion_joint, "networks", lambda: ["none"])
    tree = scenes(tmp_path / "caer", 5)
    with pytest.raises(CorpusError, match="5 anger, 5 happiness, 5 neutral, 5 sadness; at least 6 of every class"):
        train.fusion({"caer-s": tree}, tmp_path / "out")


def test_fusion_of_faces_and_texts(tmp_path):
    asset_path("minilm")
    faces = fer(tmp_path / "fer.csv", 7, 14, 14)
    for split in ("train", "dev", "test"):
        (tmp_path / f"ekman_{split}.tsv").write_text(
            "".join(f"so {c} {i}\t{c}\tk{c}{i}\n" for c in (0, 3, 5) for i in range(9))
        )
    (tmp_path / "ekman_labels.txt").write_text("anger\ndisgust\nfear\njoy\nneutral\nsadness\nsurprise\n")
    with pytest.raises(CorpusError, match="goemotions, dev, texts with one label: .* 0 neutral.*at least 1 of every class"):
        train.fusion({"fer2013": faces, "goemotions": tmp_path}, tmp_path / "out", folds=2)


def test_background(tmp_path, monkeypatch):
    class Detector:
        def __call__(self, image):
            return []

        def features(self, image, boxes):
            return np.full(320, image.mean(), np.float32)

    (tmp_path / "detector").write_bytes(b"weights")
    monkeypatch.setattr(background, "object_detector", lambda _: Detector())
    monkeypatch.setattr(background, "locate", lambda _: tmp_path / "detector")
    with pytest.raises(CorpusError, match="3 anger.*; 4 folds without shared people need 4 of them and 4 items of a class"):
        train.background({"caer-s": scenes(tmp_path / "caer", 3)}, tmp_path / "out")


def dialogues(path, videos, classes=2):
    arrays = {}
    for split in ("train", "test"):
        y = np.arange(videos * 3) % classes
        arrays |= {f"y_{split}": y, f"utt_{split}": np.array([f"{split}{i // 3}_{i % 3}" for i in range(len(y))])}
        arrays |= {f"transcript_{split}": np.array(["SO"] * len(y)), f"text_{split}": np.ones((len(y), 4), np.float32)}
    np.savez(path, **arrays)
    return path


def test_bclstm(tmp_path):
    four, two, plain = (dialogues(tmp_path / f"{n}.npz", *n) for n in ((4,), (2,), (6, 1)))
    with pytest.raises(CorpusError, match="4 training dialogues; 5 folds"):
        train.bclstm({"mosi-features": four}, tmp_path / "out")
    with pytest.raises(CorpusError, match="2 dialogues to learn from, 1 of them held out"):
        train.bclstm({"mosi-features": two}, tmp_path / "out", target=False)
    with pytest.raises(CorpusError, match="18 training utterances with a label, all of one class"):
        train.bclstm({"mosi-features": plain}, tmp_path / "out")


def test_folds_keep_people_whole():
    labels, groups = np.arange(24) % 3, np.arange(24) // 3
    folds = grouped_folds(labels, groups, 4, 0, ("a", "b", "c"), "x")
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(24))
    assert all(not set(groups[learn]) & set(groups[test]) for learn, test in folds)
    check_classes(labels, ("a", "b", "c"), "x", need=8)
    with pytest.raises(CorpusError, match="x: 8 a, 8 b, 8 c; at least 9"):
        check_classes(labels, ("a", "b", "c"), "x", need=9)
