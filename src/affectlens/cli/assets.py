"""`affectlens assets`: third-party weights and samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import Group, Verb, assets, verb

if TYPE_CHECKING:
    from affectlens.assets.manifest import Asset

app = typer.Typer(
    help="List, fetch, verify third-party weights and samples, and show their licences.", no_args_is_help=True, cls=Group
)
Names = Annotated[list[str] | None, typer.Argument(help="Asset names; all when absent.", autocompletion=assets)]


def _chosen(names: list[str] | None, every: bool = False) -> list[Asset]:
    from affectlens.assets.manifest import asset, manifest

    if names:
        return [asset(name) for name in names]
    return [entry for entry in manifest().values() if every or not entry.optional]


@app.command(cls=Verb)
@verb()
def ls() -> None:
    """What there is, its size and whether it is here."""
    from affectlens.assets.store import state

    table = common.table("asset", "MB", "state", "used for")
    for entry in _chosen(None, every=True):
        table.add_row(entry.name, f"{entry.size / 1e6:.1f}", state(entry, thorough=False), entry.used_for)
    common.plain.print(table)


@app.command(cls=Verb)
@verb()
def pull(names: Names = None) -> None:
    """Fetch what is missing or damaged; optional assets only by name."""
    from affectlens.assets.store import fetch, file_path, state

    chosen = _chosen(names)
    for entry in chosen:
        if state(entry) == "corrupted":
            common.note(f"{entry.name} is damaged and is fetched again")
            for file in entry.files:
                file_path(entry, file).unlink(missing_ok=True)
    with common.bars() as progress:
        fetch([entry.name for entry in chosen], progress)


@app.command(cls=Verb)
@verb()
def verify(names: Names = None) -> None:
    """Compare every file with its sha256; optional assets that are not here are said, and are no fault."""
    from affectlens.assets.store import state

    chosen = _chosen(names)
    states = {entry.name: state(entry) for entry in chosen}
    common.say(*(f"{name}: {current}" for name, current in states.items()))
    if not names:
        optional = {entry.name: state(entry) for entry in _chosen(None, every=True) if entry.optional}
        common.say(*(f"{name}: {current} (optional)" for name, current in optional.items()))
        states |= {name: current for name, current in optional.items() if current != "missing"}
    raise typer.Exit(0 if set(states.values()) <= {"ready"} else 1)


@app.command(cls=Verb)
@verb()
def licences() -> None:
    """The licence and home of every asset and of our own weights."""
    from affectlens.models.base import model_names
    from affectlens.models.weights import read_weights, weights_path

    table = common.table("what", "licence", "home")
    for entry in _chosen(None, every=True):
        table.add_row(entry.title, entry.licence, entry.home)
    for name in model_names():
        meta = read_weights(weights_path(name))[1]
        table.add_row(f"our {name} model", f"weights trained on {meta['corpus']}: {meta['licence']}", "this package")
    common.plain.print(table)


@app.command(cls=Verb)
@verb()
def path(name: Annotated[str, typer.Argument(help="An asset.", autocompletion=assets)]) -> None:
    """Where an asset's first file lies (fetched when absent)."""
    from affectlens.assets.store import fetch, locate

    with common.bars() as progress:
        fetch([name], progress)
    typer.echo(str(locate(name)))
