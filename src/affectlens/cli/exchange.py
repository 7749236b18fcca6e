"""`affectlens export` and `import`: annotations out to other programs, and in from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from affectlens.cli import common
from affectlens.cli.options import ANNOTATIONS, FORMATS, TABLES, verb
from affectlens.core.errors import UsageError, unknown


def _names(incomplete: str) -> list[str]:
    from affectlens.exchange.registry import FORMATS as KNOWN

    return [name for name in KNOWN.names() if name.startswith(incomplete)]


def _readable(incomplete: str) -> list[str]:
    from affectlens.exchange.tables.base import TOOLS

    return [*_names(incomplete), *(name for name in TOOLS.names() if name.startswith(incomplete))]


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
        typer.Option(
            "--as",
            help=f"{ANNOTATIONS}; by the suffix when absent. Or whose table of measurements it is: {TABLES}.",
            metavar="NAME",
            autocompletion=_readable,
        ),
    ] = "",
    recording: Annotated[
        str, typer.Option(help="The recording, where the format does not name it; by default the file's own name.")
    ] = "",
    out: Annotated[Path | None, typer.Option(help="File for the table; standard output when absent.")] = None,
    fmt: Annotated[str, typer.Option("--format", help=f"{FORMATS}; by the suffix of --out when absent.")] = "",
) -> None:
    """Read annotations as one table (recording, seconds, value, tier, person, rater), or what another program measured."""
    from affectlens.core.disk.files import check_folder
    from affectlens.exchange.registry import FORMATS as KNOWN
    from affectlens.exchange.tables.base import TOOLS, import_measurements
    from affectlens.exchange.transfer import import_annotations
    from affectlens.report.exporters import chosen
    from affectlens.report.exporters import export as write

    shown = chosen(out, fmt).name
    if recording and not any(letter.isalnum() for letter in recording):
        raise UsageError(f"--recording {recording!r}: the name of a recording was expected, such as talk.mp4")
    if as_ and as_ not in KNOWN and as_ not in TOOLS:
        raise unknown("format of annotations or program", as_, [*KNOWN.names(), *TOOLS.names()])
    if out:
        check_folder(out.absolute().parent)
    measured = import_measurements(file, as_) if as_ in TOOLS else None
    said = import_annotations(file, as_, recording) if measured is None else None
    frame = (measured or said).to_frame()  # type: ignore[union-attr]
    for text in (measured or said).notes:  # type: ignore[union-attr]
        common.note(f"note: {text}")
    if out:
        common.note(f"{len(frame)} rows")
        common.say(write(frame, out, fmt))
    else:
        common.print_table(frame, shown)
