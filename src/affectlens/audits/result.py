"""What every audit gives back: tables under identifiers, with the field's conventions, saved and read again without loss."""

from __future__ import annotations

import platform
import types
import typing
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.disk.files import write_json, write_whole
from affectlens.core.disk.names import safe_name
from affectlens.core.errors import AffectlensError, UsageError, unknown
from affectlens.core.settings import plain
from affectlens.core.tables import write_csv
from affectlens.core.untrusted.arrays import load_arrays, plain_name
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.frames import read_parquet

SCHEMA_VERSION = 2
MANIFEST = "provenance.json"
_PACKAGES = ("affectlens", "numpy", "scipy", "pandas", "scikit-learn", "torch", "onnxruntime", "opencv-python-headless")


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from.

    Attributes
    ----------
    audit : str
        Kind of audit.
    settings : dict
        Every setting, as JSON types.
    model : dict
        ``name``, ``spec``, ``sha256`` of the weights, ``licence`` and ``corpus`` where they are known.
    data : dict
        ``corpus``, ``split``, ``items``, ``sha256`` of what was read, ``licence``.
    versions : dict
        Of this package and of those that compute.
    """

    audit: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: versions())


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of those that compute."""
    out = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            out[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return out


class AuditResult:
    """Base of the frozen dataclasses that audits give back; ``primary`` names the field that holds the main table.

    Beside the module of the class lie ``findings`` with ``findings(audit)``, sentences, and ``page`` with ``charts(audit)``, a
    function a chart by name that gives None where there is nothing to draw, and ``write(audit, folder)``, the page; or the
    class has methods of its own for them.

    ``unread_table`` names the field, a table with the columns key and reason, that lists the items that could not be read.

    The main table has the columns ``p_value`` and, where a test has one number of its own, ``statistic``; corrected p-values
    are ``p_holm`` and ``p_bh``. All columns are identifiers.
    """

    kind: ClassVar[str] = ""
    primary: ClassVar[str] = ""
    unread_table: ClassVar[str] = ""
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """The main table."""
        return typing.cast(pd.DataFrame, getattr(self, self.primary))

    @property
    def unread(self) -> dict[str, str]:
        """Why each item came to nothing that could not be read; empty where all were read."""
        if not self.unread_table:
            return {}
        table = getattr(self, self.unread_table)
        return dict(zip(table.key, table.reason, strict=True))

    @property
    def pvalue(self) -> np.ndarray:
        """P-values of the main table, one a row."""
        return np.asarray(self.to_frame()["p_value"], dtype=float)

    @property
    def statistic(self) -> np.ndarray:
        """Test statistics (or effects) of the main table, one a row."""
        return np.asarray(self.to_frame()["statistic"], dtype=float)

    def findings(self) -> list[str]:
        """What was found, a sentence each."""
        return list(self._part("findings").findings(self))

    def plot(self, name: str = "") -> Any:
        """The chart of that name; without one the first, which is of the main table.

        Returns
        -------
        altair.Chart
            The chart.

        Raises
        ------
        UsageError
            No chart of that name, with those that there are, or nothing to draw in it.
        """  # noqa: DOC501
        charts = self._part("page").charts(self)
        name = name or next(iter(charts))
        if name not in charts:
            raise unknown("chart", name, list(charts))
        chart = charts[name]()
        if chart is None:
            raise UsageError(f"chart {name}: this audit has nothing to draw in it")
        return chart

    def report(self, folder: str | Path) -> Path:
        """Save the result in ``folder`` and write its page there, ``audit.html``; gives the page's path."""
        return Path(self._part("page").write(self, self.save(folder)))

    def _part(self, name: str) -> ModuleType:
        """A module beside that of the class: ``findings`` and ``page`` of the same audit, imported when they are needed."""
        return import_module(f"{type(self).__module__.rpartition('.')[0]}.{name}")

    def save(self, folder: str | Path) -> Path:
        """Write every table (parquet, and csv to look at), every array, and last ``provenance.json``; gives the folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MANIFEST).unlink(missing_ok=True)  # a folder is whole only with it
        tables: dict[str, pd.DataFrame] = {}
        arrays: dict[str, np.ndarray] = {}
        packed = {member.name: _packed(getattr(self, member.name), member.name, tables, arrays) for member in fields(self)}  # type: ignore[arg-type]
        for name, frame in tables.items():
            flat = _writable(frame)
            write_whole(folder / f"{name}.parquet", flat.to_parquet)
            write_whole(folder / f"{name}.csv", partial(write_csv, _readable(frame), index=_named(frame)))
        if arrays:
            write_whole(folder / "arrays.npz", lambda path: _save_arrays(path, arrays))
        write_json(folder / "result.json", packed)
        facts = {"schema_version": SCHEMA_VERSION, "kind": self.kind} | plain(asdict(self.provenance))
        write_json(folder / MANIFEST, facts)
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The inverse of ``save``.

        Returns
        -------
        AuditResult
            Of this class.

        Raises
        ------
        UsageError
            No result in the folder, one of another kind, or of another version of the layout.
        AffectlensError
            A file in it is larger than what is read of one.
        """
        folder = Path(folder)
        try:
            facts = json_of(folder / MANIFEST)
            packed = json_of(folder / "result.json")
        except AffectlensError:
            raise
        except Exception as error:  # whatever a library says of bytes that are not what it wrote
            raise UsageError(f"{folder}: no finished audit in it ({error}); run the audit with --out {folder}") from error
        if not isinstance(facts, dict) or not isinstance(packed, dict):
            raise UsageError(f"{folder}: no finished audit in it; run the audit with --out {folder}")
        if facts.get("kind") != cls.kind:
            raise UsageError(f"{folder} holds an audit of {facts.get('kind')!r}; one of {cls.kind!r} was expected")
        if facts.get("schema_version") != SCHEMA_VERSION:
            raise UsageError(
                f"{folder} has layout {facts.get('schema_version')}, this version of affectlens reads {SCHEMA_VERSION}; run "
                "the audit again (parts on disk are used where the settings are the same)"
            )
        with reading(folder, f"an audit of {cls.kind!r}", UsageError):
            arrays = load_arrays(folder / "arrays.npz", UsageError) if (folder / "arrays.npz").exists() else {}
            return typing.cast(Self, _unpacked({"$fields": packed}, cls, folder, arrays))


def _named(frame: pd.DataFrame) -> bool:
    return frame.index.name is not None


def _writable(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed types as text, which parquet can hold."""
    out = frame.copy()
    for column in out.select_dtypes(object).columns:
        kinds = {type(value) for value in out[column] if value is not None and value == value}
        if len(kinds) > 1:
            out[column] = [None if value is None or value != value else str(value) for value in out[column]]
    return out


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """Without columns of raw bytes, which no one can read in a csv."""
    raw = [column for column in frame.columns if frame[column].map(lambda value: isinstance(value, bytes)).any()]
    return frame.drop(columns=raw)


def _save_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as handle:
        np.savez(handle, **typing.cast(Any, arrays))


def _packed(value: Any, name: str, tables: dict[str, pd.DataFrame], arrays: dict[str, np.ndarray]) -> Any:
    """A value as JSON types; frames and arrays are put aside under ``name``."""
    if isinstance(value, pd.DataFrame):
        tables[name] = value
        return {"$table": name}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return {"$list": [_packed(item, f"{name}.{i}", tables, arrays) for i, item in enumerate(value)]}
        arrays[name] = value
        return {"$array": name}
    if is_dataclass(value) and not isinstance(value, type):
        members = {member.name: getattr(value, member.name) for member in fields(value)}
        return {"$fields": {key: _packed(item, f"{name}.{key}", tables, arrays) for key, item in members.items()}}
    if isinstance(value, dict):
        return {
            "$dict": [
                [_packed(key, "", tables, arrays), _packed(item, f"{name}.{safe_name(key)}", tables, arrays)]
                for key, item in value.items()
            ]
        }
    if isinstance(value, tuple | list | set | frozenset):
        ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        kind = "$list" if isinstance(value, list) else "$tuple"
        return {kind: [_packed(item, f"{name}.{i}", tables, arrays) for i, item in enumerate(ordered)]}
    if isinstance(value, np.generic):
        return value.item()
    return str(value) if isinstance(value, Path) else value


def _unpacked(packed: Any, hint: Any, folder: Path, arrays: dict[str, np.ndarray]) -> Any:
    """The inverse of ``_packed``: which class a record becomes follows from the field's type alone, never from the file."""
    if not isinstance(packed, dict):
        return packed
    (kind, value), *_ = packed.items()
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        hint = next(option for option in args if option is not type(None))
        return _unpacked(packed, hint, folder, arrays)
    if kind == "$table":
        return read_parquet(folder / f"{plain_name(value)}.parquet")
    if kind == "$array":
        return arrays[value]
    if kind == "$fields":
        hints = typing.get_type_hints(hint)
        return hint(**{name: _unpacked(part, hints[name], folder, arrays) for name, part in value.items() if name in hints})
    if kind == "$dict":
        inner = args[1] if len(args) == 2 else Any
        return {_unpacked(key, Any, folder, arrays): _unpacked(item, inner, folder, arrays) for key, item in value}
    inner = args[0] if args else Any
    items = [_unpacked(item, inner, folder, arrays) for item in value]
    return items if kind == "$list" else tuple(items)
