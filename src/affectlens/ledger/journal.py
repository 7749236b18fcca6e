"""A log for machines: a line of JSON for every item, written as it happens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from affectlens.core.disk.files import not_written
from affectlens.core.disk.names import encodable
from affectlens.core.errors import OutputError
from affectlens.ledger.records import Item


class Journal:
    """Appends lines of JSON to a file; without one it writes nothing.

    Every line has ``time`` (UTC) and ``event``: ``begin``, ``new``, ``resumed``, ``end``; those of items also what the item's
    record says.

    Parameters
    ----------
    file : Path or None
        Where to; what is there is kept.
    """

    def __init__(self, file: Path | None) -> None:
        self.file = file
        self._handle: IO[str] | None = None

    def write(self, event: str, **facts: Any) -> None:
        """Write a line."""
        if self._handle is not None:
            line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts})
            self._handle.write(f"{line}\n")

    def outcome(self, item: Item, how: str) -> None:
        """Write what an item came to."""
        facts = {"file": encodable(item.file), "state": item.state, "name": item.name, "rows": item.rows}
        self.write(how, **facts, seconds=round(item.seconds, 3), what=item.what, reason=item.reason)

    def __enter__(self) -> Self:
        if self.file is not None:
            try:
                self._handle = self.file.open("a", encoding="utf-8", buffering=1, errors="backslashreplace")
            except OSError as error:
                raise OutputError(not_written(self.file, error)) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._handle is not None:
            self._handle.close()
