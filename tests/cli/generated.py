"""Corpora of every kind, generated: small enough to be quick, and nobody needs data of their own."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from affectlens.core.labels import EKMAN7
from tests.audits import corpora as speech
from tests.corpora.dialogue_trees import write_pickle
from tests.corpora.trees import write_wav
from tests.perception.body.walker import walker, write_bvh

FER = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SAID = {
    "happiness": ["I love it", "what a lovely day", "thank you so much"],
    "anger": ["this is awful, I hate you", "stop that at once", "how dare you"],
    "sadness": ["I miss her so much", "we lost everything", "it hurts"],
    "neutral": ["the train leaves at nine", "ok", "it is a table"],
}


def face(rng: np.random.Generator, mouth: int = 0, size: int = 48) -> np.ndarray:
    """A drawn face, grey: an oval, two eyes, and a mouth that bends by ``mouth`` pixels."""
    picture = np.full((size, size), 60, np.uint8)
    scale = size / 48

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * scale), round(y * scale)

    cv2.ellipse(picture, at(24, 24), at(17, 22), 0, 0, 360, 200, -1)
    for x in (17, 31):
        cv2.circle(picture, at(x, 19), round(2 * scale), 30, -1)
    begin, end = (0, 180) if mouth > 0 else (180, 360)
    cv2.ellipse(picture, at(24, 34), at(7, max(1, abs(mouth))), 0, begin, end, 40, 2)
    return np.clip(picture + rng.normal(0, 6, picture.shape), 0, 255).astype(np.uint8)


def fer2013(root: Path) -> Path:
    """The official csv of pixels, every class in every part; one batch to train on."""
    rng = np.random.default_rng(1)
    rows = [
        {"emotion": label, "pixels": " ".join(map(str, face(rng, label - 3).ravel())), "Usage": usage}
        for usage, each in (("Training", 19), ("PublicTest", 12), ("PrivateTest", 12))
        for label in range(len(FER))
        for _ in range(each)
    ]
    pd.DataFrame(rows).to_csv(root / "fer2013.csv", index=False)
    return root / "fer2013.csv"


def pictures(root: Path, each: int = 4) -> Path:
    """A folder of coloured pictures with one subfolder a class."""
    rng = np.random.default_rng(2)
    for i, label in enumerate(EKMAN7.labels):
        (root / "pictures" / label).mkdir(parents=True)
        for k in range(each):
            picture = cv2.cvtColor(face(rng, i - 3, 96), cv2.COLOR_GRAY2BGR)
            cv2.rectangle(picture, (2, 2), (20 + 4 * k, 18), (0, 0, 200), -1)
            cv2.imwrite(str(root / "pictures" / label / f"{k}.png"), picture)
    return root / "pictures"


def texts(root: Path) -> Path:
    """A csv table of texts."""
    rows = [{"text": text, "label": label, "group": f"g{i % 2}"} for label in SAID for i, text in enumerate(SAID[label])]
    pd.DataFrame(rows).to_csv(root / "texts.csv", index=False)
    return root / "texts.csv"


def goemotions(root: Path) -> Path:
    """The official files."""
    folder = root / "goemotions"
    folder.mkdir()
    names = ["anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"]
    (folder / "ekman_labels.txt").write_text("\n".join(names) + "\n")
    where = {"anger": 0, "happiness": 3, "neutral": 4, "sadness": 5}
    for split in ("train", "dev", "test"):
        lines = [f"{text}\t{where[label]}\t{split}{label}{i}" for label in SAID for i, text in enumerate(SAID[label])]
        (folder / f"ekman_{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder


def motions(root: Path, kinds: tuple[str, ...] = ("walk", "run", "dash"), each: int = 2) -> Path:
    """Styled walks in the layout of the Bandai corpus: four classes, some types of motion."""
    folder = root / "bandai"
    folder.mkdir()
    style = {
        "happy": {"swing": 40.0, "speed": 1.6}, "sad": {"swing": 8.0, "speed": 0.7, "lean": 15.0, "head": 20.0},
        "angry": {"swing": 35.0, "speed": 1.9, "lean": 8.0}, "normal": {},
    }  # fmt: skip
    for kind in kinds:
        for name, how in style.items():
            for k in range(each):
                motion = walker(seconds=3.0, stride=1.0 + 0.2 * k + (kind != "walk"), **how)
                write_bvh(motion, folder / f"dataset-1_{kind}_{name}_{k + 1:03}.bvh")
    return folder


def ravdess(root: Path) -> Path:
    """Six actors, four emotions, two sentences."""
    for actor in range(1, 7):
        for emotion, hertz in ((1, 150), (3, 225), (4, 115), (5, 265)):
            for sentence in (1, 2):
                name = f"Actor_{actor:02}/03-01-{emotion:02}-01-{sentence:02}-01-{actor:02}.wav"
                write_wav(root / "ravdess" / name, 0.5, hertz=hertz + 8 * actor + 5 * sentence)
    return root / "ravdess"


def dialogues(root: Path, count: int = 24, turns: int = 8) -> Path:
    """Features of dialogues as they are published, the tuple of nine in one pickle; labels can be read from the text's."""
    rng = np.random.default_rng(3)
    ids = {f"Ses{dialogue:02}": [f"d{dialogue}u{i}" for i in range(turns)] for dialogue in range(count)}
    labels = {dialogue: [int(value) for value in rng.integers(0, 6, turns)] for dialogue in ids}
    speakers = {dialogue: ["MF"[i % 2] for i in range(turns)] for dialogue in ids}
    sentences = {
        dialogue: [SAID["happiness" if value % 2 else "anger"][i % 3] for i, value in enumerate(labels[dialogue])]
        for dialogue in ids
    }
    text = {
        dialogue: [(3 * np.eye(6)[value] + rng.normal(0, 1, 6)).astype(np.float32) for value in labels[dialogue]]
        for dialogue in ids
    }
    audio, video = (
        {dialogue: [rng.normal(size=width).astype(np.float32) for _ in labels[dialogue]] for dialogue in ids}
        for width in (3, 2)
    )
    names = list(ids)
    entries = (ids, speakers, labels, text, audio, video, sentences, names[:-7], set(names[-7:]))
    return write_pickle(root / "IEMOCAP_features.pkl", entries)


def rows(root: Path) -> Path:
    """A table as `recognize` writes it: one person who is happy, then angry."""
    from affectlens.core.schema import Row
    from affectlens.core.tables import rows_frame, write_frame

    happy, angry = (0.1, 0.0, 0.0, 0.8, 0.1, 0.0, 0.0), (0.7, 0.0, 0.0, 0.1, 0.2, 0.0, 0.0)
    made = [
        Row("talk.mp4", 0.0, 1.0, 0, "fused", probabilities=happy),
        Row("talk.mp4", 1.0, 2.0, 0, "fused", probabilities=angry),
    ]
    write_frame(rows_frame(made), root / "rows.parquet")
    return root / "rows.parquet"


def cues(root: Path) -> Path:
    """What somebody said of the same recording, as subtitles."""
    path = root / "talk.srt"
    path.write_text(
        "1\n00:00:00,000 --> 00:00:01,500\n[emotion@0/Ann] Joy\n\n2\n00:00:01,500 --> 00:00:02,000\n[emotion@0/Ann] anger\n"
    )
    return path


def study(root: Path) -> Path:
    """A study of the table of `rows`."""
    path = root / "study.yaml"
    people = "".join(f"  - id: P{number}\n    recordings: [{{table: rows{number}.parquet}}]\n" for number in (1, 2, 3))
    for number in (1, 2, 3):
        shutil.copy(rows(root), root / f"rows{number}.parquet")
    path.write_text(
        f"participants:\n{people}analysis: {{measures: [happiness], window: [0, 2], draws: 99}}\n", encoding="utf-8"
    )
    return path


def everything(root: Path) -> dict[str, Path]:
    """One corpus a kind, by the reader's name."""
    made = {
        "fer2013": fer2013(root), "folder": pictures(root), "csv": texts(root), "goemotions": goemotions(root),
        "bandai": motions(root), "emodb": speech.emodb(root / "emodb", people=6, takes=2), "ravdess": ravdess(root),
    }  # fmt: skip
    answers(made["emodb"])
    return made | {"feature-pickle": dialogues(root), "rows": rows(root), "cues": cues(root), "study": study(root)}


def answers(emodb: Path) -> Path:
    """A table of another tool's answers to the clips of the generated EmoDB."""
    rng = np.random.default_rng(4)
    files = sorted(emodb.rglob("*.wav"))
    letters = {"W": 0, "F": 1, "N": 2, "T": 3}
    said = rng.dirichlet(np.ones(4), len(files)) + np.eye(4)[[letters[file.stem[5]] for file in files]]
    table = pd.DataFrame(said / said.sum(axis=1, keepdims=True), columns=["p_anger", "p_happiness", "p_neutral", "p_sadness"])
    table.insert(0, "file", [file.name for file in files])
    table.to_csv(emodb.parent / "answers.csv", index=False)
    return emodb.parent / "answers.csv"
