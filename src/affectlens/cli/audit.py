"""`affectlens audit`: what a model rests on, over whole corpora; one command for every registered audit."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens import audit
from affectlens.audits.registry import AUDITS, RegisteredAudit
from affectlens.cli import common
from affectlens.cli.options import Verb, corpus_names, models, verb
from affectlens.core.errors import UsageError

app = typer.Typer(add_completion=False)
SHOWN = 6  # notes of a kind
CORPUS = "A corpus and where it lies."
MODEL = "A shipped model, MODEL.onnx, MODEL.pt, a folder of transformers, a table of predictions, or module:name."
PAGE = "Folder for page, tables and figures; a stopped run there goes on."
LIST = "List what can be tested, with what the corpus supports when one is given."


def carry_out(entry: RegisteredAudit, model: str, corpus: Any, out: Path, settings: dict[str, Any]) -> None:
    """Do an audit, and print what was found, what was left out, and where the page is."""
    with common.bars() as progress:
        result = getattr(audit, entry.name)(model or None, corpus, out=out, progress=progress, **settings)
    left_out = getattr(result, "left_out", None)
    for row in left_out.head(SHOWN).itertuples() if left_out is not None else ():
        common.note(f"left out: {row.key}: {row.reason}")
    for warning in getattr(result, "warnings", ())[:SHOWN]:
        common.note(f"note: {warning}")
    missed = getattr(result, "missed", ())
    if len(missed):
        common.note(f"{len(missed)} could not be read, see {out / 'missed.csv'}")
    common.say(*result.findings(), out / "audit.html")


def command(entry: RegisteredAudit) -> None:
    """Make the command of an audit."""

    def run(corpus: Any, settings: dict[str, Any], out: Path, model: str = "", list_: bool = False) -> None:
        if list_ and entry.listing is not None:
            with common.bars() as progress:
                common.say(*entry.listing(corpus or None, settings=entry.settings(**settings), progress=progress))
            return
        if not corpus:
            raise UsageError(f"give --corpus NAME=PATH{' and --model MODEL, or --list' if entry.listing else ''}")
        carry_out(entry, model, corpus, out, settings)

    corpora: Any = list[str] if entry.several else str
    text = f"{CORPUS} Repeat it for several." if entry.several else CORPUS
    option = typer.Option(help=text, metavar="NAME=PATH", autocompletion=corpus_names)
    given: dict[str, tuple[Any, Any]] = {
        "corpus": (Annotated[corpora, option], "" if entry.listing else inspect.Parameter.empty),
        "settings": (dict[str, Any], inspect.Parameter.empty),
        "out": (Annotated[Path, typer.Option(help=PAGE)], Path(f"audit-{entry.name}")),
    }
    if entry.model is not None:
        given["model"] = (Annotated[str, typer.Option(help=entry.model_help or MODEL, autocompletion=models)], entry.model)
    if entry.listing is not None:
        given["list_"] = (Annotated[bool, typer.Option("--list", help=LIST)], False)
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in given.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__doc__ = entry.help
    app.command(entry.name, cls=Verb)(verb(entry.settings, goes_on=True)(run))


for _entry in AUDITS.values():
    command(_entry)
