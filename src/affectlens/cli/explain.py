"""`affectlens explain`: the table, the evidence and a report for each input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from affectlens.cli import common
from affectlens.cli.common import console, plain


def command(
    inputs: common.Inputs,
    out: Annotated[Path, typer.Option(help="Folder for the reports.")] = Path("affectlens-report"),
    modalities: common.Modalities = "face,words,voice,gait,scene",
    language: common.Language = None,
    device: common.Device = "auto",
    seed: common.Seed = 0,
    rate: common.Rate = 5.0,
    window: common.Window = 1.0,
    place: common.Place = "",
    when: common.When = "",
    store: common.Store = "",
    fusion: common.Fusion = "early",
    prior: common.Prior = "",
    use_usual: common.UseUsual = False,
    places: common.PlacesFolder = "",
    pairs: common.PairsFolder = "",
    background: common.Background = "",
    resume: Annotated[bool, typer.Option("--resume", help="Keep finished reports; go on where the last run stopped.")] = False,
    fmt: Annotated[str, typer.Option("--format", help="Also write all rows to OUT/table as parquet, csv or json.")] = "parquet",
    force: Annotated[bool, typer.Option("--force", help="Replace reports without asking.")] = False,
) -> None:
    """Recognise and explain; writes one report folder an input."""
    from affectlens.cli.recognize import write_table

    settings = common.options(
        modalities, language, device, seed, rate, window, place=place, when=when, store=store, fusion=fusion, prior=prior,
        use_usual=use_usual, places=places, pairs=pairs, background=background,
    )  # fmt: skip
    _ask(out, inputs, force or resume)
    _fetch(settings.modalities)
    if prior:
        common.fetch_assets([prior])
    from affectlens.pipeline import Engine, Result, explain

    with common.progress_bar() as bar:
        task = bar.add_task("loading models", total=None, note="")
        engine = Engine(settings)
        bar.remove_task(task)
        shown = common.RunProgress(bar)

        def told(result: Result) -> None:
            shown.reset()
            bar.console.print(_summary(result), highlight=False, soft_wrap=True)

        run = explain(inputs, out, engine=engine, resume=resume, progress=shown, on_result=told)
    for path in run.resumed:
        console.print(f"already done: {escape(path)}", highlight=False)
    if fmt != "parquet" and run.results:
        write_table(run.table, out / f"table.{fmt}", fmt)
    common.fail(run.failures)
    for result in run.results:
        plain.print(str(result.report))
    raise typer.Exit(run.exit_code)


def _fetch(modalities: tuple[str, ...]) -> None:
    from affectlens.modalities.base import assets_of

    common.fetch_assets(assets_of(modalities))


def _ask(out: Path, inputs: list[str], allowed: bool) -> None:
    import sys

    if allowed or not out.exists() or not sys.stdin.isatty():
        return
    from affectlens.pipeline import folder_name

    there = [i for i in inputs if (out / folder_name(Path(i))).exists()]
    if there and not typer.confirm(f"{len(there)} report(s) in {out} will be replaced (--resume keeps them). Go on?", err=True):
        raise typer.Exit(2)


def _summary(result: object) -> str:
    from affectlens.pipeline import Result

    assert isinstance(result, Result)
    lines = [f"[bold]{escape(result.file)}[/]"]
    fused = result.table[result.table.modality == "fused"]
    for person, mine in fused.groupby("person"):
        good = mine[mine.status == "ok"]
        name = "out of view" if person == -1 else f"person {person}"
        if not len(good):
            if person != -1:
                lines.append(f"  {name}: not read ({mine.reason.iloc[0]})")
            continue
        shares = good.label.value_counts(normalize=True)
        said = ", ".join(f"{label} {share:.0%}" for label, share in shares.head(3).items())
        clash = f"; modalities disagree in {int(good.conflict.sum())}" if good.conflict.any() else ""
        lines.append(f"  {name}: {len(good)} segments expressed {said}{clash}")
    table = result.table
    lacking = table[(table.status == "missing") & (table.modality != "fused") & (table.person == -1)]
    if len(lacking):
        said = "; ".join(f"{m}: {why}" for m, why in lacking.groupby("modality", sort=False).reason.first().items())
        lines.append(f"  not there: {said}")
    for text in result.table.text[(result.table.modality == "words") & (result.table.text != "")].head(3):
        lines.append(f"  words: “{escape(text[:140])}”")
    lines.extend(f"  note: {escape(p)}" for p in result.problems)
    lines.append(f"  {len(result.evidence)} evidence rows, {result.seconds['total']:.1f} s")
    return "\n".join(lines)
