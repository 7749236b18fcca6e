"""Every reader of files, with small sound inputs to damage.

A target makes its inputs in a folder and reads one: a file, or a folder of which one file at a time is damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import pandas as pd
from PIL import Image

from affectlens.checks.recordings import make_recordings
from affectlens.corpora.base import corpora, open_corpus
from affectlens.corpora.speech.base import read_clip
from affectlens.exchange.registry import FORMATS
from affectlens.media.frames import frames, probe
from affectlens.media.inputs import find_inputs
from affectlens.media.pictures.images import read_image
from affectlens.media.sound.audio import audio_blocks
from tests.corpora.every import every_tree
from tests.models.onnx_file import linear_onnx
from tests.perception.body.walker import BVH

MOST_CLIPS = 100  # that are kept at a time
_CLIPS: dict[tuple[Any, ...], np.ndarray] = {}


@dataclass(frozen=True)
class Target:
    """A reader under trial.

    Attributes
    ----------
    name : str
        Its name.
    make : callable
        Takes an empty folder and gives the sound inputs that it made there: files, or folders.
    read : callable
        Takes the path of an input and reads all of it.
    """

    name: str
    make: Callable[[Path], list[Path]]
    read: Callable[[Path], Any]


def targets() -> dict[str, Target]:
    """All of them by name."""
    named = [
        Target("pictures", _pictures, read_image),
        Target("recordings", _recordings, watch_and_listen),
        Target("lists of inputs", _lists, lambda path: find_inputs([path])),
        Target("motions", _motions, _move),
        Target("detections", _detections, _detect),
        Target("predictions", _predictions, _predicted),
        Target("tables", _tables, _table),
        Target("weights", _weights, _weigh),
        Target("own networks", _network, _open_network),
        Target("models of others", _models, _open_model),
        Target("concept banks", _concept_bank, _load_bank),
        Target("results", _result, _load_result),
        Target("evaluations", _evaluation, _load_evaluation),
        Target("stores", _store, _load_store),
        Target("settings", _config, _configure),
        Target("concepts", _queries, _query),
    ]
    named += [Target(f"annotations {n}", partial(_annotations, n), partial(_annotated, n)) for n in FORMATS.names()]
    named += [Target("measurements", _measurements, _measured), Target("studies", _studies, _study)]
    named += [Target(f"corpus {c.name}", partial(_tree, c.name), partial(_read_corpus, c.name)) for c in corpora()]
    return {t.name: t for t in named}


def _pictures(folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8).repeat(2, axis=0))
    made = [folder / f"picture{suffix}" for suffix in (".png", ".jpg", ".gif", ".bmp", ".tif", ".webp")]
    for path in made:
        picture.save(path)
    picture.save(folder / "moving.gif", save_all=True, append_images=[picture.rotate(180)], duration=100)
    picture.convert("P").save(folder / "palette.png")
    Image.fromarray(rng.random((16, 16)).astype(np.float32)).save(folder / "float.tif")
    return [*made, folder / "moving.gif", folder / "palette.png", folder / "float.tif"]


def _recordings(folder: Path) -> list[Path]:
    made = list(make_recordings(folder).values())
    film = next(p for p in made if p.suffix == ".mkv")
    for suffix in (".mp4", ".avi"):
        made.append(_remuxed(film, film.with_suffix(suffix)))
    made.append(_transport_stream(folder / "film.ts"))
    tone = (8000 * np.sin(np.arange(16000) * 0.1)).astype(np.int16)[None]
    for suffix, codec in ((".flac", "flac"), (".mp3", "mp3"), (".ogg", "libopus")):
        path = folder / f"tone{suffix}"
        with av.open(str(path), "w") as out:
            stream: Any = out.add_stream(codec, rate=48000)
            stream.layout = "mono"
            block = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
            block.sample_rate, block.pts = 48000, 0
            for packet in (*stream.encode(block), *stream.encode(None)):
                out.mux(packet)
        made.append(path)
    return [p for p in made if p.suffix != ".png"]


def _transport_stream(path: Path) -> Path:
    ground = np.random.default_rng(0).integers(60, 190, (96, 128, 3), dtype=np.uint8)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for i in range(20):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(ground, 4 * i, axis=1), format="rgb24")))
        out.mux(stream.encode(None))
    return path


def _remuxed(source: Path, path: Path) -> Path:
    with av.open(str(source)) as given, av.open(str(path), "w") as out:
        picture = given.streams.video[0]
        kept: Any = out.add_stream_from_template(picture)
        for packet in given.demux(picture):
            if packet.dts is not None:
                packet.stream = kept
                out.mux(packet)
    return path


def watch_and_listen(path: Path) -> None:
    """Decode 200 frames and 200 blocks of sound at most."""
    info = probe(path)
    if info.video_tracks:
        for _ in islice(frames(path, 5.0), 200):
            pass
    if info.audio_tracks:
        for _ in islice(audio_blocks(path), 200):
            pass


def _lists(folder: Path) -> list[Path]:
    table = pd.DataFrame({"file": ["a.png", "b/c.wav", "d.mp4"], "label": ["joy", "anger", ""], "start": [0, 1.5, np.nan]})
    table.to_csv(folder / "list.csv", index=False)
    table.to_csv(folder / "list.tsv", index=False, sep="\t")
    table.to_parquet(folder / "list.parquet")
    (folder / "list.txt").write_text("# files\na.png\nb/c.wav\n", encoding="utf-8")
    return sorted(folder.glob("list.*"))


def _motions(folder: Path) -> list[Path]:
    (folder / "walk.bvh").write_text(BVH, encoding="utf-8")
    from tests.corpora.dialogue_trees import bandai_tree

    real = next(bandai_tree(folder).rglob("*.bvh"))
    return [folder / "walk.bvh", real]


def _move(path: Path) -> None:
    from affectlens.perception.body.bvh import read_bvh

    read_bvh(path)


def _detections(folder: Path) -> list[Path]:
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "width": 10, "height": 10}],
        "categories": [{"id": 3, "name": "cup"}],
        "annotations": [{"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4], "score": 0.5}],
    }
    (folder / "coco.json").write_text(json.dumps(coco), encoding="utf-8")
    head = "ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax\n"
    (folder / "open_images.csv").write_text(head + "a,/m/01,1,0.1,0.5,0.2,0.6\nb,/m/02,1,0,1,0,1\n", encoding="utf-8")
    yolo = folder / "yolo"
    yolo.mkdir()
    (yolo / "classes.txt").write_text("cup\ncat\n", encoding="utf-8")
    (yolo / "data.yaml").write_text("names: [cup, cat]\n", encoding="utf-8")
    (yolo / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.1 0.1 0.9\n", encoding="utf-8")
    return [folder / "coco.json", folder / "open_images.csv", yolo]


def _detect(path: Path) -> None:
    from affectlens.perception.scene.detections import read_detections

    read_detections(path).of("a.png", (10, 10, 3))


def _predictions(folder: Path) -> list[Path]:
    labels = ["anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise"]
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.dirichlet(np.ones(7), 6), columns=[f"p_{label}" for label in labels])
    table.insert(0, "file", [f"{label}/{i}.png" for i, label in enumerate(labels[:6])])
    table.to_csv(folder / "plain.csv", index=False)
    table.to_csv(folder / "german.csv", index=False, sep=";", decimal=",")
    table.to_parquet(folder / "plain.parquet")
    fex = table.rename(columns={"file": "input"}).rename(columns=lambda c: c.removeprefix("p_")).assign(FaceScore=0.9, AU01=0.1)
    fex.to_csv(folder / "pyfeat.csv", index=False)
    emotion = {"angry": 1.5, "disgust": 0.1, "fear": 2, "happy": 90.0, "sad": 1, "surprise": 3, "neutral": 2.4}
    faces = [{"img_path": "a.png", "emotion": emotion, "dominant_emotion": "happy", "region": {"x": 1, "y": 1, "w": 5, "h": 5}}]
    (folder / "deepface.json").write_text(json.dumps(faces), encoding="utf-8")
    head = 'Video analysis detailed log\nFace Model:\tGeneral\n\n"Video Time"\tNeutral\tHappy\tAngry\n'
    rows = "00:00:00.000\t0.9\t0.1\t0\n00:00:00.040\tFIT_FAILED\tFIT_FAILED\tFIT_FAILED\n"
    (folder / "facereader.txt").write_text(head + rows, encoding="utf-8")
    return sorted(p for p in folder.iterdir() if p.is_file())


def _predicted(path: Path) -> None:
    from affectlens.models.adapters.predictions import read_predictions

    read_predictions(path)


def _tables(folder: Path) -> list[Path]:
    from affectlens.core.tables import evidence_frame, rows_frame, write_frame

    write_frame(rows_frame([]), folder / "rows.parquet")
    write_frame(evidence_frame([]), folder / "evidence.parquet")
    return [folder / "rows.parquet", folder / "evidence.parquet"]


def _table(path: Path) -> None:
    from affectlens.core.tables import read_frame

    read_frame(path)


def _weights(folder: Path) -> list[Path]:
    import torch

    from affectlens.models.base import Calibration
    from affectlens.models.weights import save_weights

    path = folder / "net.safetensors"
    calibration = Calibration(1.0, 0.1, (0.5, 0.5))
    save_weights(
        path, {"w": torch.zeros(3, 2), "b": torch.ones(2)}, {"labels": ["anger", "joy"], "corpus": "none"}, calibration
    )
    return [path]


def _weigh(path: Path) -> None:
    from affectlens.models.weights import read_weights

    read_weights(path)


def _network(folder: Path) -> list[Path]:
    from benchmarks.kills import network

    network(folder / "bclstm.safetensors")
    return [folder / "bclstm.safetensors"]


def _open_network(path: Path) -> None:
    from affectlens.models.shipped.bclstm import BcLstmModel

    model = BcLstmModel(path)
    model.probabilities([model.read({"text": np.zeros(6), "dialogue": "a", "speaker": "b"})])


def _models(folder: Path) -> list[Path]:
    import transformers

    one = folder / "one"
    one.mkdir()
    linear_onnx(one / "net.onnx", np.ones((27, 2)), (3, 3, 3))
    (one / "net.json").write_text(json.dumps({"labels": ["anger", "joy"], "size": 3, "scores": "softmax"}), encoding="utf-8")
    other = folder / "other"
    other.mkdir()
    names = {"id2label": {0: "anger", 1: "joy"}, "label2id": {"anger": 0, "joy": 1}}
    size = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "image_size": 8}
    transformers.ViTForImageClassification(transformers.ViTConfig(**size, patch_size=4, **names)).save_pretrained(other)
    looks = {"image_processor_type": "ViTImageProcessor", "size": {"height": 8, "width": 8}}
    (other / "preprocessor_config.json").write_text(json.dumps(looks), encoding="utf-8")
    return [one, other]


def _open_model(path: Path) -> None:
    from affectlens.models.open import open_model

    model = open_model(path / "net.onnx" if (path / "net.onnx").exists() else path, modality="face")
    model.probabilities(np.zeros((1, *((3, 3, 3) if path.name == "one" else (3, 8, 8))), np.float32))


def _concept_bank(folder: Path) -> list[Path]:
    from affectlens.audits.concepts.bank import ConceptBank

    path = folder / "bank.safetensors"
    about: dict[str, object] = {"layer": "pooled", "corpus": "none", "examples": {}, "accuracy": {}}
    ConceptBank(("negation",), np.eye(1, 4), np.eye(3, 4), about).save(path)
    return [path]


def _load_bank(path: Path) -> None:
    from affectlens.audits.concepts.bank import ConceptBank

    ConceptBank.load(path)


def _annotations(name: str, folder: Path) -> list[Path]:
    from affectlens.checks.exchange import sample
    from affectlens.exchange.transfer import export

    return list(export(sample(), name, folder / f"there{FORMATS.get(name).suffix}").files)


def _annotated(name: str, path: Path) -> None:
    from affectlens.exchange.transfer import import_annotations

    import_annotations(path, name).to_frame()


def _measurements(folder: Path) -> list[Path]:
    from tests.exchange.test_tables import DETAILED, IMOTIONS, OPENFACE, STATES

    texts = {"log.txt": DETAILED, "states.txt": STATES, "imotions.csv": IMOTIONS}
    texts["openface.csv"] = OPENFACE.format(rows="1, 0, 0.04, 0.9, 1, 0.1, 2.5, 0, 1\n")
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def _measured(path: Path) -> None:
    from affectlens.exchange.tables.base import import_measurements

    import_measurements(path)


def _studies(folder: Path) -> list[Path]:
    from tests.study.test_layout import GOOD

    (folder / "study.yaml").write_text(GOOD, encoding="utf-8")
    return [folder / "study.yaml"]


def _study(path: Path) -> None:
    from affectlens.study import read_study

    read_study(path)


def _result(folder: Path) -> list[Path]:
    from affectlens.core.tables import evidence_frame, rows_frame
    from affectlens.pipeline import Result

    kept = folder / "report"
    Result("clip.mp4", rows_frame([]), evidence_frame([]), None, (), {"total": 1.0}).save(kept)
    return [kept]


def _load_result(path: Path) -> None:
    from affectlens.pipeline import Result

    Result.load(path).summary()


def _evaluation(folder: Path) -> list[Path]:
    from affectlens.evaluation.result import Evaluation
    from affectlens.stats.resample import Estimate

    confusion = pd.DataFrame([[2, 1], [0, 3]], index=["anger", "joy"], columns=["anger", "joy"])
    groups = pd.DataFrame({"group": ["a", "b"], "n": [3, 3], "accuracy": [0.5, 1.0]})
    scores = {"accuracy": Estimate(0.8, 0.5, 1.0, 6, 2)}
    kept = folder / "evaluation"
    Evaluation(scores, confusion, groups, {"x.png": "no face"}, 6, {"model": "face"}, ("a note",)).save(kept)
    return [kept]


def _load_evaluation(path: Path) -> None:
    from affectlens.evaluation.result import Evaluation

    Evaluation.load(path)


def _store(folder: Path) -> list[Path]:
    from affectlens.context.store import Store, Unit

    Store(folder / "usual.db")
    filled = Store(folder / "filled.db")
    for name in ("a", "b"):
        people = [Unit(person, 2, ("anger", "joy"), (0.25, 0.75)) for person in range(2)]
        filled.put(name, "office", True, datetime(2024, 5, 17, 14, 30), people)
    return [folder / "usual.db", folder / "filled.db"]


def _load_store(path: Path) -> None:
    from affectlens.context.store import Store

    Store(path).put("c", "street", None, None, [])
    Store(path).units()


def _config(folder: Path) -> list[Path]:
    text = '[explain]\nmodalities = ["face", "voice"]\nrate = 5.0\n\n[audit.objects]\nsplit = "test"\n'
    (folder / "config.toml").write_text(text, encoding="utf-8")
    return [folder / "config.toml"]


def _configure(path: Path) -> None:
    import click

    try:
        _program().main(["explain", "--config", str(path), "--help"], standalone_mode=False)
    except click.ClickException as error:  # an option's value, told by the command line itself
        from affectlens.core.errors import UsageError

        raise UsageError(error.format_message()) from error
    except click.exceptions.Exit:
        pass


@cache
def _program() -> Any:
    from typer.main import get_command

    from affectlens.cli.main import app

    return get_command(app)


def _queries(folder: Path) -> list[Path]:
    words = ("speaker == 'Anna'", "length > 3 and not (label in ['joy', 'anger'])", "`turn no` <= 2 or split != 'test'")
    for i, query in enumerate(words):
        (folder / f"{i}.query").write_text(query, encoding="utf-8")
    return sorted(folder.glob("*.query"))


def _query(path: Path) -> None:
    from affectlens.audits.concepts.library.base import from_query

    table = pd.DataFrame(
        {"speaker": ["Anna", "Ben"], "length": [2, 5], "label": ["joy", "fear"], "turn no": [1, 2], "split": "test"}
    )
    from_query("concept", path.read_text(encoding="utf-8", errors="replace")).predicate(table)


def _tree(name: str, folder: Path) -> list[Path]:
    return [every_tree(folder, seconds=0.1)[name]]  # short clips: each is decoded for each input


def _read_corpus(name: str, path: Path) -> None:
    with patch("affectlens.corpora.speech.base.read_clip", _clip):
        corpus = open_corpus(name, path)
        for split in corpus.info.splits:
            corpus.table(split)
            for _ in corpus.items(split):
                pass


def _clip(path: Path, start: float, end: float, note: Callable[[str], None]) -> np.ndarray:
    """Decode a clip, though one that is as it was not again for every split and every input."""
    try:
        facts = path.stat()
    except (OSError, ValueError):  # not there, or no name of a file
        return read_clip(path, start, end, note)
    key = (path, facts.st_mtime_ns, facts.st_size, repr(start), repr(end))
    if key not in _CLIPS:
        if len(_CLIPS) >= MOST_CLIPS:
            _CLIPS.clear()
        _CLIPS[key] = read_clip(path, start, end, note)
    return _CLIPS[key]
