"""What the verbs share: consoles, progress bars, notes, failure lists."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    import pandas as pd

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


class Bars:
    """A progress callback with one bar for each stage it is told of."""

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._tasks: dict[str, Any] = {}

    def __call__(self, stage: str, done: float, total: float) -> None:
        """Draw how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._display.add_task(stage, total=total or None, note="")
        self._display.update(self._tasks[stage], completed=done, total=total or None, note=f"{done:.0f} of {total:.0f}")

    def reset(self) -> None:
        """Forget the bars so far."""
        for task in self._tasks.values():
            self._display.remove_task(task)
        self._tasks.clear()


@contextmanager
def bars() -> Iterator[Bars]:
    """A progress display on stderr that leaves no trace when it is done."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=console.quiet,
    ) as display:
        yield Bars(display)


def note(text: str) -> None:
    """A line that is no result, on stderr."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)


class Notes(logging.Handler):
    """What the package logs, as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        note(record.getMessage())


def say(*texts: object) -> None:
    """Lines of results, on stdout."""
    for text in texts:
        plain.print(str(text), markup=False)


def table(*headings: str) -> Table:
    """A table whose cells are folded, never cut, where a terminal is narrow; names in the first column stay whole."""
    made = Table(box=None)
    for i, heading in enumerate(headings):
        made.add_column(heading, overflow="fold", no_wrap=i == 0)
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


def fail(failures: dict[str, str]) -> None:
    """List the inputs that failed and why."""
    if not failures:
        return
    errors.print(f"[bold red]{len(failures)} input{'s' if len(failures) > 1 else ''} failed[/]:")
    for path, reason in failures.items():
        text = reason if str(path) in reason else f"{path}: {reason}"
        errors.print(f"  {escape(text)}", highlight=False, soft_wrap=True)


def print_table(table: pd.DataFrame, fmt: str) -> None:
    """A table as text on stdout."""
    from affectlens.report.exporters import as_text

    sys.stdout.write(as_text(table, fmt))
