"""`affectlens verify`: whether a finished run is as it was left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import verb

Run = Annotated[Path, typer.Argument(help="The folder of `explain --out` or of an audit.", metavar="RUN")]
Head = Annotated[str, typer.Option(help="The head of its chain as it was noted when it was finished.", metavar="SHA256")]


@verb()
def command(run: Run, head: Head = "") -> None:
    """Find every byte that was changed, added or removed in a finished run; exit code 1 where any was."""
    from affectlens.core.results.verification import verify

    found = verify(run, head=head)
    for change in found.changes.itertuples():
        common.say(f"{change.what}: {change.file}: {change.detail}")
    common.say(*found.findings())
    raise typer.Exit(0 if found.whole else 1)
