"""The command line: one file a verb; exit codes 0 all done, 1 some inputs failed, 2 the call cannot be carried out."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from affectlens import __version__
from affectlens.cli import assets, common, corpus, doctor, evaluate, models, recordings, runs, view
from affectlens.cli.options import Group, Verb, plugins_in
from affectlens.cli.stopping import Stopped, stopping
from affectlens.core.environment.extras import helpful
from affectlens.core.errors import AffectlensError
from affectlens.core.registry import use_plugin


def late(module: str) -> type[TyperGroup]:
    """A group whose commands are made when one is asked for: their settings live beside networks, slow to import."""

    class LateGroup(Group):
        def list_commands(self, ctx: Any) -> list[str]:
            self._load()
            return list(self.commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            self._load()
            return self.commands.get(cmd_name)

        def _load(self) -> None:
            if not self.commands:
                loaded: Any = typer.main.get_command(importlib.import_module(module).app)
                self.commands.update(loaded.commands)

    return LateGroup


app = typer.Typer(
    name="affectlens",
    cls=Group,
    help="Recognise expressed emotion in recordings and show why, with evidence that has been tested.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all done; 1 some inputs failed (they are listed); 2 the call cannot be carried out; 130 stopped by "
    "Ctrl-C, 143 by the system.",
)
app.command("explain", cls=Verb)(recordings.explain)
app.command("recognize", cls=Verb)(recordings.recognize)
app.command("evaluate", cls=Verb)(evaluate.command)
app.command("usual", cls=Verb)(recordings.usual)
app.add_typer(
    typer.Typer(cls=late("affectlens.cli.audit")),
    name="audit",
    no_args_is_help=True,
    help="What a model rests on, over whole corpora, with tests.",
)
app.add_typer(
    typer.Typer(cls=late("affectlens.cli.train")),
    name="train",
    no_args_is_help=True,
    help="Train the models that ship; resumable, with a log, a card and a test evaluation.",
)
app.add_typer(assets.app, name="assets")
app.add_typer(corpus.app, name="corpus")
app.add_typer(models.app, name="models")
app.add_typer(runs.app, name="runs")
app.command("view", cls=Verb)(view.command)
app.command("doctor", cls=Verb)(doctor.command)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"affectlens {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Recognise expressed emotion in recordings and show why."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point: expected errors are one message and exit code 2, never a traceback."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name that the terminal's encoding does not know is written out
            stream.reconfigure(errors="backslashreplace")
    logger = logging.getLogger("affectlens")
    logger.setLevel(logging.INFO)
    logger.handlers = [common.Notes(logging.INFO)]
    try:
        with helpful(), common.plain_warnings(), stopping():
            for plugin in plugins_in(sys.argv[1:] if arguments is None else arguments):
                use_plugin(plugin)
            app(arguments)
    except AffectlensError as error:
        common.alarm("error", f": {error}")
        sys.exit(2)
    except Stopped as stop:
        common.alarm("stopped", f"; {stop.hint}" if stop.hint else "")
        sys.exit(stop.code)
    except KeyboardInterrupt:
        common.alarm("stopped")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
