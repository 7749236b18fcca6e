"""Tables of predictions made elsewhere: Py-Feat, OpenFace, LibreFace, DeepFace, FaceReader, and tables of one's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd

from affectlens.core.barrier import reads
from affectlens.core.errors import ModelError
from affectlens.core.labels import EKMAN7, canonical
from affectlens.core.untrusted.documents import json_of, read_text
from affectlens.core.untrusted.frames import read_csv, read_parquet

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".parquet")
_KEYS = ("key", "file", "input", "image", "path", "filename", "img_path", "image_name", "video", "name")
_LABELS = ("label", "truth", "true_label")
_INDEPENDENT = ("FaceReader", "OpenFace")  # their values of one row need not sum to one


@dataclass(frozen=True)
class Predicted:
    """Predictions as they were read.

    Attributes
    ----------
    table : DataFrame
        Index key, a column a class.
    labels : Series or None
        Labels that the table gives, by key.
    source : str
        Name of the format.
    notes : tuple of str
        What was done to the values.
    """

    table: pd.DataFrame
    labels: pd.Series | None
    source: str
    notes: tuple[str, ...]


@reads("a table of predictions", ModelError)
def read_predictions(path: Path) -> Predicted:
    """Read a csv, tsv, txt, json or parquet table of predictions.

    Parameters
    ----------
    path : Path
        The table. Items are named by its column ``key`` as it is, or by the file names (with folders where
        names repeat) in a column such as ``file`` or ``input``. A column ``label`` or ``truth`` gives the labels.

    Returns
    -------
    Predicted
        Probabilities in per cent are divided by 100; rows that do not sum to 1 within 2 % are counted in ``notes`` and divided
        by their sum, unless the format gives independent scores.

    Raises
    ------
    ModelError
        A file that cannot be read, in which no class is found, or in whose column ``key`` an item is twice.
    """
    frame = _load(path)
    frame.columns = pd.Index([str(c).strip() for c in frame.columns])
    fitting = {name: classes for name, columns in _FORMATS.items() if len(classes := columns(frame)) > 1}
    if not fitting:
        raise ModelError(
            f"{path}: no two columns name classes among {list(frame.columns)[:8]}; expected a column of probabilities a class, "
            "such as happiness or p_happiness, or an export of Py-Feat, OpenFace, LibreFace, DeepFace or FaceReader"
        )
    source, classes = next(iter(fitting.items()))
    values, notes = _values(frame, source, classes)
    keys, exact = _keys(frame)
    values.index = keys
    if keys.has_duplicates and exact:
        raise ModelError(f"{path}: the key {keys[keys.duplicated()][0]!r} occurs more than once; give every item one row")
    if not exact and keys.str.contains("/").any():
        notes.append("files of one name lie in several folders, so items are named with their folders")
    if keys.has_duplicates:
        notes.append(f"{int(keys.duplicated().sum())} keys occur more than once; their rows are averaged")
        values = values.groupby(level=0).mean()
    label = next((c for c in frame.columns if c.lower() in _LABELS), None)
    labels = None
    if label is not None:
        labels = frame[label].astype(str).map(canonical).set_axis(keys)
        labels = labels[~keys.duplicated()]
    return Predicted(values, labels, source, tuple(notes))


def _values(frame: pd.DataFrame, source: str, classes: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """A column a class, and what was done to the values."""
    values = frame[list(classes.values())].apply(pd.to_numeric, errors="coerce")
    values.columns = pd.Index(list(classes))
    if source == "OpenFace":
        return values, ["OpenFace gives action units, not emotions: each unit's intensity is audited as an output of its own"]
    notes = []
    if float(values.max(axis=None)) > 1.5:
        values, notes = values / 100, ["values were in per cent and are divided by 100"]
    total = values.sum(axis=1)
    odd = int(((total - 1).abs() > 0.02).sum())
    if odd and source not in _INDEPENDENT:
        notes.append(f"{odd} of {len(values)} rows did not sum to 1 and are divided by their sum")
        values = values.div(total.where(total > 0), axis=0)
    return values, notes


def _keys(frame: pd.DataFrame) -> tuple[pd.Index, bool]:
    """Names of the items, and whether they are keys as they are.

    Those are in a column ``key``; else file names count, with so many of their folders as keep different files apart, else the
    numbers of the rows.

    Returns
    -------
    tuple of Index and bool
        One name a row.
    """
    column = next((c for c in frame.columns if c.lower() in _KEYS), None)
    if column is None:
        return pd.Index([f"row{i}" for i in range(len(frame))], name="key"), True
    names, exact = frame[column].astype(str), column.lower() == "key"
    return pd.Index(names if exact else _path_endings(names), name="key"), exact


def _path_endings(names: pd.Series) -> pd.Series:
    """The shortest endings of paths that keep different files apart: file names, where these are not enough with folders."""
    parts = names.map(lambda v: Path(v.replace("\\", "/")).parts)
    different = parts.nunique()
    for depth in range(1, int(parts.map(len).max()) + 1):
        endings = parts.map(lambda v, depth=depth: "/".join(v[-depth:]))
        if endings.nunique() == different:
            break
    return endings


def _load(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".parquet":
            return read_parquet(path)
        if path.suffix == ".json":
            content = json_of(path)
            rows = content if isinstance(content, list) else [dict(v, key=k) for k, v in content.items()]
            return pd.json_normalize([r for row in rows for r in (row if isinstance(row, list) else [row])])
        lines = read_text(path, ModelError, "replace").splitlines()
        # FaceReader writes a few lines about the session before its table.
        start = next((i for i, line in enumerate(lines[:40]) if re.match(r'"?(Video Time|Image)\b', line)), 0)
        return read_csv(StringIO("\n".join(lines[start:])), sep=None, engine="python", named=path)
    except (OSError, ValueError, TypeError, AttributeError, pd.errors.ParserError) as error:
        raise ModelError(f"{path}: not a readable table ({error})") from error


def _named(frame: pd.DataFrame) -> dict[str, str]:
    """Columns by the class that their name tells."""
    columns = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
    out = {}
    for column in columns:
        plain = canonical(re.sub(r"^(p_|prob_|probability_|emotion[._])", "", column.lower()))
        if plain in (*EKMAN7.labels, "contempt"):
            out[plain] = column
    marked = {c[2:]: c for c in columns if c.startswith("p_")}
    return out if len(out) >= max(2, len(marked)) else marked  # of another scheme: whatever is marked as a probability


def _pyfeat(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if "FaceScore" in frame.columns else {}


def _deepface(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if any(c.startswith("emotion.") for c in frame.columns) else {}


def _facereader(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if any(c in frame.columns for c in ("Video Time", "Image")) and "Neutral" in frame.columns else {}


def _openface(frame: pd.DataFrame) -> dict[str, str]:
    return {c[:-2]: c for c in frame.columns if re.fullmatch(r"AU\d\d_r", c)}


def _libreface(frame: pd.DataFrame) -> dict[str, str]:
    return _named(frame) if any(c.startswith("au_") for c in frame.columns) else {}


_FORMATS: dict[str, Callable[[pd.DataFrame], dict[str, str]]] = {  # the class that each column of a format is of
    "FaceReader": _facereader,
    "Py-Feat": _pyfeat,
    "DeepFace": _deepface,
    "LibreFace": _libreface,
    "OpenFace": _openface,
    "table": _named,
}
