"""``/api/about`` and ``/api/library``."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from affectlens.core.environment.versions import package_version
from affectlens.core.labels import EKMAN7
from affectlens.core.tables import RUN_FORMAT
from affectlens.figures.charts import colour
from affectlens.media.inputs import MEDIA
from affectlens.modalities.base import modality_names
from affectlens.workbench.bench import GIGA, Bench, described_options

API = 1


def router(bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.get("/api/about")
    def about() -> dict[str, Any]:
        why_not = bench.can_explain()
        return {
            "api": API,
            "version": package_version(),
            "run_format": RUN_FORMAT,
            "folders": [
                {"id": f"f{number}", "name": root.name or str(root)} for number, root in enumerate(bench.folders.roots)
            ],
            "labels": [{"name": label, "colour": colour(label)} for label in EKMAN7.labels],
            "modalities": modality_names(),
            "options": described_options(),
            "upload": {"most_bytes": int(bench.settings.upload_limit * GIGA), "suffixes": sorted(MEDIA)},
            "can_explain": not why_not,
            "why_not": why_not,
        }

    @routes.get("/api/library")
    def library(request: Request) -> dict[str, Any]:
        return bench.library.query(dict(request.query_params))

    @routes.post("/api/library/refresh")
    def refresh() -> dict[str, Any]:
        bench.originals.forget()
        bench.examples.forget()
        revision = bench.library.refresh()
        return {"revision": revision, "total": bench.library.query({"size": "1"})["total"]}

    return routes
