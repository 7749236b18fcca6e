"""`affectlens measure`: every frame as a row of numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from affectlens.cli import common
from affectlens.cli.options import Inputs, verb
from affectlens.measures.settings import MeasureSettings


@verb(MeasureSettings)
def measure(
    inputs: Inputs,
    settings: dict[str, Any],
    out: Annotated[Path, typer.Option(help="Folder for a folder of tables an input.")] = Path("affectlens-measured"),
) -> common.Unread:
    """Measure every frame: faces, blinks, gaze, blendshapes and action units, the voice every 10 ms, joints of bodies."""
    from affectlens.measures.measure import measure as carry

    with common.bars() as progress:
        made = carry(inputs, out, progress=progress, **settings)
    for text in made.notes:
        common.note(f"note: {text}")
    for one in made.results:
        for text in one.notes:
            common.note(f"{one.file}: {text}")
    common.say(*(one.folder for one in made.results))
    return common.Unread(made.failures)
