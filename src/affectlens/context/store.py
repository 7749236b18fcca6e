"""What was recognised where and when: a small SQLite store on this machine, shared by as many processes as like.

It holds no picture, no sound, no word and no name of a person: per recording its fingerprint, kind of place and time, per
person the mean probabilities. The same recording again replaces what it left before.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

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
        with self._open() as db:
            self._migrate(db)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)) as db:
                db.execute("PRAGMA foreign_keys = ON")
                yield db
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"{self.path}: {error}; nothing was changed. If another process holds it, try again; if the disk is full, "
                f"make room"
            ) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise OutputError(f"{self.path}: not a store of affectlens ({error}); give another --store") from error

    def _migrate(self, db: sqlite3.Connection) -> None:
        foreign = db.execute("SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger')").fetchall()
        if foreign:  # they would be carried out, and may have no end
            raise OutputError(f"{self.path}: it holds {foreign[0][0]!r:.80}, which no store has; give another --store")
        version = db.execute("PRAGMA user_version").fetchone()[0]
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
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute("DELETE FROM recording WHERE fingerprint = ?", (fingerprint,))
                db.execute(
                    "INSERT INTO recording (fingerprint, place, indoor, started, added) VALUES (?, ?, ?, ?, ?)",
                    (
                        fingerprint,
                        place,
                        None if indoor is None else int(indoor),
                        started.isoformat() if started else None,
                        datetime.now().isoformat(timespec="seconds"),
                    ),
                )
                db.executemany(
                    "INSERT INTO person VALUES (?, ?, ?, ?, ?)",
                    [
                        (fingerprint, unit.person, unit.readable, json.dumps(unit.labels), json.dumps(unit.probabilities))
                        for unit in units
                    ],
                )
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def units(self, without: str = "") -> pd.DataFrame:
        """Everything that is kept; ``without`` leaves one recording out.

        Returns
        -------
        DataFrame
            One row a person and recording: fingerprint, place, indoor, started, hour, weekday (0 Monday), person, readable and
            ``p_<label>``.
        """
        with reading(self.path, "a store of affectlens", OutputError), self._open() as db:
            count, size = db.execute("SELECT count(*), sum(length(labels) + length(probabilities)) FROM person").fetchone()
            within("items", count, self.path)
            within("bytes", size or 0, self.path)
            rows = db.execute(
                "SELECT r.fingerprint, r.place, r.indoor, r.started, p.person, p.readable, p.labels, p.probabilities "
                "FROM person p JOIN recording r USING (fingerprint) WHERE r.fingerprint <> ? ORDER BY r.added, p.person",
                (without,),
            ).fetchall()
        with reading(self.path, "a store of affectlens", OutputError):
            return _units(rows)


def _units(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    out = []
    for fingerprint, place, indoor, started, person, readable, labels, probabilities in rows:
        at = datetime.fromisoformat(started) if started else None
        shares = {f"p_{label}": value for label, value in zip(parse_json(labels), parse_json(probabilities), strict=True)}
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
