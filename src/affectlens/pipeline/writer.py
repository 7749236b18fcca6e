"""Everything that is written: the folder of a recording, the tables over all, and errors that say what could not be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from affectlens.core.barrier import reason_of
from affectlens.core.disk.files import not_written
from affectlens.core.errors import AffectlensError, OutputError
from affectlens.core.failures import TABLE as FAILURES
from affectlens.core.failures import write_failures
from affectlens.core.tables import rows_frame, write_frame
from affectlens.ledger import Claim
from affectlens.modalities.base import Finding, Modality
from affectlens.pipeline.jobs import Job, beside
from affectlens.pipeline.results import Run
from affectlens.report.bundle import Report, provenance
from affectlens.report.exporters import EXPORTERS, export_pieces
from affectlens.report.write import write_report


def write_recording(
    job: Job, scratch: Path, claim: Claim, report: Report, findings: list[Finding], modalities: list[Modality]
) -> Path:
    """Fill a folder in which the evidence lies already, and give it its name."""
    write_frame(rows_frame([finding.row for finding in findings]), scratch / "table.parquet")
    write_report(report, scratch, provenance(report, modalities, job.facts()))
    return job.finish(scratch, claim)


def write_overview(run: Run, out: Path, fmt: str) -> None:
    """All rows in one table when there are several inputs or another format is wanted, and the failures if there are any.

    The rows of one recording are in memory at a time.
    """
    if len(run.results) > 1:
        export_pieces(run.tables, out / "table.parquet")
    if len(run.results) and fmt != "parquet":
        export_pieces(run.tables, out / f"table{EXPORTERS.get(fmt).suffix}", fmt)
    write_failures(run.failed, out / FAILURES)


def write_table(run: Run, file: Path, fmt: str) -> None:
    """All rows in one table, and the failures if there are any; the rows of one recording are in memory at a time."""
    if len(run.results):
        export_pieces(run.tables, file, fmt)
    else:
        export_pieces(lambda: iter([rows_frame([])]), file, fmt)
    write_failures(run.failed, beside(file, f".{FAILURES}"))


def check_file(out: Path) -> None:
    """See that the folder of a file is there, before any work is done."""
    if not out.parent.is_dir():
        raise OutputError(f"cannot write {out}: the folder {out.parent} is not there")
    if out.is_dir():
        raise OutputError(f"cannot write {out}: it is a folder, a file was expected")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever fails inside says that a file could not be written, and which."""
    try:
        yield
    except AffectlensError:
        raise
    except OSError as error:
        raise OutputError(not_written(error.filename or path, error)) from error
    except Exception as error:
        raise OutputError(f"cannot write {path}: {type(error).__name__}: {reason_of(error)}") from error
