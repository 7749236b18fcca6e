"""What stands behind a row of an audit: pictures, clips, utterances, found below the given folders by their keys."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.media.inputs import MEDIA, kind_of
from affectlens.workbench.reading.notices import INFO, Notice
from affectlens.workbench.reading.places import Folders
from affectlens.workbench.reading.plain import plain
from affectlens.workbench.views.audits import AuditFolder, whole_number


class Examples:
    """Items of corpora that audits speak of, found below the given folders by their keys."""

    def __init__(self, folders: Folders) -> None:
        self._folders, self._lock = folders, threading.Lock()
        self._files: OrderedDict[str, Path] = OrderedDict()
        self._read = False

    def file_of(self, key: str) -> Path | None:
        """The file of an item by its key: the one whose path ends with it, with or without a suffix.

        Returns
        -------
        Path or None
            Below a given folder.
        """
        with self._lock:
            if not self._read:
                self._read_all()
            return self._files.get(key.strip("/"))

    def forget(self) -> None:
        """Look again when the next item is asked for."""
        with self._lock:
            self._read = False

    def _read_all(self) -> None:
        self._files.clear()
        for root in self._folders.roots:
            for file in sorted(root.rglob("*")):
                if file.suffix.lower() in MEDIA and not any(part.startswith(".") for part in file.relative_to(root).parts):
                    parts = file.relative_to(root).parts
                    for first in range(len(parts)):
                        name = "/".join(parts[first:])
                        self._files.setdefault(name, file)
                        self._files.setdefault(name[: -len(file.suffix)], file)
                if len(self._files) > 400_000:
                    break
        self._read = True

    def of(self, audit: AuditFolder, query: Mapping[str, str]) -> dict[str, Any]:
        """What stands behind a row of an audit.

        Parameters
        ----------
        audit : AuditFolder
            The audit.
        query : mapping
            Values of the columns that choose.

        Returns
        -------
        dict
            JSON types, see docs/workbench.md.
        """
        items, notices = [], []
        page, size = whole_number(query, "page", 1, 100_000), 24
        rows = _rows_behind(audit, query)
        for row in rows.iloc[(page - 1) * size : page * size].to_dict("records"):
            items.append(self._item(audit, row))
        lost = sum(item["lost"] for item in items)
        if lost:
            notices.append(
                Notice(
                    INFO,
                    "no-recording",
                    f"{lost} of {len(items)} items lie below none of the given folders; give the corpus's folder too "
                    "(affectlens view RUNS CORPUS) to see and hear them",
                ).to_dict()
            )
        return {"total": len(rows), "items": items, "notices": notices}

    def _item(self, audit: AuditFolder, row: Mapping[str, Any]) -> dict[str, Any]:
        key = str(row.get("key") or row.get("image") or row.get("first") or "")
        file = self.file_of(key) if key else None
        address = f"/api/audits/{audit.name}/media/{key}"
        kind = kind_of(file) if file else ""
        text = str(row.get("text") or "")
        return {
            "key": key,
            "title": key or str(row.get("feature", "")),
            "text": text,
            "values": {str(name): plain(value) for name, value in row.items() if name not in ("key", "text")},
            "pictures": [{"caption": key, "address": address}, *self._other(audit, row)] if kind == "image" else [],
            "clip": {"address": address, "start": 0, "end": None} if kind in ("audio", "video") else None,
            "pair": str(row["second"]) if "second" in row else None,
            "lost": int(bool(key) and file is None and not text),
        }

    def _other(self, audit: AuditFolder, row: Mapping[str, Any]) -> list[dict[str, str]]:
        """The picture of the second of a pair, where it is at hand."""
        second = str(row.get("second") or "")
        file = self.file_of(second) if second else None
        if file is None or kind_of(file) != "image":
            return []
        return [{"caption": second, "address": f"/api/audits/{audit.name}/media/{second}"}]


def _rows_behind(audit: AuditFolder, query: Mapping[str, str]) -> pd.DataFrame:
    """Rows of the table that holds an audit's items, as far as the query chooses them."""

    def chosen(name: str, **conditions: str) -> pd.DataFrame:
        table = audit.tables.get(name)
        if table is None:
            return pd.DataFrame()
        for column, value in conditions.items():
            if value and column in table:
                table = table[table[column].astype(str) == value]
        return table

    if audit.kind == "objects":
        rows = chosen("images", emotion=query.get("emotion") or "", label=query.get("label") or "")
        wanted = query.get("object") or ""
        listed = getattr(audit.result, "examples", ()) if audit.result is not None else ()
        first = [example.key for example in listed if not wanted or example.object == wanted]
        order = {key: place for place, key in enumerate(first)}
        return (
            rows.assign(order=rows.image.map(order).fillna(len(order)))
            .sort_values("order", kind="stable")
            .drop(columns="order")
            if len(rows)
            else rows
        )
    if audit.kind == "latent":
        return chosen("points", key=query.get("point") or "", label=query.get("label") or "")
    if audit.kind == "concepts":
        return chosen("examples", concept=query.get("concept") or "")
    if audit.kind == "features":
        return chosen("by_corpus", feature=query.get("feature") or "", corpus=query.get("corpus") or "")
    if audit.kind == "properties":
        return chosen("matched" if "matched" in audit.tables else "pairs", property=query.get("property") or "")
    return pd.DataFrame()
