"""What the verbs share: consoles, progress bars, failure lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
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
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(), console=console, transient=True, disable=console.quiet,
    ) as display:  # fmt: skip
        yield Bars(display)


def note(text: str) -> None:
    """A line that is no result, on stderr."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def say(*texts: object) -> None:
    """Lines of results, on stdout."""
    for text in texts:
        plain.print(str(text), markup=False)


def fetch_assets(names: Iterable[str]) -> None:
    """Fetch what is missing, with a bar each."""
    from affectlens.assets.manifest import asset
    from affectlens.assets.store import drop_archives, pull, state

    missing = [a for a in map(asset, names) if state(a, thorough=False) != "ready"]
    if not missing:
        return
    with bars() as progress:
        for owner in missing:
            pull(owner, partial(_megabytes, progress, owner.name))
            note(f"fetched {owner.name}: {owner.size / 1e6:.1f} MB, sha256 verified ({owner.licence})")
    drop_archives()


def _megabytes(progress: Bars, name: str, _: str, done: float, total: float) -> None:
    progress(f"fetching {name} (MB)", done / 1e6, total / 1e6)


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
    import sys

    from affectlens.core.exporters import as_text

    sys.stdout.write(as_text(table, fmt))


def ablation(scores: Any, against: Any) -> None:
    """Print every subset of modules under every way of fusing."""
    from rich.table import Table

    if (scores.pairing == "class-matched").any():
        plain.print(
            "class-matched pairing: items of different people with the same label stand for one person; several modules "
            "together score more than a recording of one person can give"
        )
    hows = list(dict.fromkeys(scores.fusion))
    table = Table("modules", *(f"{how}: mean recall" for how in hows), box=None)
    for modules, part in scores.groupby("modules", sort=False):
        row = part.set_index("fusion")
        table.add_row(str(modules), *(f"{row.mean_recall[h]:.3f} ({row.low[h]:.3f} to {row.high[h]:.3f})" for h in hows))
    plain.print(table)
    mean = scores.groupby("fusion", sort=False)[["mean_recall", "calibration_error", "log_loss"]].mean()
    for how, r in mean.iterrows():
        plain.print(
            f"{how}, mean over subsets: mean recall {r.mean_recall:.3f}, calibration error {r.calibration_error:.3f}, "
            f"log loss {r.log_loss:.3f}"
        )
    for r in against.itertuples():
        plain.print(
            f"{r.fusion}, {r.question}, against {r.against}: {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f}), "
            f"p = {r.p_value:.3f}"
        )
