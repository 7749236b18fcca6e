"""The application: routes, the bundle of the page, and one form of error for everything that goes wrong."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from affectlens.core.errors import AffectlensError, MediaError, OutputError, UsageError
from affectlens.core.failures import failure_of
from affectlens.workbench.answers import Plain
from affectlens.workbench.bench import Bench, NotFoundError
from affectlens.workbench.guard import App, Guard
from affectlens.workbench.notes.edits import UnreadableEditsError
from affectlens.workbench.reading.places import inside
from affectlens.workbench.reading.runs import UnreadableError
from affectlens.workbench.routes import audits, edits, jobs, library, pages, runs
from affectlens.workbench.routes.jobs import TooLargeError

log = logging.getLogger(__name__)
STATIC = Path(__file__).parent / "static"
BARE = (
    "<!doctype html><meta charset=utf-8><title>affectlens</title><p>The page of the workbench is not in this installation "
    "(it is built from the folder workbench with npm run build). The server works: see /api/about.</p>"
)
STATUS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotFoundError, 404, "not-found"),
    (TooLargeError, 413, "too-large"),
    (UnreadableEditsError, 422, "edits-unreadable"),
    (UnreadableError, 422, "unreadable"),
    (UsageError, 400, "wrong-value"),
    (MediaError, 422, "unreadable"),
    (OutputError, 507, "not-written"),
    (AffectlensError, 422, "failed"),
)


def create_app(bench: Bench, token: str, hosts: list[str], cookie: str = "affectlens") -> App:
    """The guarded application.

    Parameters
    ----------
    bench : Bench
        The state; it is closed when the server ends.
    token : str
        What requests have to carry.
    hosts : list of str
        Names with ports that the server answers to.
    cookie : str
        The cookie's name.

    Returns
    -------
    ASGI application
        For uvicorn, or for tests.
    """

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        bench.close()

    app = FastAPI(
        title="affectlens", docs_url=None, redoc_url=None, openapi_url=None, lifespan=life, default_response_class=Plain
    )
    app.add_middleware(GZipMiddleware, minimum_size=2048, compresslevel=4)
    for part in (library, edits, jobs, audits, runs, pages):
        app.include_router(part.router(bench))
    _add_pages(app)
    _add_errors(app)
    return Guard(app, token, hosts, cookie)


def _add_pages(app: FastAPI) -> None:
    @app.get("/")
    def index() -> Any:
        page = STATIC / "index.html"
        return FileResponse(page, headers={"cache-control": "no-cache"}) if page.is_file() else HTMLResponse(BARE)

    @app.get("/assets/{path:path}")
    def asset(path: str) -> Any:
        file = inside(STATIC / "assets", path)
        if file is None:
            raise NotFoundError(f"there is no {path!r}")
        # Names are the same in every version: browsers have to ask whether theirs is still the one (ETag).
        return FileResponse(file, headers={"cache-control": "no-cache"})


def _add_errors(app: FastAPI) -> None:
    def told(status: int, what: str, message: str) -> JSONResponse:
        return JSONResponse({"error": {"what": what, "message": message}}, status)

    @app.exception_handler(AffectlensError)
    async def ours(_: Request, error: AffectlensError) -> JSONResponse:
        status, what = next((status, what) for kind, status, what in STATUS if isinstance(error, kind))
        if isinstance(error, UnreadableError):
            what = error.notice.code
        return told(status, what, str(error))

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0] if error.errors() else {}
        where = ".".join(str(part) for part in first.get("loc", ())[1:])
        return told(400, "wrong-value", f"{where or 'the request'}: {first.get('msg', 'another value was expected')}")

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> JSONResponse:
        return told(error.status_code, "not-found" if error.status_code == 404 else "refused", str(error.detail))

    @app.exception_handler(Exception)
    async def other(request: Request, error: Exception) -> JSONResponse:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return told(507, "not-written", "the disk is full; nothing was changed")
        log.exception("%s %s", request.method, request.url.path, exc_info=error)
        return told(500, "unexpected", failure_of("the request", error).reason)
