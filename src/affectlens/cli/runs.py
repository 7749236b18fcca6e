"""`affectlens runs`: what runs over many recordings came to, and putting shards together; no model is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import FORMATS, Group, Verb, verb
from affectlens.core.failures import TABLE as FAILURES

app = typer.Typer(
    help="What runs over many recordings came to: count, try again, tidy up, put shards together.",
    no_args_is_help=True,
    cls=Group,
)
Out = Annotated[Path, typer.Argument(help="The folder of `explain --out`, or the table of `recognize --out`.", metavar="OUT")]


@app.command(cls=Verb)
@verb()
def status(out: Out) -> common.Unread:
    """How many inputs are done, failed, being worked on, left behind and open; exit code 1 where some failed."""
    from affectlens.ledger import ledger_of

    counts = ledger_of(out).counts()
    table = common.table("state", "inputs")
    for row in counts.to_frame().itertuples():
        table.add_row(row.state, row.inputs)
    common.plain.print(table)
    return common.Unread({item.file: f"{item.what}: {item.reason} (tried {item.tries} times)" for item in counts.failures})


@app.command(cls=Verb)
@verb()
def retry(out: Out) -> None:
    """Forget what failed, so that the next run with --resume tries it again, also what ended its workers."""
    from affectlens.ledger import ledger_of

    files = ledger_of(out).retry()
    common.say(*files)
    common.note(f"{len(files)} inputs will be tried again by the next run with --resume")


@app.command(cls=Verb)
@verb()
def clean(out: Out) -> None:
    """Remove what processes left that ended in the midst of their work; finished results and live work stay."""
    from affectlens.ledger import ledger_of

    names = ledger_of(out).clean()
    common.say(*names)
    common.note(f"{len(names)} leftovers removed")


@app.command(cls=Verb)
@verb()
def merge(
    out: Out,
    fmt: Annotated[str, typer.Option("--format", help=f"{FORMATS}; as `explain` and `recognize` take it.")] = "",
) -> common.Unread:
    """Write the table of all inputs of all shards, and the list of those that failed, as one run would have."""
    from affectlens.pipeline.jobs import beside
    from affectlens.pipeline.merging import merge as merged

    run = merged(out, format=fmt)
    for note in run.notes:
        common.note(note)
    common.note(f"{run.rows} rows of {len(run.results)} recordings")
    common.say(out)
    return common.Unread(run.failures, out / FAILURES if out.is_dir() else beside(out, f".{FAILURES}"))
