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
from affectlens.explain.properties.registry import Property, properties

Told = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Measured:
    """``table`` indexed by key, a column a property; ``kinds`` of the columns; ``missed`` keys and why."""

    table: pd.DataFrame
    kinds: dict[str, str]
    missed: dict[str, str]


def view_maker(modality: str, corpus: str, path: Path) -> Callable[[Item], tuple[Any, str]]:
    """What turns an item into what the properties of its modality look at, or gives None and the reason."""
    if modality in ("face", "scene"):
        from affectlens.explain.properties.face import FaceViewer

        viewer = FaceViewer()

        def face(item: Item) -> tuple[Any, str]:
            found = viewer(item.data)
            return found, "" if found is not None else "no face found"

        return face
    if modality == "voice":
        from affectlens.explain.properties.voice import VoiceView
        from affectlens.perception.voice.egemaps import NAMES
        from affectlens.training.speech_data import speech_table

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
        from affectlens.errors import MediaError
        from affectlens.perception.skeleton.formats import of_corpus

        def gait(item: Item) -> tuple[Any, str]:
            try:
                return of_corpus(item.data, item.meta or {}), ""
            except MediaError as error:
                return None, str(error)

        return gait
    return lambda item: (item.data, "")


def measure_corpus(
    source: Corpus, split: str, view: Callable[[Item], tuple[Any, str]], wanted: Iterable[Property] | None = None,
    cache: Path | None = None, told: Told | None = None,
) -> Measured:  # fmt: skip
    """Every property of every item of a split; from ``cache`` where the same were measured before.

    A property that cannot be told of an item is missing there; one that fails is missing with its reason.
    """
    modality = "face" if source.info.modality == "scene" else source.info.modality
    chosen = list(wanted) if wanted is not None else properties(modality)
    kinds = {p.name: p.kind for p in chosen}
    keys = source.table(split).key.tolist()
    mark = hashlib.sha256(json.dumps([source.info.name, split, keys, sorted(kinds)]).encode()).hexdigest()[:20]
    file = cache / f"properties-{mark}.parquet" if cache else None
    if file and file.exists():
        table = pd.read_parquet(file)
        return Measured(table, kinds, json.loads(table.attrs.get("missed", "{}")))
    rows: list[dict[str, float | str | None]] = []
    missed: dict[str, str] = {}
    for i, item in enumerate(source.items(split)):
        seen, reason = view(item) if item.data is not None else (None, item.problem)
        row: dict[str, float | str | None] = {}
        if seen is None:
            missed[item.key] = reason
        else:
            for p in chosen:
                try:
                    row[p.name] = p.measure(seen)
                except (ValueError, ArithmeticError, IndexError, np.linalg.LinAlgError) as error:
                    missed[f"{item.key}: {p.name}"] = str(error)
        rows.append(row)
        if told:
            told("properties", i + 1, len(keys))
    table = pd.DataFrame(rows, index=pd.Index(keys, name="key"), columns=list(kinds))
    for name, kind in kinds.items():
        if kind != "categorical":
            table[name] = pd.to_numeric(table[name], errors="coerce")
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        table.attrs["missed"] = json.dumps(missed)
        table.to_parquet(file)
    return Measured(table, kinds, missed)
