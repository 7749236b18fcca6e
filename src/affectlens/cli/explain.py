"""`affectlens explain`: the table, the evidence and a report for each input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affectlens.cli import common
from affectlens.cli.options import Inputs, Resume, verb
from affectlens.core.errors import UsageError
from affectlens.core.options import Options

if TYPE_CHECKING:
    from affectlens.pipeline import Result


@verb(Options)
def command(
    inputs: Inputs,
    settings: dict[str, Any],
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("affectlens-report"),
    resume: Resume = False,
    fmt: Annotated[str, typer.Option("--format", help="Also write all rows to OUT/table as parquet, csv or json.")] = "parquet",
    force: Annotated[bool, typer.Option("--force", help="Replace reports without asking.")] = False,
) -> None:
    """Recognise and explain; writes one report folder an input."""
    from affectlens.core.options import torch_device

    options = Options(**settings)
    torch_device(options.device)
    _ask(out, inputs, force or resume)
    fetch(options)
    from affectlens.pipeline import explain

    with common.bars() as bars:

        def show(result: Result) -> None:
            bars.reset()
            common.note("\n".join(result.summary()))

        run = explain(inputs, out, resume=resume, format=fmt, options=options, progress=bars, on_result=show)
    for path in run.resumed:
        common.note(f"already done: {path}")
    common.fail(run.failures)
    common.say(*(result.report for result in run.results))
    raise typer.Exit(run.exit_code)


def fetch(options: Options) -> None:
    """Fetch what the options' modalities need."""
    from affectlens.modalities.base import assets_of

    common.fetch_assets([*assets_of(options.modalities), *([options.prior] if options.prior else [])])


def _ask(out: Path, inputs: list[str], allowed: bool) -> None:
    """Ask before reports are replaced, where somebody is there to answer."""
    if allowed or not out.exists() or not sys.stdin.isatty():
        return
    from affectlens.pipeline import folder_name

    there = [i for i in inputs if (out / folder_name(Path(i))).exists()]
    if there and not typer.confirm(f"{len(there)} report(s) in {out} will be replaced (--resume keeps them). Go on?", err=True):
        raise UsageError("nothing was replaced; give another --out, --resume or --force")
