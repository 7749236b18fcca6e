"""``/page``: a recording or an audit as one html file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import FileResponse, Response

from affectlens.core.disk.names import safe_name
from affectlens.workbench.bench import Bench, NotFoundError
from affectlens.workbench.page import NAME, saved_page
from affectlens.workbench.reading.places import inside

Perhaps = Annotated[dict[str, Any] | None, Body()]


def router(bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.post("/api/runs/{name}/page")
    def of_run(name: str, body: Perhaps = None) -> Response:
        wanted = body or {}
        page = saved_page(bench, name, wanted)
        title = NAME if wanted.get("anonymous") else safe_name(bench.run(name).name)
        return Response(page, media_type="text/html; charset=utf-8", headers=_attached(title))

    @routes.post("/api/audits/{name}/page")
    def of_audit(name: str) -> Response:
        page = inside(bench.folder(name), "audit.html")
        if page is None:
            raise NotFoundError("this audit has no page")
        return FileResponse(page, media_type="text/html", headers=_attached(bench.audit(name).kind))

    return routes


def _attached(title: str) -> dict[str, str]:
    plain = title.encode("ascii", "replace").decode().replace("?", "_").replace('"', "_")
    return {"content-disposition": f'attachment; filename="{plain}.html"'}
