"""`affectlens view`: runs and audits in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.cli import common
from affectlens.cli.options import verb
from affectlens.workbench.settings import ViewSettings

Folders = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders with runs of `explain` and of audits, and with the recordings; affectlens-report by default.",
        metavar="[FOLDER]...",
    ),
]


@verb(ViewSettings)
def command(settings: dict[str, Any], folders: Folders = None) -> None:
    """Look at recordings, people and evidence in a browser; nothing leaves this machine. Ends with Ctrl-C."""
    from affectlens.workbench.start import view

    common.note("the workbench is at the address below, which only this run of the server answers to; Ctrl-C ends it")
    view(*(folders or []), say=common.say, **settings)
    common.note("the workbench was closed")
