"""The command line: one file a verb; exit codes 0 all done, 1 some inputs failed, 2 the call cannot be carried out."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from affectlens import __version__
from affectlens.cli import assets, audit, corpus, evaluate, explain, models, recognize, train, usual
from affectlens.cli.common import console
from affectlens.core.errors import AffectlensError

app = typer.Typer(
    name="affectlens",
    help="Recognise expressed emotion in recordings and show why, with evidence that has been tested.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all done; 1 some inputs failed (they are listed); 2 the call cannot be carried out; 130 stopped.",
)
app.command("explain")(explain.command)
app.command("recognize")(recognize.command)
app.command("evaluate")(evaluate.command)
app.command("usual")(usual.command)
app.add_typer(train.app, name="train")
app.add_typer(audit.app, name="audit")
app.add_typer(assets.app, name="assets")
app.add_typer(corpus.app, name="corpus")
app.add_typer(models.app, name="models")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"affectlens {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Recognise expressed emotion in recordings and show why."""


def main() -> None:
    """Entry point: expected errors are one message and exit code 2, never a traceback."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    try:
        app()
    except AffectlensError as error:
        console.print(f"[bold red]error[/]: {error}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        console.print("\nstopped; what was finished is kept. Run the same command with --resume to go on.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
