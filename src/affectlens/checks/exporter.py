"""The contract of formats: a file comes out, the table stays as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from affectlens.checks.base import run_checks
from affectlens.core.schema import Row
from affectlens.core.tables import rows_frame
from affectlens.report.exporters import EXPORTERS, Exporter, as_text, chosen, export


@dataclass(frozen=True)
class Subject:
    """A format with tables to write."""

    exporter: Exporter
    tables: tuple[pd.DataFrame, ...]


def check_exporter(name: str, *, leave_out: Collection[str] = ()) -> None:
    """Check that a format of tables keeps to its contract.

    Parameters
    ----------
    name : str
        A registered format.
    leave_out : collection of str
        Names of ``CHECKS`` that are not run.

    Raises
    ------
    CheckError
        What is wrong, check by check.
    UsageError
        No such format or check.
    """
    probabilities = (0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
    rows = [
        Row("a b.mp4", 0.0, 1.0, 0, "face", probabilities=probabilities),
        Row("ü.mp4", 1.0, 2.0, 1, "face", "missing", 'dark, "far"'),
    ]
    subject = Subject(EXPORTERS.get(name), (rows_frame(rows), rows_frame([])))
    run_checks(f"the format {name!r}", CHECKS, subject, leave_out)


def described(subject: Subject) -> Iterator[str]:
    """The suffix begins with a dot and leads back to the format; there is help."""
    if not subject.exporter.suffix.startswith("."):
        yield f"suffix {subject.exporter.suffix!r}; one that begins with a dot was expected"
    elif (other := chosen(Path(f"t{subject.exporter.suffix}"))).name != subject.exporter.name:
        yield f"files named *{subject.exporter.suffix} are taken for {other.name}"
    if not subject.exporter.help:
        yield "help is empty"


def written(subject: Subject) -> Iterator[str]:
    """A table with rows, and one without, becomes one file that is not empty, the same each time; the table stays as it is."""
    for table in subject.tables:
        with tempfile.TemporaryDirectory(prefix="affectlens-") as folder:
            before = table.copy(deep=True)
            one = export(table, Path(folder) / f"one{subject.exporter.suffix}", subject.exporter.name)
            two = export(table, Path(folder) / f"two{subject.exporter.suffix}", subject.exporter.name)
            left = sorted(path.name for path in Path(folder).iterdir())
            if left != [one.name, two.name]:
                yield f"{len(table)} rows: files {left}; {one.name} and {two.name} were expected"
            elif not one.stat().st_size:
                yield f"{len(table)} rows: the file is empty"
            elif subject.exporter.text and one.read_bytes() != two.read_bytes():
                yield f"{len(table)} rows: the same table is written in two ways"
            if not table.equals(before):
                yield f"{len(table)} rows: the table is changed"


def text(subject: Subject) -> Iterator[str]:
    """A format of text gives UTF-8 in which every file of the table is named."""
    if subject.exporter.text and not all(
        name in as_text(subject.tables[0], subject.exporter.name) for name in subject.tables[0].file
    ):
        yield "not every row of the table is in the text"


CHECKS = {check.__name__: check for check in (described, written, text)}
