"""`affectlens corpus`: readers of corpora in their official layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from affectlens.cli import common

app = typer.Typer(help="List corpora, check a folder against its layout, read it as a table.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="A corpus name.")]
Where = Annotated[Path, typer.Argument(help="Where it lies.")]


@app.command()
def ls() -> None:
    """Known corpora, their licences and where to get them."""
    from affectlens.corpora.base import corpora

    table = Table("corpus", "title", "reads", "licence", "home", box=None)
    for c in corpora():
        table.add_row(c.name, c.title, c.modality, c.licence, c.home)
    common.plain.print(table)


@app.command()
def check(name: Name, path: Where) -> None:
    """Read every item; counts per split and label, and what cannot be read."""
    from affectlens.corpora.base import open_corpus

    source = open_corpus(name, path)
    bad = 0
    for split in source.info.splits:
        frame = source.table(split)
        counts = ", ".join(f"{k} {v}" for k, v in frame.label.value_counts().items())
        common.plain.print(f"{split}: {len(frame)} rows ({counts})")
        with common.progress_bar() as bar:
            task = bar.add_task(f"reading {split}", total=len(frame), note="")
            for item in source.items(split):
                bar.advance(task)
                if item.problem:
                    bad += 1
                    if bad <= 20:
                        common.plain.print(f"  {item.key}: {item.problem}")
    common.plain.print("everything can be read" if not bad else f"{bad} items cannot be read")
    raise typer.Exit(1 if bad else 0)


@app.command()
def read(
    name: Name,
    path: Where,
    split: Annotated[str, typer.Option(help="Split to read.")] = "test",
    out: Annotated[Path | None, typer.Option(help="csv or parquet file; standard output when absent.")] = None,
) -> None:
    """A split as a table of keys, labels and groups."""
    from affectlens.cli.recognize import write_table
    from affectlens.corpora.base import open_corpus

    frame = open_corpus(name, path).table(split)
    if "labels" in frame:
        frame = frame.assign(labels=["|".join(v) for v in frame.labels])
    write_table(frame, out, out.suffix.lstrip(".") if out else "csv")


@app.command()
def transcribe(
    folder: Annotated[Path, typer.Argument(help="A folder of recorded dialogues.")], language: common.Language = None
) -> None:
    """Write utterances.csv for a folder of recordings: who said what and when, ready for labels and `train bclstm`."""
    from affectlens.features.utterances import transcribe as write

    common.existing(folder, "folder")
    common.fetch_assets(["whisper-base", "yunet", "face-landmarker"])
    with common.named_bars() as told:
        path, failed = write(folder, told, language)
    common.plain.print(str(path))
    common.fail(failed)
    raise typer.Exit(1 if failed else 0)
