"""The main job: from files to the table, the evidence and the report. The command line calls this and prints its numbers."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from affectlens.assets.store import fetch
from affectlens.core.disk.files import make_folder, remove_temporaries, temporary_beside
from affectlens.core.errors import OutputError, UsageError
from affectlens.core.failures import LOG, tracebacks_in
from affectlens.core.options import Options, torch_device
from affectlens.core.progress import Progress
from affectlens.core.settings import shows_fields, with_fields
from affectlens.dispatch import Running, chosen
from affectlens.media.inputs import find_inputs
from affectlens.modalities.base import assets_of
from affectlens.pipeline.carrying import carried_out
from affectlens.pipeline.engine import Engine
from affectlens.pipeline.jobs import beside, earlier_layout, ledger_root, parts_of
from affectlens.pipeline.results import Result, Results, Run
from affectlens.pipeline.tasks import ExplainTask, RecognizeTask
from affectlens.pipeline.writer import check_file, write_overview, write_table
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
    workers: int = 1,
    shard: str = "",
    on: str = "",
    journal: str | Path | None = None,
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
        Use the rows that earlier runs with the same ``out`` wrote of the same files with the same options, and keep these
        for a later one. Several runs that resume may work at once.
    workers : int
        Processes, or actors of Ray.
    shard : str
        ``I/N``: only the I-th of N shares of the inputs; `affectlens.pipeline.merging.merge` writes the table when all are
        done. Implies ``resume``.
    on : str
        ``ray``: let actors of Ray work, of the cluster at ``RAY_ADDRESS`` or of this machine. Implies ``resume``.
    journal : path, optional
        A file that receives a line of JSON for every input.
    options : Options, optional
        Settings of the run; or give them one by one as ``settings``.
    engine : Engine, optional
        Models that are loaded already; its options count. Workers load their own.
    progress : callable, optional
        Takes the stage, how much of it is done, and how much there is.
    **settings
        Fields of ``Options``.

    Returns
    -------
    Run
        A file that cannot be read is in ``Run.failures``; the others are done. Rows are read from disk when they are asked
        for.

    Raises
    ------
    UsageError
        A value that is not allowed. OutputError: ``out`` cannot be written.
    """
    how = chosen(workers, shard, on, journal)
    file = Path(out) if out is not None else None
    if file is not None:
        chosen_format(file, format)
        check_file(file)
    elif resume or how.is_shared:
        raise UsageError("what others or a later run shall go on from needs a file: give out")
    given = engine.options if engine else with_fields(Options, options, settings)
    _check(given, how)
    sources = find_inputs(_several(inputs))
    _one_transcript(given, len(sources.files))
    engine = engine or _engine(given, how, progress)
    if file is None:
        parts = Path(tempfile.mkdtemp(prefix="affectlens-"))
        task = RecognizeTask(parts, parts, None, given, False, engine, progress)
        run = carried_out(task, sources, how, progress)
        run.out = None
        _own(run, parts)
        return run
    resume = resume or how.is_shared
    parts = _parts(file, resume)
    traces = beside(file, f".{LOG}")
    task = RecognizeTask(parts, parts, traces, given, resume, engine, progress)
    with tracebacks_in(traces, keep=how.is_shared):
        run = carried_out(task, sources, how, progress)
    run.out = file
    if not how.shard.is_whole:
        return run
    write_table(run, file, format)
    if not run.failed and not resume:
        task.out = _put_aside(parts)
        _own(run, task.out)
    return run


@shows_fields(Options)
def explain(
    inputs: str | Path | Iterable[str | Path],
    out: str | Path = DEFAULT_OUT,
    *,
    resume: bool = False,
    format: str = "parquet",
    workers: int = 1,
    shard: str = "",
    on: str = "",
    journal: str | Path | None = None,
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
        heard. Several runs that resume may work at once.
    format : str
        ``csv`` or ``json``: also write all rows to ``out/table`` in that format.
    workers, shard, on, journal
        As in ``recognize``.
    options, engine, progress, **settings
        As in ``recognize``.
    on_result : callable, optional
        Called with each new result once it is finished.

    Returns
    -------
    Run
        A file that cannot be read is in ``Run.failures``; the others are done. Results are read from disk when they are
        asked for.

    Raises
    ------
    UsageError
        A value that is not allowed. OutputError: ``out`` cannot be written.
    """
    how = chosen(workers, shard, on, journal)
    given = engine.options if engine else with_fields(Options, options, settings)
    _check(given, how)
    out = Path(out)
    chosen_format(out / "table.parquet", format)
    sources = find_inputs(_several(inputs))
    _one_transcript(given, len(sources.files))
    make_folder(out)
    resume = resume or how.is_shared
    if earlier := earlier_layout(out):
        sources.notes.append(
            f"{out}: {len(earlier)} reports of an earlier affectlens stay as they are, unused ({', '.join(earlier[:3])})"
        )
    engine = engine or _engine(given, how, progress)
    task = ExplainTask(out, ledger_root(out), out / LOG, given, resume, engine, progress)
    with tracebacks_in(out / LOG, keep=how.is_shared):
        run = carried_out(task, sources, how, progress, on_result)
    if how.shard.is_whole:
        write_overview(run, out, format)
    return run


def _check(options: Options, how: Running) -> None:
    """What cannot be shared between processes is said before work begins."""
    if options.store and (how.workers > 1 or how.is_shared):
        raise UsageError("--store grows with every recording, so what is usual depends on their order: give it without "
                         "--workers, --shard and --on")  # fmt: skip


def _one_transcript(options: Options, recordings: int) -> None:
    """A transcript belongs to one recording."""
    if options.transcript and recordings != 1:
        raise UsageError(f"--transcript is that of one recording, {recordings} were given")


def _engine(options: Options, how: Running, progress: Progress | None) -> Engine | None:
    """Models of a run, with what they need fetched first; None where workers load their own."""
    torch_device(options.device)
    fetch(assets_of(options), progress)
    return Engine(options) if how.workers == 1 and not how.on else None


def _parts(file: Path, resume: bool) -> Path:
    """The folder of a table's parts; what earlier runs left there goes, unless this one goes on from it."""
    folder = parts_of(file)
    if not resume and folder.exists():
        busy = RecognizeTask(folder, folder, None, Options(), resume).ledger.counts().claimed
        if busy:
            raise OutputError(f"{file}: another process is at work on it; wait until it has ended, or give --resume to join it")
        shutil.rmtree(folder, ignore_errors=True)
    elif folder.exists() and not (folder / "plans").exists():
        log.info("%s: parts of an earlier affectlens are not used; remove the folder where you do not need them", folder)
    remove_temporaries(file.parent)
    return make_folder(folder)


def _own(run: Run, folder: Path) -> None:
    """Let results take their folder with them."""
    if isinstance(run.results, Results):
        run.results.owns(folder)


def _put_aside(parts: Path) -> Path:
    """Move parts that no later run goes on from to where only this run reads them; gives that place."""
    place = Path(tempfile.mkdtemp(prefix="affectlens-"))
    try:
        return parts.replace(place)  # an empty folder gives way
    except OSError:  # on another file system
        place.rmdir()
        return parts.replace(temporary_beside(parts.with_name("parts")))


def _several(inputs: str | Path | Iterable[str | Path]) -> list[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else list(inputs)
