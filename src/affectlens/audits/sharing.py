"""Audits in shards and in worker processes: each looks at its share of the items, one run computes from what all kept."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from affectlens.audits.registry import AUDITS
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.failures import missed_frame
from affectlens.core.progress import Progress, silent
from affectlens.core.results import SavedResult
from affectlens.dispatch import Crash, Running, Shard, ShareDoneError, chosen, dispatched, running

log = logging.getLogger(__name__)
SHARES = "shares of the items"


@dataclass(frozen=True)
class Share(SavedResult):
    """What one shard of an audit did; the audit's own result comes from the run that puts the shards together.

    Attributes
    ----------
    audit, shard : str
        Which.
    missed : DataFrame
        Items of the share that could not be looked at: columns key and reason.
    """

    kind: ClassVar[str] = "share of an audit"
    primary: ClassVar[str] = "missed"
    unread_table: ClassVar[str] = "missed"

    audit: str
    shard: str
    missed: pd.DataFrame = field(default_factory=lambda: missed_frame({}))

    @property
    def unread(self) -> dict[str, str]:
        """Why each item of the share came to nothing that could not be read."""
        return dict(zip(self.missed.key, self.missed.reason, strict=True))

    def findings(self) -> list[str]:
        """What was done and what is to be done."""
        return [f"shard {self.shard} is done; after all shards the same call without --shard gives the result"]


@dataclass(frozen=True)
class AuditTask:
    """One share of an audit after the other; travels to workers.

    Attributes
    ----------
    name : str
        The audit.
    given : tuple
        Model and corpus.
    fields : mapping
        What else the audit was called with, the folder among it.
    """

    name: str
    given: tuple[Any, Any]
    fields: Mapping[str, Any]

    def open(self, threads: int | None) -> Any:
        """Give a function from a shard, as it is written, to an empty text, or why the share came to nothing."""
        return self.do

    def do(self, shard: str) -> str:
        """Look at a share of the items."""
        try:
            carried_out(self.name, self.given, self.fields, Running(shard=Shard.of(shard)))
        except Exception as error:
            return str(error) if isinstance(error, AffectlensError) else f"{type(error).__name__}: {error}"
        return ""

    def stop(self) -> None:
        """Nothing is held: parts are whole or not there."""


def shared_out(
    name: str, given: tuple[Any, Any], fields: Mapping[str, Any], *, workers: int = 1, shard: str = "", on: str = ""
) -> Any:
    """Do an audit, or one share of it, alone or with workers.

    Parameters
    ----------
    name : str
        The audit.
    given : tuple
        Model and corpus.
    fields : mapping
        What else it takes, ``out`` and ``progress`` among it.
    workers : int
        Processes, or actors of Ray, that look at the items; the statistics are computed here.
    shard : str
        ``I/N``: only a share of the items is looked at.
    on : str
        ``ray``, or nothing for this machine.

    Returns
    -------
    AuditResult or Share
        The result, or of a shard what it did.

    Raises
    ------
    UsageError
        Shares without a folder to keep them in, or a model or corpus that cannot be given to other processes.
    """
    how = chosen(workers, shard, on)
    if how.workers == 1 and how.shard.is_whole and not on:
        return AUDITS.get(name).function(*given, **fields)
    if fields.get("out") is None:
        raise UsageError("shares of an audit are kept in its folder: give out")
    if how.workers > 1 or on:
        _let_workers_look(name, given, fields, how)
    return carried_out(name, given, fields, Running(shard=how.shard))


def carried_out(name: str, given: tuple[Any, Any], fields: Mapping[str, Any], how: Running) -> Any:
    """An audit in this process; a share of it where ``how`` says so."""
    with running(how):
        try:
            return AUDITS.get(name).function(*given, **fields)
        except ShareDoneError as done:
            return Share(name, str(how.shard), missed_frame(done.missed))


def _let_workers_look(name: str, given: tuple[Any, Any], fields: Mapping[str, Any], how: Running) -> None:
    """Let other processes look at the items; what one of them could not do is done in this one, or fails here."""
    members = [
        member
        for one in given
        for member in (one.values() if isinstance(one, dict) else one if isinstance(one, list | tuple) else [one])
    ]
    for one in members:
        if not isinstance(one, str | Path | None):
            raise UsageError(f"{type(one).__name__} cannot be given to other processes: name the model and the corpus instead")
    progress: Progress = fields.get("progress") or silent
    task = AuditTask(name, given, {key: value for key, value in fields.items() if key != "progress"})
    count = how.workers * how.shard.count
    mine = [f"{how.shard.number + place * how.shard.count}/{count}" for place in range(how.workers)]
    for done, made in enumerate(dispatched(task, mine, how), start=1):
        if isinstance(made, Crash):
            raise AffectlensError(f"share {made.item} of the audit: its worker ended {made.tries} times ({made.reason})")
        if made:
            log.warning("a worker could not look at its share (%s); what it left is looked at here", made)
        progress(SHARES, done, len(mine))
