"""What was recognised where and when: a small SQLite store on this machine, shared by as many processes as like.

It holds no picture, no sound, no word and no name of a person: per recording its fingerprint, kind of place and time, per
person the mean probabilities. The same recording again replaces what it left before.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from affectlens.core.barrier import reading
from affectlens.core.errors import OutputError
from affectlens.core.limits import within
from affectlens.core.untrusted.documents import parse_json

# Each step brings a store from the version of its place to the next; never change one that was released.
MIGRATIONS = (
    """
    CREATE TABLE recording (fingerprint TEXT PRIMARY KEY, place TEXT NOT NULL, started TEXT, added TEXT NOT NULL);
    CREATE TABLE person (
        fingerprint TEXT NOT NULL REFERENCES recording ON DELETE CASCADE, person INTEGER NOT NULL, readable INTEGER NOT NULL,
        labels TEXT NOT NULL, probabilities TEXT NOT NULL, PRIMARY KEY (fingerprint, person)
    );
    """,
    "ALTER TABLE recording ADD COLUMN indoor INTEGER; CREATE INDEX recording_place ON recording (place);",
)
_WAIT = 10.0  # seconds that one process waits for another
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DENIED = (sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_AUTH)
_NO_STORE = "not a store of affectlens ({}); give another --store"
TOLERANCE = 1e-3  # within which probabilities sum to 1
T = TypeVar("T")


@dataclass(frozen=True)
class Unit:
    """One person in one recording: mean probabilities over the readable segments, in the order of ``labels``."""

    person: int
    readable: int
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]


class Store:
    """A store in a file; made where it is not there, brought to this version where it is older."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.parent.exists():
            raise OutputError(f"{self.path}: its folder is not there; make it, or give another --store")
        self._do(self._migrate)

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        # ``work`` is done wholly or not at all. SQLite lets one process wait for another in most places, but not where two that
        # have begun to read want to write: those are told at once that the file is locked, and are to begin anew.
        deadline = time.monotonic() + _WAIT
        while True:
            try:
                with closing(sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)) as db:
                    db.execute("PRAGMA foreign_keys = ON")
                    return work(db)
            except sqlite3.OperationalError as error:
                if _code(error) not in _HELD or time.monotonic() > deadline:
                    raise OutputError(f"{self.path}: {_reason(error)}") from error
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                raise OutputError(f"{self.path}: {_NO_STORE.format(error)}") from error
            time.sleep(random.uniform(0.01, 0.05))  # noqa: S311 - so that two do not meet again

    def _migrate(self, db: sqlite3.Connection) -> None:
        foreign = db.execute("SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchall()
        if foreign:  # they would be carried out, and may have no end
            raise OutputError(f"{self.path}: it holds {foreign[0][0]!r:.80}, which no store has; give another --store")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version < 0:
            raise OutputError(f"{self.path}: {_NO_STORE.format(f'version {version}')}")
        if version > len(MIGRATIONS):
            raise OutputError(
                f"{self.path}: made by a newer affectlens (version {version}, this one knows {len(MIGRATIONS)}); update "
                f"affectlens"
            )
        if version == len(MIGRATIONS):
            return
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have been faster.
            version = db.execute("PRAGMA user_version").fetchone()[0]
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version == 0 and tables:
                raise OutputError(f"{self.path}: a database of something else; give another --store")
            for step in MIGRATIONS[version:]:
                for statement in step.split(";"):
                    if statement.strip():
                        db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise

    def put(self, fingerprint: str, place: str, indoor: bool | None, started: datetime | None, units: list[Unit]) -> None:
        """Keep a recording's people, all or none; replaces what the same recording left before.

        Raises
        ------
        OutputError
            The store is locked for longer than ten seconds, or cannot be written.
        """
        recording = (fingerprint, place, None if indoor is None else int(indoor), started.isoformat() if started else None)
        people = [(fingerprint, u.person, u.readable, json.dumps(u.labels), json.dumps(u.probabilities)) for u in units]

        def replace(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute("DELETE FROM recording WHERE fingerprint = ?", (fingerprint,))
                db.execute(
                    "INSERT INTO recording (fingerprint, place, indoor, started, added) VALUES (?, ?, ?, ?, ?)",
                    (*recording, datetime.now().isoformat(timespec="seconds")),
                )
                db.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?)", people)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

        self._do(replace)

    def units(self, without: str = "") -> pd.DataFrame:
        """Everything that is kept; ``without`` leaves one recording out.

        Returns
        -------
        DataFrame
            One row a person and recording: fingerprint, place, indoor, started, hour, weekday (0 Monday), person, readable and
            ``p_<label>``.
        """

        def select(db: sqlite3.Connection) -> list[tuple[Any, ...]]:
            count, size = db.execute("SELECT count(*), sum(length(labels) + length(probabilities)) FROM person").fetchone()
            within("items", count, self.path)
            within("bytes", size or 0, self.path)
            return db.execute(
                "SELECT r.fingerprint, r.place, r.indoor, r.started, p.person, p.readable, p.labels, p.probabilities "
                "FROM person p JOIN recording r USING (fingerprint) WHERE r.fingerprint <> ? ORDER BY r.added, p.person",
                (without,),
            ).fetchall()

        with reading(self.path, "a store of affectlens", OutputError):
            return _units(self._do(select))


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's number for an error, None where Python itself raised it."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF  # an extended number has the plain one in its last byte


def _reason(error: sqlite3.OperationalError) -> str:
    """What is wrong and what to do."""
    code = _code(error)
    if code in _HELD:
        return f"{error}; nothing was changed. Another process holds it; try again when that has ended"
    if code == sqlite3.SQLITE_FULL:
        return f"{error}; nothing was changed. Make room on the disk"
    if code in _DENIED:
        return f"{error}; nothing was changed. Expected a file and a folder that may be written; give another --store"
    return _NO_STORE.format(error)


def _units(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    out = []
    for fingerprint, place, indoor, started, person, readable, labels, probabilities in rows:
        if not (
            isinstance(fingerprint, str) and isinstance(place, str) and isinstance(person, int) and isinstance(readable, int)
        ):
            raise ValueError(f"the person {person!r:.40} of the recording {fingerprint!r:.40} has a cell of another type")
        at = datetime.fromisoformat(started) if started else None
        shares = _shares(parse_json(labels), parse_json(probabilities))
        out.append(
            {
                "fingerprint": fingerprint,
                "place": place,
                "indoor": None if indoor is None else bool(indoor),
                "started": started,
                "hour": at.hour if at else np.nan,
                "weekday": at.weekday() if at else np.nan,
                "person": person,
                "readable": readable,
                **shares,
            }
        )
    columns = ["fingerprint", "place", "indoor", "started", "hour", "weekday", "person", "readable"]
    return pd.DataFrame(out) if out else pd.DataFrame(columns=columns)


def _shares(labels: Any, probabilities: Any) -> dict[str, float]:
    """Probabilities by ``p_<label>``."""
    words = isinstance(labels, list) and all(isinstance(label, str) for label in labels) and len(set(labels)) == len(labels)
    numbers = isinstance(probabilities, list) and all(type(value) in (int, float) for value in probabilities)
    if not words or not numbers or len(labels) != len(probabilities):
        raise ValueError(f"expected labels and as many probabilities, there is {labels!r:.100} and {probabilities!r:.100}")
    if not (min(probabilities, default=0) >= 0 and abs(sum(probabilities) - 1) < TOLERANCE):  # what is no number is neither
        raise ValueError(f"expected probabilities that sum to 1, there is {probabilities!r:.100}")
    return {f"p_{label}": float(value) for label, value in zip(labels, probabilities, strict=True)}
