"""`affectlens explain`, `recognize` and `usual`: from recordings to the table, the evidence and reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affectlens.cli import common
from affectlens.cli.options import (
    FORMATS,
    Inputs,
    Journal,
    On,
    Resume,
    Seed,
    ShardOption,
    Truth,
    TruthAs,
    Workers,
    verb,
)
from affectlens.core.errors import UsageError
from affectlens.core.failures import TABLE as FAILURES
from affectlens.core.listing import rest
from affectlens.core.options import Options

if TYPE_CHECKING:
    from affectlens.pipeline import Result, Run

MANY = 20  # recordings from which on each is no longer told by itself


@verb(Options)
def explain(
    inputs: Inputs,
    settings: dict[str, Any],
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("affectlens-report"),
    resume: Resume = False,
    fmt: Annotated[str, typer.Option("--format", help=f"Also write all rows to OUT/table as {FORMATS}.")] = "parquet",
    force: Annotated[bool, typer.Option("--force", help="Replace reports without asking.")] = False,
    truth: Truth = None,
    truth_as: TruthAs = "",
    workers: Workers = 1,
    shard: ShardOption = "",
    on: On = "",
    journal: Journal = None,
) -> common.Unread:
    """Recognise and explain; writes one report folder an input."""
    from affectlens import pipeline
    from affectlens.evaluation.result import HEADINGS

    _ask(out, inputs, force or resume or bool(shard or on))
    with common.bars() as bars:

        def show(result: Result) -> None:
            bars.reset()
            for line in result.summary() if bars.inputs <= MANY else ():
                common.note(line)

        many: dict[str, Any] = {"workers": workers, "shard": shard, "on": on, "journal": journal}
        told: dict[str, Any] = {"truth": truth or None, "truth_as": truth_as}
        run = pipeline.explain(
            inputs, out, resume=resume, format=fmt, progress=bars, on_result=show, **told, **many, **settings
        )
    _print_notes(run)
    if run.agreement is not None:
        for text in run.agreement.notes:
            common.note(f"note: {text}")
        scores = "; ".join(f"{HEADINGS[name]} {one}" for name, one in run.agreement.scores.items())
        common.note(f"against human annotations, {run.agreement.n} segments: {scores}")
    common.say(*run.reports)
    _print_share(run, shard, out)
    return common.Unread(run.failures, None if shard else out / FAILURES)


def _print_share(run: Run, shard: str, out: Path) -> None:
    """What a shard did, and what is to be done when all shards are."""
    if shard:
        common.note(f"shard {shard}: {len(run.results)} recordings are done; after all shards: affectlens runs merge {out}")


def _print_notes(run: Run) -> None:
    """What was left out, and what an earlier run had done."""
    for text in run.notes:
        common.note(f"note: {text}")
    for path in run.resumed[:MANY]:
        common.note(f"already done: {path}")
    if more := rest(MANY, len(run.resumed), "recordings that were done already", "what `affectlens runs status` says"):
        common.note(more)


def _ask(out: Path, inputs: list[str], allowed: bool) -> None:
    """Ask before reports are replaced, where somebody is there to answer."""
    if allowed or not out.exists():
        return
    from affectlens.pipeline import folder_name

    there = [name for name in inputs if Path(name).is_file() and (out / folder_name(Path(name))).exists()]
    if not there:
        return
    reports = "1 report" if len(there) == 1 else f"{len(there)} reports"
    if not sys.stdin.isatty():
        common.note(f"{reports} in {out} will be replaced, since nobody can be asked; --resume keeps finished ones")
        return
    if not typer.confirm(f"{reports} in {out} will be replaced (--resume keeps them). Go on?", err=True):
        raise UsageError("nothing was replaced; give another --out, --resume or --force")


@verb(Options)
def recognize(
    inputs: Inputs,
    settings: dict[str, Any],
    out: Annotated[Path | None, typer.Option(help="File for the table; standard output when absent.")] = None,
    fmt: Annotated[str, typer.Option("--format", help=f"{FORMATS}; by the suffix of --out when absent.")] = "",
    resume: Resume = False,
    workers: Workers = 1,
    shard: ShardOption = "",
    on: On = "",
    journal: Journal = None,
) -> common.Unread:
    """Recognise expressed emotion; writes one table of all inputs."""
    from affectlens import pipeline
    from affectlens.pipeline.jobs import beside
    from affectlens.report.exporters import chosen

    shown = chosen(out, fmt).name
    if out is None and (resume or shard or on):
        raise UsageError("--resume, --shard and --on go on from what is beside the table: give --out FILE too")
    with common.bars() as bars:
        many: dict[str, Any] = {"workers": workers, "shard": shard, "on": on, "journal": journal}
        run = pipeline.recognize(inputs, out=out, format=fmt, resume=resume, progress=bars, **many, **settings)
    if shard and out is not None:
        _print_share(run, shard, out)
    elif out is None:
        common.print_table(run.table, shown)
    else:
        common.note(f"{run.rows} rows of {len(run.results)} recordings")
        common.say(out)
    _print_notes(run)
    return common.Unread(run.failures, None if out is None or shard else beside(out, f".{FAILURES}"))


@verb()
def usual(
    store: Annotated[Path, typer.Option(help="The store that `explain --store` filled.", metavar="FILE")],
    out: Annotated[Path | None, typer.Option(help="Folder for averages.csv and a chart.")] = None,
    seed: Seed = 0,
) -> None:
    """Average expressed emotion by place, part of the day, hour and weekday, smoothed, with counts and intervals."""
    from affectlens.pipeline import averages

    common.say(*averages.usual(store, out=out, seed=seed).findings())
    if out is not None:
        common.say(out / averages.FILE)
