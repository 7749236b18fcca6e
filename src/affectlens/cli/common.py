"""What the verbs share: consoles, progress bars, notes, failure lists."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    import pandas as pd

console = Console(stderr=True)  # progress and notes; silent with --quiet
errors = Console(stderr=True)
plain = Console(highlight=False, soft_wrap=True)


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
