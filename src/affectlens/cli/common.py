"""What the verbs share: options, progress bars, failure lists."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from affectlens.core.errors import AffectlensError
from affectlens.core.options import Options

console = Console(stderr=True)
plain = Console(highlight=False, soft_wrap=True)

Inputs = Annotated[
    list[str],
    typer.Argument(help="Images, videos, audio files, folders, globs, or a csv, tsv, txt or parquet table of paths."),
]
Modalities = Annotated[str, typer.Option(help="Comma-separated modalities.")]
Language = Annotated[str | None, typer.Option(help="Spoken language as a code such as en or de; detected when absent.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda:N or mps.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Rate = Annotated[float, typer.Option(help="Sampled frames a second.")]
Window = Annotated[float, typer.Option(help="Length of a segment in seconds.")]


Place = Annotated[str, typer.Option(help="Kind of place, such as office or street; else from the file's name.")]
When = Annotated[str, typer.Option(help="When it was recorded, such as 2024-05-17 14:30; else from EXIF or the container.")]
Prior = Annotated[str, typer.Option(help="What is usual elsewhere, to compare with: findingemo (CC BY-NC-SA 4.0).")]
UseUsual = Annotated[
    bool, typer.Option("--use-usual", help="Let what is usual here take part in the fused answer; its weight is shown.")
]
PlacesFolder = Annotated[str, typer.Option(help="Folder of an official Places365 checkpoint, to infer places with.")]
PairsFolder = Annotated[str, typer.Option(help="Folder of a classifier of adjective-noun pairs (model.onnx, classes.json).")]
Background = Annotated[str, typer.Option(help="Weights of a background network, for --modalities …,background.")]
Fusion = Annotated[str, typer.Option(help="early (a network over deep features) or pool (of opinions).")]
Store = Annotated[str, typer.Option(help="A file that keeps what was recognised where and when, to compare with (SQLite).")]


def options(
    modalities: str,
    language: str | None,
    device: str,
    seed: int,
    rate: float,
    window: float,
    **more: Any,
) -> Options:
    """The options of a run from what was typed."""
    from affectlens.core.options import torch_device

    names = tuple(m.strip() for m in modalities.split(",") if m.strip())
    torch_device(device)
    threads = max(1, min(4, os.cpu_count() or 1))
    return Options(names, language, device, seed, rate, window, threads=threads, **more)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress display on stderr that leaves no trace when it is done."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(), console=console, transient=True,
    ) as bar:  # fmt: skip
        yield bar


@contextmanager
def named_bars() -> Iterator[Callable[[str, float, float], None]]:
    """A progress display with one bar for each name it is told of: name, done, in all."""
    with progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def told(name: str, done: float, total: float) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total, note="")
            bar.update(tasks[name], completed=done, total=total, note=f"{done:g} of {total:g}")

        yield told


class RunProgress:
    """Turns the pipeline's calls into bars; one task a stage."""

    def __init__(self, bar: Progress) -> None:
        self._bar, self._tasks = bar, {}  # type: ignore[var-annotated]

    def __call__(self, stage: str, done: float, total: float) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total or None, note="")
        self._bar.update(self._tasks[stage], completed=done, total=total or None, note=f"{done:.0f} of {total:.0f} s")

    def reset(self) -> None:
        """Forget the bars of the last recording."""
        for task in self._tasks.values():
            self._bar.remove_task(task)
        self._tasks.clear()


def fetch_assets(names: list[str]) -> None:
    """Fetch what is missing, with a bar."""
    from affectlens.assets.manifest import asset
    from affectlens.assets.store import drop_archives, pull, state

    wanted = [asset(n) for n in names]
    missing = [a for a in wanted if state(a, thorough=False) != "ready"]
    if not missing:
        return
    with progress_bar() as bar:
        for owner in missing:
            task = bar.add_task(
                f"fetching {owner.name}", total=owner.size, note=f"{owner.size / 1e6:.1f} MB, {owner.licence[:30]}"
            )

            def told(_name: str, done: int, total: int, task=task) -> None:  # type: ignore[no-untyped-def]
                bar.update(task, completed=done, total=max(total, 1))

            pull(owner, told)
            bar.update(task, completed=owner.size, total=owner.size, note="verified")
            console.print(
                f"fetched {owner.name}: {owner.size / 1e6:.1f} MB, sha256 verified ({owner.licence})", highlight=False
            )
    drop_archives()


def fail(failures: dict[str, str]) -> None:
    """List the inputs that failed and why."""
    if not failures:
        return
    console.print(f"[bold red]{len(failures)} input{'s' if len(failures) > 1 else ''} failed[/]:")
    for path, reason in failures.items():
        text = reason if str(path) in reason else f"{path}: {reason}"
        console.print(f"  {escape(text)}", highlight=False, soft_wrap=True)


def existing(path: Path, what: str) -> Path:
    """The path, or an error that it is not there."""
    if not path.exists():
        raise AffectlensError(f"{path}: no such {what}")
    return path


def ablation(made: Any, joint: bool) -> None:
    """Print every subset of modules under every way of fusing."""
    from rich.table import Table

    if not joint:
        plain.print(
            "class-matched pairing: items of different people with the same label stand for one person; several modules "
            "together score more than a recording of one person can give"
        )
    hows = list(dict.fromkeys(made.scores.fusion))
    table = Table("modules", *(f"{how}: UAR" for how in hows), box=None)
    for modules, mine in made.scores.groupby("modules", sort=False):
        row = mine.set_index("fusion")
        table.add_row(str(modules), *(f"{row.UAR[h]:.3f} ({row.low[h]:.3f} to {row.high[h]:.3f})" for h in hows))
    plain.print(table)
    mean = made.scores.groupby("fusion", sort=False)[["UAR", "ECE", "log loss"]].mean()
    for how, r in mean.iterrows():
        plain.print(f"{how}, mean over subsets: UAR {r.UAR:.3f}, calibration error {r.ECE:.3f}, log loss {r['log loss']:.3f}")
    for r in made.against.itertuples():
        plain.print(
            f"{r.fusion}, {r.question}, against {r.against}: {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f}), p = {r.p:.3f}"
        )
