"""How a call gets through its items: how many workers, which shard, where; and what holds while it does."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from affectlens.core.errors import UsageError
from affectlens.dispatch.order import Shard

PLACES = ("", "ray")
MOST = 4096


@dataclass(frozen=True)
class Running:
    """How items are got through.

    Attributes
    ----------
    workers : int
        Processes, or actors of Ray; 1 works in this process.
    shard : Shard
        Which items are this run's.
    on : str
        ``ray``, or nothing for this machine.
    journal : Path, optional
        A file that receives a line of JSON for every item.

    Raises
    ------
    UsageError
        A value that is not allowed.
    """

    workers: int = 1
    shard: Shard = field(default_factory=Shard)
    on: str = ""
    journal: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.workers <= MOST:
            raise UsageError(f"--workers {self.workers}: a number from 1 to {MOST} was expected")
        if self.on not in PLACES:
            raise UsageError(f"--on {self.on}: ray was expected, or nothing for this machine")
        if self.journal is not None and (self.journal.is_dir() or not self.journal.absolute().parent.is_dir()):
            raise UsageError(f"--journal {self.journal}: a file in a folder that is there was expected")

    @property
    def is_shared(self) -> bool:
        """Whether other runs work in the same folder, so that what they did counts."""
        return not self.shard.is_whole or bool(self.on)

    def threads(self) -> int | None:
        """The most threads of one worker on this machine; None where there is only one."""
        if self.workers == 1:
            return None
        return max(1, processors() // self.workers)


def chosen(workers: int = 1, shard: str | Shard = "", on: str = "", journal: str | Path | None = None) -> Running:
    """How items are got through, from what a call was given.

    Returns
    -------
    Running
        All of it checked.

    Raises
    ------
    UsageError
        A value that is not allowed.

    Examples
    --------
    >>> chosen(shard="2/3").shard.number
    2
    """
    made = shard if isinstance(shard, Shard) else Shard.of(shard)
    return Running(workers, made, on, None if journal is None else Path(journal))


def processors() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


_current = Running()


def current_running() -> Running:
    """How items are got through now, where no argument says so."""
    return _current


@contextmanager
def running(how: Running) -> Iterator[None]:
    """Let items be got through in another way inside."""
    global _current
    before, _current = _current, how
    try:
        yield
    finally:
        _current = before


class ShareDoneError(Exception):
    """A shard measured its share and there is nothing more for it to do; no fault.

    Parameters
    ----------
    missed : mapping of str to str
        What could not be measured, and why.
    """

    def __init__(self, missed: Mapping[str, str] | None = None) -> None:
        super().__init__("the share is done")
        self.missed = dict(missed or {})
