"""The main job: from files to the table, the evidence and the report. The command line calls this and prints its numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from affectlens.assets.store import fetch
from affectlens.core.disk.files import make_folder
from affectlens.core.errors import UsageError
from affectlens.core.failures import LOG, failure_of, tracebacks_in, write_failures
from affectlens.core.failures import TABLE as FAILURES
from affectlens.core.options import Options, torch_device
from affectlens.core.progress import Progress
from affectlens.core.settings import shows_fields, with_fields
from affectlens.core.tables import evidence_frame, read_frame, rows_frame
from affectlens.media.inputs import find_inputs
from affectlens.modalities.base import assets_of
from affectlens.pipeline.engine import Engine
from affectlens.pipeline.jobs import Job
from affectlens.pipeline.parts import Parts, beside
from affectlens.pipeline.results import Result, Run
from affectlens.pipeline.writer import check_file, write_overview, write_recording, writing
from affectlens.report.exporters import chosen as chosen_format

if TYPE_CHECKING:
    from affectlens.typed.fields import OptionsFields

log = logging.getLogger(__name__)
DEFAULT_OUT = Path("affectlens-report")


@shows_fields(Options)
def recognize(
    inputs: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    format: str = "",
    resume: bool = False,
    keep: bool = True,
    options: Options | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    **settings: Unpack[OptionsFields],
) -> Run:
    """The table of expressed emotion, unexplained.

    Parameters
    ----------
    inputs : path or iterable of paths
        Images, videos, audio files, motions, folders, globs, or a table of paths.
    out : path, optional
        File for the table of all inputs. The rows of each input are on disk beside it before the next one begins.
    format : str
        ``parquet``, ``csv`` or ``json``; by the suffix of ``out`` when empty.
    resume : bool
        Use the rows that an earlier run with the same ``out`` wrote of the same files with the same options, and keep these
        for a later one.
    keep : bool
        Whether the rows are also in ``Run.table``; False for batches that are larger than the memory.
    options : Options, optional
        Settings of the run; or give them one by one as ``settings``.
    engine : Engine, optional
        Models that are loaded already; its options count.
    progress : callable, optional
        Takes the stage, seconds done, and seconds in all.
    **settings
        Fields of ``Options``.

    Returns
    -------
    Run
        A file that cannot be read is in ``Run.failures``; the others are done.

    Raises
    ------
    UsageError
        A value that is not allowed. OutputError: ``out`` cannot be written.
    """
    file = Path(out) if out is not None else None
    if file is not None:
        chosen_format(file, format)
        check_file(file)
    elif resume or not keep:
        raise UsageError("resume=True and keep=False need a file: give out")
    chosen = engine.options if engine else with_fields(Options, options, settings)
    sources = find_inputs(_several(inputs))
    engine = engine or _engine(chosen, progress)
    run = Run(failed=list(sources.failures), notes=sources.notes, out=file)
    if file is None:
        _recognize_each(run, sources.files, engine, None, keep, progress)
        return run
    with tracebacks_in(beside(file, f".{LOG}")):
        parts = Parts(file, chosen, resume, engine.made_by())
        _recognize_each(run, sources.files, engine, parts, keep, progress)
    parts.export(format)
    write_failures(run.failed, beside(file, f".{FAILURES}"))
    if not run.failed:
        parts.clear()
    return run


def _recognize_each(
    run: Run, files: list[Path], engine: Engine, parts: Parts | None, keep: bool, progress: Progress | None
) -> None:
    """Recognise one file after the other; whatever one of them raises is its failure alone."""
    for path in files:
        try:
            result = parts.read(path) if parts is not None else None
            if result is not None:
                run.resumed.append(str(path))
            else:
                result = _recognized(path, engine, progress)
                if parts is not None:
                    parts.add(path, result)
        except Exception as error:
            run.failed.append(failure_of(path, error))
            continue
        run.rows += len(result.table)
        run.results.append(result if keep else replace(result, table=rows_frame([])))


def _recognized(path: Path, engine: Engine, progress: Progress | None) -> Result:
    _, findings, report = engine.run(path, explaining=False, progress=progress)
    rows = rows_frame([finding.row for finding in findings])
    return Result(str(path), rows, evidence_frame([]), None, tuple(report.clip.problems.notes), report.seconds)


@shows_fields(Options)
def explain(
    inputs: str | Path | Iterable[str | Path],
    out: str | Path = DEFAULT_OUT,
    *,
    resume: bool = False,
    format: str = "parquet",
    options: Options | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    on_result: Callable[[Result], None] | None = None,
    **settings: Unpack[OptionsFields],
) -> Run:
    """Recognise and explain; writes one report folder an input below ``out`` and returns the same numbers.

    Parameters
    ----------
    inputs : path or iterable of paths
        Images, videos, audio files, motions, folders, globs, or a table of paths.
    out : path
        Folder for the reports. A report takes its name there only when it is whole.
    resume : bool
        Read finished reports of the same file and options back instead of computing them, and use what an interrupted run
        heard.
    format : str
        ``csv`` or ``json``: also write all rows to ``out/table`` in that format.
    options, engine, progress, **settings
        As in ``recognize``.
    on_result : callable, optional
        Called with each result once it is finished.

    Returns
    -------
    Run
        A file that cannot be read is in ``Run.failures``; the others are done.

    Raises
    ------
    UsageError
        A value that is not allowed. OutputError: ``out`` cannot be written.
    """
    chosen = engine.options if engine else with_fields(Options, options, settings)
    out = Path(out)
    chosen_format(out / "table.parquet", format)
    sources = find_inputs(_several(inputs))
    make_folder(out)
    engine = engine or _engine(chosen, progress)
    run = Run(failed=list(sources.failures), notes=sources.notes, out=out)
    made_by = engine.made_by()
    with tracebacks_in(out / LOG):
        for path in sources.files:
            try:
                job = Job(path, out, chosen, made_by)
                with job.alone():
                    job.clean()
                    done = _taken_up(job) if resume else None
                    result = done or _explained(job, engine, resume, progress)
            except Exception as error:
                run.failed.append(failure_of(path, error))
                continue
            run.rows += len(result.table)
            run.results.append(result)
            if done is not None:
                run.resumed.append(str(path))
            elif on_result:
                on_result(result)
    if run.resumed:
        log.info("%d of %d recordings were done before in %s", len(run.resumed), len(sources.files), out)
    write_overview(run, out, format)
    return run


def _engine(options: Options, progress: Progress | None) -> Engine:
    """Models of a run, with what they need fetched first."""
    torch_device(options.device)
    fetch(assets_of(options), progress)
    return Engine(options)


def _taken_up(job: Job) -> Result | None:
    """The finished report of the same job, where one is there and can be read."""
    job.recover()
    if not job.is_done():
        return None
    try:
        return replace(Result.load(job.target), file=str(job.path))
    except UsageError as error:  # a table of it was damaged since; a folder of another version is the user's to decide on
        log.warning("%s; it is made again", error)
        return None


def _explained(job: Job, engine: Engine, resume: bool, progress: Progress | None) -> Result:
    try:
        return _written(job, engine, resume, progress)
    except Exception:
        job.abandon()
        raise


def _written(job: Job, engine: Engine, resume: bool, progress: Progress | None) -> Result:
    with writing(job.scratch):
        scratch = job.claim(resume)
    _, findings, report = engine.run(job.path, explaining=True, scratch=scratch, progress=progress)
    with writing(job.target):
        target = write_recording(job, report, findings, engine.modalities)
    evidence = read_frame(target / "evidence.parquet")
    table = rows_frame([finding.row for finding in findings])
    notes = tuple(report.clip.problems.notes)
    return Result(str(job.path), table, evidence, target / "report.html", notes, report.seconds)


def _several(inputs: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)
