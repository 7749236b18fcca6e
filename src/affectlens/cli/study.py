"""`affectlens study`: participants, conditions, stimuli and raters in one file, from recordings to tests and a report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import Group, Verb, Workers, verb

app = typer.Typer(
    help="Participants, conditions, stimuli and raters in one file: from recordings to tests over people and a report.",
    no_args_is_help=True,
    cls=Group,
)
File = Annotated[Path, typer.Argument(help="The study file.", metavar="STUDY")]


@app.command(cls=Verb)
@verb()
def init(
    folder: Annotated[Path, typer.Argument(help="A folder of recordings.")],
    out: Annotated[Path, typer.Option(help="The study file to write; it must not be there yet.")] = Path("study.yaml"),
) -> None:
    """Write a study file of the recordings in a folder, to be completed by hand."""
    from affectlens.study import init as begin

    common.say(begin(folder, out))


@app.command(cls=Verb)
@verb()
def check(study: File) -> common.Unread:
    """See whether everything that a study names is there and can be read; nothing is computed."""
    from affectlens.study import check as look

    found = look(study)
    common.say(*found.lines)
    common.say(f"{len(found.problems)} problems" if found.problems else "everything is there")
    return common.Unread(found.problems)


@app.command(cls=Verb)
@verb(goes_on=True)
def run(
    study: File,
    out: Annotated[Path | None, typer.Option(help="Folder for everything; by default results beside the study file.")] = None,
    workers: Workers = 1,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Use what an earlier run recognised in the same recordings.")
    ] = True,
) -> common.Unread:
    """Recognise what was not measured yet, put all into one table, test over people, and write the report."""
    from affectlens.study import run as carry

    with common.bars() as progress:
        made = carry(study, out, workers=workers, resume=resume, progress=progress)
    for text in made.notes:
        common.note(f"note: {text}")
    common.say(*made.findings())
    place = out if out is not None else study.parent / "results"
    common.say(place / "report.html")
    return common.Unread(made.lost, place / "lost.csv")


@app.command(cls=Verb)
@verb()
def report(
    out: Annotated[Path, typer.Argument(help="The folder of `study run`.", metavar="OUT")],
) -> None:
    """Write the page of a study that was run before anew; nothing is computed."""
    from affectlens.study import report as again

    common.say(again(out))
