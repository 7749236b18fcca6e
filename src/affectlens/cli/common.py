"""What the verbs share: consoles, progress bars, notes, failure lists."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from affectlens.core.disk.names import one_line

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20  # inputs that failed, where a file lists them all
RECORDINGS, FAILING = "recordings", "failed"  # stages of a whole run
SETTLED = 5.0  # seconds from which on a pace is told
SECONDS = 10.0  # between two lines of progress where nobody looks at a terminal

console = Console(stderr=True)  # progress and notes; silent with --quiet
errors = Console(stderr=True)
# Where nobody looks at a terminal nothing is cut to its width.
plain = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 1000)


@contextmanager
def quietly(quiet: bool) -> Iterator[None]:
    """Keep progress and notes off the terminal; results and errors still come."""
    console.quiet = quiet
    try:
        yield
    finally:
        console.quiet = False


@contextmanager
def verbosely(verbose: bool) -> Iterator[None]:
    """Show tracebacks of what fails inside."""
    handlers = [handler for handler in logging.getLogger("affectlens").handlers if isinstance(handler, Notes)]
    before = [handler.level for handler in handlers]
    for handler in handlers if verbose else ():
        handler.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        for handler, level in zip(handlers, before, strict=True):
            handler.setLevel(level)


class Bars:
    """A progress callback with one bar for each stage it is told of; where there is no terminal, a line now and then."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[str, Any] = {}
        self._announced: set[str] = set()
        self._last = 0.0
        self._began: dict[str, tuple[float, float]] = {}
        self.inputs = 1  # of the run

    def __call__(self, stage: str, done: float, total: float) -> None:
        """Draw how far a stage is."""
        stage = one_line(stage)
        so_far = f"{done:.0f} of {total:.0f}" if total else f"{done:.0f}"
        if stage == RECORDINGS:
            self.inputs = int(total)
            so_far += self._pace(stage, done, total)
        if not console.is_terminal:
            self._announce(stage, so_far)
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._display.add_task(stage, total=total or None, note="")
        self._display.update(self._tasks[stage], completed=done, total=total or None, note=so_far)

    def reset(self) -> None:
        """Forget the bars so far."""
        for stage in [stage for stage in self._tasks if stage not in (RECORDINGS, FAILING)]:
            self._display.remove_task(self._tasks.pop(stage))

    def _pace(self, stage: str, done: float, total: float) -> str:
        """How many a minute, and how long the others take at that pace; nothing before that can be told."""
        now = time.monotonic()
        first, since = self._began.setdefault(stage, (done, now))
        if done <= first or now - since < SETTLED:
            return ""
        rate = (done - first) / (now - since)
        return f", {60 * rate:.3g} a minute, {duration((total - done) / rate)} left"

    def _announce(self, stage: str, so_far: str) -> None:
        """A line when a stage is new, and when the last line is some seconds old."""
        now = time.monotonic()
        if stage in self._announced and now - self._last < SECONDS:
            return
        self._announced.add(stage)
        self._last = now
        note(f"{stage}: {so_far}")


def duration(seconds: float) -> str:
    """A time span in the two units that say most.

    Returns
    -------
    str
        For people.

    Examples
    --------
    >>> duration(42), duration(3700), duration(200_000)
    ('42 s', '1 h 1 min', '2 d 7 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 1440 else f"{minutes // 1440} d {minutes % 1440 // 60} h"


@contextmanager
def bars() -> Iterator[Bars]:
    """A progress display on stderr that leaves no trace on a terminal when it is done."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=console.quiet or not console.is_terminal,
    ) as display:
        yield Bars(display)


def note(text: str) -> None:
    """A line that is no result, on stderr; a name in it cannot begin another line."""
    console.print(Text(one_line(text)), highlight=False, soft_wrap=True)


class Notes(logging.Handler):
    """What the package logs, as notes; tracebacks only with ``--verbose``."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        note(record.getMessage())
        if record.exc_info:
            for line in logging.Formatter().formatException(record.exc_info).splitlines():
                note(f"  {line}")


def say(*texts: object) -> None:
    """Lines of results, on stdout; a name in one cannot begin another."""
    for text in texts:
        plain.print(Text(one_line(text)))


class Cells(Table):
    """A table whose cells are texts as they are: brackets are no markup, and a name is one line."""

    def add_row(self, *cells: Any, **more: Any) -> None:
        """Add a row of texts."""
        super().add_row(*(Text(one_line(cell)) for cell in cells), **more)


def table(*headings: str) -> Cells:
    """A table whose cells are folded, never cut, where a terminal is narrow; names in the first column stay whole."""
    made = Cells(box=None)
    for i, heading in enumerate(headings):
        made.add_column(Text(one_line(heading)), overflow="fold", no_wrap=i == 0)
    return made


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Warnings as notes of one line, without the line of code that they come from."""
    before = warnings.showwarning

    def show(message: Warning | str, *_: object, **__: object) -> None:
        note(f"note: {message}")

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


@dataclass(frozen=True)
class Unread:
    """Inputs of a verb that came to nothing: what a verb gives back, so that they are listed and its exit code is 1.

    Attributes
    ----------
    reasons : mapping of str to str
        Why each input came to nothing; empty where all were read.
    file : Path, optional
        The table that lists them all, where one was written.
    """

    reasons: Mapping[str, str]
    file: Path | None = None


def fail(unread: Unread) -> None:
    """List the inputs that failed and why: all of them, or the first where a file has the others."""
    reasons = unread.reasons
    if not reasons:
        return
    alarm(f"{len(reasons)} input{'s' if len(reasons) > 1 else ''} failed", ":")
    shown = len(reasons) if unread.file is None else SHOWN
    for name, reason in islice(reasons.items(), shown):
        text = reason if str(name) in reason else f"{name}: {reason}"
        errors.print(Text(f"  {one_line(text)}"), highlight=False, soft_wrap=True)
    if len(reasons) > shown:
        errors.print(Text(one_line(f"  and {len(reasons) - shown} more, see {unread.file}")), highlight=False, soft_wrap=True)


def alarm(what: str, more: str = "") -> None:
    """A line on stderr that begins in red, also with ``--quiet``."""
    errors.print(Text.assemble((what, "bold red"), one_line(more)), highlight=False, soft_wrap=True)


def print_table(table: pd.DataFrame, fmt: str) -> None:
    """A table as text on stdout."""
    from affectlens.report.exporters import as_text

    sys.stdout.write(as_text(table, fmt))
