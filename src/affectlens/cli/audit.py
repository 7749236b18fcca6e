"""`affectlens audit`: what a model rests on, over whole corpora."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.audits.concepts.audit import available
from affectlens.audits.concepts.audit import run as concepts
from affectlens.audits.concepts.settings import ConceptSettings
from affectlens.audits.features.audit import run as features
from affectlens.audits.features.settings import FeatureSettings
from affectlens.audits.latent.audit import run as latent
from affectlens.audits.latent.settings import LatentSettings
from affectlens.audits.registry import AUDITS, RegisteredAudit
from affectlens.audits.result import AuditResult
from affectlens.cli import audit_objects, audit_properties, common
from affectlens.cli.options import Corpora, corpus_names, models, verb
from affectlens.core.errors import UsageError
from affectlens.core.settings import Settings
from affectlens.models.open import open_model

app = typer.Typer(add_completion=False)
SHOWN = 6  # notes of a kind


def add(name: str, function: Callable[..., Any], settings: type[Settings]) -> None:
    """A command below ``audit``: corpora, folder and the fields of the settings; it calls and prints what was found."""

    def command(
        corpus: Corpora,
        settings: dict[str, Any],
        out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path(f"audit-{name}"),
    ) -> None:
        with common.bars() as progress:
            result = function(None, corpus, out=out, progress=progress, **settings)
        show(result, out)

    command.__doc__ = (function.__doc__ or "").partition("\n")[0]
    app.command(name)(verb(settings)(command))


def add_registered(audit: RegisteredAudit) -> None:
    """A command for an audit of the registry, with a model where it needs one."""

    def command(
        corpus: Corpora,
        settings: dict[str, Any],
        model: Annotated[str, typer.Option(help="A model, see `affectlens models ls`.", autocompletion=models)] = "",
        out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path(f"audit-{audit.name}"),
    ) -> None:
        if audit.needs_model and not model:
            raise UsageError(f"audit {audit.name} looks at a model: give --model")
        with common.bars() as progress:
            opened = open_model(model) if model else None
            result = audit.function(opened, corpus, out=out, progress=progress, **settings)
        common.say(*result.findings(), out)

    command.__doc__ = audit.help
    app.command(audit.name)(verb(audit.settings)(command))


def show(result: AuditResult, out: Path) -> None:
    """What was found, what was left out, and where the page is."""
    left_out = getattr(result, "left_out", None)
    for row in left_out.head(SHOWN).itertuples() if left_out is not None else ():
        common.note(f"left out: {row.key}: {row.why}")
    for warning in getattr(result, "warnings", ())[:SHOWN]:
        common.note(f"note: {warning}")
    common.say(*result.findings(), out / "audit.html")


app.command("properties")(audit_properties.command)
app.command("objects")(audit_objects.command)
add("latent", latent, LatentSettings)
add("features", features, FeatureSettings)


@app.command("concepts")
@verb(ConceptSettings)
def _concepts(
    settings: dict[str, Any],
    corpus: Annotated[
        str, typer.Option(help="A corpus of dialogues and where it lies.", metavar="NAME=PATH", autocompletion=corpus_names)
    ] = "",
    model: Annotated[Path | None, typer.Option(help="Weights of `affectlens train bclstm`.", metavar="FILE")] = None,
    out: Annotated[Path, typer.Option(help="Folder for page, tables and figures.")] = Path("audit-concepts"),
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
    with common.bars() as progress:
        result = concepts(model, corpus, out=out, progress=progress, **settings)
    show(result, out)


for _audit in AUDITS.values():
    if _audit.name not in {c.name for c in app.registered_commands}:
        add_registered(_audit)
