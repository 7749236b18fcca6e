"""What a pass over items found, kept on disk in parts: a pass that was broken off goes on, and runs can be merged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from affectlens.core.errors import UsageError
from affectlens.core.files import write_json, write_whole

ITEMS = "items"  # the table with one row an item: its key, why it was missed (or nothing), a digest of what was read, …
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

    A part is one file for every table, ``items`` last, so that a part without it is not counted.

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

    Raises
    ------
    UsageError
        The folder holds a pass with other settings or over other data.
    """

    def __init__(
        self, folder: Path, settings: Mapping[str, Any], data: Mapping[str, Any], columns: Mapping[str, Sequence[str]],
        key: str = "key",
    ) -> None:  # fmt: skip
        self.folder, self.columns, self.key = folder, {name: tuple(names) for name, names in columns.items()}, key
        self.stamp = json.loads(json.dumps({"settings": dict(settings), "data": dict(data)}, default=str))
        self._files: list[tuple[Path, frozenset[str]]] = []
        self._seen: set[str] = set()
        self._frames: list[pd.DataFrame] = []
        file = folder / STAMP
        if file.exists():
            _require_same(self.stamp, _read_stamp(file), folder)
        for number in range(_count(folder)):
            self._take(folder / _name(ITEMS, number))

    @property
    def items(self) -> pd.DataFrame:
        """One row an item, in the order in which they were met."""
        if not self._frames:
            return pd.DataFrame(columns=list(self.columns[ITEMS]))
        return pd.concat(self._frames, ignore_index=True)

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
            rows = pd.read_parquet(file.with_name(file.name.replace(ITEMS, name, 1)), filters=filters)
            if len(rows):
                frames.append(rows[rows[self.key].isin(keys)])
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(self.columns[name]))

    def update(self, batch: Batch) -> None:
        """Write a batch as the next part, whole or not at all."""
        if not batch.items:
            return
        if not (self.folder / STAMP).exists():
            write_json(self.folder / STAMP, self.stamp)
        number = _count(self.folder)
        for name in (*(table for table in self.columns if table != ITEMS), ITEMS):
            rows = batch.items if name == ITEMS else batch.tables.get(name, [])
            frame = pd.DataFrame(rows, columns=list(self.columns[name]))
            write_whole(self.folder / _name(name, number), frame.to_parquet)
        self._take(self.folder / _name(ITEMS, number))

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
        _require_same({"settings": self.stamp["settings"]}, {"settings": other.stamp["settings"]}, other.folder)
        for file, _ in other._files:
            self._take(file)
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
        _require_same({"settings": self.stamp["settings"]}, {"settings": stamp["settings"]}, Path(folder))
        return Parts(Path(folder) / FOLDER, stamp["settings"], stamp["data"], self.columns, self.key)

    def _take(self, file: Path) -> None:
        items = pd.read_parquet(file)
        fresh = items[~items.key.isin(self._seen)].drop_duplicates("key")
        self._seen |= set(fresh.key)
        self._files.append((file, frozenset(fresh.key)))
        if len(fresh):
            self._frames.append(fresh)


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


def _count(folder: Path) -> int:
    return len(list(folder.glob(f"{ITEMS}-*.parquet")))


def _read_stamp(file: Path) -> dict[str, Any]:
    try:
        stamp = json.loads(file.read_text(encoding="utf-8"))
        return {"settings": dict(stamp["settings"]), "data": dict(stamp["data"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
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
