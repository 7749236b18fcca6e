"""Measured properties of every item of a corpus as a table, with what could not be measured and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.corpora.base import Corpus, Item
from affectlens.features.properties.registry import Property, properties

Told = Callable[[str, int, int], None]
PART = 512  # items that are kept, and asked about, together


@dataclass(frozen=True)
class Measured:
    """``table`` indexed by key, a column a property; ``kinds`` of the columns; ``missed`` keys and why; ``answers``: what the
    classifier said of the items that it could be asked about, a column a class."""

    table: pd.DataFrame
    kinds: dict[str, str]
    missed: dict[str, str]
    answers: pd.DataFrame


@dataclass(frozen=True)
class Asked:
    """A classifier to ask in the same pass: ``given(item, view)`` is its input or None, ``predict`` takes a list of inputs and
    gives probabilities ``(n, classes)``; ``stamp`` tells one state of it from another."""

    given: Callable[[Item, Any], Any]
    predict: Callable[[list[Any]], np.ndarray]
    classes: tuple[str, ...]
    stamp: str


def view_maker(modality: str, corpus: str, path: Path) -> Callable[[Item], tuple[Any, str]]:
    """What turns an item into what the properties of its modality look at, or gives None and the reason."""
    if modality in ("face", "scene"):
        from affectlens.features.properties.face import FaceViewer

        viewer = FaceViewer()

        def face(item: Item) -> tuple[Any, str]:
            found = viewer(item.data)
            return found, "" if found is not None else "no face found"

        return face
    if modality == "voice":
        from affectlens.features.properties.voice import VoiceView
        from affectlens.features.speech import speech_table
        from affectlens.perception.voice.egemaps import NAMES

        held = speech_table({corpus: path})
        rows = {r["key"]: (i, r) for i, r in enumerate(held.rows.to_dict("records"))}

        def voice(item: Item) -> tuple[Any, str]:
            if item.key not in rows:
                return None, held.missed.get(f"{corpus}/{item.key}", "no features")
            i, row = rows[item.key]
            facts = {k: str(row[k]) for k in ("gender", "language", "speaker") if row.get(k)}
            return VoiceView(dict(zip(NAMES, held.features[i], strict=True)), item.data, facts), ""

        return voice
    if modality == "gait":
        from affectlens.core.errors import MediaError
        from affectlens.perception.body.formats import of_corpus

        def gait(item: Item) -> tuple[Any, str]:
            try:
                return of_corpus(item.data, item.meta or {}), ""
            except MediaError as error:
                return None, str(error)

        return gait
    return lambda item: (item.data, "")


def measure_corpus(
    source: Corpus, split: str, view: Callable[[Item], tuple[Any, str]], wanted: Iterable[Property] | None = None,
    cache: Path | None = None, told: Told | None = None, asked: Asked | None = None,
) -> Measured:  # fmt: skip
    """Every property of every item of a split, and what a classifier says of it, in one pass; only their numbers are kept.

    Parts of 512 items go to ``cache``: a pass that was broken off goes on, one that was done is read. A property that cannot be
    told of an item is missing there; one that fails is missing with its reason.
    """
    modality = "face" if source.info.modality == "scene" else source.info.modality
    chosen = list(wanted) if wanted is not None else properties(modality)
    kinds = {p.name: p.kind for p in chosen}
    keys = source.table(split).key.tolist()
    about = [source.info.name, split, keys, sorted(kinds), asked.stamp if asked else ""]
    mark = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:20]
    folder = cache / f"pass-{mark}" if cache else None
    parts = [pd.read_parquet(f) for f in sorted(folder.glob("part-*.parquet"))] if folder else []
    done = {k for part in parts for k in part.key}
    if told and done:
        told("properties", len(done), len(keys))
    if len(done) < len(keys):
        held: list[tuple[Item, Any, str]] = []
        for i, item in enumerate(source.items(split)):
            if item.key in done:
                continue
            held.append((item, *(view(item) if item.data is not None else (None, item.problem))))
            if len(held) == PART:
                parts.append(_kept(_part(held, chosen, asked), folder, len(parts)))
                held = []
            if told:
                told("properties", i + 1, len(keys))
        if held:
            parts.append(_kept(_part(held, chosen, asked), folder, len(parts)))
    classes = list(asked.classes) if asked else []
    columns = ["key", "missed", *kinds, *(f"p: {c}" for c in classes)]
    every = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    every = every.drop_duplicates("key").set_index("key").reindex(keys)
    missed: dict[str, str] = {}
    for text in every.missed.dropna():
        missed |= json.loads(text)
    table = every[list(kinds)].copy()
    for name, kind in kinds.items():
        if kind != "categorical":
            table[name] = pd.to_numeric(table[name], errors="coerce")
    answers = every[[f"p: {c}" for c in classes]].astype(float).dropna()
    answers.columns = classes
    return Measured(table, kinds, missed, answers)


def _part(held: list[tuple[Item, Any, str]], chosen: list[Property], asked: Asked | None) -> pd.DataFrame:
    """Rows of some items."""
    rows: list[dict[str, Any]] = []
    for item, seen, reason in held:
        missed: dict[str, str] = {} if seen is not None else {item.key: reason}
        row: dict[str, Any] = {"key": item.key} | dict.fromkeys(p.name for p in chosen)
        for p in chosen if seen is not None else ():
            try:
                row[p.name] = p.measure(seen)
            except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError) as error:
                missed[f"{item.key}: {p.name}"] = str(error)
        rows.append(row | {"missed": json.dumps(missed) if missed else None})
    frame = pd.DataFrame(rows)
    if asked is not None:
        given = [asked.given(item, seen) if item.data is not None else None for item, seen, _ in held]
        at = [i for i, x in enumerate(given) if x is not None]
        answers = np.full((len(held), len(asked.classes)), np.nan)
        if at:
            answers[at] = asked.predict([given[i] for i in at])
        for k, name in enumerate(asked.classes):
            frame[f"p: {name}"] = answers[:, k]
    return frame


def _kept(frame: pd.DataFrame, folder: Path | None, number: int) -> pd.DataFrame:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"part-{number:05d}.parquet"
        frame.to_parquet(file.with_suffix(".new"))
        file.with_suffix(".new").replace(file)  # whole or not at all
    return frame
