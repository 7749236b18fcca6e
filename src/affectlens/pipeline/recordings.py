"""The main job: from files to the table, the evidence and the report. The command line calls this and prints its numbers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from affectlens.assets.store import fetch
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.files import make_folder
from affectlens.core.options import Options, torch_device
from affectlens.core.progress import Progress
from affectlens.core.settings import with_fields
from affectlens.core.tables import evidence_frame, read_frame, rows_frame
from affectlens.media.inputs import find_inputs
from affectlens.modalities.base import assets_of
from affectlens.pipeline.engine import Engine
from affectlens.pipeline.jobs import Job
from affectlens.pipeline.results import Result, Run
from affectlens.pipeline.writer import (
    check_file,
    reading,
    write_overview,
    write_recording,
    writing,
)
from affectlens.report.exporters import chosen as chosen_format
from affectlens.report.exporters import export

log = logging.getLogger(__name__)
DEFAULT_OUT = Path("affectlens-report")


def recognize(
    inputs: str | Path | Iterable[str | Path],
    *,
    out: str | Path | None = None,
    format: str = "",
    options: Options | None = None,
    engine: Engine | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """The table of expressed emotion, unexplained.

    Parameters
    ----------
    inputs : path or iterable of paths
        Images, videos, audio files, motions, folders, globs, or a table of paths.
    out : path, optional
        File for the table of all inputs.
    format : str
        ``parquet``, ``csv`` or ``json``; by the suffix of ``out`` when empty.
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
    chosen = engine.options if engine else with_fields(Options, options, settings)
    paths = find_inputs(_several(inputs))
    engine = engine or _engine(chosen, progress)
    run = Run()
    for path in paths:
        try:
            with reading(path):
                _, findings, report = engine.run(path, explaining=False, progress=progress)
        except AffectlensError as error:
            run.failures[str(path)] = str(error)
            continue
        rows = rows_frame([f.row for f in findings])
        run.results.append(Result(str(path), rows, evidence_frame([]), None, tuple(report.clip.problems.notes), report.seconds))
    if file is not None:
        export(run.table, file, format)
    return run


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
    **settings: Any,
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
    paths = find_inputs(_several(inputs))
    make_folder(out)
    engine = engine or _engine(chosen, progress)
    run = Run(out=out)
    for path in paths:
        job = Job(path, out, chosen, engine.made_by())
        try:
            with job.alone():
                result = _taken_up(job) if resume else None
                if result is not None:
                    run.results.append(result)
                    run.resumed.append(str(path))
                    continue
                result = _explained(job, engine, resume, progress)
        except AffectlensError as error:
            run.failures[str(path)] = str(error)
            continue
        run.results.append(result)
        if on_result:
            on_result(result)
    if run.resumed:
        log.info("%d of %d recordings were done before in %s", len(run.resumed), len(paths), out)
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
    except AffectlensError:
        job.abandon()
        raise


def _written(job: Job, engine: Engine, resume: bool, progress: Progress | None) -> Result:
    with writing(job.scratch):
        scratch = job.claim(resume)
    with reading(job.path):
        _, findings, report = engine.run(job.path, explaining=True, scratch=scratch, progress=progress)
    with writing(job.target):
        target = write_recording(job, report, findings, engine.modalities)
    evidence = read_frame(target / "evidence.parquet")
    table = rows_frame([f.row for f in findings])
    notes = tuple(report.clip.problems.notes)
    return Result(str(job.path), table, evidence, target / "report.html", notes, report.seconds)


def _several(inputs: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)
