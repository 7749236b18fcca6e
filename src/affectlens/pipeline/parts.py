"""Rows of the inputs that are done, on disk before the next begins: what is stopped goes on, and memory stays as it is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from affectlens.core.disk.files import make_folder, write_json
from affectlens.core.disk.names import fitting
from affectlens.core.options import Options
from affectlens.core.tables import evidence_frame, read_frame, rows_frame, write_frame
from affectlens.pipeline.jobs import Job
from affectlens.pipeline.results import Result
from affectlens.report.exporters import export_pieces


def beside(file: Path, what: str) -> Path:
    """A path beside a table for what belongs to it, such as ``t.csv.failures.log``."""
    return file.with_name(fitting(file.name, 255 - len(os.fsencode(what))) + what)


class Parts:
    """One part for each input that is done, in a hidden folder beside the table that they will be.

    Parameters
    ----------
    file : Path
        The table.
    options : Options
        Of the run; a part counts only for the same input with the same options.
    resume : bool
        Whether parts of an earlier run are used, and these are kept for a later one.
    made_by : mapping, optional
        What else rows depend on (``Engine.made_by``).
    """

    def __init__(self, file: Path, options: Options, resume: bool, made_by: Mapping[str, Any] | None = None) -> None:
        self.file, self.options, self.resume, self.made_by = file, options, resume, made_by or {}
        self.folder = beside(file.with_name(f".{file.name}"), ".parts")
        self._done: list[Path] = []
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
        make_folder(self.folder)

    def read(self, path: Path) -> Result | None:
        """What an earlier run recognised in the same input with the same options; None where it did not."""
        if not self.resume:
            return None
        job = self._job(path)
        part = self._part(job)
        try:
            facts = json.loads(part.with_suffix(".json").read_text(encoding="utf-8"))
            if facts["job"] != job.key():
                return None
            result = Result(str(path), read_frame(part), evidence_frame([]), None, tuple(facts["problems"]), facts["seconds"])
        except Exception:  # whatever a library says of bytes that are not what it wrote
            return None
        self._done.append(part)
        return result

    def add(self, path: Path, result: Result) -> None:
        """Write the rows of an input, last what tells it from others."""
        job = self._job(path)
        part = self._part(job)
        write_frame(result.table, part)
        facts = {"job": job.key(), "problems": list(result.problems), "seconds": result.seconds}
        write_json(part.with_suffix(".json"), facts)
        self._done.append(part)

    def export(self, format: str) -> None:
        """Write the table of all parts, in the order in which they were added or read; only some rows are in memory."""
        if not self._done:
            export_pieces(lambda: iter([rows_frame([])]), self.file, format)
        else:
            export_pieces(self._pieces, self.file, format)

    def clear(self) -> None:
        """Remove the parts, unless a later run shall go on from them."""
        if not self.resume:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _pieces(self) -> Iterator[pd.DataFrame]:
        return (read_frame(part) for part in self._done)

    def _part(self, job: Job) -> Path:
        return self.folder / f"{job.name}.parquet"

    def _job(self, path: Path) -> Job:
        return Job(path, self.folder, self.options, self.made_by)
