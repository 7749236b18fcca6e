"""What a pass over items found, kept on disk in parts: a pass that was broken off goes on, and runs can be merged."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from affectlens.core.disk.cache import read_checked, write_checked
from affectlens.core.disk.files import sha256_of, write_json, write_whole
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.frames import read_parquet

log = logging.getLogger(__name__)

ITEMS = "items"  # the table with one row an item: its key, why it was missed (or nothing), a digest of what was read, …
CONTENT = "content"  # a column of that table in the files: a digest of what lay behind the key
FOLDER, STAMP = "parts", "settings.json"
Rows = list[dict[str, Any]]


@dataclass
class Batch:
    """What was found in some items.

    Attributes
    ----------
    items : list of dict
        One row an item with ``key``, ``why`` (the reason where it could not be looked at, else empty) and ``sha256``.
    tables : dict
        Further rows by the name of their table; each row has the ``key`` of its item in the column ``Parts.key``.
    """

    items: Rows = field(default_factory=list)
    tables: dict[str, Rows] = field(default_factory=dict)

    def extend(self, other: Batch) -> None:
        """Add the rows of another batch."""
        self.items += other.items
        for name, rows in other.tables.items():
            self.tables.setdefault(name, []).extend(rows)


class Parts:
    """Parts of one pass, or of several that were merged; an item that is in several counts once, where it came first.

    A part is one file for every table, and last a file with the sha256 of each: a part without it, or one whose files are not
    what it says, is not counted, and its items are looked at again.

    Parameters
    ----------
    folder : Path
        Where the files lie, or will.
    settings : dict
        Everything that the numbers of one item depend on, as JSON types; parts are merged only where it is the same.
    data : dict
        What the items are; a pass goes on only over the same ones.
    columns : mapping of str to sequence of str
        The columns of every table; ``items`` is one of them.
    key : str
        The column of the other tables that holds the key of the item.
    contents : mapping of str to str, optional
        A digest of what lies behind each key now. An item that was looked at when it held something else is looked at again.
    method : int
        The version of the way in which items are looked at.
    order : sequence of str, optional
        Keys in the order in which rows are given back, whenever they were looked at; others follow as they were met.

    Attributes
    ----------
    changed : frozenset of str
        Keys of items that held something else when they were looked at.

    Raises
    ------
    UsageError
        The folder holds a pass with other settings, over other data or by another version.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], data: Mapping[str, Any], columns: Mapping[str, Sequence[str]],
        key: str = "key", contents: Mapping[str, str] | None = None, method: int = 1, order: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.folder, self.columns, self.key = folder, {name: tuple(names) for name, names in columns.items()}, key
        self.contents = dict(contents or {})
        self._rank = {name: i for i, name in enumerate(order)}
        versions = {"affectlens": package_version(), "method": method}
        stamp = {"settings": dict(settings), "data": dict(data), "versions": versions}
        self.stamp = json.loads(json.dumps(stamp, default=str))
        self._files: list[tuple[Path, frozenset[str]]] = []
        self._seen: set[str] = set()
        self._frames: list[pd.DataFrame] = []
        changed: set[str] = set()
        file = folder / STAMP
        if file.exists():
            _require_same(self.stamp, _read_stamp(file), folder)
        for number in _whole_parts(folder):
            changed |= self._take(folder / _name(ITEMS, number), self.contents)
        self.changed = frozenset(changed - self._seen)

    @property
    def items(self) -> pd.DataFrame:
        """One row an item, in the order asked for, then as they were met."""
        if not self._frames:
            return pd.DataFrame(columns=list(self.columns[ITEMS]))
        return self._arranged(pd.concat(self._frames, ignore_index=True), "key")

    @property
    def done(self) -> frozenset[str]:
        """Keys of the items that were looked at, also of those that could not be read."""
        return frozenset(self._seen)

    @property
    def missed(self) -> dict[str, str]:
        """Keys of the items that could not be looked at, and why."""
        items = self.items
        bad = items[items.why != ""]
        return dict(zip(bad.key, bad.why, strict=True))

    @property
    def notes(self) -> dict[str, list[str]]:
        """By key how an item was read where not as it stands in its file: the column ``notes`` of the items, as JSON."""
        items = self.items
        noted = items[items.notes.notna()]
        return {key: json.loads(text) for key, text in zip(noted.key, noted.notes, strict=True)}

    @property
    def sha256(self) -> str:
        """A digest of the keys, labels and bytes of all items that were read, whatever their order."""
        items = self.items
        lines = sorted(f"{key}\0{digest}\n" for key, digest in zip(items.key, items.sha256, strict=True))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def table(self, name: str, **equal: str) -> pd.DataFrame:
        """Rows of a table whose columns equal what is given; they stay on disk until they are asked for."""
        filters = [(column, "==", value) for column, value in equal.items()] or None
        frames = []
        for file, keys in self._files:
            rows = read_parquet(file.with_name(file.name.replace(ITEMS, name, 1)), filters=filters)
            if len(rows):
                frames.append(rows[rows[self.key].isin(keys)])
        if not frames:
            return pd.DataFrame(columns=list(self.columns[name]))
        return self._arranged(pd.concat(frames, ignore_index=True), self.key)

    def _arranged(self, frame: pd.DataFrame, key: str) -> pd.DataFrame:
        last = len(self._rank)
        rank = np.array([self._rank.get(name, last) for name in frame[key]])
        if (np.diff(rank) >= 0).all():
            return frame
        return frame.iloc[np.argsort(rank, kind="stable")].reset_index(drop=True)

    def update(self, batch: Batch) -> None:
        """Write a batch as the next part, whole or not at all."""
        if not batch.items:
            return
        if not (self.folder / STAMP).exists():
            write_json(self.folder / STAMP, self.stamp)
        number, taken = _next(self.folder)
        digests = {}
        for name, columns in self.columns.items():
            rows = batch.items if name == ITEMS else batch.tables.get(name, [])
            frame = pd.DataFrame(rows, columns=list(columns))
            if name == ITEMS:
                frame[CONTENT] = [self.contents.get(key, "") for key in frame.key]
            file = write_whole(self.folder / _name(name, number), partial(write_checked, frame))
            digests[file.name] = sha256_of(file)
        write_json(self.folder / f"part-{number:05d}.json", digests)
        taken.unlink(missing_ok=True)
        self._take(self.folder / _name(ITEMS, number), {})

    def merge(self, other: Parts) -> Self:
        """Add the parts of another pass with the same settings; gives itself.

        Returns
        -------
        Parts
            Itself.

        Raises
        ------
        UsageError
            The other pass was made with other settings.
        """
        _require_same(_method_of(self.stamp), other.stamp, other.folder)
        for file, _ in other._files:
            self._take(file, {})
        return self

    def opened(self, folder: Path) -> Parts:
        """Parts that another run keeps in its output folder, to be merged.

        Returns
        -------
        Parts
            Those of the other run.

        Raises
        ------
        UsageError
            No run keeps parts there, or one with other settings.
        """
        file = Path(folder) / FOLDER / STAMP
        if not file.exists():
            raise UsageError(f"{folder}: no run of this audit keeps its parts there ({FOLDER}/{STAMP} was expected)")
        stamp = _read_stamp(file)
        _require_same(_method_of(self.stamp), stamp, Path(folder))
        method = stamp["versions"]["method"]
        return Parts(Path(folder) / FOLDER, stamp["settings"], stamp["data"], self.columns, self.key, method=method)

    def _take(self, file: Path, contents: Mapping[str, str]) -> set[str]:
        """Count the items of a part that hold what they held; gives the keys of the others."""
        items = read_checked(file)
        held = items.pop(CONTENT)
        same = np.array([contents.get(key, before) == before for key, before in zip(items.key, held, strict=True)], dtype=bool)
        fresh = items[same & ~items.key.isin(self._seen).to_numpy()].drop_duplicates("key")
        self._seen |= set(fresh.key)
        self._files.append((file, frozenset(fresh.key)))
        if len(fresh):
            self._frames.append(fresh)
        return set(items.key[~same])


def digest(datum: Any, *more: str) -> str:
    """sha256 of an item: of its array's, text's or bytes' content and of words such as its label; empty for no datum."""
    if datum is None:
        return ""
    whole = hashlib.sha256()
    if isinstance(datum, np.ndarray):
        whole.update(f"{datum.dtype}{datum.shape}".encode())
        whole.update(np.ascontiguousarray(datum).data)
    else:
        whole.update(datum if isinstance(datum, bytes) else str(datum).encode())
    for word in more:
        whole.update(f"\0{word}".encode())
    return whole.hexdigest()


def _name(table: str, number: int) -> str:
    return f"{table}-{number:05d}.parquet"


def _next(folder: Path) -> tuple[int, Path]:
    """A number that no file of a part has, whole or not, and the file that keeps it from other processes."""
    while True:
        found = (re.search(r"-(\d{5})\.", file.name) for file in folder.glob("*-?????.*"))
        number = max((int(number[1]) for number in found if number), default=-1) + 1
        taken = folder / f"taken-{number:05d}.txt"
        try:
            taken.open("x").close()
        except FileExistsError:
            continue
        if not list(folder.glob(f"*-{number:05d}.parquet")):  # else its process finished it between our two looks
            return number, taken
        taken.unlink(missing_ok=True)


def _whole_parts(folder: Path) -> list[int]:
    """Numbers of the parts whose files are what was written; the others are named."""
    out = []
    for note in sorted(folder.glob("part-*.json")):
        try:
            digests = json.loads(note.read_text(encoding="utf-8"))
            whole = all(sha256_of(folder / name) == digest for name, digest in digests.items())
        except Exception:  # whatever a library says of bytes that are not what it wrote
            whole = False
        if whole:
            out.append(int(note.stem.rpartition("-")[2]))
        else:
            log.warning("%s: this part is damaged; its items are looked at again", note)
    return out


def _method_of(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same where passes are put together: everything but the data."""
    return {"settings": stamp["settings"], "versions": stamp["versions"]}


def _read_stamp(file: Path) -> dict[str, Any]:
    try:
        stamp = json_of(file)
        versions = stamp.get("versions", {})  # what was made before they were noted is of another version
        return {"settings": dict(stamp["settings"]), "data": dict(stamp["data"]), "versions": dict(versions)}
    except AffectlensError:
        raise
    except Exception as error:  # whatever a library says of bytes that are not what it wrote
        raise UsageError(f"{file}: not readable ({error}); remove its folder to begin again") from error


def _require_same(now: Mapping[str, Any], before: Mapping[str, Any], folder: Path) -> None:
    """An error that lists what differs."""
    for part, values in now.items():
        differing = [
            f"{setting}: {before[part].get(setting)!r} before, {values.get(setting)!r} now"
            for setting in {**before[part], **values}
            if before[part].get(setting) != values.get(setting)
        ]
        if differing:
            raise UsageError(
                f"{folder} holds a run with other {part} ({'; '.join(differing)}); give another --out or remove it"
            )
