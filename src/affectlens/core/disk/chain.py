"""A chain of digests over a folder: whatever is changed, added or removed in it afterwards can be told.

``chain.jsonl`` has a line for every file below the folder, in the order of their names: name, size, sha256, and a link, the
sha256 of the link before it and of the line itself. The last line holds the head, which stands for all of it: who keeps the
head elsewhere can also tell that somebody wrote the whole chain anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affectlens.core.disk.digests import sha256_of_file
from affectlens.core.disk.files import write_whole
from affectlens.core.environment.versions import package_version
from affectlens.core.errors import UsageError

CHAIN = "chain.jsonl"
LOCKS = (".lock",)  # of runs that are at work; they are removed when these end
VERSION = 1
CHANGED, REMOVED, ADDED, BROKEN = "changed", "removed", "added", "chain broken"


@dataclass(frozen=True)
class Change:
    """Something in a folder that is not as its chain says.

    Attributes
    ----------
    file : str
        Its name in the folder.
    what : str
        changed, removed, added or chain broken.
    detail : str
        What was expected and what was found.
    """

    file: str
    what: str
    detail: str


@dataclass(frozen=True)
class Checked:
    """What a chain says of a folder.

    Attributes
    ----------
    files : int
        Files that the chain names.
    head : str
        Its head as it stands in the folder; empty where it has none.
    version : str
        The version of affectlens that wrote it.
    changes : tuple of Change
        Whatever is not as it says; nothing where all is.
    """

    files: int
    head: str
    version: str
    changes: tuple[Change, ...]


def write_chain(folder: Path) -> str:
    """Write the chain of all that lies below a folder now.

    Parameters
    ----------
    folder : Path
        A finished run.

    Returns
    -------
    str
        The head, 64 digits.

    Raises
    ------
    OutputError
        It cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.txt").write_text("one")
    ...     head = write_chain(Path(folder))
    ...     _ = Path(folder, "a.txt").write_text("two")
    ...     check_chain(Path(folder)).changes[0].what
    'changed'
    """
    first: dict[str, Any] = {"chain": VERSION, "affectlens": package_version()}
    lines = [_text(first)]
    link = _linked("", first)
    names = _names(folder)
    for name in names:
        entry = {"file": name} | _state(folder / name)
        link = _linked(link, entry)
        lines.append(_text(entry | {"link": link}))
    lines.append(_text({"files": len(names), "head": link}))
    write_whole(folder / CHAIN, lambda path: path.write_bytes("".join(lines).encode()))
    return link


def forget_chain(folder: Path) -> None:
    """Remove the chain of a run that goes on: it is whole again only when it is finished."""
    (folder / CHAIN).unlink(missing_ok=True)


def check_chain(folder: Path, head: str = "") -> Checked:
    """Set a folder against its chain; every byte of every file is read.

    Parameters
    ----------
    folder : Path
        A finished run.
    head : str
        The head as it was noted elsewhere; without it a chain that somebody wrote anew looks whole.

    Returns
    -------
    Checked

    Raises
    ------
    UsageError
        There is no chain in the folder.
    """
    try:
        raw = (folder / CHAIN).read_bytes()
    except OSError as error:
        raise UsageError(
            f"{folder}: no {CHAIN} in it, so nothing can be told of its files: the run was not finished, or an earlier "
            f"affectlens made it ({error.strerror})"
        ) from error
    entries, found_head, version, changes = _read(raw)
    if head and head.strip().lower() != found_head:
        changes.append(Change(CHAIN, BROKEN, f"its head is {found_head or 'not there'}; {head.strip()} was noted"))
    there = set(_names(folder))
    for name, said in entries.items():
        if name not in there:
            changes.append(Change(name, REMOVED, f"{said.get('bytes', said.get('link to', ''))} bytes were there"))
            continue
        now = _state(folder / name)
        differing = [
            f"{key} {said.get(key)} before, {now.get(key)} now" for key in {**said, **now} if said.get(key) != now.get(key)
        ]
        if differing:
            changes.append(Change(name, CHANGED, "; ".join(differing)))
    changes += [Change(name, ADDED, "the chain does not name it") for name in sorted(there - set(entries))]
    return Checked(len(entries), found_head, version, tuple(changes))


def _read(raw: bytes) -> tuple[dict[str, dict[str, Any]], str, str, list[Change]]:
    """Entries by name, the head, the version that wrote it, and where the chain does not follow from itself."""
    entries: dict[str, dict[str, Any]] = {}
    changes: list[Change] = []
    link, head, version = "", "", ""

    def broken(number: int, why: str) -> None:
        changes.append(Change(CHAIN, BROKEN, f"line {number}: {why}"))

    lines = raw.split(b"\n")
    if lines.pop() != b"":
        broken(len(lines) + 1, "it does not end with its line")
    for number, line in enumerate(lines, start=1):
        try:
            said = json.loads(line)
            own = isinstance(said, dict) and _text(said).encode() == line + b"\n"
        except (ValueError, RecursionError):
            own, said = False, {}
        if not own:
            broken(number, "it is not as it was written")
            continue
        if number == 1:
            version, link = str(said.get("affectlens", "")), _linked("", said)
            if said.get("chain") != VERSION:
                broken(number, f"form {said.get('chain')!r}; this affectlens reads {VERSION}")
        elif "file" in said:
            entry = {key: value for key, value in said.items() if key != "link"}
            link = _linked(link, entry)
            if said.get("link") != link:
                broken(number, f"{said['file']}: it does not follow from the lines above")
                link = str(said.get("link"))  # what follows is judged by itself
            entries[str(said["file"])] = {key: value for key, value in entry.items() if key != "file"}
        else:
            head = str(said.get("head", ""))
            if said != {"files": len(entries), "head": link} or number != len(lines):
                broken(number, "it does not close the lines above")
    if not head:
        broken(len(lines) + 1, "its last line, with the head, is not there")
    return entries, head, version, changes


def _names(folder: Path) -> list[str]:
    """Names of all that is no folder, with slashes, in order; links are not followed."""
    out = []
    for root, folders, files in os.walk(folder):
        linked = [name for name in folders if Path(root, name).is_symlink()]
        for name in (*files, *linked):
            path = Path(root, name).relative_to(folder).as_posix()
            if path != CHAIN and name not in LOCKS:
                out.append(path)
    return sorted(out)


def _state(path: Path) -> dict[str, Any]:
    """What tells one state of a file from another."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        return {"link to": os.fspath(path.readlink())}
    if not stat.S_ISREG(found.st_mode):
        return {"kind": "no plain file"}
    try:
        return {"bytes": found.st_size, "sha256": sha256_of_file(path, fresh=True)}
    except OSError as error:
        return {"bytes": found.st_size, "sha256": f"not readable ({error.strerror})"}


def _text(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=True, separators=(",", ":")) + "\n"


def _linked(link: str, entry: dict[str, Any]) -> str:
    return hashlib.sha256(f"{link}\n{_text(entry)}".encode()).hexdigest()
