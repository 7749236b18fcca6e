"""`affectlens assets`: third-party weights and samples."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from affectlens.cli import common

app = typer.Typer(help="List, fetch, verify third-party weights and samples, and show their licences.", no_args_is_help=True)
Names = Annotated[list[str] | None, typer.Argument(help="Asset names; all when absent.")]


def _chosen(names: list[str] | None, every: bool = False) -> list:  # type: ignore[type-arg]
    from affectlens.assets.manifest import asset, manifest

    return [asset(n) for n in names] if names else [a for a in manifest().values() if every or not a.optional]


@app.command()
def ls() -> None:
    """What there is, its size and whether it is here."""
    from affectlens.assets.store import state

    table = Table("asset", "MB", "state", "used for", box=None)
    for a in _chosen(None, every=True):
        table.add_row(a.name, f"{a.size / 1e6:.1f}", state(a, thorough=False), a.used_for)
    common.plain.print(table)


@app.command()
def pull(names: Names = None) -> None:
    """Fetch what is missing or damaged; optional assets only by name."""
    from affectlens.assets.store import file_path, state

    chosen = _chosen(names)
    for a in chosen:
        if state(a) == "corrupted":
            common.console.print(f"{a.name} is damaged and is fetched again")
            for file in a.files:
                file_path(a, file).unlink(missing_ok=True)
    common.fetch_assets([a.name for a in chosen])


@app.command()
def verify(names: Names = None) -> None:
    """Compare every file with its sha256."""
    from affectlens.assets.store import state

    bad = 0
    for a in _chosen(names):
        found = state(a)
        bad += found != "ready"
        common.plain.print(f"{a.name}: {found}")
    raise typer.Exit(1 if bad else 0)


@app.command()
def licences() -> None:
    """The licence and home of every asset and of our own weights."""
    from affectlens.models.weights import read_weights, weights_path

    table = Table("what", "licence", "home", box=None)
    for a in _chosen(None, every=True):
        table.add_row(a.title, a.licence, a.home)
    for name in ("face", "words", "speech"):
        meta = read_weights(weights_path(name))[1]
        table.add_row(f"our {name} model", f"weights trained on {meta['corpus']}: {meta['licence']}", "this package")
    common.plain.print(table)


@app.command()
def path(name: Annotated[str, typer.Argument(help="An asset.")]) -> None:
    """Where an asset's first file lies (fetched when absent)."""
    from affectlens.assets.store import locate

    common.fetch_assets([name])
    typer.echo(str(locate(name)))
