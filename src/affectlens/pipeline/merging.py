"""What shards made, put together: one table of all inputs, and the list of those that failed. No model is needed."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.disk.chain import write_chain
from affectlens.core.disk.places import located
from affectlens.core.errors import UsageError
from affectlens.core.failures import Failure
from affectlens.ledger import DONE, FAILED, ledger_of
from affectlens.pipeline.jobs import parts_of
from affectlens.pipeline.results import Results, Run
from affectlens.pipeline.tasks import RecordingTask, task_of
from affectlens.pipeline.writer import write_overview, write_table


def merge(out: str | Path, *, format: str = "") -> Run:
    """Write the table of all inputs that runs with the same ``out`` were given, and the list of those that failed.

    Parameters
    ----------
    out : path
        Folder of ``explain``, or table of ``recognize``.
    format : str
        As these take it.

    Returns
    -------
    Run
        As of one run over all inputs; those that nobody looked at are named in ``failed``.

    Raises
    ------
    UsageError
        No run is recorded there. OutputError: the table cannot be written.
    """
    out = Path(out)
    records = ledger_of(out).records
    plans = records.plans()
    verbs = {plan.verb for plan in plans}
    if len(verbs) != 1:
        raise UsageError(f"{out}: runs of {', '.join(sorted(verbs)) or 'nothing'} are recorded there; one verb was expected")
    task = task_of(verbs.pop(), out if out.is_dir() else parts_of(out))
    results = Results(task.load)
    failures = dict.fromkeys(failure for plan in plans for failure in plan.failures)
    run = Run(results=results, failed=list(failures), out=out)
    versions = set()
    for file in records.files():
        item = records.item(file)
        path = str(located(file))
        if item is not None and item.state == DONE and _is_there(task, item.name):
            results.add(item.name, path)
            run.rows += item.rows
            versions.add(item.version)
        elif item is not None and item.state == FAILED:
            run.failed.append(Failure(path, item.what, item.reason))
        else:
            reason = "no run has finished it: run its shard again, then merge"
            run.failed.append(Failure(path, "open", reason))
    if len(versions) > 1:
        run.notes.append(
            f"{out}: results of several versions of affectlens are there ({', '.join(sorted(versions))}); the same call with "
            "--resume makes those of the others again"
        )
    if task.verb == "explain":
        write_overview(run, out, format or "parquet")
        write_chain(out)
    else:
        write_table(run, out, format)
    return run


def _is_there(task: RecordingTask, name: str) -> bool:
    try:
        task.load(name, name)
    except Exception:  # whatever a library says of bytes that are not what it wrote
        return False
    return True
