"""What people add to a run: `edits.json` beside it, entries that are only ever appended, and the state that they make.

Nothing of the run itself is changed. Undoing, redoing and taking away are entries too, so the file is the whole history.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import write_json
from affectlens.core.disk.locks import alone_in
from affectlens.core.errors import AffectlensError, OutputError, UsageError
from affectlens.core.listing import some
from affectlens.core.untrusted.documents import json_of
from affectlens.workbench.notes.changes import ACTIONS, TAKEN_AWAY, State, checked, state_of, text_of
from affectlens.workbench.reading.notices import ERROR, Notice

FILE, FORMAT, VERSION = "edits.json", "affectlens-edits", 1
MOST = 200_000  # entries
WAIT = 10.0  # seconds for another writer


class StaleError(AffectlensError):
    """Somebody else has added entries meanwhile."""


class UnreadableEditsError(AffectlensError):
    """The file is there and is none that can be read; it is left as it is."""


class Edits:
    """The file of one run.

    Parameters
    ----------
    folder : Path
        The run.
    sha256 : str
        Of its recording, noted in the file.
    people : sequence of int
        Those of the run.
    """

    _locks: dict[str, threading.Lock] = {}  # noqa: RUF012  one a file, of this process
    _guard = threading.Lock()

    def __init__(self, folder: Path, sha256: str = "", people: Sequence[int] = ()) -> None:
        self.file, self.sha256, self.people = folder / FILE, sha256, list(people)

    def entries(self) -> list[dict[str, Any]]:
        """What the file holds.

        Raises
        ------
        UnreadableEditsError
            It is there and cannot be read.
        """  # noqa: DOC201, DOC501
        if not self.file.exists():
            return []
        try:
            held = json_of(self.file)
            if held.get("format") != FORMAT or held.get("version") != VERSION:
                raise ValueError(f"format {held.get('format')!r}, version {held.get('version')!r}")
            return [_entry(entry) for entry in held["entries"]]
        except (OSError, ValueError, TypeError, KeyError, AttributeError, AffectlensError) as error:
            raise UnreadableEditsError(
                f"{FILE} is no file of edits that this version reads ({error}); it is left as it is and nothing can be "
                "added: mend it or move it away"
            ) from error

    def state(self) -> State:
        """What they come to."""
        return state_of(self.entries(), self.people)

    def state_and_notices(self) -> tuple[State, list[Notice]]:
        """The same; where the file cannot be read, nothing, with a notice."""
        try:
            return self.state(), []
        except UnreadableEditsError as error:
            return State(), [Notice(ERROR, "edits-unreadable", str(error))]

    def add(self, author: str, wanted: Sequence[tuple[Any, Any]], revision: int | None = None) -> State:
        """Append entries, all or none.

        Parameters
        ----------
        author : str
            Who.
        wanted : sequence of (action, values)
            As ``ACTIONS`` has them.
        revision : int, optional
            How many entries the author had seen; without it whatever came between is no obstacle.

        Returns
        -------
        State
            With the new entries.

        Raises
        ------
        UsageError
            A value that cannot be.
        StaleError
            There are more entries than the author had seen.
        UnreadableEditsError
            The file is there and cannot be read.
        OutputError
            It cannot be written; what was there is as it was.
        """
        author = text_of({"author": author}, "author")
        made = [(action, checked(action, values)) for action, values in wanted]
        if not made:
            raise UsageError("nothing to add was given")
        with self._alone():
            entries = self.entries()
            if revision is not None and revision != len(entries):
                raise StaleError(
                    f"there are {len(entries)} entries, you had seen {revision}; look at them and send yours again"
                )
            state = state_of(entries, self.people)
            known = {entry["id"]: entry for entry in entries}
            for action, values in made:
                self._fits(action, values, known, state)
                entry = _new(author, action, values)
                entries.append(entry)
                known[entry["id"]] = entry
                state = state_of(entries, self.people)
            return self._written(entries)

    def step(self, author: str, action: str) -> State:
        """Undo or redo the last entry of an author.

        Raises
        ------
        UsageError
            There is nothing of theirs to be undone or redone.
        """  # noqa: DOC201
        author = text_of({"author": author}, "author")
        with self._alone():
            entries = self.entries()
            state = state_of(entries, self.people)
            target = (state.undo if action == "undo" else state.redo).get(author)
            if target is None:
                raise UsageError(f"there is nothing of {author} to {action}")
            entries.append(_new(author, action, {"entry": target}))
            return self._written(entries)

    def _fits(self, action: str, values: dict[str, Any], known: Mapping[str, Any], state: State) -> None:
        if action == "remove":
            target = known.get(values["entry"])
            if target is None or target["action"] not in TAKEN_AWAY:
                raise UsageError(f"entry {values['entry']!r}: none that can be taken away; {', '.join(TAKEN_AWAY)} can")
        given = [values.get("person"), values.get("into"), *(values.get("people") or ())]
        nobody = sorted({int(one) for one in given if one is not None} - self._known(known)) if self.people else []
        if nobody and action in ("rename", "merge", "split", "label"):
            raise UsageError(f"person {nobody[0]}: nobody of this run; {some(map(str, sorted(self._known(known))), 8)} are")
        if action == "split":
            given = [int(entry["values"].get("into") or -1) for entry in known.values()]
            values["into"] = 1 + max([-1, *self.people, *state.merged, *given])

    def _known(self, entries: Mapping[str, Any]) -> set[int]:
        """People of the run, those that were split off, and what is not a person (a negative number)."""
        made = (entry["values"].get("into") for entry in entries.values() if entry["action"] == "split")
        return {-1, *self.people, *(int(number) for number in made if number is not None)}

    def _written(self, entries: list[dict[str, Any]]) -> State:
        if len(entries) > MOST:
            raise OutputError(f"{FILE} holds {MOST:,} entries, which is the most")
        write_json(self.file, {"format": FORMAT, "version": VERSION, "run": self.sha256, "entries": entries})
        return state_of(entries, self.people)

    @contextmanager
    def _alone(self) -> Any:
        """One writer at a time: threads of this server, and other servers on the same folder."""
        with self._guard:
            lock = self._locks.setdefault(str(self.file.parent.resolve()), threading.Lock())
        with lock:
            until = time.monotonic() + WAIT
            while True:
                held = alone_in(self.file.with_name(f".{FILE}.lock"), FILE)
                try:
                    held.__enter__()
                except OutputError:
                    if time.monotonic() > until or not self.file.parent.is_dir() or not _writable(self.file.parent):
                        raise
                    time.sleep(0.02)
                    continue
                break
            try:
                yield
            finally:
                held.__exit__(None, None, None)


def _writable(folder: Path) -> bool:
    import os

    return os.access(folder, os.W_OK)


def _new(author: str, action: str, values: dict[str, Any]) -> dict[str, Any]:
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"id": secrets.token_hex(8), "at": at, "author": author, "action": action, "values": values}


def _entry(entry: Any) -> dict[str, Any]:
    """An entry of the file, as far as it can be one."""
    made = {name: entry[name] for name in ("id", "at", "author", "action", "values")}
    if made["action"] not in (*ACTIONS, "undo", "redo") or not isinstance(made["values"], dict):
        raise ValueError(f"the entry {made['id']!r} is of an unknown action {made['action']!r}")
    if made["action"] in ("undo", "redo"):
        return made
    return made | {"values": checked(made["action"], made["values"])}
