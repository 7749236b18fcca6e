"""`affectlens export` and `import`: annotations out to other programs, and in from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import ANNOTATIONS, FORMATS, verb
from affectlens.core.errors import UsageError


def _names(incomplete: str) -> list[str]:
    from affectlens.exchange.registry import FORMATS as KNOWN

    return [name for name in KNOWN.names() if name.startswith(incomplete)]


@verb()
def export(
    runs: Annotated[
        list[str], typer.Argument(help="Folders of `explain --out`, or tables of `recognize --out`.", metavar="RUN…")
    ],
    to: Annotated[str, typer.Option("--to", help=f"{ANNOTATIONS}.", metavar="NAME", autocompletion=_names)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for a file a recording, or a file where one is enough; by default affectlens-export, of an RO-Crate "
            "the folder of the run itself."
        ),
    ] = None,
) -> None:
    """Write who expressed what and when, in a format of other programs; what the format cannot hold is counted and said."""
    from affectlens.exchange.transfer import export as write

    done = write(runs, to, out)
    for text in done.lost:
        common.note(f"note: {text}")
    common.say(*done.files)


@verb()
def import_(
    file: Annotated[Path, typer.Argument(help="A file of annotations, or a folder of a format that is one.", metavar="FILE")],
    as_: Annotated[
        str,
        typer.Option("--as", help=f"{ANNOTATIONS}; by the suffix when absent.", metavar="NAME", autocompletion=_names),
    ] = "",
    recording: Annotated[
        str, typer.Option(help="The recording, where the format does not name it; by default the file's own name.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="File for the table; standard output when absent.")] = None,
    fmt: Annotated[str, typer.Option("--format", help=f"{FORMATS}; by the suffix of --out when absent.")] = "",
) -> None:
    """Read annotations of other programs as one table: recording, times in seconds, value, tier, person, rater, confidence."""
    from affectlens.exchange.transfer import import_annotations
    from affectlens.pipeline.writer import check_file
    from affectlens.report.exporters import chosen
    from affectlens.report.exporters import export as write

    shown = chosen(out, fmt).name
    if recording and not any(letter.isalnum() for letter in recording):
        raise UsageError(f"--recording {recording!r}: the name of a recording was expected, such as talk.mp4")
    if out:
        check_file(out)
    made = import_annotations(file, as_, recording)
    for text in made.notes:
        common.note(f"note: {text}")
    if out:
        common.note(f"{len(made.segments)} segments of {len(made.files)} recordings")
        common.say(write(made.to_frame(), out, fmt))
    else:
        common.print_table(made.to_frame(), shown)
