"""Banks of every module, with the networks that ship: on generated crops, texts, voices and walks."""

from functools import partial

import numpy as np
import pandas as pd
import pytest

from affectlens.features import banks
from affectlens.features.banks import CLASSES, Fold, body_banks, face_banks, voice_banks, words_banks
from affectlens.features.speech import SpeechTable
from affectlens.models.base import load_model
from tests.conftest import asset_path
from tests.perception.body.walker import walker, write_bvh

EKMAN = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
TEXTS = (
    "I hate you, idiot",
    "how disgusting, yuck",
    "I am so afraid",
    "so happy, thank you",
    "the table is brown",
    "I miss her and cry",
    "wow!",
)
FER = (0, 3, 6, 4)  # CLASSES in FER2013's numbers


def check(pairs, width, fold):
    """Form, classes and people of the two banks of a module."""
    learned, tested = pairs
    for bank in (learned, tested):
        n = len(bank.labels)
        assert bank.deep.shape == (n, width) and bank.logits.shape == (n, 4) and bank.groups.shape == (n,)
        assert np.isfinite(bank.deep).all() and np.isfinite(bank.logits).all() and set(bank.labels) == {0, 1, 2, 3}
        np.testing.assert_allclose(np.exp(bank.answers.astype(float)).sum(axis=1), 1, atol=1e-3)
        assert bank.calibration == learned.calibration and 0 < bank.calibration.conformal <= 1
    assert not set(learned.groups) & set(tested.groups)
    assert fold.part is not None


def test_faces(tmp_path):
    rng = np.random.default_rng(0)
    rows = []
    for usage, each in (("Training", 2), ("PublicTest", 4), ("PrivateTest", 6)):
        for label in (*FER, 1):
            for i in range(each):
                rows.append({"emotion": label, "Usage": usage, "pixels": " ".join(map(str, rng.integers(0, 255, 48 * 48)))})
                if usage == "PrivateTest" and i == 0:  # a copy of what was learned from
                    rows[-1]["pixels"] = next(r["pixels"] for r in rows if r["emotion"] == label)
    pd.DataFrame(rows).to_csv(tmp_path / "fer2013.csv", index=False)
    fold = Fold(0, 2)
    learned, tested = face_banks(tmp_path / "fer2013.csv", fold)
    check((learned, tested), 288, fold)
    assert np.bincount(learned.labels).tolist() == [4, 4, 4, 4]
    other = face_banks(tmp_path / "fer2013.csv", Fold(1, 2))[1]
    assert len(tested.labels) + len(other.labels) == 4 * 5 and not set(tested.groups) & set(other.groups)
    # By hand: the second picture of anger of the validation split, as the model that ships reads it.
    model = load_model("face")
    crop = np.array(next(r for r in rows if r["Usage"] == "PublicTest")["pixels"].split(), np.uint8).reshape(1, 48, 48)
    deep, logits = model.deep_and_logits(crop)
    first = int(np.flatnonzero(learned.labels == 0)[0])
    np.testing.assert_allclose(learned.deep[first], deep[0], atol=1e-4)
    np.testing.assert_allclose(learned.logits[first], logits[0, [model.labels.index(c) for c in CLASSES]], atol=1e-4)
    assert face_banks(tmp_path / "fer2013.csv", Fold(None, 2))[1] is None


def test_words(tmp_path):
    asset_path("minilm")
    for split, each in (("dev", 3), ("test", 4), ("train", 1)):
        lines = [f"{TEXTS[c]} {i}\t{c}\t{split}{c}{i}" for c in range(7) for i in range(each)]
        lines.append(f"both of them\t0,3\t{split}two")
        (tmp_path / f"ekman_{split}.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "ekman_labels.txt").write_text("\n".join(EKMAN) + "\n")
    fold = Fold(1, 2)
    learned, tested = words_banks(tmp_path, fold)
    check((learned, tested), 384, fold)
    assert len(learned.labels) == 12 and len(tested.labels) == 8  # neither other classes nor two labels
    model = load_model("words")
    z = model.predict([f"{TEXTS[0]} 0"])[0]
    np.testing.assert_allclose(learned.logits[0], z[[model.labels.index(c) for c in CLASSES]], atol=1e-4)
    assert (learned.logits.argmax(axis=1) == learned.labels).mean() == 1  # the words say it


@pytest.fixture(scope="module")
def walks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bandai")
    for motion, speed in (("walk", 1.0), ("run", 2.0), ("dash", 2.5), ("walk-back", 0.7)):
        for style, head, swing in (("angry", 0, 40), ("happy", 5, 30), ("normal", 10, 20), ("sad", 30, 8), ("proud", 0, 25)):
            write_bvh(walker(seconds=2, speed=speed, head=head, swing=swing), folder / f"dataset-1_{motion}_{style}_001.bvh")
    return folder


@pytest.fixture
def quick(monkeypatch):
    for name in ("GaitRecipe", "PostureRecipe", "SpeechRecipe"):
        monkeypatch.setattr(banks, name, partial(getattr(banks, name), epochs=2))


def test_bodies(walks, quick):
    fold = Fold(0, 2)
    pairs = body_banks(walks, fold)
    assert list(pairs) == ["gait", "posture"]
    for pair in pairs.values():
        check(pair, 64, fold)
    # Whole types of motion are away, the same of both modules.
    motions = [{g.split("_")[1] for g in bank.groups} for pair in pairs.values() for bank in pair]
    assert motions[0] == motions[2] and motions[1] == motions[3] and len(motions[1]) == 2
    assert set(pairs["gait"][0].groups) == set(pairs["posture"][0].groups)
    ships = body_banks(walks, Fold(None, 2))
    assert all(rest is None and len({g.split("_")[1] for g in bank.groups}) == 4 for bank, rest in ships.values())


def test_voices(quick):
    rng = np.random.default_rng(0)
    labels = ("anger", "happiness", "sadness", "neutral")
    rows = pd.DataFrame({
        "corpus": np.repeat(["emodb", "urdu"], 48), "key": [f"k{i}" for i in range(96)], "gender": "", "language": "xx",
        "speaker": np.tile(np.repeat(list("abcdef"), 8), 2), "label": [labels[i % 4] for i in range(96)], "seconds": 1.0,
    })  # fmt: skip
    x = rng.normal(size=(96, 88)) + 2 * np.repeat(np.eye(4)[np.arange(96) % 4], 22, axis=1)
    table = SpeechTable(x, rows, {})
    fold = Fold(0, 3)
    learned, tested = voice_banks(table, fold)
    check((learned, tested), 24, fold)
    # The classes are put in the order of all modules.
    names = np.array([CLASSES[v] for v in tested.labels])
    rows_of = {f"{c}/{s}": set() for c, s in zip(rows.corpus, rows.speaker, strict=True)}
    assert set(tested.groups) <= set(rows_of) and {"neutral", "sadness"} <= set(names)
    assert (learned.logits.argmax(axis=1) == learned.labels).mean() > 0.5
    assert voice_banks(table, Fold(None, 3))[1] is None
