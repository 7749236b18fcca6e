"""`affectlens corpus`: readers of corpora in their official layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import FORMATS, Group, Verb, corpus_names, languages, verb

app = typer.Typer(help="List corpora, check a folder against its layout, read it as a table.", no_args_is_help=True, cls=Group)
Named = Annotated[str, typer.Argument(help="A corpus and where it lies.", metavar="NAME=PATH", autocompletion=corpus_names)]


@app.command(cls=Verb)
@verb()
def ls() -> None:
    """Known corpora, their licences and where to get them."""
    from affectlens.corpora.base import corpora

    table = common.table("corpus", "title", "reads", "licence", "home")
    for info in corpora():
        table.add_row(info.name, info.title, info.modality, info.licence, info.home)
    common.plain.print(table)


@app.command(cls=Verb)
@verb()
def check(corpus: Named) -> common.Unread:
    """Read every item: what was found, what was dropped and why, counts per split and label, and what cannot be read."""
    from affectlens.corpora.base import open_corpus
    from affectlens.corpora.survey import survey

    source = open_corpus(corpus)
    with common.bars() as progress:
        read = survey(source, progress)
    common.say(*read.lines())
    common.say(f"{len(read.problems)} items cannot be read" if read.problems else "everything can be read")
    if not read.adds_up:
        common.fail(common.Unread(read.problems))
        raise typer.Exit(1)
    return common.Unread(read.problems)


@app.command(cls=Verb)
@verb()
def read(
    corpus: Named,
    split: Annotated[str, typer.Option(help="Split to read; test, or the last one of a corpus without it.")] = "",
    out: Annotated[Path | None, typer.Option(help="File for the table; standard output when absent.")] = None,
    fmt: Annotated[str, typer.Option("--format", help=f"{FORMATS}; by the suffix of --out when absent.")] = "",
) -> None:
    """A split as a table of keys, labels and groups."""
    from affectlens.corpora.base import open_corpus
    from affectlens.pipeline.writer import check_file
    from affectlens.report.exporters import chosen as chosen_format
    from affectlens.report.exporters import export

    chosen = chosen_format(out, fmt).name
    if out:
        check_file(out)
    source = open_corpus(corpus)
    frame = source.table(split or ("test" if "test" in source.info.splits else source.info.splits[-1]))
    if "labels" in frame:
        frame = frame.assign(labels=["|".join(labels) for labels in frame.labels])
    if out:
        common.say(export(frame, out, fmt))
    else:
        common.print_table(frame, chosen)


@app.command(cls=Verb)
@verb(goes_on=True)
def transcribe(
    folder: Annotated[Path, typer.Argument(help="A folder of recorded dialogues.")],
    language: Annotated[
        str | None,
        typer.Option(help="Spoken language, such as en or de; detected when absent.", metavar="CODE", autocompletion=languages),
    ] = None,
) -> common.Unread:
    """Write utterances.csv for a folder of recordings: who said what and when, ready for labels and `train bclstm`."""
    from affectlens.core.options import Options
    from affectlens.features.utterances import transcribe as write

    checked = Options(language=language).language
    with common.bars() as progress:
        path, failed = write(folder, progress, checked)
    common.say(path)
    return common.Unread(failed)
