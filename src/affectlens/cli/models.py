"""`affectlens models`: the models that ship, and their cards."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markdown import Markdown

from affectlens.cli import common
from affectlens.cli.options import Group, Verb, models, verb

app = typer.Typer(help="List the models that ship and show their cards.", no_args_is_help=True, cls=Group)


@app.command(cls=Verb)
@verb()
def ls() -> None:
    """Names, classes, corpora and sizes."""
    from affectlens.models.base import load_model, model_names
    from affectlens.models.weights import read_weights, weights_path

    table = common.table("model", "classes", "trained on", "temperature", "MB")
    for name in model_names():
        path = weights_path(name)
        if not path.exists():  # a plug-in's
            model = load_model(name)
            table.add_row(name, ", ".join(model.labels), str(model.meta.get("corpus", "")), "", "")
            continue
        _, meta, calibration = read_weights(path)
        size = f"{path.stat().st_size / 1e6:.1f}"
        table.add_row(name, ", ".join(meta["labels"]), meta["corpus"], f"{calibration.temperature:.2f}", size)
    common.plain.print(table)


@app.command(cls=Verb)
@verb()
def card(
    name: Annotated[str, typer.Argument(help="A model name.", autocompletion=models)],
    raw: Annotated[bool, typer.Option("--raw", help="Markdown as it is, as also where the output is no terminal.")] = False,
) -> None:
    """The model card: corpus, licence, test scores, limits."""
    from affectlens.core.errors import UsageError, unknown
    from affectlens.models.base import model_names
    from affectlens.models.weights import card_path

    if name not in model_names():
        raise unknown("model", name, model_names())
    if not card_path(name).exists():
        raise UsageError(f"the model {name} comes without a card; ask whoever made it")
    text = card_path(name).read_text(encoding="utf-8")
    if raw or not common.plain.is_terminal:
        typer.echo(text)
    else:
        common.plain.print(Markdown(text))
