"""`affectlens audit`: what a model rests on, over whole corpora; one command for every registered audit."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens import audit
from affectlens.audits.registry import AUDITS, RegisteredAudit
from affectlens.audits.sharing import Share
from affectlens.cli import common
from affectlens.cli.options import On, ShardOption, Verb, Workers, corpus_names, models, verb
from affectlens.core.disk.names import safe_name
from affectlens.core.errors import UsageError

app = typer.Typer(add_completion=False)
SHOWN = 6  # warnings
CORPUS = "A corpus and where it lies."
MODEL = "A shipped model, MODEL.onnx, MODEL.pt, a folder of transformers, a table of predictions, or module:name."
PAGE = "Folder for page, tables and figures; a stopped run there goes on."
LIST = "List what can be tested, with what the corpus supports when one is given."


def carry_out(entry: RegisteredAudit, model: Any, corpus: Any, out: Path, settings: dict[str, Any]) -> common.Unread:
    """Do an audit, print what was found and where the page is, and give back what could not be read."""
    with common.bars() as progress:
        result = getattr(audit, entry.name)(model or None, corpus, out=out, progress=progress, **settings)
    if isinstance(result, Share):
        common.say(*result.findings())
        return common.Unread(result.unread)
    warnings = getattr(result, "warnings", ())
    for warning in warnings[:SHOWN]:
        common.note(f"note: {warning}")
    if len(warnings) > SHOWN:
        common.note(f"note: {len(warnings) - SHOWN} more are on the page")
    common.say(*result.findings(), out / "audit.html")
    return common.Unread(result.unread, out / f"{result.unread_table}.csv")


def default_out(audit: str, model: Any, corpus: Any, settings: dict[str, Any]) -> Path:
    """The folder of an audit where none is given, named after what is audited, so that two audits do not meet in one.

    Returns
    -------
    Path
        Below ``audit-NAME``.

    Examples
    --------
    >>> default_out("objects", "nets/mine.onnx", "folder=faces/", {}).as_posix()
    'audit-objects/mine-folder-faces'
    """
    several = model if isinstance(model, list) else [model or str(settings.get("predictions") or "")]
    parts = [Path(str(given).rpartition("=")[2]).name.partition(".")[0] for given in several if given]
    for one in [corpus] if isinstance(corpus, str) else corpus:
        name, _, path = str(one).rpartition("=")
        parts += dict.fromkeys(part for part in (name, Path(path).name.partition(".")[0]) if part)
    return Path(f"audit-{audit}") / safe_name("-".join(parts) or "run")


def command(entry: RegisteredAudit) -> None:
    """Make the command of an audit."""

    def run(
        corpus: Any, settings: dict[str, Any], out: Path | None, model: Any = "", list_: bool = False, workers: int = 1,
        shard: str = "", on: str = "",
    ) -> common.Unread | None:  # fmt: skip
        if list_ and entry.listing is not None:
            with common.bars() as progress:
                common.say(*entry.listing(corpus or None, settings=entry.settings(**settings), progress=progress))
            return None
        if not corpus:
            raise UsageError(f"give --corpus NAME=PATH{' and --model MODEL, or --list' if entry.listing else ''}")
        given = settings | {"workers": workers, "shard": shard, "on": on}
        return carry_out(entry, model, corpus, out or default_out(entry.name, model, corpus, settings), given)

    corpora: Any = list[str] if entry.several else str
    text = f"{CORPUS} Repeat it for several." if entry.several else CORPUS
    option = typer.Option(help=text, metavar="NAME=PATH", autocompletion=corpus_names)
    given: dict[str, tuple[Any, Any]] = {
        "corpus": (Annotated[corpora, option], "" if entry.listing else inspect.Parameter.empty),
        "settings": (dict[str, Any], inspect.Parameter.empty),
        "out": (Annotated[Path | None, typer.Option(help=PAGE, show_default=f"audit-{entry.name}/MODEL-CORPUS")], None),
    }
    if entry.model is not None:
        kind: Any = list[str] if entry.models else str
        naming = typer.Option(help=entry.model_help or MODEL, autocompletion=models)
        given["model"] = (Annotated[kind, naming], inspect.Parameter.empty if entry.models else entry.model)
    if entry.listing is not None:
        given["list_"] = (Annotated[bool, typer.Option("--list", help=LIST)], False)
    given |= {"workers": (Workers, 1), "shard": (ShardOption, ""), "on": (On, "")}
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in given.items()
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__doc__ = entry.help
    app.command(entry.name, cls=Verb)(verb(entry.settings, goes_on=True)(run))


for _entry in AUDITS.values():
    command(_entry)
