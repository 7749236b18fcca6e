"""``/api/runs/…/edits``, the table after them, and agreement between raters."""

from __future__ import annotations

import io
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse, Response

from affectlens.core.errors import UsageError
from affectlens.core.tables import quoted
from affectlens.workbench.bench import Bench
from affectlens.workbench.notes.derived import derived, summary
from affectlens.workbench.notes.edits import StaleError
from affectlens.workbench.notes.raters import agreement

MOST_AT_ONCE = 5000

Given = Annotated[dict[str, Any], Body()]


def router(bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/runs/{name}")

    @routes.get("/edits")
    def state(name: str) -> dict[str, Any]:
        return bench.edits(bench.run(name)).state().to_dict()

    @routes.post("/edits")
    def add(name: str, body: Given) -> Any:
        edits = bench.edits(bench.run(name))
        author, revision = body.get("author"), body.get("revision")
        if revision is not None and (isinstance(revision, bool) or not isinstance(revision, int)):
            raise UsageError(f"revision {revision!r}: a whole number was expected")
        try:
            return edits.add(_author(author), _wanted(body), revision).to_dict()
        except StaleError as error:
            held = {"error": {"what": "stale", "message": str(error)}, "state": edits.state().to_dict()}
            return JSONResponse(held, 409)

    @routes.post("/edits/{step}")
    def step(name: str, step: str, body: Given) -> dict[str, Any]:
        if step not in ("undo", "redo"):
            raise UsageError(f"{step!r}: undo or redo was expected")
        return bench.edits(bench.run(name)).step(_author(body.get("author")), step).to_dict()

    @routes.get("/derived")
    def after(name: str, format: str = "json") -> Any:
        run = bench.run(name)
        held, notices = bench.state(run)
        table = derived(run.table, held)
        if format == "csv":
            shown = table.drop(columns=["second"]).map(quoted)
            text = io.StringIO()
            shown.to_csv(text, index=False)
            named = {"content-disposition": 'attachment; filename="table-after-edits.csv"'}
            return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=named)
        return {"revision": held.revision, **summary(table, held), "notices": [notice.to_dict() for notice in notices]}

    @routes.get("/agreement")
    def agree(name: str, modality: str = "fused", level: float = 0.95) -> dict[str, Any]:
        if not 0.5 <= level <= 0.999:
            raise UsageError(f"level {level:g}; a number from 0.5 to 0.999 was expected")
        run = bench.run(name)
        return agreement(run, bench.state(run)[0], modality, level)

    return routes


def _author(given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        raise UsageError("author: a name was expected")
    return given


def _wanted(body: dict[str, Any]) -> list[tuple[Any, Any]]:
    entries = body.get("entries")
    if entries is None:
        return [(body.get("action"), body.get("values"))]
    if not isinstance(entries, list) or len(entries) > MOST_AT_ONCE or not all(isinstance(one, dict) for one in entries):
        raise UsageError(f"entries: a list of at most {MOST_AT_ONCE} was expected")
    return [(one.get("action"), one.get("values")) for one in entries]
