"""`affectlens doctor`: what works on this machine."""

from __future__ import annotations

import typer

from affectlens.cli import common
from affectlens.cli.options import verb


@verb()
def command() -> None:
    """Versions, assets, codecs, GPU, memory, cache and extras, each tried; exit code 1 where something is broken."""
    from affectlens.pipeline.checkup import doctor

    checkup = doctor()
    table = common.table("what", "state", "detail")
    for check in checkup.checks:
        table.add_row(check.name, check.state, check.detail)
    common.plain.print(table)
    raise typer.Exit(0 if checkup.ok else 1)
