"""Records of inputs: the plan of a run, and for each input what it came to, one file each, whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from affectlens.core.disk.files import key_of, write_json
from affectlens.core.disk.places import written
from affectlens.core.errors import AffectlensError
from affectlens.core.failures import Failure
from affectlens.core.untrusted.documents import json_of

DONE, FAILED = "done", "failed"
KILLED = "killed"  # what failed: the process that worked on it, several times
LONGEST = 100  # bytes of an input's name in that of its record


@dataclass(frozen=True)
class Item:
    """What an input came to.

    Attributes
    ----------
    file : str
        The input, as `places.written` has it.
    state : str
        ``done`` or ``failed``.
    key : str
        Of the work.
    name : str
        Of the result, below the folder of results.
    rows : int
        Of the result's table.
    seconds : float
        That the work took.
    what, reason : str
        What failed and why; empty where nothing did.
    tries : int
        How often it failed.
    version : str
        Of the package.
    """

    file: str
    state: str
    key: str = ""
    name: str = ""
    rows: int = 0
    seconds: float = 0.0
    what: str = ""
    reason: str = ""
    tries: int = 0
    version: str = ""

    @property
    def failure(self) -> Failure:
        """Of an input that failed."""
        return Failure(self.file, self.what, self.reason)


@dataclass(frozen=True)
class Plan:
    """What a run was asked for: its inputs in order, and what could not be found.

    Attributes
    ----------
    verb : str
        What is done with each.
    files : tuple of str
        The inputs, as `places.written` has them.
    failures : tuple of Failure
        Arguments behind which nothing was found.
    """

    verb: str
    files: tuple[str, ...]
    failures: tuple[Failure, ...] = field(default=())


class Records:
    """Plans and items in a folder.

    Parameters
    ----------
    folder : Path
        Where they lie; made when there is something to write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.items_in, self.plans_in = folder / "items", folder / "plans"

    def plan(self, plan: Plan, anew: bool = False) -> None:
        """Keep a plan; two that are the same are one. With ``anew`` earlier ones and their items are forgotten."""
        if anew:
            for file in (*self.plans_in.glob("*.json"), *self.items_in.glob("*.json")):
                file.unlink(missing_ok=True)
        facts = json.loads(json.dumps(asdict(plan)))
        file = self.plans_in / f"{key_of(facts)}.json"
        if not file.exists():
            write_json(file, facts)

    def plans(self) -> list[Plan]:
        """All plans, the oldest first; one that cannot be read is passed over, since whoever made it makes it again."""
        try:
            found = sorted(self.plans_in.glob("*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))
        except OSError:
            return []
        return [plan for plan in map(_plan_in, found) if plan is not None]

    def files(self) -> list[str]:
        """Inputs of all plans, each once, in order."""
        return list(dict.fromkeys(file for plan in self.plans() for file in plan.files))

    def record(self, item: Item) -> None:
        """Keep what an input came to, in the place of what it came to before."""
        if self.item(item.file) != item:
            write_json(self._file_of(item.file), asdict(item))

    def item(self, file: str) -> Item | None:
        """What an input came to; None where that is not known, or its record is torn."""
        return _item_in(self._file_of(file))

    def items(self) -> Iterator[Item]:
        """Everything that is recorded, in no order."""
        try:
            with os.scandir(self.items_in) as entries:
                names = sorted(entry.name for entry in entries if entry.name.endswith(".json"))
        except OSError:
            return
        yield from (item for item in (_item_in(self.items_in / name) for name in names) if item is not None)

    def forget(self, files: Iterable[str]) -> None:
        """Forget what inputs came to."""
        for file in files:
            self._file_of(file).unlink(missing_ok=True)

    def _file_of(self, file: str) -> Path:
        stem = Path(file).stem.encode("utf-8", "replace")[:LONGEST].decode("utf-8", "ignore") or "input"
        digest = hashlib.sha256(written(file).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return self.items_in / f"{stem}-{digest}.json"


def _item_in(file: Path) -> Item | None:
    facts = _facts(file)
    known = {member.name for member in fields(Item)}
    try:
        return Item(**{name: value for name, value in facts.items() if name in known})
    except TypeError:
        return None


def _plan_in(file: Path) -> Plan | None:
    facts = _facts(file)
    try:
        failures = tuple(Failure(**failure) for failure in facts["failures"])
        return Plan(str(facts["verb"]), tuple(map(str, facts["files"])), failures)
    except (KeyError, TypeError):
        return None


def _facts(file: Path) -> dict[str, Any]:
    try:
        facts = json_of(file)
    except (OSError, ValueError, AffectlensError):
        return {}
    return dict(facts) if isinstance(facts, dict) else {}
