"""The base of results: ``to_frame``, ``plot``, ``save`` and ``load``, written once."""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.disk.files import make_folder, write_json, write_whole
from affectlens.core.errors import AffectlensError, UsageError, unknown
from affectlens.core.results.packing import named, packed, readable, save_arrays, unpacked, writable
from affectlens.core.tables import write_csv
from affectlens.core.untrusted.arrays import load_arrays
from affectlens.core.untrusted.documents import json_of

MANIFESTS = ("saved.json", "provenance.json")  # of results, and of audits


class SavedResult:
    """Base of the dataclasses that functions give back: a main table, charts, and a folder to save to and to load from.

    A class names its ``kind`` and, where one of its fields is the main table, the field as ``primary``; else it has a
    ``to_frame`` of its own. ``charts`` gives a function a chart by name. Fields may be numbers, texts, frames, arrays, and
    tuples, lists, dictionaries and dataclasses of these.

    Attributes
    ----------
    kind : str
        What the result is, as its folder names it; no other class has the same.
    primary : str
        The field that is the main table.
    noun, again : str
        What errors call it, and what they advise where a folder is of another version.
    manifest : str
        The file that is written last: a folder is whole only with it.
    version : int
        Of the layout on disk.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import tempfile
    >>> @dataclass(frozen=True)
    ... class Counts(SavedResult):
    ...     kind = "counts of an example"
    ...     primary = "table"
    ...     table: pd.DataFrame
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Counts.load(Counts(pd.DataFrame({"n": [3]})).save(folder)).to_frame().n.tolist()
    [3]
    """

    kind: ClassVar[str] = ""
    primary: ClassVar[str] = ""
    noun: ClassVar[str] = "result"
    again: ClassVar[str] = "compute and save it again"
    manifest: ClassVar[str] = "saved.json"
    version: ClassVar[int] = 1

    def to_frame(self) -> pd.DataFrame:
        """The main table."""
        return typing.cast(pd.DataFrame, getattr(self, self.primary))

    def charts(self) -> dict[str, Callable[[], Any]]:
        """What draws each chart (altair), by name; the first is of the main table. None is drawn where there is nothing."""
        return {}

    def facts(self) -> dict[str, Any]:
        """What the manifest says beside kind and version, as JSON types."""
        return {}

    def plot(self, name: str = "") -> Any:
        """The chart of that name; without one the first, which is of the main table.

        Parameters
        ----------
        name : str
            One of ``charts``.

        Returns
        -------
        altair.Chart
            The chart.

        Raises
        ------
        UsageError
            No chart of that name, with those that there are, or nothing to draw in it.
        """  # noqa: DOC501
        charts = self.charts()
        if not charts:
            raise UsageError(f"a {self.noun} of {self.kind!r} has no chart; to_frame() gives its table")
        name = name or next(iter(charts))
        if name not in charts:
            raise unknown("chart", name, list(charts))
        chart = charts[name]()
        if chart is None:
            raise UsageError(f"chart {name}: this {self.noun} has nothing to draw in it")
        return chart

    def save(self, folder: str | Path) -> Path:
        """Write every table (parquet, and csv to look at), every array, and last the manifest.

        Parameters
        ----------
        folder : str or Path
            Made where it is not there; an older result in it is replaced.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputError
            It cannot be written.
        """
        folder = make_folder(Path(folder))
        for manifest in MANIFESTS:
            (folder / manifest).unlink(missing_ok=True)  # a folder is whole only with it
        tables: dict[str, pd.DataFrame] = {}
        arrays: dict[str, np.ndarray] = {}
        members = fields(self)  # type: ignore[arg-type]
        values = {member.name: packed(getattr(self, member.name), member.name, tables, arrays) for member in members}
        for name, frame in tables.items():
            write_whole(folder / f"{name}.parquet", writable(frame).to_parquet)
            write_whole(folder / f"{name}.csv", partial(write_csv, readable(frame), index=named(frame)))
        if arrays:
            write_whole(folder / "arrays.npz", lambda path: save_arrays(path, arrays))
        else:
            (folder / "arrays.npz").unlink(missing_ok=True)  # of an older result
        write_json(folder / "result.json", values)
        write_json(folder / self.manifest, {"schema_version": self.version, "kind": self.kind} | self.facts())
        return folder

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The inverse of ``save``.

        Parameters
        ----------
        folder : str or Path
            Where a result of this class was saved.

        Returns
        -------
        SavedResult
            Of this class.

        Raises
        ------
        UsageError
            No result in the folder, one of another kind, or of another version of the layout.
        """
        folder = Path(folder)
        facts = cls._read(folder, next((name for name in MANIFESTS if (folder / name).exists()), cls.manifest))
        if facts.get("kind") != cls.kind:
            kind, noun = facts.get("kind"), "audit" if (folder / MANIFESTS[1]).exists() else "result"
            what = "the report of a recording" if "file" in facts else f"{article(noun)} of {kind!r}"
            raise UsageError(f"{folder} holds {what}; {article(cls.noun)} of {cls.kind!r} was expected")
        if facts.get("schema_version") != cls.version:
            raise UsageError(
                f"{folder} has layout {facts.get('schema_version')}, this version of affectlens reads {cls.version}; "
                f"{cls.again}"
            )
        values = cls._read(folder, "result.json")
        with reading(folder, f"{article(cls.noun)} of {cls.kind!r}", UsageError):
            arrays = load_arrays(folder / "arrays.npz", UsageError) if (folder / "arrays.npz").exists() else {}
            return typing.cast(Self, unpacked({"$fields": values}, cls, folder, arrays))

    @classmethod
    def _read(cls, folder: Path, name: str) -> dict[str, Any]:
        """The table in one of the folder's files."""
        how = f"run the audit with --out {folder}" if cls.noun == "audit" else "save one with its method save"
        try:
            values = json_of(folder / name)
        except AffectlensError:
            raise
        except Exception as error:  # whatever a library says of bytes that are not what it wrote
            raise UsageError(f"{folder}: no finished {cls.noun} in it ({error}); {how}") from error
        if not isinstance(values, dict):
            raise UsageError(f"{folder}: no finished {cls.noun} in it; {how}")
        return values


def article(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
