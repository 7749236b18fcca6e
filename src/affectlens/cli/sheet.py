"""`affectlens sheet`: facts of finished runs beside the duties that they may serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import verb

Runs = Annotated[list[Path], typer.Argument(help="Folders of audits, of `evaluate --out`, of `explain --out`.", metavar="RUN…")]
Answers = Annotated[Path | None, typer.Option(help="A toml or json file with answers to the sheet's questions.")]
Out = Annotated[Path, typer.Option(help="Folder for sheet.html, sheet.md, sheet.json and questions.toml.")]


@verb()
def command(runs: Runs, answers: Answers = None, out: Out = Path("evidence-sheet")) -> None:
    """An evidence sheet of finished runs: facts beside duties of Regulation (EU) 2024/1689, blanks kept blank."""
    from affectlens.sheets.sheet import sheet

    found = sheet(runs, answers=answers, out=out)
    common.say(*found.findings(), out / "sheet.html")
