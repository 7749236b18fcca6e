"""``/api/jobs``: files to explain, reruns, and how far they are."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from affectlens.core.disk.files import not_written, sync, temporary_beside
from affectlens.core.errors import OutputError, UsageError
from affectlens.workbench.bench import GIGA, Bench, NotFoundError
from affectlens.workbench.work.jobs import Job


class TooLargeError(UsageError):
    """More bytes than are taken."""


Given = Annotated[dict[str, Any], Body()]
Perhaps = Annotated[dict[str, Any] | None, Body()]


def router(bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/jobs")

    @routes.get("")
    def jobs(since: int = -1) -> dict[str, Any]:
        if since == bench.queue.revision:
            return {"revision": since, "jobs": None}
        return {"revision": bench.queue.revision, "jobs": [job.to_dict() for job in bench.queue.jobs()]}

    @routes.post("/upload", status_code=201)
    async def upload(request: Request, name: str = "", options: str = "") -> Any:
        chosen = bench.options(_parsed(options))
        if why := await run_in_threadpool(bench.can_explain):
            raise UsageError(f"nothing can be explained here: {why}")
        target = bench.upload_target(name)
        size = request.headers.get("content-length", "")
        most = int(bench.settings.upload_limit * GIGA)
        if size.isdigit() and int(size) > most:
            raise TooLargeError(_too_large(most))
        await _streamed(request, target, most)
        return bench.explain(target, chosen).to_dict()

    @routes.post("/rerun", status_code=201)
    def rerun(body: Given) -> dict[str, Any]:
        if why := bench.can_explain():
            raise UsageError(f"nothing can be explained here: {why}")
        return bench.rerun(body).to_dict()

    @routes.get("/{job}")
    def one(job: str) -> dict[str, Any]:
        return _known(bench, job).to_dict()

    @routes.post("/{job}/cancel")
    def cancel(job: str) -> dict[str, Any]:
        _known(bench, job)
        return bench.queue.cancel(job).to_dict()

    @routes.post("/{job}/retry")
    def retry(job: str) -> dict[str, Any]:
        _known(bench, job)
        return bench.queue.retry(job).to_dict()

    @routes.post("/{job}/save")
    def save(job: str, body: Perhaps = None) -> dict[str, Any]:
        _known(bench, job)
        title = (body or {}).get("name", "")
        return {"run": bench.save(job, title if isinstance(title, str) else "")}

    @routes.delete("/{job}")
    def remove(job: str) -> Any:
        _known(bench, job)
        bench.remove_job(job)
        return JSONResponse({"removed": job})

    return routes


async def _streamed(request: Request, target: Path, most: int) -> None:
    """The body as a file that takes its name when it is whole."""
    partial, read = temporary_beside(target), 0
    try:
        with partial.open("wb") as file:
            async for chunk in request.stream():
                read += len(chunk)
                if read > most:
                    raise TooLargeError(_too_large(most))
                await run_in_threadpool(file.write, chunk)
        if not read:
            raise UsageError(f"{target.name}: the file is empty (0 bytes)")
        await run_in_threadpool(sync, partial)
        partial.rename(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(f"{target.name}: the disk is full; nothing was kept") from error
        raise OutputError(not_written(target.name, error)) from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _too_large(most: int) -> str:
    return f"more than {most:,} bytes, which is the most (--upload-limit)"


def _parsed(text: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"options: JSON was expected ({error})") from error


def _known(bench: Bench, name: str) -> Job:
    job = bench.queue.get(name)
    if job is None:
        raise NotFoundError(f"job {name!r}: there is none")
    return job
