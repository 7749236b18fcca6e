"""An audit, read for the page: findings, tables, charts, and the examples behind a row."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.errors import unknown as unknown_error
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.frames import read_parquet
from affectlens.pipeline.jobs import MANIFEST
from affectlens.workbench.reading.notices import ERROR, INFO, WARNING, Notice
from affectlens.workbench.reading.plain import numbers, plain, without_paths
from affectlens.workbench.reading.runs import UnreadableError, manifest_of

KEPT = 4
MOST_ROWS = 1000
RESULTS = {
    "objects": "affectlens.audits.objects.result:ObjectAudit",
    "properties": "affectlens.audits.properties.result:PropertyAudit",
    "concepts": "affectlens.audits.concepts.result:ConceptAudit",
    "latent": "affectlens.audits.latent.result:LatentAudit",
    "features": "affectlens.audits.features.result:FeatureAudit",
    "compare": "affectlens.audits.compare.result:Comparison",
}
# What leads from a row to its examples: the kind of examples, the columns that choose them, and how to ask.
EXAMPLES = {
    "objects": ("pictures", ("emotion", "object"), "a row's emotion and object lead to the pictures with their maps"),
    "properties": (
        "pairs",
        ("property",),
        "a row's property leads to pairs of items that differ in it and are alike in the others",
    ),
    "concepts": ("texts", ("concept",), "a row's concept leads to the utterances that hold it most and least"),
    "latent": ("clips", ("point",), "a point leads to its clip"),
    "features": ("features", ("feature", "corpus"), "a feature leads to its importance in each corpus"),
}
# Columns by which rows of two audits are the same item.
KEYS = (
    "layer",
    "concept",
    "class",
    "property",
    "output",
    "group",
    "emotion",
    "object",
    "feature",
    "corpus",
    "clustering",
    "factor",
    "direction",
    "method",
    "key",
    "image",
    "measure",
)


def main_finding(folder: Path) -> str:
    """The first finding of an audit, from what its page lists; empty where it says none."""
    try:
        return next(iter(findings_kept(folder)), "")
    except AffectlensError:
        return ""


def findings_kept(folder: Path) -> list[str]:
    """The findings of an audit, a sentence each; those of an unreadable one are none."""
    file = folder / "audit.json"
    if file.exists():
        try:
            kept = json_of(file)
        except (OSError, ValueError, AffectlensError):
            kept = {}
        listed = kept.get("findings") if isinstance(kept, dict) else None
        if isinstance(listed, list):
            return [str(line) for line in listed]
    try:
        return [str(line) for line in load(folder).findings()]
    except Exception:  # tables that were changed by hand may lack what findings are told from
        return []


def load(folder: Path) -> Any:
    """The result of an audit, as it was saved.

    Raises
    ------
    UnreadableError
        It cannot be read; the notice says why.
    """  # noqa: DOC201
    import importlib

    facts = manifest_of(folder)
    home = RESULTS.get(str(facts.get("kind")))
    if home is None:
        raise UnreadableError(Notice(INFO, "kept-out", f"audits of kind {facts.get('kind')!r} are shown by their tables alone"))
    module, _, name = home.partition(":")
    try:
        return getattr(importlib.import_module(module), name).load(folder)
    except AffectlensError as error:
        raise UnreadableError(Notice(ERROR, "unreadable", str(error).replace(f"{folder}/", ""))) from error
    except Exception as error:  # tables that were changed by hand may be anything
        raise UnreadableError(
            Notice(
                ERROR,
                "edited-table",
                f"{folder.name}: its tables are not those that the audit wrote ({type(error).__name__}: {error})",
            )
        ) from error


class AuditFolder:
    """One audit.

    Parameters
    ----------
    folder : Path
        As ``affectlens audit --out`` wrote it.
    name : str
        Its id.

    Raises
    ------
    UnreadableError
        Nothing of it can be shown.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.facts = manifest_of(folder)
        if "file" in self.facts:
            raise UnreadableError(Notice(ERROR, "unreadable", f"{folder.name} is the run of a recording, no audit"))
        self.kind = str(self.facts.get("kind") or "audit")
        self.notices: list[Notice] = []
        try:
            self.result: Any = load(folder)
        except UnreadableError as error:
            self.result = None
            self.notices.append(
                Notice(WARNING if error.notice.level == ERROR else INFO, error.notice.code, error.notice.message)
            )
        self.tables = self._read()

    def _read(self) -> dict[str, pd.DataFrame]:
        out: dict[str, pd.DataFrame] = {}
        for file in sorted(self.folder.glob("*.parquet")):
            try:
                table = read_parquet(file)
            except Exception as error:  # whatever a library says of bytes that are not what it wrote
                self.notices.append(Notice(WARNING, "unreadable", f"{file.name} cannot be read ({error})"))
                continue
            out[file.stem] = table.reset_index() if table.index.name or isinstance(table.index, pd.MultiIndex) else table
        return out

    @property
    def main(self) -> str:
        """The name of the main table."""
        primary = getattr(self.result, "primary", "") if self.result is not None else ""
        named = [name for name in self.tables if name == primary or name.startswith(f"{primary}.")] if primary else []
        return next(iter(named or self.tables), "")

    def about(self) -> dict[str, Any]:
        """What the page opens with."""
        kind, by, how = EXAMPLES.get(self.kind, ("none", (), ""))
        findings = findings_kept(self.folder)
        keep = ("model", "data", "settings", "versions")
        return {
            "id": self.name,
            "kind": self.kind,
            "name": self.title,
            "made": str(self.facts.get("made", "")),
            "notices": [notice.to_dict() for notice in self.notices],
            "findings": findings,
            "about": str(getattr(self.result, "about", "") or ""),
            "notes": plain(getattr(self.result, "notes", ())),
            "facts": without_paths({key: self.facts.get(key) for key in keep}),
            "tables": [self._described(name) for name in sorted(self.tables, key=lambda name: (name != self.main, name))],
            "charts": self.charts(),
            "page": f"/api/audits/{self.name}/files/audit.html" if (self.folder / "audit.html").exists() else None,
            "examples": {"kind": kind, "by": list(by), "table": self.main, "how": how},
        }

    @property
    def title(self) -> str:
        """What was audited."""
        given = str(getattr(self.result, "title", "") or "")
        model, data = self.facts.get("model"), self.facts.get("data")
        parts = [
            str(part.get(key)) for part, key in ((model, "name"), (data, "corpus")) if isinstance(part, dict) and part.get(key)
        ]
        return given or (f"{self.kind}: {', '.join(parts)}" if parts else self.folder.name)

    def _described(self, name: str) -> dict[str, Any]:
        table = self.tables[name]
        columns = [{"name": str(column), "kind": _kind(table[column]), "help": ""} for column in table.columns]
        return {"name": name, "rows": len(table), "columns": columns, "main": name == self.main}

    def charts(self) -> list[dict[str, str]]:
        """The charts that were drawn, as files."""
        figures = sorted((self.folder / "figures").glob("*.svg")) if (self.folder / "figures").is_dir() else []
        return [
            {
                "name": file.stem,
                "title": file.stem.replace("-", " "),
                "address": f"/api/audits/{self.name}/files/figures/{file.name}",
            }
            for file in figures
        ]

    def table(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        """A page of a table, searched, chosen and sorted.

        Raises
        ------
        UsageError
            No such table or column, or a page that cannot be.
        """  # noqa: DOC201, DOC501
        rows = self._chosen(name, query)
        page, size = whole_number(query, "page", 1, 1_000_000), whole_number(query, "size", 100, MOST_ROWS)
        column = query.get("sort") or ""
        if column:
            if column not in rows:
                raise unknown_error("column", column, [str(one) for one in rows.columns])
            rows = rows.sort_values(column, ascending=query.get("order") != "desc", kind="stable", na_position="last")
        part = rows.iloc[(page - 1) * size : page * size]
        return {
            "total": len(rows),
            "page": page,
            "size": size,
            "columns": [str(one) for one in rows.columns],
            "rows": [[plain(value) for value in row] for row in part.itertuples(index=False, name=None)],
        }

    def _chosen(self, name: str, query: Mapping[str, str]) -> pd.DataFrame:
        if name not in self.tables:
            raise unknown_error("table", name, list(self.tables))
        rows = self.tables[name]
        for condition in (query.get("where") or "").split(";"):
            column, _, value = condition.partition(":")
            if not column:
                continue
            if column not in rows:
                raise unknown_error("column", column, [str(one) for one in rows.columns])
            rows = rows[rows[column].astype(str) == value]
        if text := (query.get("q") or "").casefold():
            held = rows.select_dtypes(exclude="number").astype(str)
            hit = np.zeros(len(rows), bool)
            for column in held.columns:
                hit |= held[column].str.casefold().str.contains(text, regex=False).to_numpy(bool)
            rows = rows[hit]
        return rows

    def points(self, across: str, down: str) -> dict[str, Any]:
        """The points of a latent in two of its columns.

        Raises
        ------
        UsageError
            This audit has none, or no such column.
        """  # noqa: DOC201, DOC501
        table = self.tables.get("points")
        if table is None:
            raise UsageError(f"an audit of {self.kind} has no points")
        for column in (across, down):
            if column not in table or not pd.api.types.is_numeric_dtype(table[column]):
                raise unknown_error("column", column, [str(one) for one in table.select_dtypes("number").columns])
        colours = {str(one): plain(table[one]) for one in table.columns if one not in (across, down, "key")}
        drawable = [str(one) for one in table.select_dtypes("number").columns]
        return {
            "columns": drawable,
            "x": numbers(table[across]),
            "y": numbers(table[down]),
            "key": plain(table.key),
            "by": colours,
            "notices": [],
        }


def compared(first: AuditFolder, second: AuditFolder, most: int = 200) -> dict[str, Any]:
    """Two audits of one kind, row beside row wherever their items match.

    Raises
    ------
    UsageError
        They are of different kinds.
    """  # noqa: DOC201
    if first.kind != second.kind:
        raise UsageError(
            f"an audit of {first.kind} and one of {second.kind} have no items in common; two of one kind were expected"
        )
    made = []
    for name in first.tables:
        if name not in second.tables:
            continue
        one, two = first.tables[name], second.tables[name]
        key = [column for column in one.columns if column in KEYS and column in two and _kind(one[column]) != "number"]
        if not key:
            continue
        shown = [column for column in one.select_dtypes("number").columns if column in two and column not in key]
        left = one.drop_duplicates(key).set_index(key)[shown]
        right = two.drop_duplicates(key).set_index(key)[shown]
        both = left.index.union(right.index, sort=False)
        rows = []
        for item in both[:most]:
            values = item if isinstance(item, tuple) else (item,)
            rows.append(
                {
                    "key": {column: plain(value) for column, value in zip(key, values, strict=True)},
                    "first": plain(left.loc[item].to_dict()) if item in left.index else None,
                    "second": plain(right.loc[item].to_dict()) if item in right.index else None,
                }
            )
        made.append(
            {
                "name": name,
                "key": key,
                "columns": [str(column) for column in shown],
                "rows": rows,
                "total": len(both),
                "matched": len(left.index.intersection(right.index)),
            }
        )
    return {
        "kind": first.kind,
        "first": {"id": first.name, "name": first.title},
        "second": {"id": second.name, "name": second.title},
        "tables": made,
        "notices": [],
        "text": [f"{table['matched']} of {table['total']} items of {table['name']} are in both" for table in made],
    }


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "bool"
    return "number" if pd.api.types.is_numeric_dtype(column) else "text"


def whole_number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A number of a query from 1 on; what is none is a ``UsageError`` that names it."""
    given = query.get(name) or ""
    if not given:
        return default
    if not given.isdigit() or not 1 <= int(given) <= most:
        raise UsageError(f"{name} {given!r}; a number from 1 to {most} was expected")
    return int(given)


class OpenedAudits:
    """Audits that were read lately, as they stand on the disk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._audits: OrderedDict[tuple[str, int], AuditFolder] = OrderedDict()

    def __call__(self, folder: Path, name: str) -> AuditFolder:
        """The audit in a folder, read anew where it was made anew."""
        try:
            made = (folder / MANIFEST).stat().st_mtime_ns
        except OSError:
            made = 0
        key = (str(folder), made)
        with self._lock:
            if key in self._audits:
                self._audits.move_to_end(key)
                return self._audits[key]
        audit = AuditFolder(folder, name)
        with self._lock:
            self._audits[key] = audit
            while len(self._audits) > KEPT:
                self._audits.popitem(last=False)
        return audit
