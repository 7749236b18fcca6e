"""Run folders as `explain` writes them, generated without any network."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.disk.files import sha256_of, write_json
from affectlens.core.kinds import EVIDENCE
from affectlens.core.labels import EKMAN7
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.core.tables import RUN_FORMAT, SCHEMA_VERSION, evidence_frame, rows_frame, write_frame
from affectlens.fusion.evidence import ConflictDetail, ShareDetail, ShareOfTimeDetail, WhatIfDetail
from affectlens.modalities.face.evidence import MovementDetail, RegionDetail
from affectlens.modalities.faithfulness import FaithfulnessDetail
from affectlens.modalities.scene.evidence import PlaceDetail, ThingDetail
from affectlens.modalities.voice.evidence import MomentDetail, VoiceDifference
from affectlens.modalities.words.evidence import ConceptDetail, SpeakerDetail, WordDetail
from affectlens.perception.face.landmarks import BLENDSHAPES
from affectlens.pipeline.seen import FRAMES, MAPS, POINTS, SCALE, TRANSCRIPT
from affectlens.report.narrative import narrative
from tests.conftest import write_video

WORDS = ("Today", "we", "are", "glad")


def recording(path: Path, seconds: float = 3.0, rate: int = 10, sound: bool = True, codec: str = "h264") -> Path:
    """A moving grey square, with a hum."""
    frames = []
    for number in range(round(seconds * rate)):
        frame = np.full((96, 128, 3), 40, np.uint8)
        frame[20 + number % 20 : 60 + number % 20, 30:70] = (200, 150, 120)
        frames.append(frame)
    time = np.arange(round(16000 * seconds)) / 16000
    hum = (0.1 * np.sin(2 * np.pi * 200 * time)).astype(np.float32) if sound else None
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_video(path, frames, rate=rate, audio=hum, codec=codec)


class Writer:
    """Rows and evidence with the next free ids."""

    def __init__(self, file: str) -> None:
        self.file, self.rows, self.evidence = file, [], []

    def row(self, *args: Any, **more: Any) -> Row:
        self.rows.append(Row(self.file, *args, **more))
        return self.rows[-1]

    def found(self, row: Row, kind: str, value: float, *, subject: str = "", detail: Any = None, **more: Any) -> Evidence:
        declared = EVIDENCE.get(kind)
        given = {"unit": declared.unit, "method": "by hand", "target": row.label, **more}
        if detail is not None:
            given["detail"] = detail
        self.evidence.append(
            Evidence(
                f"e{len(self.evidence) + 1:05d}", row.file, row.start, row.end, row.person, declared.level, row.modality,
                kind=kind, subject=subject, value=float(value), **given,
            )
        )  # fmt: skip
        return self.evidence[-1]


def shares(label: str, sure: float) -> tuple[float, ...]:
    rest = (1 - sure) / 6
    return tuple(sure if name == label else rest for name in EKMAN7.labels)


def answers(writer: Writer, seconds: int, people: int) -> None:
    """Face, fused and evidence of every person and second."""
    cycle = ("neutral", "neutral", "happiness", "surprise", "neutral", "anger")
    for person in range(people):
        for second in range(seconds):
            label = cycle[(second + person) % len(cycle)]
            if (second + person) % 11 == 10:
                writer.row(second, second + 1, person, "face", "abstained", "the face is small", quality=0.05)
                writer.row(second, second + 1, person, "fused", "abstained", "no module could be read")
                continue
            sure = 0.6 + 0.3 * ((second * 7 + 3 * person) % 10) / 10
            face = writer.row(
                second, second + 1, person, "face", probabilities=shares(label, sure), conformal=(label,), quality=0.8,
                typical=0.5, weight=0.7,
            )  # fmt: skip
            for place, region in enumerate(("mouth", "nose")):
                detail = RegionDetail("join", "hirescam", 0.5 - 0.2 * place, 0.1)
                writer.found(face, "region", 5.0 - 2 * place, subject=region, method="hirescam", detail=detail)
            if second % 3 == 0:
                writer.found(face, "movement", 2.5, subject="jaw open", detail=MovementDetail(0.5, 0.1))
            fused = writer.row(
                second, second + 1, person, "fused", probabilities=shares(label, sure - 0.1), conformal=tuple(dict.fromkeys((label, "neutral"))),
                valence=0.2, arousal=-0.1, quality=0.8, conflict=second % 5 == 3,
            )  # fmt: skip
            writer.found(fused, "share", 1.2, subject="face", detail=ShareDetail(0.7, "prior", "early"))
            if second % 5 == 3:
                said = {"face": label, "words": "anger"}
                writer.found(fused, "conflict", 0.4, detail=ConflictDetail(said))
                writer.found(fused, "what if", -0.1, subject="face", detail=WhatIfDetail("anger", 0.5, sure, 0.3))


def run_folder(
    out: Path, *, seconds: int = 6, people: int = 2, name: str = "talk.mp4", folder: str = "", with_recording: bool = True,
    where: Path | None = None, **facts: Any,
) -> Path:  # fmt: skip
    """A run with everything that the workbench shows.

    Parameters
    ----------
    out : Path
        Folder of runs.
    seconds, people : int
        How much there is.
    name, folder : str
        Of the recording, and of the run's folder.
    with_recording : bool
        Whether the recording is made; ``where`` says where, ``out`` by default.
    **facts
        Replace what provenance.json says.
    """
    made = out / (folder or f"{Path(name).stem}-0123456789ab")
    made.mkdir(parents=True)
    clip = (where or out) / name
    if with_recording and not clip.exists():
        recording(clip, min(seconds, 6))
    writer = Writer(name)
    answers(writer, seconds, people)
    text = " ".join(WORDS)
    words = writer.row(
        0.5, 2.5, 0, "words", probabilities=shares("happiness", 0.7), conformal=("happiness",), quality=0.9, weight=0.3, text=text,
        language="en",
    )  # fmt: skip
    for word, value in zip(WORDS[::-1], (0.8, -0.1, 0.05), strict=False):
        writer.found(words, "word", value, subject=word, detail=WordDetail(50, "[MASK]", 0.01, 0.2))
    writer.found(words, "concept", 0.3, subject="joy", p_value=0.01, test="rank", detail=ConceptDetail("layer", 0.9, 99))
    writer.found(words, "speaker", 0, detail=SpeakerDetail("their mouth moved most with these words", (0.2,)))
    voice = writer.row(0.5, 2.5, 0, "voice", probabilities=shares("happiness", 0.6), conformal=("happiness",), weight=0.1)
    habit = VoiceDifference("F0", "their other turns", True, 0.6, 220.0, 180.0, 2.1)
    writer.found(voice, "voice", 4.1, subject="higher pitch", unit="semitones", detail=habit)
    writer.found(voice, "moment", 0.3, detail=MomentDetail(0.5, 1.0))
    for row, test in ((words, (-0.1, 0.02, 0.1, 0.03)), (writer.rows[0], (-0.1, 0.02, 0.1, 0.4))):
        for subject, value, p_value in (("deletion", *test[:2]), ("insertion", *test[2:])):
            detail = FaithfulnessDetail("hirescam", "blur", 0.4, 0.5, 99)
            writer.found(row, "faithfulness", value, subject=subject, p_value=p_value, test="rank", detail=detail)
    scene = writer.row(0.0, float(seconds), SCENE, "scene", "abstained", "the scene takes no part")
    writer.found(scene, "place", 0.8, detail=PlaceDetail("office", True, "file name", {"office": 0.8}))
    writer.found(scene, "thing", 0.9, subject="chair", detail=ThingDetail(0.7, 2, seconds))
    for person in range(people):
        own = [row for row in writer.rows if row.person == person and row.modality == "fused" and row.status == "ok"]
        labels = pd.Series([row.label for row in own]).value_counts(normalize=True)
        detail = ShareOfTimeDetail(seconds, len(own), 0.7, {str(label): float(share) for label, share in labels.items()})
        whole = Row(name, 0, seconds, person, "fused", probabilities=shares(str(labels.index[0]), 0.7))
        writer.found(whole, "share of time", float(labels.iloc[0]), low=0.2, high=0.9, detail=detail)
    write_tables(made, writer)
    write_seen(made, seconds, people)
    utterance = {
        "words": [{"text": word, "start": 0.5 + 0.5 * place, "end": 0.9 + 0.5 * place, "probability": 0.9} for place, word in enumerate(WORDS)],
        "language": "en", "language_probability": 0.99, "channel": None, "translated": False,
    }  # fmt: skip
    state = {"heard": float(seconds), "voiced": [[0.5, 2.5]], "utterances": [utterance], "left out": {}}
    write_json(made / TRANSCRIPT, {"format": "affectlens-transcript", "version": 1, **state})
    write_json(made / "narrative.json", {"sentences": [asdict(line) for line in narrative(writer.evidence)]})
    (made / "report.html").write_text("<!doctype html><title>report</title><p>report", encoding="utf-8")
    digest = sha256_of(clip) if clip.exists() else "0" * 64
    held = {
        "schema_version": SCHEMA_VERSION, "run_format": RUN_FORMAT, "file": str(clip), "sha256": digest, "kind": "video",
        "duration": float(seconds), "size": [128, 96], "made": "2026-11-05 10:00:00", "versions": {"affectlens": "0.1.0"},
        "models": [], "third_party": [], "problems": [], "seconds": {"total": 1.0},
        "job": {"key": "k", "sha256": digest, "options": {"modalities": ["face", "words", "voice", "scene"], "rate": 5.0, "window": 1.0,
                "seed": 0, "fusion": "early", "store": "/home/somebody/usual.db", "language": None}},
        "files": {part: sha256_of(made / part, fresh=True) for part in ("table.parquet", "table.csv", "evidence.parquet")},
    }  # fmt: skip
    write_json(made / "provenance.json", held | facts)
    return made


def write_tables(made: Path, writer: Writer) -> None:
    rows = sorted(writer.rows, key=lambda row: (row.start, row.person, row.modality))
    write_frame(rows_frame(rows), made / "table.parquet")
    write_frame(rows_frame(rows), made / "table.csv")
    write_frame(evidence_frame(writer.evidence), made / "evidence.parquet")


def write_seen(made: Path, seconds: int, people: int) -> None:
    """Boxes and landmarks five times a second, and a map a second."""
    times = np.arange(seconds * 5) / 5
    frames, maps = [], []
    for person in range(people):
        left = 0.2 + 0.3 * person
        marks = np.tile(np.round(np.array([left + 0.1, 0.4]) * SCALE).astype(np.int16), len(POINTS))
        base = {"person": person, "left": left, "top": 0.2, "width": 0.2, "height": 0.4, "quality": np.float32(0.8)}
        for time in times:
            shapes = {name: np.float32(0.5 + 0.4 * np.sin(time + place)) for place, name in enumerate(BLENDSHAPES)}
            frames.append({"time": float(time), **base, "marks": marks, **shapes})
        for second in range(seconds):
            corners = [left, 0.2, left + 0.2, 0.2, left + 0.2, 0.6, left, 0.6]
            cells = np.linspace(-1, 1, 36).astype(np.float32)
            for name, method in (("map", "hirescam"), ("attention", "encoder-decoder attention")):
                maps.append({
                    "start": float(second), "end": second + 1.0, "person": person, "modality": "face", "name": name, "method": method,
                    "target": "neutral", "time": second + 0.4, "rows": 6, "columns": 6, "cells": cells, "corners": np.array(corners),
                })  # fmt: skip
    write_frame(pd.DataFrame(frames).sort_values("time", kind="stable"), made / FRAMES)
    write_frame(pd.DataFrame(maps), made / MAPS)
