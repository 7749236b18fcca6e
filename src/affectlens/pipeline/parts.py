"""Rows of the inputs that are done, on disk before the next begins: what is stopped goes on, and memory stays as it is."""

from __future__ import annotations

from pathlib import Path

from affectlens.core.disk.files import write_json
from affectlens.core.tables import evidence_frame, read_frame, write_frame
from affectlens.core.untrusted.documents import json_of
from affectlens.pipeline.jobs import Job
from affectlens.pipeline.results import Result, with_file


def write_part(job: Job, result: Result) -> None:
    """Write the rows of an input, last what tells it from others."""
    part = _part(job.out, job.name)
    write_frame(result.table, part)
    facts = {"job": job.facts(), "problems": list(result.problems), "seconds": result.seconds}
    write_json(part.with_suffix(".json"), facts)


def has_part(job: Job) -> bool:
    """Whether the rows of the same job are there."""
    part = _part(job.out, job.name)
    try:
        return bool(json_of(part.with_suffix(".json"))["job"]["key"] == job.key) and part.exists()
    except Exception:  # whatever a library says of bytes that are not what it wrote
        return False


def read_part(folder: Path, name: str, file: str) -> Result:
    """The rows of an input, under the name that it has now."""
    part = _part(folder, name)
    facts = json_of(part.with_suffix(".json"))
    table = with_file(read_frame(part), file)
    return Result(file, table, evidence_frame([]), None, tuple(facts["problems"]), dict(facts["seconds"]))


def _part(folder: Path, name: str) -> Path:
    return folder / f"{name}.parquet"
