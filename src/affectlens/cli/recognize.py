"""`affectlens recognize`: the table alone, without explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.cli import common
from affectlens.cli.explain import fetch
from affectlens.cli.options import FORMATS, Inputs, verb
from affectlens.core.options import Options


@verb(Options)
def command(
    inputs: Inputs,
    settings: dict[str, Any],
    out: Annotated[Path | None, typer.Option(help="File for the table; standard output when absent.")] = None,
    fmt: Annotated[str, typer.Option("--format", help=f"{FORMATS}; by the suffix of --out when absent.")] = "",
) -> None:
    """Recognise expressed emotion; writes one table of all inputs."""
    from affectlens.core.options import torch_device
    from affectlens.pipeline import recognize
    from affectlens.report.exporters import chosen as chosen_format

    chosen = chosen_format(out, fmt).name
    options = Options(**settings)
    torch_device(options.device)
    fetch(options)
    with common.bars() as bars:
        run = recognize(inputs, out=out, format=fmt, options=options, progress=bars)
    if out is None:
        common.print_table(run.table, chosen)
    common.fail(run.failures)
    raise typer.Exit(run.exit_code)
