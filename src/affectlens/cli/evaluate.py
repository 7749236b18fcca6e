"""`affectlens evaluate`: scores of a shipped model on a corpus, each with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from affectlens.cli import common
from affectlens.cli.common import console
from affectlens.core.errors import UsageError


def command(
    model: Annotated[str, typer.Argument(help="A model name, see `affectlens models ls`; fusion with --ablate.")],
    corpus: Annotated[
        list[str], typer.Option(help="A corpus name, see `affectlens corpus ls`; with --ablate NAME=PATH, repeated.")
    ],
    data: Annotated[Path | None, typer.Option(help="Where the corpus lies.")] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Every subset of the modules of these corpora, retrained on folds of people.")
    ] = False,
    split: Annotated[
        str | None, typer.Option(help="Split to score; by default test, and all clips of the four classes of a speech corpus.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores.json, confusion.csv, groups.csv, missed.csv.")] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Other weights of the same model, for example of a training run.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Bootstrap draws.")] = 1000,
    seed: common.Seed = 0,
) -> None:
    """Accuracy, UAR, macro F1, confusion, calibration error, conformal coverage; misses count as errors."""
    if ablate:
        _ablate(corpus, out, draws, seed)
        return
    if data is None or len(corpus) != 1:
        raise UsageError("one --corpus NAME with its --data PATH was expected (or --ablate and several NAME=PATH)")
    _one(model, corpus[0], data, split, out, weights, draws, seed)


def _ablate(corpora: list[str], out: Path | None, draws: int, seed: int) -> None:
    import torch

    from affectlens.features.speech import parse_corpora
    from affectlens.learning.fusion import FusionRecipe
    from affectlens.training.fusion import ablation_of, save_ablation

    torch.set_num_threads(1)
    common.fetch_assets(["minilm", "yunet", "face-landmarker", "pose-landmarker", "efficientdet-lite0"])
    if out:
        out.mkdir(parents=True, exist_ok=True)
    with common.named_bars() as told:
        made, joint = ablation_of(parse_corpora(corpora), FusionRecipe(seed=seed), draws=min(draws, 200), told=told, cache=out)
    common.ablation(made, joint)
    if out:
        save_ablation(made, out)
        common.plain.print(str(out))


def _one(
    model: str, corpus: str, data: Path, split: str | None, out: Path | None, weights: Path | None, draws: int, seed: int
) -> None:
    from affectlens.cli.explain import _fetch
    from affectlens.evaluation.evaluate import HEADINGS, evaluate

    _fetch((model,) if model in ("face", "words") else ())
    with common.named_bars() as progress:
        result = evaluate(
            model, f"{corpus}={data}", split=split or "", draws=draws, seed=seed, progress=progress, out=out, weights=weights
        )
    for note in result.notes:
        console.print(f"note: {note}", highlight=False)
    where = f"{corpus}, {result.about['split']}"
    console.print(f"{model} on {where}: {result.n} rows, {len(result.missed)} missed (errors)")
    table = Table("score", "value", "95 % interval", box=None)
    for name, e in result.scores.items():
        table.add_row(HEADINGS[name], f"{e.value:.4f}", f"{e.low:.4f} to {e.high:.4f}")
    confusion = Table("label \\ predicted", *result.confusion.columns, box=None)
    for name, row in result.confusion.iterrows():
        confusion.add_row(str(name), *(str(int(v)) for v in row))
    common.plain.print(table)
    common.plain.print(confusion)
    if len(result.groups) > 1:
        groups = Table("group", "n", "accuracy", "UAR", box=None)
        for r in result.groups.sort_values("n", ascending=False).head(30).itertuples():
            groups.add_row(str(r.group) or "(none)", str(r.n), f"{r.accuracy:.3f}", f"{r.mean_recall:.3f}")
        common.plain.print(groups)
    if out:
        common.plain.print(str(out))
