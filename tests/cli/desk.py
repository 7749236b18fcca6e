"""A folder with everything that the commands of README and docs name, generated, under the names that they give it."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch

from affectlens.assets.store import locate
from affectlens.checks.recordings import make_recordings
from affectlens.core.labels import EKMAN7
from affectlens.exchange.transfer import export, import_annotations
from affectlens.media.frames import Problems, frames
from affectlens.media.sound.audio import Sound
from affectlens.perception.face.detector import FaceDetector
from tests.audits import corpora as speech
from tests.cli.generated import SAID, cues, goemotions, motions, pictures, rows
from tests.conftest import write_video
from tests.corpora.trees import write_wav
from tests.modalities.test_scene import background_weights
from tests.models.onnx_file import linear_onnx
from tests.models.test_emonet import SHAPES
from tests.perception.body.walker import walker, write_bvh

_NETWORK = '''"""A small network of one's own."""

import cv2
import numpy as np
import torch

from affectlens import TorchModel


def prepare(picture):
    return cv2.resize(picture, (64, 64)).transpose(2, 0, 1).astype(np.float32) / 255


def make():
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, stride=2), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(8, 2)
    )
    return TorchModel(net.eval(), ("anger", "happiness"), layer="0", prepare=prepare)
'''


def desk(folder: Path, clip: Path) -> Path:
    """Make all of it; the faces are those of the clip."""
    made = make_recordings(folder)
    shutil.copy(made["a film with sound"], folder / "talk.mp4")  # what a file holds does not depend on its name
    (folder / "clips").mkdir()
    for name in ("a picture", "a sound"):
        shutil.copy(made[name], folder / "clips")
    write_bvh(walker(seconds=3.0), folder / "walk.bvh")
    people = faces(clip)
    _fer2013(folder / "fer2013.csv", people)
    goemotions(folder)
    motions(folder, ("walk", "run", "dash", "walk-back", "walk-left", "walk-right"), each=1)
    speech.emodb(folder / "emodb", people=6, takes=2)
    _urdu(folder / "urdu")
    _emovo(folder / "emovo")
    _meld(folder / "meld")
    _pictures(folder / "faces", people)
    _pyfeat(folder)
    pictures(folder, each=2)
    _boxes(folder)
    _mine(folder)
    speech.mosi(folder / "mosi_bclstm.npz")
    words = sorted({word for said in SAID.values() for text in said for word in text.split()} | {"good", "bad", "day"})
    norms = pd.DataFrame({"Word": words, "V.Mean.Sum": np.linspace(1, 9, len(words)), "A.Mean.Sum": 5.0, "D.Mean.Sum": 5.0})
    norms.to_csv(folder / "warriner.csv")
    linear_onnx(folder / "net.onnx", np.random.default_rng(0).normal(size=(3 * 16 * 16, 2)) / 50, (3, 16, 16))
    (folder / "net.json").write_text(
        json.dumps({"labels": ["anger", "happiness"], "size": 16, "scores": "softmax"}), encoding="utf-8"
    )
    generator = torch.Generator().manual_seed(0)
    state = {f"{n}.weight": torch.randn(s, generator=generator) * (2 / np.prod(s[1:])) ** 0.5 for n, s in SHAPES.items()}
    torch.save(state | {f"{n}.bias": torch.zeros(s[0]) for n, s in SHAPES.items()}, folder / "emonet.pth")
    background_weights(folder / "background.safetensors")
    (folder / "mynets.py").write_text(_NETWORK, encoding="utf-8")
    rows(folder)
    (folder / "openface.csv").write_text(
        "frame, face_id, timestamp, confidence, success, AU01_r, AU45_r\n1, 0, 0.04, 0.9, 1, 2.5, 0\n"
    )
    films(folder / "films")
    (folder / "raters").mkdir()
    export(import_annotations(cues(folder)), "elan", folder / "raters" / "talk.eaf")
    return folder


def films(folder: Path) -> None:
    """The study of the examples, without the log that is cut short."""
    spec = importlib.util.spec_from_file_location("films", Path(__file__).parents[2] / "examples" / "study" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.generate(folder, cut_short=False)


def faces(clip: Path) -> list[np.ndarray]:
    """Crops of the faces in a clip, RGB squares of 96 pixels."""
    detector = FaceDetector(locate("yunet"))
    crops = []
    for frame in frames(clip, 5.0):
        for face in detector(frame.image):
            left, top, width, height = face.box
            side = 1.4 * max(width, height)
            x, y = int(max(0, left + width / 2 - side / 2)), int(max(0, top + height / 2 - side / 2))
            crops.append(cv2.resize(frame.image[y : y + int(side), x : x + int(side)], (96, 96)))
    return crops


def talk(path: Path, clip: Path) -> Path:
    """A second of the clip, with its people and what they say."""
    shown = [frame.image for frame in frames(clip, 5.0) if 2 <= frame.time < 3]
    heard = np.concatenate([block.samples for block in Sound(clip, Problems())])[2 * 16000 : 3 * 16000]
    return write_video(path, shown, audio=heard, rate=5)


def _fer2013(path: Path, people: list[np.ndarray]) -> None:
    parts = (("Training", 21), ("PublicTest", 14), ("PrivateTest", 42))
    usage = [name for name, count in parts for _ in range(count)]
    rows = []
    for i, name in enumerate(usage):
        small = cv2.resize(cv2.cvtColor(people[i % len(people)], cv2.COLOR_RGB2GRAY), (48, 48))
        rows.append({"emotion": i % 7, "pixels": " ".join(map(str, small.ravel())), "Usage": name})
    pd.DataFrame(rows).to_csv(path, index=False)


def _pictures(folder: Path, people: list[np.ndarray]) -> None:
    for i, picture in enumerate(people[:42]):
        label = EKMAN7.labels[i % 7]
        (folder / label).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / label / f"{i}.png"), picture[:, :, ::-1])


def _urdu(folder: Path) -> None:
    for person in range(1, 7):
        for kind, letter, hertz in (("Angry", "A", 250), ("Happy", "H", 220), ("Neutral", "N", 150), ("Sad", "S", 120)):
            for take in (1, 2):
                write_wav(folder / kind / f"SM{person}_F{take}_{letter}{take:02}.wav", 0.5, hertz=hertz + 7 * person + take)


def _emovo(folder: Path) -> None:
    for person in ("f1", "f2", "m1", "m2"):
        for kind, hertz in (("dis", 180), ("gio", 220), ("neu", 150), ("rab", 250), ("tri", 120), ("pau", 240), ("sor", 260)):
            write_wav(folder / person / f"{kind}-{person}-b1.wav", 0.5, hertz=hertz + len(person))


def _meld(folder: Path) -> None:
    folder.mkdir()
    emotions = {"happiness": "joy", "anger": "anger", "sadness": "sadness", "neutral": "neutral"}
    sentiments = {"happiness": "positive", "anger": "negative", "sadness": "negative", "neutral": "neutral"}
    for split, count in (("train", 20), ("dev", 8), ("test", 8)):
        rows = [
            {"Sr No.": 1, "Utterance": SAID[label][(dialogue + u) % 3], "Speaker": ("Anna", "Ben")[u % 2], "Emotion": emotions[label],
             "Sentiment": sentiments[label], "Dialogue_ID": dialogue, "Utterance_ID": u, "Season": 1, "Episode": 1,
             "StartTime": f"00:00:0{u},000", "EndTime": f"00:00:0{u + 1},000"}
            for dialogue in range(count) for u, label in enumerate(list(SAID) * 2)
        ]  # fmt: skip
        pd.DataFrame(rows).to_csv(folder / f"{split}_sent_emo.csv", index=False)


def _pyfeat(folder: Path) -> None:
    rng = np.random.default_rng(0)
    files = sorted((folder / "faces").rglob("*.png"))
    table = pd.DataFrame(rng.dirichlet(np.ones(7), len(files)), columns=list(EKMAN7.labels))
    table.insert(0, "input", [str(file.relative_to(folder)) for file in files])
    table.assign(FaceScore=0.99).to_csv(folder / "pyfeat.csv", index=False)


def _mine(folder: Path) -> None:
    """Texts of six people with labels of one's own."""
    said = {"happiness": "that went well", "anger": "not again, really"}
    rows = [{"text": f"{text}, {i}", "label": label, "group": f"p{i}"} for i in range(6) for label, text in said.items()]
    pd.DataFrame(rows).to_csv(folder / "mine.csv", index=False)


def _boxes(folder: Path) -> None:
    files = sorted((folder / "pictures").rglob("*.png"))
    names = [str(file.relative_to(folder / "pictures")) for file in files]
    coco = {
        "images": [{"id": i, "file_name": name, "width": 96, "height": 96} for i, name in enumerate(names)],
        "categories": [{"id": 1, "name": "cup"}, {"id": 2, "name": "head"}],
        "annotations": [
            {"image_id": i, "category_id": c, "bbox": box}
            for i in range(len(names))
            for c, box in ((1, [2, 2, 18, 16]), (2, [14, 4, 68, 88]))
        ],
    }
    (folder / "boxes.json").write_text(json.dumps(coco), encoding="utf-8")
    pd.DataFrame({"file": names, "label": [name.split("/")[0] for name in names]}).to_csv(folder / "labels.csv", index=False)
