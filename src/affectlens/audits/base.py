"""What all audits share: settings, a plan, one pass over items that can be broken off and merged, a result with provenance.

An audit of a corpus looks at every item once (``measure``), keeps what it found in parts on disk, and computes its statistics
from what is accumulated (``compute``). ``update``, ``merge`` and ``compute`` are those of torchmetrics: audits of two halves
that are merged give what an audit of the whole gives. An audit that needs no pass has no keys and does all in ``compute``.
"""

from __future__ import annotations

import logging
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from affectlens.audits.parts import FOLDER, ITEMS, Batch, Parts
from affectlens.audits.result import AuditResult, Provenance
from affectlens.core.disk.chain import forget_chain, write_chain
from affectlens.core.disk.files import check_folder
from affectlens.core.disk.locks import alone_in
from affectlens.core.errors import UsageError
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import Settings, with_fields
from affectlens.dispatch import ShareDoneError, current_running

log = logging.getLogger(__name__)
S = TypeVar("S", bound=Settings)
R = TypeVar("R", bound=AuditResult)


@dataclass(frozen=True)
class Plan:
    """What an audit will do.

    Attributes
    ----------
    audit : str
        Its kind.
    items : int
        Items that there are and that the settings ask for.
    done : int
        Those that an earlier run in the same folder looked at.
    unit : str
        What an item is, in the plural.
    """

    audit: str
    items: int
    done: int
    unit: str = "items"

    @property
    def left(self) -> int:
        """Items that are still to be looked at."""
        return self.items - self.done

    def __str__(self) -> str:
        return f"{self.audit}: {self.items} {self.unit}, {self.done} looked at before, {self.left} to do"


def checked_settings(cls: type[S], settings: S | None, fields: Mapping[str, Any], out: str | Path | None) -> S:
    """The settings of an audit with single ones replaced, once it is known that its folder can be written.

    Returns
    -------
    Settings
        Of class ``cls``.

    Raises
    ------
    UsageError
        A name that is no setting, or a wrong value.
    OutputError
        The folder cannot be written.
    """
    chosen = with_fields(cls, settings, fields)
    if out is not None:
        check_folder(Path(out))
    return chosen


class Audit(ABC, Generic[S, R]):
    """Base of an audit.

    Parameters
    ----------
    settings : Settings
        All settings of the audit.
    out : Path, optional
        Folder of the result and of the parts; without it parts lie in a temporary folder and nothing else is written.
    """

    kind: ClassVar[str] = ""
    unit: ClassVar[str] = "items"
    part_size: ClassVar[int] = 512  # items that a part holds at least
    together: ClassVar[int] = 512  # items that go through a network at once: shards share out whole ones of these
    method: ClassVar[int] = 1  # to be raised where items are looked at in another way, so that nothing of the old way is used
    key: ClassVar[str] = "key"  # the column of further tables that holds an item's key

    def __init__(self, settings: S, out: str | Path | None = None) -> None:
        self.settings = settings
        self.out = Path(out) if out is not None else None
        self._temporary = tempfile.TemporaryDirectory(prefix="affectlens-") if self.out is None else None
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """What was accumulated."""
        if self._parts is None:
            folder = self.out if self.out is not None else Path(self._temporary.name)  # type: ignore[union-attr]
            self._parts = Parts(
                folder / FOLDER, self.depends_on(), self.data_facts(), self.columns(), self.key,
                self.contents() if self.out is not None else {}, self.method,  # what has no folder is not taken up again
                self.keys(),
            )  # fmt: skip
        return self._parts

    # What an audit with a pass over items gives; the defaults are those of one without.
    def keys(self) -> Sequence[str]:
        """Keys of the items to look at, in order."""
        return ()

    def columns(self) -> Mapping[str, Sequence[str]]:
        """Columns of the accumulated tables; ``items`` has at least key, why and sha256."""
        return {ITEMS: ("key", "why", "sha256")}

    def depends_on(self) -> Mapping[str, Any]:
        """Everything that the numbers of one item depend on (model, weights, settings), as JSON types."""
        return self.settings.to_dict()

    def measure(self, keys: Sequence[str]) -> Iterator[Batch]:
        """Look at the items of these keys, some at a time; one that cannot be looked at is named with its reason."""
        yield from ()

    def model_facts(self) -> Mapping[str, Any]:
        """What provenance says of the model: name, spec, sha256, licence, corpus."""
        return {}

    def data_facts(self) -> Mapping[str, Any]:
        """What tells one corpus from another without reading its items: name, split, a digest of keys and labels."""
        return {}

    def contents(self) -> Mapping[str, str]:
        """A digest of what lies behind each key now; an item that held something else in an earlier run is looked at again."""
        return {}

    @abstractmethod
    def compute(self, progress: Progress = silent) -> R:
        """The result of what is accumulated; the same whenever it is called, since it draws from its own seed."""

    def missed_of(self, keys: Sequence[str]) -> dict[str, str]:
        """Why some of the items of these keys could not be looked at."""
        wanted = set(keys)
        return {key: why for key, why in self.parts.missed.items() if key in wanted}

    def plan(self) -> Plan:
        """What there is, what was done before and what will be done."""
        keys = self.keys()
        return Plan(self.kind, len(keys), sum(key in self.parts.done for key in keys), self.unit)

    def collect(self, progress: Progress = silent, keys: Sequence[str] | None = None) -> None:
        """Look at the items, or at those of ``keys``, that were not looked at before."""
        chosen = list(self.keys() if keys is None else keys)
        pending = [key for key in chosen if key not in self.parts.done]
        done = len(chosen) - len(pending)
        if done and self.out is not None:
            log.info("%d of %d %s were done before in %s", done, len(chosen), self.unit, self.out)
        again = len(self.parts.changed.intersection(pending))
        if again:
            log.info("%d %s hold something else than before and are looked at again", again, self.unit)
        batch = Batch()
        if chosen:
            progress(self.unit, done, len(chosen))
        for part in self.measure(pending) if pending else ():
            batch.extend(part)
            done += len(part.items)
            if len(batch.items) >= self.part_size:
                self.update(batch)
                batch = Batch()
            progress(self.unit, done, len(chosen))
        self.update(batch)

    def update(self, batch: Batch) -> None:
        """Add what was found in some items."""
        self.parts.update(batch)

    def merge(self, other: Audit[S, R]) -> Self:
        """Add what another audit with the same settings accumulated; gives itself."""
        self.parts.merge(other.parts)
        return self

    def run(self, progress: Progress | None = None, join: Sequence[Path] = ()) -> R:
        """Collect, merge the runs kept in other folders, compute, and with ``out`` write the result and its page there."""
        shard = current_running().shard
        if not shard.is_whole and not self.keys():
            raise UsageError(
                f"an audit of {self.kind} looks at all its data at once; there are no shares of it: leave out --shard"
            )
        if self.out is not None:
            forget_chain(self.out)
        if not shard.is_whole:  # parts of shards do not meet, so shards need not wait for each other
            ours = shard.blocks(list(self.keys()), self.together)
            self.collect(progress or silent, ours)
            raise ShareDoneError(self.missed_of(ours))
        alone = nullcontext() if self.out is None else alone_in(self.out / ".lock", str(self.out))
        with alone:
            earlier_runs = [self.parts.opened(folder) for folder in join]  # what cannot be joined is an error before the pass
            self.collect(progress or silent)
            for earlier in earlier_runs:
                self.parts.merge(earlier)
            result = self.compute(progress or silent)
            if self.out is not None:
                result.report(self.out)
                write_chain(self.out)
            return result

    def provenance(self) -> Provenance:
        """Settings, model, data and versions, with digests of the weights and of what was read."""
        items = self.parts.items
        read_facts = {"items": len(items), "sha256": self.parts.sha256} if len(items) else {}
        return Provenance(self.kind, self.settings.to_dict(), dict(self.model_facts()), {**self.data_facts(), **read_facts})
