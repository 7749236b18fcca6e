"""One run as the library lists it: who, what, how long, whether it can be opened."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.errors import AffectlensError
from affectlens.core.schema import SCENE
from affectlens.core.tables import SCHEMA_VERSION
from affectlens.core.untrusted.documents import json_of
from affectlens.core.untrusted.frames import read_parquet
from affectlens.modalities.telling import graded, who
from affectlens.pipeline.jobs import MANIFEST
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import counting, derived, shares
from affectlens.workbench.notes.edits import FILE as EDITS
from affectlens.workbench.notes.edits import Edits
from affectlens.workbench.reading.notices import ERROR, WARNING, Notice, status_of
from affectlens.workbench.reading.places import id_of
from affectlens.workbench.reading.runs import UnreadableError, manifest_of

WHAT_IF = "what_if.json"  # in the folder of a rerun that was kept: of which run, under which name, with what changed
_COLUMNS = ("start", "end", "person", "modality", "label", "confidence", "status", "conflict", "valence", "arousal")
Stamp = tuple[int, ...]


def stamp_of(folder: Path) -> Stamp:
    """What tells one state of a run from another: changes and sizes of the files that a card is made from."""
    out: list[int] = []
    for name in (MANIFEST, "table.parquet", EDITS, WHAT_IF):
        try:
            about = (folder / name).stat()
            out += [about.st_mtime_ns, about.st_size]
        except OSError:
            out += [0, 0]
    return tuple(out)


def card_of(folder: Path, root: Path, number: int) -> dict[str, Any]:
    """The card of a run; one that cannot be read has a card too, which says why.

    Parameters
    ----------
    folder : Path
        The run.
    root : Path
        The given folder that it lies in.
    number : int
        Its number.

    Returns
    -------
    dict
        JSON types, see docs/workbench.md.
    """
    card: dict[str, Any] = {
        "id": id_of(folder),
        "kind": "recording",
        "name": folder.name,
        "folder": f"f{number}",
        "path": folder.relative_to(root).as_posix(),
        "made": _made(folder, {}),
        "duration": None,
        "media": "",
        "people": [],
        "main": "",
        "labels": {},
        "conflicts": 0,
        "status": "ok",
        "notices": [],
        "thumbnail": None,
        "edited": False,
        "what_if": False,
    }
    notices: list[Notice] = []
    try:
        facts = manifest_of(folder)
        card["made"] = _made(folder, facts)
        if "file" in facts:
            _recording(card, folder, facts, notices)
        else:
            _audit(card, folder, facts)
    except UnreadableError as error:
        notices.append(error.notice)
    except Exception as error:  # one bad folder never stops the library
        notices.append(Notice(ERROR, "unreadable", f"{folder.name} cannot be read ({type(error).__name__}: {error})"))
    card["notices"] = [notice.to_dict() for notice in notices]
    card["status"] = status_of(notices)
    card["address"] = f"/api/{'runs' if card['kind'] == 'recording' else 'audits'}/{card['id']}"
    return card


def _made(folder: Path, facts: dict[str, Any]) -> str:
    """When, in UTC: of the manifest's last change, since what it says is in the time of the machine that made it."""
    try:
        at = (folder / MANIFEST).stat().st_mtime if (folder / MANIFEST).exists() else folder.stat().st_mtime
    except OSError:
        return ""
    noted = str(facts.get("made", ""))
    with contextlib.suppress(ValueError, OverflowError):
        at = time.mktime(time.strptime(noted, "%Y-%m-%d %H:%M:%S"))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def _recording(card: dict[str, Any], folder: Path, facts: dict[str, Any], notices: list[Notice]) -> None:
    card["name"] = Path(str(facts["file"])).name or folder.name
    card["media"] = str(facts.get("kind", ""))
    version = facts.get("schema_version")
    if version != SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        raise UnreadableError(
            Notice(
                ERROR,
                "newer-version" if newer else "older-version",
                f"{folder.name} was written by another affectlens (schema "
                f"{version}, this one reads {SCHEMA_VERSION}); "
                + ("update affectlens" if newer else "run the recording again"),
            )
        )
    file = folder / "table.parquet"
    if not file.exists():
        raise UnreadableError(Notice(ERROR, "half-written", f"{folder.name} has no table.parquet; run the recording again"))
    try:
        table = read_parquet(file, _COLUMNS)
    except Exception as error:  # whatever a library says of bytes that are not what it wrote
        raise UnreadableError(
            Notice(ERROR, "unreadable", f"{folder.name}: table.parquet cannot be read ({error}); run the recording again")
        ) from error
    if not _whole(folder / "evidence.parquet"):
        notices.append(
            Notice(WARNING, "unreadable", f"{folder.name}: evidence.parquet is damaged or not there; no reasons are shown")
        )
    state = State()
    if (folder / EDITS).exists():
        state, more = Edits(folder).state_and_notices()
        notices += [Notice(WARNING, notice.code, notice.message) for notice in more]
        card["edited"] = state.revision > 0
    table = derived(table, state)
    fused = table[(table.modality == "fused")]
    kept = counting(fused)
    given = facts.get("duration")
    last = float(table.end.max()) if len(table) else 0.0
    card["duration"] = round(max(float(given) if isinstance(given, int | float) else 0.0, last), 3)
    good = kept[kept.status == "ok"]
    people = []
    for person, rows in kept.groupby("person"):
        if int(person) == SCENE and not (rows.status == "ok").any():
            continue
        found = shares(rows)
        people.append({"id": int(person), "name": state.names.get(int(person), ""), "label": next(iter(found), "")})
    card["people"] = people
    card["labels"] = shares(kept)
    card["conflicts"] = int(good.conflict.astype(bool).sum()) if len(good) else 0
    card["main"] = _main(good, state, fused)
    if card["media"] in ("video", "image"):
        card["thumbnail"] = f"/api/runs/{card['id']}/thumbnail"
    if (folder / WHAT_IF).exists():
        card["what_if"] = True
        card["name"] = f"{card['name']}: {_noted(folder / WHAT_IF).get('name') or 'what if'}"


def _whole(file: Path) -> bool:
    """Whether a file begins and ends as a parquet file does; the library does not read more of what it does not show."""
    try:
        with file.open("rb") as opened:
            begins = opened.read(4)
            opened.seek(-4, os.SEEK_END)
            return begins == opened.read(4) == b"PAR1"
    except OSError:
        return False


def _main(good: pd.DataFrame, state: State, fused: pd.DataFrame) -> str:
    """The finding in a sentence: who expressed what most of the time."""
    if not len(good):
        return "nobody could be read" if len(fused) else "nobody was found"
    told = []
    for person, rows in good.groupby("person"):
        label, share = next(iter(shares(rows).items()))
        mean = float(rows.confidence[rows.label == label].mean())
        name = state.names.get(int(person)) or who(int(person))
        where = f" in {share:.0%} of {len(rows)} segments" if len(rows) > 1 else ""
        told.append((len(rows), f"{name} {graded(mean)} expresses {label}{where}"))
    told.sort(key=lambda pair: -pair[0])
    return "; ".join(text for _, text in told[:2]) + (f"; and {len(told) - 2} more" if len(told) > 2 else "")


def _audit(card: dict[str, Any], folder: Path, facts: dict[str, Any]) -> None:
    from affectlens.workbench.views.audits import main_finding

    card["kind"] = str(facts.get("kind") or "audit")
    model, data = facts.get("model") or {}, facts.get("data") or {}
    parts = [
        str(part.get(key)) for part, key in ((model, "name"), (data, "corpus")) if isinstance(part, dict) and part.get(key)
    ]
    card["name"] = f"{card['kind']}: {', '.join(parts)}" if parts else folder.name
    card["main"] = main_finding(folder)


def _noted(file: Path) -> dict[str, Any]:
    try:
        facts = json_of(file)
    except (OSError, ValueError, AffectlensError):
        return {}
    return dict(facts) if isinstance(facts, dict) else {}
