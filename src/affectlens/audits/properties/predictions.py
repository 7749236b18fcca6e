"""Predictions made elsewhere, read as they are: tables, Py-Feat, OpenFace, LibreFace, DeepFace and FaceReader exports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7, canonical

_KEYS = ("key", "file", "input", "image", "path", "filename", "img_path", "image_name", "video", "name")


@dataclass(frozen=True)
class Predicted:
    """``table`` indexed by key with a column a class; ``labels`` given in the table (or None); ``source`` names the format;
    ``notes`` say what was done to the values."""

    table: pd.DataFrame
    labels: pd.Series | None
    source: str
    notes: tuple[str, ...]


def read_predictions(path: Path) -> Predicted:
    """Read a csv, tsv, txt, json or parquet table of predictions.

    Probabilities in per cent are divided by 100; rows that do not sum to 1 within 2 % are counted in ``notes`` and divided by
    their sum, unless the format gives independent scores. A column ``label`` or ``truth`` gives the labels.

    Raises:
        UsageError: a file that cannot be read, or in which no class is found.
    """
    frame = _load(path)
    frame.columns = [str(c).strip() for c in frame.columns]
    fitting = {name: classes for name, columns in _FORMATS.items() if len(classes := columns(frame)) > 1}
    if not fitting:
        raise UsageError(
            f"{path}: no two columns name classes among {list(frame.columns)[:8]}; expected a column of probabilities a class, "
            "such as happiness or p_happiness, or an export of Py-Feat, OpenFace, LibreFace, DeepFace or FaceReader"
        )
    name, classes = next(iter(fitting.items()))
    values = frame[list(classes.values())].apply(pd.to_numeric, errors="coerce")
    values.columns = list(classes)
    notes = []
    if name == "OpenFace":
        notes.append("OpenFace gives action units, not emotions: each unit's intensity is audited as an output of its own")
    else:
        if float(values.max(axis=None)) > 1.5:
            values, notes = values / 100, [*notes, "values were in per cent and are divided by 100"]
        total = values.sum(axis=1)
        odd = int(((total - 1).abs() > 0.02).sum())
        if odd and name != "FaceReader":
            notes.append(f"{odd} of {len(values)} rows did not sum to 1 and are divided by their sum")
            values = values.div(total.where(total > 0), axis=0)
    key = next((c for c in frame.columns if c.lower() in _KEYS), None)
    index = frame[key].astype(str).map(lambda v: Path(v).name) if key else pd.Series([f"row{i}" for i in range(len(frame))])
    values.index = pd.Index(index, name="key")
    if values.index.has_duplicates:
        notes.append(f"{int(values.index.duplicated().sum())} keys occur more than once; their rows are averaged")
        values = values.groupby(level=0).mean()
    label = next((c for c in frame.columns if c.lower() in ("label", "truth", "true_label")), None)
    labels = None
    if label is not None:
        labels = frame[label].astype(str).map(canonical)
        labels.index = pd.Index(index, name="key")
        labels = labels[~labels.index.duplicated()]
    return Predicted(values, labels, name, tuple(notes))


def _load(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        if path.suffix == ".json":
            content = json.loads(path.read_text(encoding="utf-8"))
            rows = content if isinstance(content, list) else [dict(v, key=k) for k, v in content.items()]
            flat = [r for row in rows for r in (row if isinstance(row, list) else [row])]
            return pd.json_normalize(flat)
        text = path.read_text(encoding="utf-8-sig", errors="replace")
        lines = text.splitlines()
        # FaceReader writes a few lines about the session before its table.
        start = next((i for i, line in enumerate(lines[:40]) if re.match(r'"?(Video Time|Image)\b', line)), 0)
        from io import StringIO

        return pd.read_csv(StringIO("\n".join(lines[start:])), sep=None, engine="python")
    except (OSError, ValueError, pd.errors.ParserError) as error:
        raise UsageError(f"{path}: not a readable table ({error})") from error


def _named(frame: pd.DataFrame) -> dict[str, str]:
    out = {}
    for c in frame.columns:
        plain = canonical(re.sub(r"^(p_|prob_|probability_|emotion[._])", "", c.lower()))
        if plain in (*EKMAN7.labels, "contempt") and pd.api.types.is_numeric_dtype(frame[c]):
            out[plain] = c
    if len(out) < 2:  # another scheme: whatever is marked as a probability
        out = {c[2:]: c for c in frame.columns if c.startswith("p_") and pd.api.types.is_numeric_dtype(frame[c])}
    return out


def _pyfeat(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if "FaceScore" in frame.columns else {}


def _deepface(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if any(c.startswith("emotion.") for c in frame.columns) else {}


def _facereader(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if any(c in frame.columns for c in ("Video Time", "Image")) and "Neutral" in frame.columns else {}


def _openface(frame: pd.DataFrame) -> dict[str, str]:
    return {c.strip()[:-2]: c for c in frame.columns if re.fullmatch(r"AU\d\d_r", c.strip())}


def _libreface(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if any(str(c).startswith("au_") for c in frame.columns) else {}


_FORMATS: dict[str, Callable[[pd.DataFrame], dict[str, str]]] = {  # the class that each column of a format is of
    "FaceReader": _facereader,
    "Py-Feat": _pyfeat,
    "DeepFace": _deepface,
    "LibreFace": _libreface,
    "OpenFace": _openface,
    "table": _named,
}


def logits_of(table: pd.DataFrame) -> pd.DataFrame:
    """Log-odds of each class, bounded: what tests of dependence look at, since probabilities bunch at 0 and 1."""
    p = table.clip(1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
