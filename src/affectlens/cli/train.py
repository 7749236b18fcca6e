"""`affectlens train`: the recipes behind the shipped weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from affectlens import train
from affectlens.cli import common
from affectlens.cli.options import Corpora, verb
from affectlens.core.settings import Settings
from affectlens.learning.background import BackgroundRecipe
from affectlens.learning.bclstm import BcLstmRecipe
from affectlens.learning.face import FaceRecipe
from affectlens.learning.fusion import FusionRecipe
from affectlens.learning.motion import GaitRecipe, PostureRecipe
from affectlens.learning.speech import SpeechRecipe
from affectlens.learning.words import WordsRecipe

if TYPE_CHECKING:
    import pandas as pd

    from affectlens.training.run import TrainingRun

app = typer.Typer(add_completion=False)
SHOWN = 60  # rows of scores
DETECTORS = ("minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0")


def add(name: str, settings: type[Settings], *assets: str) -> None:
    """A command below ``train``: corpora, folder and the fields of the recipe; it calls and prints the scores."""
    function, folder = getattr(train, name), Path("runs") / name

    def command(
        corpus: Corpora,
        settings: dict[str, Any],
        out: Annotated[Path, typer.Option(help="Folder for weights, card and scores; a stopped run there goes on.")] = folder,
        torch_threads: Annotated[int, typer.Option("--threads", help="Threads of torch.", min=1)] = 1,
    ) -> None:
        import torch

        torch.set_num_threads(torch_threads)
        common.fetch_assets(assets)
        with common.bars() as progress:
            run: TrainingRun = function(corpus, out, progress=progress, **settings)
        _show(run.scores)
        if "against" in run.tables:
            _show(run.tables["against"])
        common.say(run.weights)

    command.__doc__ = (function.__doc__ or "").partition("\n")[0]
    app.command(name)(verb(settings)(command))


def _show(scores: pd.DataFrame) -> None:
    table = Table(*(c.replace("_", " ") for c in scores.columns), box=None)
    for row in scores.head(SHOWN).itertuples(index=False):
        table.add_row(*map(_cell, row))
    common.plain.print(table)
    if len(scores) > SHOWN:
        common.note(f"{len(scores) - SHOWN} more rows are in the folder")


def _cell(value: object) -> str:
    """A score with four digits, a whole number without any, nothing for what does not apply."""
    if not isinstance(value, float):
        return str(value)
    return "" if value != value else f"{value:.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4f}"


add("face", FaceRecipe)
add("words", WordsRecipe, "minilm")
add("speech", SpeechRecipe)
add("gait", GaitRecipe)
add("posture", PostureRecipe)
add("fusion", FusionRecipe, *DETECTORS)
add("background", BackgroundRecipe, "efficientdet-lite0")
add("bclstm", BcLstmRecipe)
