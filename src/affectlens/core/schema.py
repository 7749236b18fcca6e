"""The table and Evidence: the one form in which every result leaves this package."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from affectlens.core.errors import OutputError, UsageError
from affectlens.core.labels import EKMAN7, LabelScheme

STATUS = ("ok", "abstained", "missing", "failed")
LEVELS = ("instance", "concept", "corpus", "property", "latent", "situation")
SCENE = -1  # the person of a row that speaks of the whole scene
INDEX = ["file", "start", "end", "person"]
GROUP = 512  # rows written at once


@dataclass(frozen=True)
class Row:
    """One segment of one modality. Times in seconds; ``probabilities`` in the order of ``scheme.labels`` or None.

    ``conformal`` is the set of classes that holds the expressed label with the model's stated coverage; ``weight`` is the
    modality's share in the fused answer of its segment (NaN where none was formed); ``conflict`` tells on fused rows that
    modalities disagree.
    """

    file: str
    start: float
    end: float
    person: int
    modality: str
    status: str = "ok"
    reason: str = ""
    probabilities: tuple[float, ...] | None = None
    valence: float = float("nan")
    arousal: float = float("nan")
    conformal: tuple[str, ...] = ()
    quality: float = float("nan")
    weight: float = float("nan")
    conflict: bool = False
    text: str = ""
    language: str = ""
    scheme: LabelScheme = EKMAN7

    def __post_init__(self) -> None:
        if self.status not in STATUS:
            raise UsageError(f"status {self.status!r} is not one of {', '.join(STATUS)}")
        if self.status != "ok" and not self.reason:
            raise UsageError(f"a row with status {self.status!r} must give a reason")
        if self.probabilities is not None:
            if len(self.probabilities) != len(self.scheme.labels):
                raise UsageError(f"{len(self.probabilities)} probabilities given for the classes {self.scheme.labels}")
            if not abs(sum(self.probabilities) - 1) < 1e-4 or min(self.probabilities) < 0:
                raise UsageError(f"probabilities must be a distribution, got {self.probabilities}")

    @property
    def label(self) -> str:
        """The most probable class, empty where there is none."""
        if self.probabilities is None:
            return ""
        return self.scheme.labels[max(range(len(self.probabilities)), key=self.probabilities.__getitem__)]

    @property
    def confidence(self) -> float:
        """Calibrated probability of ``label``; NaN where there is none."""
        return max(self.probabilities) if self.probabilities else float("nan")

    def to_record(self) -> dict[str, Any]:
        """One flat record, the table's columns in order."""
        # Every row has the seven columns; a class that the row's scheme does not know is not a number there.
        given = {f"p_{name}": float("nan") for name in dict.fromkeys((*EKMAN7.labels, *self.scheme.labels))}
        if self.probabilities:
            given |= {f"p_{name}": float(p) for name, p in zip(self.scheme.labels, self.probabilities, strict=True)}
        record: dict[str, Any] = {"file": self.file, "start": float(self.start), "end": float(self.end)}
        record |= {"person": int(self.person), "modality": self.modality, "scheme": self.scheme.name}
        record |= {"label": self.label, "confidence": float(self.confidence)}
        record |= given
        record |= {"valence": float(self.valence), "arousal": float(self.arousal)}
        record |= {"conformal": "|".join(self.conformal), "quality": float(self.quality), "weight": float(self.weight)}
        record |= {"conflict": bool(self.conflict), "status": self.status, "reason": self.reason}
        return record | {"text": self.text, "language": self.language}


@dataclass(frozen=True)
class Evidence:
    """What was found about one row of the table, with its uncertainty and where the artefact lies.

    ``value`` is in ``unit``; ``low`` and ``high`` are an interval, or ``p_value`` with the ``test`` that gave it; what does
    not apply is NaN or empty. ``settings`` are those of ``method``. ``artefact`` is a path relative to the report.
    """

    id: str
    file: str
    start: float
    end: float
    person: int
    level: str
    modality: str
    target: str
    name: str
    value: float
    unit: str
    method: str
    low: float = float("nan")
    high: float = float("nan")
    p_value: float = float("nan")
    test: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    artefact: str = ""

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise UsageError(f"evidence level {self.level!r} is not one of {', '.join(LEVELS)}")

    def to_record(self) -> dict[str, Any]:
        """One flat record; ``settings`` as JSON."""
        return asdict(self) | {"settings": json.dumps(self.settings, sort_keys=True)}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Evidence:
        """The inverse of ``to_record``."""
        known = {f.name for f in fields(cls)}
        given = {k: v for k, v in record.items() if k in known}
        return cls(**{**given, "settings": json.loads(record["settings"])})


def rows_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Rows as a frame with the columns of ``Row.to_record``."""
    records = [r.to_record() for r in rows]
    if not records:
        return pd.DataFrame(columns=list(Row("", 0, 0, SCENE, "fused", "missing", "none").to_record()))
    return pd.DataFrame.from_records(records)


def evidence_frame(evidence: Iterable[Evidence]) -> pd.DataFrame:
    """Evidence as a frame, one row each."""
    columns = [f.name for f in fields(Evidence)]
    return pd.DataFrame.from_records([e.to_record() for e in evidence], columns=columns)


def to_audformat(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows under the ``(file, start, end)`` timedelta index that speech tools use."""
    out = table.copy()
    for column in ("start", "end"):
        out[column] = pd.to_timedelta(out[column], unit="s")
    return out.set_index(["file", "start", "end"])


def from_audformat(table: pd.DataFrame) -> pd.DataFrame:
    """The inverse of ``to_audformat``; an end that is NaT means the file's end and stays NaN."""
    if list(table.index.names) != ["file", "start", "end"]:
        raise UsageError(f"expected the index (file, start, end), got {list(table.index.names)}")
    out = table.reset_index()
    for column in ("start", "end"):
        out[column] = out[column].dt.total_seconds()
    if "person" not in out:
        out["person"] = SCENE
    return out


class TableWriter:
    """Writes rows to Parquet while they are computed; the file takes its name only when ``close`` is called."""

    def __init__(self, path: Path) -> None:
        self.path, self._partial = path, path.with_suffix(".partial.parquet")
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []

    def append(self, frame: pd.DataFrame) -> None:
        """Add rows.

        They are on disk when some hundred have come together, since every row group is remembered until the file is closed.
        """
        if frame.empty:
            return
        self._waiting.append(pa.Table.from_pandas(frame, preserve_index=False))
        if sum(t.num_rows for t in self._waiting) >= GROUP:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        schema = self._writer.schema if self._writer else waiting[0].schema
        try:
            if self._writer is None:
                self._writer = pq.ParquetWriter(self._partial, schema)
            self._writer.write_table(pa.concat_tables([t.cast(schema) for t in waiting]).combine_chunks())
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error}") from error

    def close(self) -> None:
        """Finish the file and move it to its name."""
        self._write()
        if self._writer is None:
            write_frame(rows_frame([]), self.path)
            return
        try:
            self._writer.close()
            os.replace(self._partial, self.path)
        except OSError as error:
            raise OutputError(f"cannot write {self.path}: {error}") from error

    def discard(self) -> None:
        """Leave nothing behind."""
        self._waiting = []
        if self._writer is not None:
            self._writer.close()
        self._partial.unlink(missing_ok=True)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as Parquet or CSV by its suffix, whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        if path.suffix == ".csv":
            frame.to_csv(partial, index=False)
        else:
            frame.to_parquet(partial, index=False)
        os.replace(partial, path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {error}; free some space or give another --out") from error
