"""``/api/audits/…`` and ``/api/compare``."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from affectlens.core.errors import UsageError
from affectlens.explainers.cam.draw import heat
from affectlens.pipeline.jobs import MANIFEST
from affectlens.workbench.bench import Bench, NotFoundError
from affectlens.workbench.reading.places import inside
from affectlens.workbench.reading.playable import plays, type_of
from affectlens.workbench.reading.stills import as_jpeg, frame_at
from affectlens.workbench.routes.runs import SHOWN
from affectlens.workbench.views import audits, compare
from affectlens.workbench.views.cards import _noted


def router(bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/api/compare")
    def both(first: str, second: str) -> dict[str, Any]:
        kinds = ["file" in _noted(bench.folder(name) / MANIFEST) for name in (first, second)]
        if kinds[0] != kinds[1]:
            raise UsageError("a run of a recording and an audit have nothing in common; two of one kind were expected")
        if not kinds[0]:
            return audits.compared(bench.audit(first), bench.audit(second))
        runs = bench.run(first), bench.run(second)
        states = bench.state(runs[0])[0], bench.state(runs[1])[0]
        return compare.compared(runs[0], runs[1], (first, second), states)

    @routes.get("/api/audits/{name}")
    def about(name: str) -> dict[str, Any]:
        made = bench.audit(name).about()
        made["drawn_examples"] = drawn_examples(bench, name)
        return made

    @routes.get("/api/audits/{name}/tables/{table}")
    def table(name: str, table: str, request: Request) -> dict[str, Any]:
        return bench.audit(name).table(table, dict(request.query_params))

    @routes.get("/api/audits/{name}/points")
    def points(name: str, x: str = "x", y: str = "y") -> dict[str, Any]:
        return bench.audit(name).points(x, y)

    @routes.get("/api/audits/{name}/examples")
    def examples(name: str, request: Request) -> dict[str, Any]:
        query = dict(request.query_params)
        made = bench.examples.of(bench.audit(name), query)
        wanted = (query.get("object") or "", query.get("emotion") or query.get("label") or "")
        shown = [
            entry
            for entry in drawn_examples(bench, name)
            if all(not asked or asked == entry[field] for asked, field in zip(wanted, ("object", "emotion"), strict=True))
        ]
        return made | {"drawn": shown}

    _add_pictures(routes, bench)
    return routes


def _add_pictures(routes: APIRouter, bench: Bench) -> None:
    @routes.get("/api/audits/{name}/drawn/{number}/{what}.jpg")
    def drawn(name: str, number: int, what: str) -> Response:
        listed = getattr(bench.audit(name).result, "examples", ())
        if not isinstance(listed, tuple) or not 0 <= number < len(listed) or what not in ("picture", "map"):
            raise NotFoundError("there is no such example in this audit")
        example = listed[number]
        picture = np.asarray(example.picture)
        if what == "map":
            made = heat(picture, np.asarray(example.relevance), (picture.shape[1], picture.shape[0]))
        else:
            made = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
        return Response(as_jpeg(made), media_type="image/jpeg", headers={"cache-control": "private, max-age=600"})

    @routes.api_route("/api/audits/{name}/media/{key:path}", methods=["GET", "HEAD"])
    def media(name: str, key: str) -> Response:
        bench.folder(name)
        file = bench.examples.file_of(key)
        if file is None or bench.folders.root_of(file) is None:
            raise NotFoundError(f"{key}: no file of that name lies below the given folders")
        if plays(file):
            return FileResponse(file, media_type=type_of(file))
        return Response(as_jpeg(frame_at(file, 0.0)), media_type="image/jpeg")

    @routes.get("/api/audits/{name}/files/{path:path}")
    def held(name: str, path: str) -> Response:
        found = inside(bench.folder(name), path)
        if found is None or found.suffix.lower() not in SHOWN:
            raise NotFoundError(f"there is no file {path!r} in this audit")
        return FileResponse(found)


def drawn_examples(bench: Bench, name: str) -> list[dict[str, Any]]:
    """The pictures with maps that an audit of objects keeps."""
    audit = bench.audit(name)
    listed = getattr(audit.result, "examples", ())
    if audit.kind != "objects" or not isinstance(listed, tuple):
        return []
    return [
        {
            "key": example.key, "emotion": example.emotion, "object": example.object,
            "picture": f"/api/audits/{name}/drawn/{number}/picture.jpg", "map": f"/api/audits/{name}/drawn/{number}/map.jpg",
            "things": [{"name": str(thing.name), "box": [float(value) for value in thing.box]} for thing in example.things],
        }
        for number, example in enumerate(listed)
    ]  # fmt: skip
