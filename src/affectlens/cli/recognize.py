"""`affectlens recognize`: the table alone, without explanations."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from affectlens.cli import common
from affectlens.core.errors import OutputError, UsageError

FORMATS = ("parquet", "csv", "json")


def command(
    inputs: common.Inputs,
    out: Annotated[Path | None, typer.Option(help="File for the table; standard output when absent.")] = None,
    fmt: Annotated[
        str | None, typer.Option("--format", help="parquet, csv or json; by the suffix of --out when absent.")
    ] = None,
    modalities: common.Modalities = "face,words,voice,gait",
    language: common.Language = None,
    device: common.Device = "auto",
    seed: common.Seed = 0,
    rate: common.Rate = 5.0,
    window: common.Window = 1.0,
    place: common.Place = "",
    when: common.When = "",
    store: common.Store = "",
    fusion: common.Fusion = "early",
) -> None:
    """Recognise expressed emotion; writes one table of all inputs."""
    from affectlens.cli.explain import _fetch

    chosen = fmt or (out.suffix.lstrip(".") if out else "csv")
    if chosen not in FORMATS:
        raise UsageError(f"--format {chosen!r} is not one of {', '.join(FORMATS)}")
    if out is None and chosen == "parquet":
        raise UsageError("parquet needs a file: give --out table.parquet")
    if out is not None and not out.parent.exists():
        raise OutputError(f"cannot write {out}: the folder {out.parent} is not there")
    settings = common.options(
        modalities, language, device, seed, rate, window, place=place, when=when, store=store, fusion=fusion
    )
    _fetch(settings.modalities)
    from affectlens.pipeline import Engine, recognize

    with common.progress_bar() as bar:
        run = recognize(inputs, engine=Engine(settings), progress=common.RunProgress(bar))
    write_table(run.table, out, chosen)
    common.fail(run.failures)
    raise typer.Exit(run.exit_code)


def write_table(table: pd.DataFrame, out: Path | None, fmt: str) -> None:
    """Write a table in one of ``FORMATS``, to standard output when ``out`` is None."""
    if fmt not in FORMATS:
        raise UsageError(f"--format {fmt!r} is not one of {', '.join(FORMATS)}")
    from affectlens.core.schema import write_frame

    if out is not None and fmt in ("parquet", "csv") and out.suffix == f".{fmt}":
        write_frame(table, out)
        return
    text = table.to_csv(index=False) if fmt == "csv" else table.to_json(orient="records", indent=1, force_ascii=False)
    if out is None:
        sys.stdout.write(text + ("" if text.endswith("\n") else "\n"))
    elif fmt == "parquet":
        table.to_parquet(out, index=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"cannot write {out}: {error.strerror}") from error
