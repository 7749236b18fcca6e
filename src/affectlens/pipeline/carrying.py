"""All recordings of a run, in whichever way: who does them, what they came to, what is told meanwhile."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from affectlens.core.disk.places import written
from affectlens.core.failures import Failure, failure_of
from affectlens.core.progress import Progress, silent
from affectlens.dispatch import Crash, Running, dispatched, longest_first
from affectlens.ledger import DONE, FAILED, Plan
from affectlens.ledger.journal import Journal
from affectlens.ledger.records import KILLED
from affectlens.media.frames import probe
from affectlens.media.inputs import Inputs, kind_of
from affectlens.pipeline.results import Result, Results, Run
from affectlens.pipeline.tasks import BUSY, NEW, RESUMED, Outcome, RecordingTask

log = logging.getLogger(__name__)
WAIT = 2.0  # seconds between two looks at what other processes are doing
RECORDINGS, FAILING, WAITING = "recordings", "failed", "recordings of other processes"


def carried_out(
    task: RecordingTask,
    sources: Inputs,
    how: Running,
    progress: Progress | None = None,
    on_result: Callable[[Result], None] | None = None,
) -> Run:
    """Do what a task does with every recording of this run's share.

    Parameters
    ----------
    task : RecordingTask
        What is done.
    sources : Inputs
        All recordings, also those of other shards.
    how : Running
        Workers, shard, place.
    progress : callable, optional
        Takes what is being done, how much of it is done, and how much there is.
    on_result : callable, optional
        Takes each new result once it is written.

    Returns
    -------
    Run
        Results in the order of the inputs; they are read from disk when they are asked for.
    """
    begin(task, sources)
    ours = how.shard.files([str(path) for path in sources.files])
    items = ours if how.workers == 1 and not how.on else longest_first(ours, length_of)
    outcomes: dict[str, Outcome] = {}
    failed = 0
    tell = progress or silent
    with Journal(how.journal) as journal, closing(_all_outcomes(task, items, how, tell)) as coming:
        journal.write("begin", verb=task.verb, inputs=len(ours), shard=str(how.shard), workers=how.workers)
        if len(ours) > 1:
            tell(RECORDINGS, 0, len(ours))
        for outcome in coming:
            outcomes[outcome.path] = outcome
            failed += outcome.item.state == FAILED
            journal.outcome(outcome.item, outcome.how)
            if len(ours) > 1:
                tell(RECORDINGS, len(outcomes), len(ours))
                if failed:
                    tell(FAILING, failed, len(ours))
            if on_result and outcome.how == NEW and outcome.item.state == DONE:
                on_result(task.load(outcome.item.name, outcome.path))
        journal.write("end", done=len(outcomes) - failed, failed=failed)
    return gathered(task, ours, outcomes, sources)


def begin(task: RecordingTask, sources: Inputs) -> None:
    """Record what is asked for; a run that does not go on forgets what an earlier one came to, unless that is still at work."""
    ledger = task.ledger
    anew = not task.resume
    if anew:
        ledger.clean()
        anew = not ledger.claims.names()
    plan = Plan(task.verb, tuple(written(path) for path in sources.files), tuple(sources.failures))
    ledger.records.plan(plan, anew)


def gathered(task: RecordingTask, files: list[str], outcomes: dict[str, Outcome], sources: Inputs) -> Run:
    """The run of what recordings came to, in the order of the inputs."""
    results = Results(task.load)
    run = Run(results=results, failed=list(sources.failures), notes=list(sources.notes), out=task.out)
    names: dict[str, str] = {}
    for file in files:
        outcome = outcomes[file]
        item = outcome.item
        if item.state == FAILED:
            run.failed.append(Failure(file, item.what, item.reason))
            continue
        if item.name in names:
            run.notes.append(f"{file}: the same file as {names[item.name]}; one result serves both")
        names.setdefault(item.name, file)
        results.add(item.name, file)
        run.rows += item.rows
        if outcome.how == RESUMED:
            run.resumed.append(file)
    if run.resumed:
        log.info("%d of %d recordings were done before in %s", len(run.resumed), len(files), task.out)
    return run


def _all_outcomes(task: RecordingTask, items: list[str], how: Running, progress: Progress) -> Generator[Outcome, None, None]:
    """What recordings come to; those that other processes are at come last, once these have ended."""
    waiting: list[Outcome] = []
    for outcome in _outcomes(task, items, how):
        if outcome.how == BUSY:
            waiting.append(outcome)
        else:
            yield outcome
    began = len(waiting)
    while waiting:
        free = [outcome for outcome in waiting if _is_free(task, outcome)]
        waiting = [outcome for outcome in waiting if outcome not in free]
        ready = []
        for outcome in free:
            item = task.ledger.records.item(outcome.item.file)
            if task.resume and item is not None and item.state == DONE and item.key == outcome.item.key:
                yield Outcome(outcome.path, item, RESUMED)
            else:
                ready.append(outcome.path)
        for outcome in _outcomes(task, ready, how):
            if outcome.how == BUSY:
                waiting.append(outcome)
            else:
                yield outcome
        if waiting and not task.resume:  # only runs that go on work together
            yield from (task.failed(outcome.path, outcome.item.failure) for outcome in waiting)
            return
        if waiting:
            progress(WAITING, began - len(waiting), began)
            time.sleep(WAIT)


def _is_free(task: RecordingTask, outcome: Outcome) -> bool:
    """Whether nobody is at a recording any more."""
    claims = task.ledger.claims
    return claims.holder(outcome.item.name) is None or claims.is_stale(outcome.item.name)


def _outcomes(task: RecordingTask, items: list[str], how: Running) -> Generator[Outcome, None, None]:
    with closing(dispatched(task, items, how)) as coming:
        for made in coming:
            if isinstance(made, Crash):
                reason = f"the process that worked on it ended {made.tries} times ({made.reason}); see `affectlens runs retry`"
                yield task.failed(made.item, Failure(made.item, KILLED, reason), tries=made.tries)
            else:
                yield made


def length_of(file: str) -> float:
    """Seconds of a recording as its container says; 0 for pictures and for what cannot be told."""
    path = Path(file)
    if kind_of(path) in ("image", "motion"):
        return 0.0
    try:
        return float(probe(path).duration)
    except Exception as error:  # it fails by itself later, with its reason
        failure_of(file, error)
        return 0.0
