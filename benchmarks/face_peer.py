"""Our face network beside faceExpressionNet of the JavaScript library @vladmandic/face-api (MIT), on the same faces in one run.

Pictures from the web that neither network is known to have learnt from (`face/muxspace_part.parquet`), FER2013's test split and
FER+'s majority on it, below `AFFECTLENS_DATA` (by default shared/data beside the checkout). The peer runs through Node: set
`AFFECTLENS_FACE_API` to a folder in which `npm install @vladmandic/face-api @tensorflow/tfjs @tensorflow/tfjs-backend-wasm` was
run. Both are given the faces that our detector finds; the peer our crop and colour crops with two margins; the
one with the highest accuracy counts. A picture without a face that was found is an error of both.

`python -m benchmarks.face_peer FER2013 OUT.csv` writes the peer's answers to FER2013's pictures for learning and validation,
the table that `affectlens train face --answers` takes.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from affectlens.core.errors import ModelError
from affectlens.core.labels import EKMAN7, align, canonical
from affectlens.corpora.base import items_of, open_corpus
from affectlens.evaluation.predictions import Predictions
from affectlens.evaluation.result import HEADINGS, Evaluation
from affectlens.evaluation.scores import score
from affectlens.learning.soft_labels import read_majority
from affectlens.models.base import Calibration, load_model
from affectlens.models.readers import largest_face
from affectlens.perception.face.crops import grey_crop

LABELS = ("neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")  # the peer's, in its order
SIDE = 112  # pixels of what the peer is given
MARGINS = (0.0, 0.1)  # around the box of the mesh, as shares of it
_SCRIPT = Path(__file__).with_name("data") / "face_peer.mjs"
Row = tuple[str, str, str, bool | None]


def data() -> Path:
    """Where the pictures lie."""
    return Path(os.environ.get("AFFECTLENS_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "face"


@dataclass(frozen=True)
class Faces:
    """Faces of one set: grey crops of ours, what the peer is given by kind of crop, and labels, -1 where there is none.

    ``missed`` counts pictures in which no face was found, by their labels.
    """

    grey: np.ndarray
    given: dict[str, np.ndarray]
    labels: np.ndarray
    missed: np.ndarray


def run() -> Iterator[Row]:
    """Accuracy, UAR, calibration error and coverage of both on the three sets; on the pictures from the web ours must lead."""
    folder = os.environ.get("AFFECTLENS_FACE_API", "")
    peer = Path(folder) / "node_modules" / "@vladmandic" / "face-api"
    if not (data() / "muxspace_part.parquet").exists():
        yield "face peer: the pictures are not here (set AFFECTLENS_DATA)", "", "", None
        return
    node = shutil.which("node")
    if node is None or not folder or not peer.is_dir():
        missing = "Node is not here" if node is None else "the package is not here (set AFFECTLENS_FACE_API)"
        yield f"face peer: {missing}; ours alone", "", "", None
    there = node is not None and bool(folder) and peer.is_dir()
    for name, faces in (("pictures from the web", from_the_web()), *of_fer2013().items()):
        yield from _compared(name, faces, Path(folder) if there else None, ahead=name == "pictures from the web")


def _compared(name: str, faces: Faces, folder: Path | None, *, ahead: bool) -> Iterator[Row]:
    model = load_model("face")
    probabilities = align(model.probabilities(faces.grey), model.labels, EKMAN7.labels)
    ours = _scored(probabilities, faces, model.calibration)
    yield f"{name}: faces found", f"{len(faces.grey)} of {len(faces.grey) + len(faces.missed)}", "", None
    yield from _lines(f"{name}, ours", ours)
    if folder is None:
        return
    scored = {kind: _scored(peer_answers(crops, folder), faces, Calibration()) for kind, crops in faces.given.items()}
    best = max(scored, key=lambda kind: scored[kind].scores["accuracy"].value)
    yield from _lines(f"{name}, peer, {best}", scored[best])
    if ahead:
        for kind in ("accuracy", "mean_recall"):
            difference = ours.scores[kind].value - scored[best].scores[kind].value
            yield f"{name}: {HEADINGS[kind]}, ours - peer", f"{difference:+.3f}", "at least 0", difference >= 0


def _scored(probabilities: np.ndarray, faces: Faces, calibration: Calibration) -> Evaluation:
    """Scores with intervals by pictures, since whose they are is not known; a picture without a face is an error."""
    classes = len(EKMAN7.labels)
    rows = np.concatenate([probabilities, np.full((len(faces.missed), classes), np.nan)])
    targets = np.eye(classes)[np.concatenate([faces.labels, faces.missed])]
    keys = [str(place) for place in range(len(rows))]
    return score(
        Predictions(rows, targets, np.full(len(rows), ""), keys, EKMAN7.labels, {}), calibration, np.random.default_rng(0)
    )


def _lines(name: str, evaluation: Evaluation) -> Iterator[Row]:
    for kind in ("accuracy", "mean_recall", "calibration_error", "coverage"):
        if kind in evaluation.scores:
            found = evaluation.scores[kind]
            yield f"{name}: {HEADINGS[kind]}", f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})", "", None
    table = evaluation.confusion
    recalls = [f"{label} {table.loc[label, label] / max(1, table.loc[label].sum()):.2f}" for label in EKMAN7.labels]
    yield f"{name}: recall, {', '.join(recalls)}", "", "", None


def peer_answers(crops: np.ndarray, folder: Path) -> np.ndarray:
    """The peer's probabilities ``(n, 7)``, in the order of ours, of crops ``(n, 112, 112, 3)`` uint8."""
    with tempfile.TemporaryDirectory() as scratch:
        given, made = Path(scratch) / "crops", Path(scratch) / "answers"
        given.write_bytes(np.ascontiguousarray(crops).tobytes())
        node = shutil.which("node") or "node"
        subprocess.run([node, str(_SCRIPT), str(folder), str(given), str(made)], check=True, capture_output=True)
        answers = np.frombuffer(made.read_bytes(), np.float32).reshape(-1, len(LABELS))
    return align(answers.astype(float), LABELS, EKMAN7.labels)


def from_the_web() -> Faces:
    """The largest face of each picture of `muxspace_part.parquet`."""
    frame = pd.read_parquet(data() / "muxspace_part.parquet")
    grey, labels, missed = [], [], []
    given: dict[str, list[np.ndarray]] = {kind: [] for kind in ("our crop", *(f"colour, margin {m}" for m in MARGINS))}
    for raw, name in zip(frame.jpeg, frame.emotion, strict=True):
        label = EKMAN7.index(canonical(name))
        try:
            image, marks = largest_face(np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")))
        except ModelError:
            missed.append(label)
            continue
        grey.append(grey_crop(image, marks))
        labels.append(label)
        given["our crop"].append(_enlarged(grey[-1]))
        for margin in MARGINS:
            given[f"colour, margin {margin}"].append(_boxed(image, marks.points[:, :2], margin))
    stacked = {kind: np.stack(crops) for kind, crops in given.items()}
    return Faces(np.stack(grey), stacked, np.array(labels), np.array(missed, dtype=int))


def of_fer2013() -> dict[str, Faces]:
    """FER2013's test split with its own labels, and with FER+'s majority where one of the seven classes has it alone."""
    corpus = open_corpus("fer2013", data() / "fer2013.parquet")
    items = list(items_of(corpus, "test"))
    grey = np.stack([item.data for item in items])
    labels = np.array([EKMAN7.index(item.labels[0]) for item in items])
    none = np.array([], dtype=int)
    majority = read_majority(data() / "ferplus_votes.csv", [item.key for item in items], EKMAN7.labels)
    sure = majority >= 0
    large = {"our crop": np.stack([_enlarged(crop) for crop in grey])}
    return {
        "FER2013 test": Faces(grey, large, labels, none),
        "FER+ majority": Faces(grey[sure], {"our crop": large["our crop"][sure]}, majority[sure], none),
    }


def _enlarged(grey: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB)


def _boxed(image: np.ndarray, points: np.ndarray, margin: float) -> np.ndarray:
    """The box of the mesh with a margin, cut at the picture's edge and padded to a square, as the library does it."""
    low, high = points.min(axis=0), points.max(axis=0)
    extra = margin * (high - low) / 2
    left, top = np.maximum(low - extra, 0).astype(int)
    right, bottom = np.minimum(high + extra, [image.shape[1], image.shape[0]]).astype(int)
    patch = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    tall, wide = patch.shape[:2]
    square = np.zeros((max(tall, wide),) * 2 + (3,), np.uint8)
    down, across = (len(square) - tall) // 2, (len(square) - wide) // 2
    square[down : down + tall, across : across + wide] = patch
    return np.asarray(cv2.resize(square, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def write_answers(fer2013: Path, out: Path) -> None:
    """The peer's answers to FER2013's pictures for learning and validation as a csv table."""
    folder = Path(os.environ["AFFECTLENS_FACE_API"])
    corpus = open_corpus("fer2013", fer2013)
    items = [item for split in ("train", "val") for item in items_of(corpus, split) if item.data is not None]
    parts = []
    for first in range(0, len(items), 1024):
        crops = np.stack([_enlarged(item.data) for item in items[first : first + 1024]])
        parts.append(peer_answers(crops, folder))
        print(f"{first + len(crops)} of {len(items)}", flush=True)
    frame = pd.DataFrame(np.concatenate(parts).round(5), columns=list(EKMAN7.labels))
    frame.insert(0, "name", [item.key for item in items])
    frame.to_csv(out, index=False)


if __name__ == "__main__":
    write_answers(Path(sys.argv[1]), Path(sys.argv[2]))
