"""`affectlens usual`: what was recognised where and when, from a store that `explain --store` filled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import Seed, verb


@verb()
def command(
    store: Annotated[Path, typer.Option(help="The store that `explain --store` filled.", metavar="FILE")],
    out: Annotated[Path | None, typer.Option(help="Folder for averages.csv and a chart.")] = None,
    seed: Seed = 0,
) -> None:
    """Average expressed emotion by place, part of the day, hour and weekday, smoothed, with counts and intervals."""
    from affectlens.pipeline.averages import usual

    result = usual(store, out=out, seed=seed)
    common.say(*result.findings())
    if out is not None:
        common.say(out / "averages.csv")
