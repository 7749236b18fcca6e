"""Generated corpora of speech with several people, in the official layouts, small enough to be measured in a test."""

from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.features.speech import SpeechTable
from tests.corpora.trees import write_wav

_EMODB = {"anger": "W", "happiness": "F", "sadness": "T", "neutral": "N"}
_SAVEE = {"anger": "a", "happiness": "h", "sadness": "sa", "neutral": "n"}
_HERTZ = {"anger": 260, "happiness": 220, "sadness": 120, "neutral": 150}
LABELS = ("anger", "happiness", "sadness", "neutral")


def emodb(root: Path, people: int = 4, takes: int = 3) -> Path:
    """Emotions differ in pitch, people a little too."""
    for p, speaker in enumerate(("03", "08", "09", "10", "11", "12")[:people]):
        for take in range(takes):
            for label, letter in _EMODB.items():
                path = root / "wav" / f"{speaker}a{take + 1:02}{letter}a.wav"
                write_wav(path, 0.5, hertz=_HERTZ[label] + 9 * p + 4 * take)
    return root


def savee(root: Path, takes: int = 3) -> Path:
    """Four people under other names."""
    for p, speaker in enumerate(("DC", "JE", "JK", "KL")):
        for take in range(takes):
            for label, letter in _SAVEE.items():
                path = root / "AudioData" / speaker / f"{letter}{take + 1:02}.wav"
                write_wav(path, 0.6, hertz=_HERTZ[label] - 20 + 7 * p + 5 * take)
    return root


def table(rng: np.random.Generator, corpora: tuple[str, ...] = ("one", "two"), people: int = 6, each: int = 16) -> SpeechTable:
    """Features that differ by emotion, and in the second corpus by a constant."""
    rows, x = [], []
    for c, corpus in enumerate(corpora):
        for s in range(people):
            for i in range(each):
                label = LABELS[i % 4]
                x.append(rng.normal(size=88) + 4.5 * np.eye(88)[LABELS.index(label)] + 2 * c)
                rows.append({"corpus": corpus, "key": f"{s}-{i}", "label": label, "speaker": str(s),
                             "gender": "male" if s % 2 else "female", "language": ("de", "pl")[c % 2], "seconds": 2.0})  # fmt: skip
    return SpeechTable(np.array(x), pd.DataFrame(rows), {"one/lost": "no sound in it"})


def mosi(path: Path, dialogues: int = 30, turns: int = 8) -> Path:
    """Features of utterances in the layout of ``mosi-features``: text features hold negation, which decides the class."""
    rng = np.random.default_rng(0)
    axis = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 1)))[0][:, 0]
    held: dict[str, np.ndarray] = {}
    for split, count in (("train", 2 * dialogues), ("test", dialogues)):
        n = count * turns
        negated = rng.random(n) < 0.5
        held[f"utt_{split}"] = np.array([f"{split}{d:02}_{t + 1}" for d in range(count) for t in range(turns)])
        held[f"y_{split}"] = np.where(rng.random(n) < 0.1, negated, ~negated).astype(int)
        held[f"transcript_{split}"] = np.array(
            [f"I do {'not ' if v else ''}like film {w}" for v, w in zip(negated, range(n), strict=True)]
        )
        held[f"text_{split}"] = (rng.normal(size=(n, 20)) + 3 * negated[:, None] * axis).astype(np.float32)
        held[f"audio_{split}"] = rng.normal(size=(n, 10)).astype(np.float32)
        held[f"video_{split}"] = rng.normal(size=(n, 6)).astype(np.float32)
    np.savez(path, **held)
    return path


def mosi_model(corpus: Path, path: Path) -> Path:
    """Weights of a small contextual LSTM that was trained on such a corpus, on text and audio."""
    from dataclasses import asdict

    from affectlens.corpora.dialogues.base import open_dialogues
    from affectlens.learning.export import calibrate, export
    from affectlens.learning.recipes.bclstm import BcLstmRecipe
    from affectlens.learning.trainers.bclstm import fit, pack, predict, scale_of
    from affectlens.models.nets.bclstm import BcLstmConfig
    from affectlens.models.shipped.bclstm import meta_of

    data = open_dialogues("mosi-features", corpus).dialogues("train").with_modalities(("text", "audio"))
    scale, recipe = scale_of(data), BcLstmRecipe(epochs=6, patience=3, rate=5e-3)
    packed = pack(data, scale, recipe.limit)
    net, _ = fit(packed, BcLstmConfig({"text": 20, "audio": 10}, 2, hidden=8, dense=8, anchor="text"), recipe)
    meta = meta_of(net, data.classes, scale, asdict(recipe), "planted", "CC0")
    calibration = calibrate(predict(net, packed), np.eye(2)[data.labels])
    export(path, {k: v.detach() for k, v in net.state_dict().items()}, meta, calibration)
    return path
