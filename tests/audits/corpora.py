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
