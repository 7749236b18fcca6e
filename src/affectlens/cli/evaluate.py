"""`affectlens evaluate`: scores of a model on a corpus, each with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from affectlens.cli import common
from affectlens.cli.options import Corpora, Seed, models, verb
from affectlens.core.errors import UsageError

if TYPE_CHECKING:
    from affectlens.evaluation.result import Evaluation

GROUPS = 30  # shown


@verb()
def command(
    model: Annotated[
        str, typer.Argument(help="A model, see `affectlens models ls`; fusion with --ablate.", autocompletion=models)
    ],
    corpus: Corpora,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Every subset of the modules of these corpora, retrained on folds of people.")
    ] = False,
    split: Annotated[
        str, typer.Option(help="Split to score; by default test, and all clips of the four classes of a speech corpus.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json, confusion.csv, groups.csv, missed.csv.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Other weights of the same model, for example of a training run.", metavar="FILE")
    ] = None,
    draws: Annotated[int, typer.Option(help="Bootstrap draws.")] = 1000,
    seed: Seed = 0,
) -> None:
    """Accuracy, UAR, macro F1, confusion, calibration error, conformal coverage; misses count as errors."""
    if ablate:
        _ablate(corpus, out, draws, seed)
        return
    if len(corpus) != 1:
        raise UsageError(f"{len(corpus)} corpora given; one --corpus NAME=PATH was expected (or --ablate)")
    from affectlens.evaluation.evaluate import evaluate
    from affectlens.modalities.base import assets_of

    common.fetch_assets(assets_of((model,) if model in ("face", "words") else ()))
    with common.bars() as progress:
        result = evaluate(model, corpus[0], split=split, draws=draws, seed=seed, progress=progress, out=out, weights=weights)
    for text in result.notes:
        common.note(f"note: {text}")
    about = result.about
    common.note(f"{model} on {about['corpus']}, {about['split']}: {result.n} rows, {len(result.missed)} missed (errors)")
    _show(result)
    if out:
        common.say(out)


def _show(result: Evaluation) -> None:
    from affectlens.evaluation.result import HEADINGS

    table = Table("score", "value", "95 % interval", box=None)
    for name, e in result.scores.items():
        table.add_row(HEADINGS[name], f"{e.value:.4f}", f"{e.low:.4f} to {e.high:.4f}")
    common.plain.print(table)
    confusion = Table("label \\ predicted", *result.confusion.columns, box=None)
    for label, row in result.confusion.iterrows():
        confusion.add_row(str(label), *(str(int(v)) for v in row))
    common.plain.print(confusion)
    if len(result.groups) > 1:
        groups = Table("group", "n", "accuracy", "UAR", box=None)
        for r in result.groups.sort_values("n", ascending=False).head(GROUPS).itertuples():
            groups.add_row(str(r.group) or "(none)", str(r.n), f"{r.accuracy:.3f}", f"{r.mean_recall:.3f}")
        common.plain.print(groups)


def _ablate(corpora: list[str], out: Path | None, draws: int, seed: int) -> None:
    import torch

    from affectlens.features.speech import parse_corpora
    from affectlens.learning.fusion import FusionRecipe
    from affectlens.training.fusion import ablation_of, save_ablation

    torch.set_num_threads(1)
    common.fetch_assets(["minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0"])
    with common.bars() as progress:
        recipe = FusionRecipe(seed=seed, draws=min(draws, 200))
        made = ablation_of(parse_corpora(corpora), recipe, progress=progress, cache=out)
    common.ablation(made.scores, made.against)
    if out:
        save_ablation(made, out)
        common.say(out)
