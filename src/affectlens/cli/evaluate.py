"""`affectlens evaluate`: scores of a model on a corpus, each with an interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import Corpora, Seed, Truth, TruthAs, models, verb
from affectlens.core.errors import UsageError
from affectlens.core.failures import UNREAD
from affectlens.core.listing import rest
from affectlens.core.options import PREPROCESS_HELP, SCORES_HELP

if TYPE_CHECKING:
    from affectlens.evaluation.result import Evaluation

GROUPS = 30  # shown


@verb()
def command(
    model: Annotated[
        str,
        typer.Argument(
            help="A model, see `affectlens models ls`; fusion with --ablate; with --truth a folder of `explain` or a table of "
            "`recognize`.",
            autocompletion=models,
        ),
    ],
    corpus: Corpora = [],  # noqa: B006
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
    scores: Annotated[str, typer.Option(help=SCORES_HELP)] = "",
    preprocess: Annotated[str, typer.Option(help=PREPROCESS_HELP, metavar="MODULE:FUNCTION")] = "",
    people: Annotated[
        str,
        typer.Option(
            help="Who the items are of: a column of the corpus's table, or a pattern for file names such as '([a-z]+)_[0-9]+'.",
            metavar="COLUMN|PATTERN",
        ),
    ] = "",
    truth: Truth = None,
    truth_as: TruthAs = "",
    draws: Annotated[int | None, typer.Option(help="Bootstrap draws; by default 1000, with --ablate 200.", min=1)] = None,
    seed: Seed = 0,
) -> common.Unread:
    """Accuracy, UAR (recall averaged over the classes), macro F1, calibration error, conformal sets; misses are errors."""
    if truth:
        return _truth(model, corpus, truth, truth_as, out, draws or 1000, seed)
    if truth_as:
        raise UsageError("--truth-as says what --truth is written as: give --truth FILE too")
    if ablate:
        if model != "fusion" or split or weights or scores or preprocess or people:
            raise UsageError(
                "--ablate is for the model fusion, which it retrains: leave --split, --weights, --scores, --preprocess and "
                "--people out"
            )
        return _ablate(corpus, out, draws or 200, seed)
    if not corpus:
        raise UsageError("Missing --corpus NAME=PATH, which the model is scored on; for a run of recordings give --truth FILE")
    if len(corpus) != 1:
        raise UsageError(f"{len(corpus)} corpora given; one --corpus NAME=PATH was expected (or --ablate)")
    from affectlens.evaluation.evaluate import evaluate
    from affectlens.evaluation.result import MISSED as MISSED_FILE

    with common.bars() as progress:
        result = evaluate(
            model, corpus[0], split=split, draws=draws or 1000, seed=seed, progress=progress, out=out, weights=weights,
            scores=scores, preprocess=preprocess, people=people,
        )  # fmt: skip
    for text in result.notes:
        common.note(f"note: {text}")
    about = result.about
    common.note(f"{model} on {about['corpus']}, {about['split']}: {result.n} rows, {len(result.missed)} missed (errors)")
    _show(result)
    if out:
        common.say(out)
    return common.Unread(result.missed, out and out / MISSED_FILE)


def _truth(run: str, corpus: list[str], truth: list[Path], as_: str, out: Path | None, draws: int, seed: int) -> common.Unread:
    from affectlens.evaluation.evaluate import evaluate

    result = evaluate(run, corpus[0] if corpus else "", truth=truth, truth_as=as_, draws=draws, seed=seed, out=out)
    for text in result.notes:
        common.note(f"note: {text}")
    common.note(f"{result.n} segments against human annotations, {len(result.missed)} without an answer (errors)")
    _show(result)
    if out:
        common.say(out)
    return common.Unread({})  # segments without an answer are counted as errors, not as inputs that failed


def _show(result: Evaluation) -> None:
    from affectlens.evaluation.result import HEADINGS

    table = common.table("score", "value", "95 % interval")
    for name, estimate in result.scores.items():
        table.add_row(HEADINGS[name], f"{estimate.value:.4f}", f"{estimate.low:.4f} to {estimate.high:.4f}")
    common.plain.print(table)
    confusion = common.table("label \\ predicted", *result.confusion.columns)
    for label, row in result.confusion.iterrows():
        confusion.add_row(str(label), *(str(int(count)) for count in row))
    common.plain.print(confusion)
    if len(result.groups) > 1:
        groups = common.table("group", "n", "accuracy", "UAR")
        for row in result.groups.sort_values("n", ascending=False).head(GROUPS).itertuples():
            groups.add_row(str(row.group) or "(none)", str(row.n), f"{row.accuracy:.3f}", f"{row.mean_recall:.3f}")
        common.plain.print(groups)
        if left_out := rest(GROUPS, len(result.groups), "groups, the largest,", "groups.csv of --out"):
            common.note(left_out)


def _ablate(corpora: list[str], out: Path | None, draws: int, seed: int) -> common.Unread:
    from affectlens.pipeline.ablation import ablate

    with common.bars() as progress:
        made = ablate(corpora, draws=draws, seed=seed, progress=progress, out=out)
    for text in made.notes:
        common.note(f"note: {text}")
    hows = list(dict.fromkeys(made.scores.fusion))
    table = common.table("modules", *(f"{how}: UAR" for how in hows))
    for modules, part in made.scores.groupby("modules", sort=False):
        row = part.set_index("fusion")
        table.add_row(
            str(modules), *(f"{row.mean_recall[how]:.3f} ({row.low[how]:.3f} to {row.high[how]:.3f})" for how in hows)
        )
    common.plain.print(table)
    common.say(*made.findings())
    if out:
        common.say(out)
    return common.Unread(made.missed, out and out / UNREAD)
