"""`affectlens study run`: recognise what was not measured yet, put all into one table, test, and write the page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.disk.files import make_folder
from affectlens.core.disk.places import relative
from affectlens.core.errors import UsageError
from affectlens.core.options import Options
from affectlens.core.progress import Progress, silent
from affectlens.core.settings import with_fields
from affectlens.study.analysis import tested
from affectlens.study.epochs import epochs_of
from affectlens.study.layout import Study, read_study
from affectlens.study.raters import agreement, ratings_of
from affectlens.study.result import RESULT, StudyResult
from affectlens.study.tidy import Gathered, excluded, gathered, recordings_of
from affectlens.study.words import methods

TABLE = "recognised.parquet"


def run(
    study: str | Path | Study,
    out: str | Path | None = None,
    *,
    workers: int = 1,
    resume: bool = True,
    progress: Progress | None = None,
) -> StudyResult:
    """Do all of a study: recordings, tables, tests, report.

    Parameters
    ----------
    study : path or Study
        The study file.
    out : path, optional
        Folder for everything; by default ``results`` beside the study file.
    workers : int
        Processes that recognise at once.
    resume : bool
        Use what an earlier run recognised in the same recordings with the same options.
    progress : callable, optional
        Takes the stage, how much of it is done, and how much there is.

    Returns
    -------
    StudyResult
        What cannot be read is in ``lost`` with its reason and line; the rest is done.

    Raises
    ------
    UsageError
        A study file that is wrong, or of which no recording could be read.
    """
    read = study if isinstance(study, Study) else read_study(study)
    folder = make_folder(Path(out) if out is not None else read.path.parent / "results")
    tell = progress or silent
    rows, failures = _recognised(read, folder, workers, resume, progress)

    def of(path: Path) -> pd.DataFrame:
        name = relative(path)
        if name not in rows:
            raise UsageError(failures.get(name) or failures.get(str(path)) or f"{name}: nothing was recognised")
        return rows[name]

    tell("study: tables", 0, 3)
    made = gathered(read, of)
    if made.table.empty:
        raise UsageError("no recording of the study could be read:\n" + "\n".join(list(made.lost.values())[:10]))
    tell("study: tests", 1, 3)
    result = result_of(read, made)
    tell("study: page", 2, 3)
    result.save(folder / RESULT)
    result.report(folder)
    tell("study: page", 3, 3)
    return result


def _recognised(
    study: Study, folder: Path, workers: int, resume: bool, progress: Progress | None
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Rows by recording, of those that were not measured earlier; and why others have none."""
    wanted = [study.place(one.file) for _, one, _, _ in recordings_of(study) if not one.table]
    files = [path for path in dict.fromkeys(wanted) if path.exists()]
    options = with_fields(Options, None, study.recognition)
    if not files:
        return {}, {}
    from affectlens.pipeline.recordings import recognize

    given: dict[str, Any] = {"workers": workers, "resume": resume, "progress": progress, "options": options}
    done = recognize(list(files), out=folder / TABLE, **given)
    return {str(table.file.iloc[0]): table for table in done.tables() if len(table)}, done.failures


def result_of(study: Study, made: Gathered) -> StudyResult:
    """The result of rows that were gathered.

    Returns
    -------
    StudyResult
        Not saved yet.
    """
    epochs = epochs_of(study, made)
    analysis = study.analysis
    tests = tested(epochs, analysis)
    problems: dict[str, str] = {}
    ratings = ratings_of(study, made, problems)
    agreed = agreement(ratings, [one.name for one in study.raters], min(analysis.draws, 1000), analysis.seed)
    used = tests.people
    design = {
        "participants": int(used.participant.nunique()), "groups": int(used.group.nunique()),
        "conditions": int(used.condition.nunique()), "event": analysis.event,
        "window": f"{analysis.window[0]:g} to {analysis.window[1]:g} s, bins of {analysis.bin:g} s",
    }  # fmt: skip
    counts = {"participants": int(used.participant.nunique()), "events used": epochs.counts["events used"]}
    return StudyResult(
        study.title, made.table, tests.courses, used, tests.tests, tests.clusters, tests.mixed, agreed, ratings,
        _flow(study, made, epochs.counts, used), epochs.others, {**made.lost, **epochs.problems, **problems},
        tuple(tests.notes),
        methods(study, counts, tests.tests), design,
    )  # fmt: skip


def _flow(study: Study, made: Gathered, counts: Counter[str], used: pd.DataFrame) -> pd.DataFrame:
    """Step by step what there was and what was lost."""
    gone = [one for one in study.participants if excluded(study, one)]
    kept = [one for one in study.participants if not excluded(study, one)]
    reasons = "; ".join(
        f"{one.participant}{': ' + one.recording if one.recording else ''}, {one.reason}" for one in study.exclusions
    )
    table = made.table
    answered = int((table.status == "ok").sum())
    without = table[table.status != "ok"].status.value_counts()
    told = ", ".join(f"{count} {status}" for status, count in without.items())
    events_lost = ", ".join(
        f"{count} {what}" for what, count in counts.items() if what not in ("events planned", "events used")
    )
    absent = sorted({one.id for one in kept} - set(used.participant))
    rows = [
        ("participants in the file", len(study.participants), ""),
        ("participants excluded", len(gone), reasons),
        ("recordings planned", made.planned, ""),
        ("recordings read", made.planned - len(made.lost), f"{len(made.lost)} could not be read" if made.lost else ""),
        ("rows", len(table), ""),
        ("rows with an answer", answered, told),
        ("events planned", counts["events planned"], ""),
        ("events used", counts["events used"], events_lost),
        ("participants with values", used.participant.nunique(), f"without: {', '.join(absent)}" if absent else ""),
    ]
    return pd.DataFrame(rows, columns=["step", "count", "lost"])
