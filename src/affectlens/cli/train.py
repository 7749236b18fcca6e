"""`affectlens train`: the recipes behind the shipped weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from affectlens import train
from affectlens.cli import common
from affectlens.cli.options import Corpora, Verb, verb
from affectlens.core.failures import UNREAD
from affectlens.core.settings import Settings
from affectlens.learning.recipes import (
    BackgroundRecipe,
    BcLstmRecipe,
    FaceRecipe,
    FusionRecipe,
    GaitRecipe,
    PostureRecipe,
    SpeechRecipe,
    VoiceRecipe,
    WordsRecipe,
)

if TYPE_CHECKING:
    import pandas as pd

    from affectlens.training.run import TrainingRun

app = typer.Typer(add_completion=False)
SHOWN = 60  # rows of scores
TERMS = {"mean_recall": "UAR", "UA": "UAR"}  # recall averaged over the classes, by one name


def add(name: str, settings: type[Settings]) -> None:
    """A command below ``train``: corpora, folder and the fields of the recipe; it calls and prints the scores."""
    function, folder = getattr(train, name), Path("runs") / name

    def command(
        corpus: Corpora,
        settings: dict[str, Any],
        out: Annotated[Path, typer.Option(help="Folder for weights, card and scores; a stopped run there goes on.")] = folder,
        threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
    ) -> common.Unread:
        with common.bars() as progress:
            run: TrainingRun = function(corpus, out, threads=threads, progress=progress, **settings)
        _show(run.scores)
        if "against" in run.tables:
            _show(run.tables["against"])
        common.say(run.weights)
        return common.Unread(run.missed, out / UNREAD)

    command.__doc__ = (function.__doc__ or "").partition("\n")[0]
    app.command(name, cls=Verb)(verb(settings, goes_on=True)(command))


def _show(scores: pd.DataFrame) -> None:
    """A line for every row; of scores over many targets only their means."""
    shown = scores[scores.target == "mean"] if "target" in scores and (scores.target == "mean").any() else scores
    common.say(*(line(row) for row in shown.head(SHOWN).to_dict("records")))
    if len(scores) > min(len(shown), SHOWN):
        common.note(f"{len(scores) - min(len(shown), SHOWN)} more rows are in the folder")


def line(row: dict[str, Any]) -> str:
    """What a row of scores says, such as ``speaker: UAR 0.753 (0.706 to 0.781)``; what does not apply is left out."""
    # A number that is none is not equal to itself.
    known = {TERMS.get(name, name): value for name, value in row.items() if value != "" and value == value}
    interval = f" ({known.pop('low'):.3f} to {known.pop('high'):.3f})" if {"low", "high"} <= set(known) else ""
    if "value" in known:
        score = known.pop("score")
        known[TERMS.get(score, score)] = known.pop("value")
    words = [str(value) for value in known.values() if isinstance(value, str)]
    numbers = [f"{name.replace('_', ' ')} {_number(value)}" for name, value in known.items() if not isinstance(value, str)]
    return f"{', '.join(words)}{': ' if words else ''}{', '.join(numbers)}{interval}"


def _number(value: float) -> str:
    """Whole numbers without digits, scores with three."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) != 1 else f"{value:.3f}"


add("face", FaceRecipe)
add("words", WordsRecipe)
add("speech", SpeechRecipe)
add("voice", VoiceRecipe)
add("gait", GaitRecipe)
add("posture", PostureRecipe)
add("fusion", FusionRecipe)
add("background", BackgroundRecipe)
add("bclstm", BcLstmRecipe)
