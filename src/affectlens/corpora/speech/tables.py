"""Speech corpora whose labels lie in tables: IEMOCAP, audformat databases, a csv of your own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from affectlens.core.errors import CorpusError
from affectlens.core.untrusted.documents import read_text
from affectlens.core.untrusted.frames import read_csv, read_parquet
from affectlens.corpora.speech.base import Rows, register_speech

_TURN = re.compile(r"^\[(?P<start>[\d.]+) - (?P<end>[\d.]+)\]\t(?P<name>\S+)\t(?P<label>\w+)\t\[(?P<vad>[^\]]+)\]")
_IEMOCAP = {
    "ang": "anger", "hap": "happiness", "exc": "excitement", "sad": "sadness", "neu": "neutral", "fru": "frustration",
    "fea": "fear", "sur": "surprise", "dis": "disgust", "oth": "other", "xxx": "undecided",
}  # fmt: skip


@register_speech(
    "iemocap", "IEMOCAP (clips)", "en", "on request, research only; cite Busso et al. 2008", "https://sail.usc.edu/iemocap",
    "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt and Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav",
)  # fmt: skip
def iemocap(root: Path) -> Rows:
    """Turns of the five sessions with category, valence, arousal (activation) and dominance; a missing wav keeps its row."""
    rows: Rows = []
    for table in sorted(root.glob("Session*/dialog/EmoEvaluation/Ses*.txt")):
        session = table.parts[-4]
        for line in read_text(table, CorpusError, "replace").splitlines():
            m = _TURN.match(line)
            if not m:
                continue
            name = m["name"]
            valence, activation, dominance = (float(v) for v in m["vad"].split(","))
            rows.append(
                {
                    "key": name,
                    "path": str(root / session / "sentences" / "wav" / name.rsplit("_", 1)[0] / f"{name}.wav"),
                    "label": _IEMOCAP.get(m["label"], m["label"]),
                    "speaker": f"{name[:5]}{name.rsplit('_', 1)[1][0]}",
                    "gender": "female" if name.rsplit("_", 1)[1][0] == "F" else "male",
                    "session": session,
                    "improvised": "impro" in name,
                    "valence": valence,
                    "arousal": activation,
                    "dominance": dominance,
                }
            )
    return rows


@register_speech(
    "audformat", "An audformat database", "", "the database's own", "https://audeering.github.io/audformat",
    "db.yaml with tables db.NAME.csv (or .parquet); one has columns file and emotion, speaker there or in another",
)  # fmt: skip
def audformat(root: Path) -> Rows:
    """File-wise or segmented tables; ``start`` and ``end`` as pandas writes time differences."""
    tables = {p.name: _read(p) for p in sorted([*root.glob("db.*.csv"), *root.glob("db.*.parquet")])}
    labelled = [t for t in tables.values() if {"file", "emotion"} <= set(t.columns)]
    if not labelled:
        names = ", ".join(tables) or "none"
        raise CorpusError(f"{root}: tables here: {names}; expected db.*.csv or db.*.parquet with columns file and emotion")
    frame = labelled[0]
    for other in tables.values():
        if "file" in other and "start" not in other:
            more = [c for c in ("speaker", "gender", "age", "language") if c in other and c not in frame]
            frame = frame.merge(other.drop_duplicates("file")[["file", *more]], on="file", how="left") if more else frame
    return _rows(frame.dropna(subset=["emotion"]), root, "emotion", frame.get("language"))


@register_speech(
    "speech-csv", "A csv table of speech clips", "", "your own", "your own",
    "columns file and label; optionally speaker, gender, language, start, end (seconds); files relative to the table",
)  # fmt: skip
def speech_csv(path: Path) -> Rows:
    """A csv, tsv or parquet table of clips."""
    if path.is_dir():
        raise CorpusError(f"{path}: expected a csv, tsv or parquet table, not a folder")
    frame = _read(path)
    if not {"file", "label"} <= set(frame.columns):
        raise CorpusError(f"{path}: columns {list(frame.columns)[:8]}; expected at least file and label")
    empty = int(frame.label.isna().sum())
    if empty:
        raise CorpusError(f"{path}: {empty} rows have no label; give each one or remove them")
    return _rows(frame, path.parent, "label", frame.get("language"))


def _read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return read_parquet(path)
    return read_csv(path, sep="\t" if path.suffix == ".tsv" else ",", dtype={"speaker": str})


def _seconds(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values):
        return np.asarray(values.to_numpy(dtype=float))
    return np.asarray(pd.to_timedelta(values).dt.total_seconds())


def _rows(frame: pd.DataFrame, root: Path, label: str, language: pd.Series | None) -> Rows:
    files = frame["file"].astype(str)
    out = pd.DataFrame({"path": [str(root / f) for f in files], "label": frame[label].astype(str).to_numpy()})
    out["key"] = files.to_numpy()
    for column in ("speaker", "gender", "age"):
        if column in frame:
            out[column] = frame[column].fillna("").astype(str).to_numpy()
    if "start" in frame and "end" in frame:
        out["start"], out["end"] = _seconds(frame["start"]), _seconds(frame["end"])
        out["key"] = [f"{k}#{s:.2f}" for k, s in zip(out.key, out.start, strict=True)]
    if language is not None:
        out["language"] = language.fillna("").astype(str).to_numpy()
    return [{str(k): v for k, v in r.items()} for r in out.to_dict("records")]
