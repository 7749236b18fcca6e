"""Every recipe through its function, on corpora made here, and what holds for all: seeds, state, errors, caches."""

import inspect
import random
from dataclasses import fields
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageOps

from affectlens import train
from affectlens.core.errors import AffectlensError, CorpusError, UsageError
from affectlens.core.settings import Settings
from affectlens.corpora.base import Item
from affectlens.features.speech import SpeechTable
from affectlens.features.turns import TurnTable
from affectlens.learning.recipes.background import BackgroundRecipe
from affectlens.learning.recipes.bclstm import BcLstmRecipe
from affectlens.learning.recipes.face import FaceRecipe
from affectlens.learning.recipes.fusion import FusionRecipe
from affectlens.learning.recipes.gait import GaitRecipe
from affectlens.learning.recipes.posture import PostureRecipe
from affectlens.learning.recipes.speakers import SpeakersRecipe
from affectlens.learning.recipes.speech import SpeechRecipe
from affectlens.learning.recipes.voice import VoiceRecipe
from affectlens.learning.recipes.words import WordsRecipe
from affectlens.models.speakers.shipped import load_space
from affectlens.models.weights import read_weights, weights_path
from affectlens.training import background, motion, speakers, words  # noqa: F401
from affectlens.training.bclstm import train as bclstm  # noqa: F401
from affectlens.training.face import train as face  # noqa: F401
from affectlens.training.fusion import joint as fusion_joint
from affectlens.training.speech import train as speech
from affectlens.training.voice import train as voice  # noqa: F401
from tests.conftest import asset_path
from tests.corpora.trees import speech_trees
from tests.corpora.visual_trees import picture
from tests.perception.body.walker import walker, write_bvh

RECIPES = {
    "background": BackgroundRecipe, "bclstm": BcLstmRecipe, "face": FaceRecipe, "fusion": FusionRecipe, "gait": GaitRecipe,
    "posture": PostureRecipe, "speakers": SpeakersRecipe, "speech": SpeechRecipe, "voice": VoiceRecipe, "words": WordsRecipe,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _global_random_state_is_left_alone():
    def state():
        return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002

    before = state()
    yield
    for name, was, now in zip(("torch", "numpy", "random"), before, state(), strict=True):
        assert now == was, f"the global state of {name} has changed"


def _check(run, out, name):
    tensors, meta, _ = read_weights(run.weights)
    card = run.card.read_text()
    assert run.weights == out / f"{name}.safetensors" and tensors and run.card == out / f"{name}.md"
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values() if tensor.is_floating_point())
    assert "# Model card" in card and "## Recipe" in card and meta["licence"] and "not feeling" in card
    assert "nan" not in card.lower().replace("nance", "") and len(run.to_frame())
    return tensors


def _same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.values(), other.values(), strict=True))


def test_every_function_has_a_recipe_whose_fields_have_help():
    assert set(dir(train)) == set(RECIPES)
    for name, recipe in RECIPES.items():
        assert issubclass(recipe, Settings) and all(field.metadata["help"] for field in fields(recipe)), name
        assert list(inspect.signature(getattr(train, name)).parameters) == [
            "corpora",
            "out",
            "threads",
            "progress",
            "settings",
            *(field.name for field in fields(recipe)),
        ]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_wrong_values_fail_before_anything_is_read(name, tmp_path):
    function, nowhere = getattr(train, name), {"emodb": tmp_path / "absent"}
    # What is fitted has no rate of learning, and where it is fitted at once no epochs.
    number = {"voice": "penalty", "speakers": "worth"}.get(name, "rate")
    count = "conversations" if name == "speakers" else "epochs"
    for changed, match in (
        ({count: 0}, f"--{count} 0: a number of at least"),
        ({count: 10.5}, "whole number"),
        ({"seed": -1}, "--seed"),
        ({number: float("nan")}, f"--{number}"),
        ({count[:-1]: 3}, f"did you mean {count}"),
    ):
        with pytest.raises(UsageError, match=match):
            function(nowhere, tmp_path / "out", **changed)
    with pytest.raises(UsageError, match="NAME=PATH"):
        function("emodb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_unknown_kind_fails_at_once(tmp_path):
    with pytest.raises(UsageError, match="did you mean denoising"):
        train.speech({"emodb": tmp_path / "absent"}, tmp_path / "out", kind="denoisin")


@pytest.fixture(scope="module")
def fer(tmp_path_factory):
    rng = np.random.default_rng(0)
    rows = []
    for usage, each in (("Training", 4), ("PublicTest", 2), ("PrivateTest", 2)):
        for label in range(7):
            for _ in range(each):
                x = rng.integers(0, 60, (48, 48))
                x[6 * label : 6 * label + 6] += 150
                rows.append({"emotion": label, "Usage": usage, "pixels": " ".join(map(str, x.ravel()))})
    path = tmp_path_factory.mktemp("fer") / "fer2013.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_face(fer, tmp_path):
    told = []
    run = train.face({"fer2013": fer}, tmp_path / "one", epochs=1, batch=14, progress=lambda *of: told.append(of))
    _check(run, tmp_path / "one", "face")
    assert told == [("face network", 1, 1)] and {"accuracy", "mean_recall"} <= set(run.scores.score)
    again = train.face(f"fer2013={fer}", tmp_path / "two", epochs=1, batch=14, start=run.weights)
    assert "an earlier run" in again.card.read_text() and "start" not in read_weights(again.weights)[1]["recipe"]


def test_a_foreign_start_is_told(fer, tmp_path):
    torch.save({"state_dict": {}}, tmp_path / "other.pt")
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for path in (weights_path("gait"), tmp_path / "other.pt", tmp_path / "empty.safetensors", tmp_path / "absent"):
        with pytest.raises(UsageError, match="--start .*(face.safetensors|no such file)"):
            train.face({"fer2013": fer}, tmp_path / "out", start=path)


def test_words(tmp_path):
    asset_path("minilm")
    names = ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise")
    for split in ("train", "dev", "test"):
        lines = [f"what {names[i % 7]} is this {i}\t{i % 7}\tk{split}{i}" for i in range(14)]
        (tmp_path / f"ekman_{split}.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "ekman_labels.txt").write_text("\n".join(names) + "\n")
    run = train.words({"goemotions": tmp_path}, tmp_path / "run", epochs=1)
    _check(run, tmp_path / "run", "words")


def _voices(rng, corpora=("emodb", "urdu")):
    rows, x = [], []
    for c, corpus in enumerate(corpora):
        for person in range(5):
            for i in range(8):
                x.append(rng.normal(size=88) + 1.5 * np.repeat(np.eye(4)[i % 4], 22) + c)
                rows.append({"corpus": corpus, "key": f"{person}-{i}", "speaker": str(person), "gender": "", "language": "xx",
                             "label": ("anger", "happiness", "sadness", "neutral")[i % 4], "seconds": 1.0})  # fmt: skip
    return SpeechTable(np.array(x), pd.DataFrame(rows), {})


def test_speech(tmp_path, monkeypatch, rng):
    from affectlens.learning.trainers.speech import logistic, train_net

    trees, seen = speech_trees(tmp_path / "trees"), []

    def spy(x, y, config, recipe, unlabelled=None):
        seen.append(recipe)
        return train_net(x, y, config, recipe, unlabelled)

    monkeypatch.setattr("affectlens.learning.trainers.speech.train_net", spy)
    monkeypatch.setattr("affectlens.learning.trainers.speech._boosting", lambda seed: logistic())
    monkeypatch.setattr(speech, "scores", partial(speech.scores, draws=20))
    table = _voices(rng)
    monkeypatch.setattr(speech, "speech_table", lambda *_, **__: table)
    corpora = {name: trees[name] for name in ("emodb", "urdu")}
    run = train.speech(corpora, tmp_path / "run", epochs=2, seeds=1, kind="denoising")
    tensors = _check(run, tmp_path / "run", "speech")
    # The scores on the card are those of the recipe that ships.
    assert {row.epochs for row in seen} == {2} and read_weights(run.weights)[1]["config"]["kind"] == "denoising"
    assert list(run.tables["calibration"].corpus) == ["emodb", "urdu"]
    seen.clear()
    again = train.speech(corpora, tmp_path / "run", epochs=2, seeds=1, kind="denoising")
    assert len(seen) == 1 and _same(tensors, read_weights(again.weights)[0])  # the network that ships alone
    pd.testing.assert_frame_equal(again.scores, run.scores)
    with pytest.raises(UsageError, match="at least two corpora"):
        train.speech({"emodb": trees["emodb"]}, tmp_path / "alone")


def test_voice(tmp_path, monkeypatch, rng):
    trees = speech_trees(tmp_path / "trees")
    clips = _voices(rng, ("emodb", "urdu", "ravdess"))
    states = (rng.normal(size=(len(clips.rows), 16)) + 2 * np.eye(4).repeat(4, axis=1)[clips.labels]).astype(np.float32)
    table = TurnTable(clips, states, (states + 0.1)[None])
    monkeypatch.setattr(voice, "turn_table", lambda *_, **__: table)
    monkeypatch.setattr("affectlens.evaluation.unheard.SpeechRecipe", partial(SpeechRecipe, epochs=1))
    corpora = {name: trees[name] for name in ("emodb", "urdu", "ravdess")}
    run = train.voice(corpora, tmp_path / "run", epochs=15)
    tensors = _check(run, tmp_path / "run", "voice")
    mean = run.scores[(run.scores.target == "mean") & (run.scores.model == "joined")].set_index("use")
    assert mean.UAR["one clip"] > 0.7 and mean.coverage.between(0.5, 1).all() and mean.ECE.between(0, 0.5).all()
    card = run.card.read_text()
    assert card.index("## New data") < card.index("## What each part") and "3 corpora are fewer than five" in card
    monkeypatch.setattr("affectlens.evaluation.unheard._left_out", None)  # what was measured is not measured again
    again = train.voice(corpora, tmp_path / "run", epochs=15)
    assert _same(tensors, read_weights(again.weights)[0])
    pd.testing.assert_frame_equal(again.scores, run.scores)
    with pytest.raises(UsageError, match="at least two corpora"):
        train.voice({"emodb": trees["emodb"]}, tmp_path / "alone")


def test_speakers(tmp_path, monkeypatch, rng):
    trees = speech_trees(tmp_path / "trees")
    means = rng.normal(size=(30, 256)) * np.repeat([1.0, 0.0], [8, 248])

    def windows(encoder, samples):
        person = round(float(samples[0]) * 1e8) - 1
        return np.zeros(1), (means[person] + rng.normal(size=256) * 0.1)[None]

    def clips(name, split):
        for person in range(6):
            for take in range(6):
                sound = np.full(32000, (person + 1) * 1e-8, np.float32)
                yield Item(f"{person}-{take}", sound, ("anger",), str(person))

    monkeypatch.setattr(speakers, "voice_windows", windows)
    monkeypatch.setattr(speakers, "load_encoder", lambda path: None)
    monkeypatch.setattr(speakers, "items_of", clips)
    asset_path("voice-encoder")
    corpora = {name: trees[name] for name in ("emodb", "urdu", "ravdess")}
    run = train.speakers(corpora, tmp_path / "run", conversations=30, directions=4)
    space = load_space(run.weights)
    assert space.projection.shape == (256, 4) and run.scores.value.between(0, 1).all() and len(run.scores) == 3
    card = run.card.read_text()
    assert card.index("## New data") < card.index("## Limits") and "it names nobody" in card
    with pytest.raises(CorpusError, match="at least two corpora"):
        train.speakers({"emodb": trees["emodb"]}, tmp_path / "alone")


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bandai")
    for motion_name, speed in (("walk", 1.0), ("run", 2.0)):
        for style, head, swing in (("angry", 0, 40), ("happy", 5, 30), ("normal", 10, 20), ("sad", 30, 8)):
            motion = walker(seconds=2, speed=speed, head=head, swing=swing)
            write_bvh(motion, folder / f"dataset-1_{motion_name}_{style}_001.bvh")
    return folder


@pytest.mark.parametrize("name", ["gait", "posture"])
def test_motion(name, motions, tmp_path, monkeypatch):
    function = getattr(train, name)
    run = function({"bandai": motions}, tmp_path, epochs=1, seeds=1)
    tensors = _check(run, tmp_path, name)
    assert run.scores.mean_recall.between(0, 1).all() and "network" in set(run.scores.kind)
    assert (tmp_path / "predictions.parquet").exists()
    for measured in ("gait_predictions", "posture_predictions"):
        monkeypatch.setattr(motion, measured, lambda *_: pytest.fail("what is there is used again"))
    again = function({"bandai": motions}, tmp_path, epochs=1, seeds=1)
    assert _same(tensors, read_weights(again.weights)[0])


@pytest.fixture
def scenes(tmp_path):
    for name in ("Anger", "Happy", "Neutral", "Sad"):
        for i in range(8):
            picture(tmp_path / "caer/train" / name / f"{i:04}.png", 100 + i)
            picture(tmp_path / "caer/test" / name / f"{i:04}.png", 100 + i)
    return tmp_path / "caer"


def test_fusion(scenes, tmp_path, monkeypatch):
    class Modules:
        """Stands for networks over pictures, which have nothing to see in a grey one."""

        def __init__(self):
            self.rng = np.random.default_rng(0)

        def __call__(self, item):
            at = ("anger", "happiness", "neutral", "sadness").index(item.labels[0])
            return {modality: self.rng.normal(0, 1, 6) + 2 * np.eye(6)[at] for modality in fusion_joint.MODULES}

    monkeypatch.setattr(fusion_joint, "PictureModules", Modules)
    monkeypatch.setattr(fusion_joint, "networks", lambda: ["none"])
    small = {"epochs": 1, "cases": 64, "draws": 2, "folds": 2}
    run = train.fusion({"caer-s": scenes}, tmp_path / "run", **small)
    tensors = _check(run, tmp_path / "run", "fusion")
    assert set(run.scores.pairing) == {"same people"} and len(run.scores) == 4 * 7 and len(run.tables["against"])
    monkeypatch.setattr(fusion_joint, "PictureModules", lambda: None)  # the pictures were looked at once
    assert _same(tensors, read_weights(train.fusion({"caer-s": scenes}, tmp_path / "run", **small).weights)[0])
    picture(scenes / "train/Anger/0000.png", 7)  # other content, same name
    with pytest.raises(TypeError, match="NoneType"):
        train.fusion({"caer-s": scenes}, tmp_path / "run", **small)


def test_background(scenes, tmp_path, monkeypatch):
    class Detector:
        def __call__(self, image):
            return []

        def features(self, image, boxes):
            return np.random.default_rng(int(image.mean())).normal(size=320).astype(np.float32)

    (tmp_path / "detector").write_bytes(b"weights")
    monkeypatch.setattr(background, "object_detector", lambda _: Detector())
    monkeypatch.setattr(background, "locate", lambda _: tmp_path / "detector")
    run = train.background({"caer-s": scenes}, tmp_path / "run", epochs=1, batch=8)
    _check(run, tmp_path / "run", "background")
    with pytest.raises(UsageError, match="one corpus was expected"):
        train.background({"caer-s": scenes, "raf-db": scenes}, tmp_path / "run")


def test_how_items_were_read_is_noted_also_where_it_was_kept(scenes, tmp_path, monkeypatch, capsys):
    from affectlens.cli.main import main

    class Detector:
        def __call__(self, image):
            return []

        def features(self, image, boxes):
            return np.random.default_rng(int(image.mean())).normal(size=320).astype(np.float32)

    (tmp_path / "detector").write_bytes(b"weights")
    monkeypatch.setattr(background, "object_detector", lambda _: Detector())
    monkeypatch.setattr(background, "locate", lambda _: tmp_path / "detector")
    file = scenes / "train/Anger/0000.png"
    first = Image.open(file)
    first.save(file, save_all=True, append_images=[ImageOps.invert(first.convert("RGB"))], duration=100)
    (scenes / "train/Anger/._0000.png").write_bytes(b"of another system")
    made = []
    for _ in range(2):
        run = train.background({"caer-s": scenes}, tmp_path / "run", epochs=1, batch=8)
        assert any("1 item read with a note: 2 pictures in one file; the first was read (caer-s/" in n for n in run.notes)
        assert any("caer-s: 1 files or folders hidden, left out" in note for note in run.notes)
        made.append(run.notes)
        monkeypatch.setattr(background, "backgrounds", None)  # the pictures were looked at once
    assert made[0] == made[1] and type(run).load(run.save(tmp_path / "saved")).notes == run.notes
    with pytest.raises(SystemExit) as stopped:
        main(
            [
                "train",
                "background",
                "--corpus",
                f"caer-s={scenes}",
                "--out",
                str(tmp_path / "run"),
                "--epochs",
                "1",
                "--batch",
                "8",
            ]
        )
    assert stopped.value.code == 0 and "2 pictures in one file; the first was read" in capsys.readouterr().err


def test_bclstm(tmp_path, rng):
    arrays = {}
    for split, videos in (("train", 8), ("test", 3)):
        y = np.arange(videos * 4) % 2
        arrays |= {f"y_{split}": y, f"utt_{split}": np.array([f"{split}{i // 4}_{i % 4}" for i in range(len(y))])}
        arrays |= {f"transcript_{split}": np.array(["SO IT GOES"] * len(y))}
        arrays |= {
            f"{m}_{split}": (rng.normal(size=(len(y), width)) + y[:, None]).astype(np.float32)
            for m, width in (("text", 4), ("audio", 3))
        }
    np.savez(tmp_path / "mosi.npz", **arrays)
    run = train.bclstm({"mosi-features": tmp_path / "mosi.npz"}, tmp_path / "run", epochs=2, seeds=2)
    tensors = _check(run, tmp_path / "run", "bclstm")
    assert set(run.tables["carry_over"].modality) == {"text", "audio"} and {"mean", "deviation"} <= set(run.scores.seed)
    again = train.bclstm({"mosi-features": tmp_path / "mosi.npz"}, tmp_path / "new", epochs=2, seeds=1)
    assert _same(tensors, read_weights(again.weights)[0])
    with pytest.raises(AffectlensError, match="no dialogues"):
        train.bclstm({"goemotions": _goemotions(tmp_path / "go")}, tmp_path / "run")


def _goemotions(folder):
    folder.mkdir()
    for split in ("train", "dev", "test"):
        (folder / f"ekman_{split}.tsv").write_text("so glad\t3\tk1\n")
    (folder / "ekman_labels.txt").write_text("anger\ndisgust\nfear\njoy\nneutral\nsadness\nsurprise\n")
    return folder
