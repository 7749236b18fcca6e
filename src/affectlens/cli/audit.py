"""`affectlens audit`: what a model rests on, over whole corpora."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens import audit
from affectlens.audits.concepts.audit import available
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.objects.settings import ObjectSettings
from affectlens.audits.properties.settings import PropertySettings
from affectlens.audits.registry import AUDITS, RegisteredAudit
from affectlens.audits.result import AuditResult
from affectlens.cli import common
from affectlens.cli.options import Corpora, Corpus, corpus_names, models, verb
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings
from affectlens.models.open import open_model

app = typer.Typer(add_completion=False)
SHOWN = 6  # notes of a kind
_MODEL = "A shipped model, MODEL.onnx, MODEL.pt, a folder of transformers, or module:name."
_PAGE = "Folder for page, tables and figures; a stopped run there goes on."


def call(function: Callable[..., AuditResult], model: Any, corpus: Any, out: Path, settings: dict[str, Any]) -> None:
    """Carry out an audit, and print what was found, what was left out, and where the page is."""
    common.check_folder(out)
    with common.bars() as progress:
        result = function(model, corpus, out=out, progress=progress, **settings)
    left_out = getattr(result, "left_out", None)
    for row in left_out.head(SHOWN).itertuples() if left_out is not None else ():
        common.note(f"left out: {row.key}: {row.why}")
    for warning in getattr(result, "warnings", ())[:SHOWN]:
        common.note(f"note: {warning}")
    missed = len(getattr(result, "missed", ()))
    if missed:
        common.note(f"{missed} could not be read, see {out / 'missed.csv'}")
    common.say(*result.findings(), out / "audit.html")


@app.command("objects")
@verb(ObjectSettings)
def _objects(
    settings: dict[str, Any],
    corpus: Annotated[
        str,
        typer.Option(help="A corpus, or a folder of pictures alone.", metavar="NAME=PATH|FOLDER", autocompletion=corpus_names),
    ],
    model: Annotated[str, typer.Option(help="Also emonet, background. " + _MODEL, autocompletion=models)] = "face",
    out: Annotated[Path, typer.Option(help=_PAGE)] = Path("audit-objects"),
) -> None:
    """Which regions or things in pictures drive a model: relevance against area, with tests; agreement of maps; changes."""
    call(audit.objects, model, corpus, out, settings)


@app.command("properties")
@verb(PropertySettings)
def _properties(
    settings: dict[str, Any],
    corpus: Corpus,
    model: Annotated[str, typer.Option(help=_MODEL, autocompletion=models)] = "",
    out: Annotated[Path, typer.Option(help=_PAGE)] = Path("audit-properties"),
) -> None:
    """Dependence on properties given the label, groups, gaps, interventions; page, tables, card section, evidence sheet."""
    call(audit.properties, model or None, corpus, out, settings)


def _of_speech(name: str, settings: type[Settings]) -> None:
    """A command for an audit that trains its own networks on corpora of speech."""
    function, folder = getattr(audit, name), Path(f"audit-{name}")

    def command(corpus: Corpora, settings: dict[str, Any], out: Annotated[Path, typer.Option(help=_PAGE)] = folder) -> None:
        call(function, None, corpus, out, settings)

    command.__doc__ = (function.__doc__ or "").partition(";")[0]
    app.command(name)(verb(settings)(command))


_of_speech("latent", LatentSettings)
_of_speech("features", FeatureSettings)


@app.command("concepts")
@verb(ConceptSettings)
def _concepts(
    settings: dict[str, Any],
    corpus: Annotated[
        str, typer.Option(help="A corpus of dialogues and where it lies.", metavar="NAME=PATH", autocompletion=corpus_names)
    ] = "",
    model: Annotated[Path | None, typer.Option(help="Weights of `affectlens train bclstm`.", metavar="FILE")] = None,
    out: Annotated[Path, typer.Option(help=_PAGE)] = Path("audit-concepts"),
    list_: Annotated[
        bool, typer.Option("--list", help="List the concepts, with what the corpus supports when one is given.")
    ] = False,
) -> None:
    """Which human concepts move a contextual model's answer, at which layers, with tests that hold their level."""
    if list_:
        with common.bars() as progress:
            known = available(corpus or None, settings=ConceptSettings(**settings), progress=progress)
        for row in known.to_dict("records"):
            counted = f"{row['examples']} examples of {row['utterances']} utterances" if "why" in row else row["meaning"]
            common.say(f"{row['group']:9} {row['concept']}: {row.get('why') or counted}")
        return
    if not corpus:
        raise UsageError("give --corpus NAME=PATH and --model WEIGHTS, or --list")
    call(audit.concepts, model, corpus, out, settings)


def _registered(entry: RegisteredAudit) -> None:
    """A command for an audit that another file or package registers."""
    folder = Path(f"audit-{entry.name}")

    def command(
        corpus: Corpora,
        settings: dict[str, Any],
        model: Annotated[str, typer.Option(help=_MODEL, autocompletion=models)] = "",
        out: Annotated[Path, typer.Option(help=_PAGE)] = folder,
    ) -> None:
        if entry.needs_model and not model:
            raise UsageError(f"audit {entry.name} looks at a model: give --model")
        with common.bars() as progress:
            opened = open_model(model) if model else None
            result = entry.function(opened, corpus, out=out, progress=progress, **settings)
        common.say(*result.findings(), out)

    command.__doc__ = entry.help
    app.command(entry.name)(verb(entry.settings)(command))


for _entry in AUDITS.values():
    if _entry.name not in {c.name for c in app.registered_commands}:
        _registered(_entry)
