"""``/api/runs/…``: a recording, its lanes, curves, frames, evidence, sentences and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from affectlens.core.errors import MediaError, UsageError
from affectlens.core.tables import RUN_FORMAT
from affectlens.figures.charts import colour
from affectlens.pipeline.seen import SCALE
from affectlens.pipeline.seen import lines as drawn_lines
from affectlens.workbench.answers import Plain
from affectlens.workbench.bench import Bench, NotFoundError
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import people_after
from affectlens.workbench.reading import curves, evidence, lanes
from affectlens.workbench.reading.notices import status_of
from affectlens.workbench.reading.places import inside
from affectlens.workbench.reading.plain import number, numbers, without_paths
from affectlens.workbench.reading.playable import copy_of, plays, type_of
from affectlens.workbench.reading.runs import Run
from affectlens.workbench.reading.stills import as_jpeg, crop_at, drawn, frame_at
from affectlens.workbench.views.cards import WHAT_IF

LONGEST = 120.0  # seconds of frames in one answer
WIDEST = 1920
SHOWN = {".html", ".csv", ".parquet", ".svg", ".png", ".jpg", ".jpeg", ".mp4", ".json", ".md", ".npz"}


def router(bench: Bench) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/runs/{name}")

    @routes.get("")
    def run(name: str) -> dict[str, Any]:
        return overview(bench, name)

    @routes.get("/lanes")
    def all_lanes(name: str, derived: int = 1) -> Response:
        opened = bench.run(name)
        state = bench.state(opened)[0]
        if not derived:
            return Plain(lanes.lanes(opened, state, edited=False))
        held = opened.kept_lanes
        if held is None or held[0] is not state:
            held = opened.kept_lanes = (state, bytes(Plain(lanes.lanes(opened, state)).body))
        return Response(held[1], media_type="application/json")

    @routes.get("/columns")
    def columns(name: str) -> dict[str, Any]:
        return {"tables": curves.columns(bench.run(name))}

    @routes.get("/curve")
    def curve(
        name: str,
        table: str = "segments",
        column: str = "valence",
        person: int | None = None,
        modality: str = "fused",
        start: float = 0.0,
        end: float = 1e12,
        points: int = 1500,
    ) -> dict[str, Any]:
        opened = bench.run(name)
        bounds: dict[str, Any] = {"person": person, "modality": modality, "start": start, "end": end, "points": points}
        return curves.curve(opened, bench.state(opened)[0], table, column, **bounds)

    @routes.get("/frames")
    def frames(name: str, start: float = 0.0, end: float = 30.0) -> dict[str, Any]:
        if not 0 <= end - start <= LONGEST:
            raise UsageError(f"start {start:g}, end {end:g}; at most {LONGEST:g} s were expected")
        opened = bench.run(name)
        return frames_between(opened, bench.state(opened)[0], start, end)

    _add_evidence(routes, bench)
    _add_media(routes, bench)
    _add_pictures(routes, bench)
    return routes


def _add_evidence(routes: APIRouter, bench: Bench) -> None:
    @routes.get("/evidence")
    def found(
        name: str,
        segment: str = "",
        id: str = "",
        person: int | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> dict[str, Any]:
        opened = bench.run(name)
        state = bench.state(opened)[0]
        if id:
            return evidence.one(opened, id)
        if segment:
            before, first, last = evidence.segment_of(opened, segment)
            whose = int(people_after(_series([before]), _series([first]), state).iloc[0])
            made = evidence.of_time(opened, state, whose, first, last)
        elif person is not None and start is not None:
            made = evidence.of_time(opened, state, person, start, start if end is None else end)
        else:
            raise UsageError("segment=PERSON:MODALITY:START, id=ID, or person, start and end were expected")
        return _with_addresses(made, name)

    @routes.get("/narrative")
    def narrative(name: str) -> dict[str, Any]:
        opened = bench.run(name)
        return {"sentences": evidence.story(opened, bench.state(opened)[0])}

    @routes.get("/moments")
    def moments(name: str) -> dict[str, Any]:
        opened = bench.run(name)
        listed = lanes.moments(opened, bench.state(opened)[0])
        has_picture = opened.facts.get("kind") in ("video", "image")
        for moment in listed:
            middle = (moment["time"] + moment["end"]) / 2
            moment["thumbnail"] = f"/api/runs/{name}/frame?time={middle:g}&width=240" if has_picture else None
        return {"moments": listed}


def _add_media(routes: APIRouter, bench: Bench) -> None:
    @routes.api_route("/media", methods=["GET", "HEAD"])
    def media(name: str) -> Response:
        recording = bench.recording(bench.run(name))
        if not plays(recording):
            copied = copy_of(recording)
            if not copied.exists():
                raise NotFoundError("no browser plays this recording; ask for a copy first (POST …/media/copy)")
            recording = copied
        return FileResponse(recording, media_type=type_of(recording), headers={"cache-control": "private, max-age=3600"})

    @routes.post("/media/copy", status_code=201)
    def copy(name: str) -> dict[str, Any]:
        return bench.copy(bench.run(name)).to_dict()


def _add_pictures(routes: APIRouter, bench: Bench) -> None:
    @routes.get("/frame")
    def frame(name: str, time: float = 0.0, width: int = 640) -> Response:
        if not 0 <= time < 1e7 or not 16 <= width <= WIDEST:
            raise UsageError(f"time {time:g}, width {width}; seconds and 16 to {WIDEST} pixels were expected")
        return _jpeg(bench.picture(bench.run(name), time, width))

    @routes.get("/thumbnail")
    def thumbnail(name: str) -> Response:
        opened = bench.run(name)
        try:
            return _jpeg(bench.picture(opened, _best_time(opened), 320))
        except (NotFoundError, MediaError):
            figures = sorted((opened.folder / "figures").glob("face-*.jpg"))
            if figures and inside(opened.folder, f"figures/{figures[0].name}"):
                return _jpeg(figures[0].read_bytes())
            raise

    @routes.get("/pictures/{person}/{start}/{what}.jpg")
    def picture(name: str, person: int, start: float, what: str) -> Response:
        opened = bench.run(name)
        return _jpeg(face_picture(opened, bench, person, start, what))

    @routes.get("/files/{path:path}")
    def file(name: str, path: str) -> Response:
        found_file = inside(bench.folder(name), path)
        if found_file is None or found_file.suffix.lower() not in SHOWN:
            raise NotFoundError(f"there is no file {path!r} in this run")
        return FileResponse(found_file)


def overview(bench: Bench, name: str) -> dict[str, Any]:
    """What the first view of a recording needs but its lanes."""
    run = bench.run(name)
    state, more = bench.state(run)
    media, lost = bench.media(name, run)
    notices = [*run.notices, *more, *lost]
    table = run.table
    schemes = sorted(set(table.scheme))
    labels = {scheme: lanes.labels_of(scheme, table) for scheme in schemes}
    what_if = None
    if (run.folder / WHAT_IF).exists():
        from affectlens.workbench.views.cards import _noted

        what_if = _noted(run.folder / WHAT_IF)
    size = run.facts.get("size")
    return {
        "id": name,
        "run_format": run.facts.get("run_format", RUN_FORMAT),
        "name": run.name,
        "kind": str(run.facts.get("kind", "")),
        "duration": number(run.duration),
        "size": size if isinstance(size, list) else [0, 0],
        "made": str(run.facts.get("made", "")),
        "status": status_of(notices),
        "notices": [notice.to_dict() for notice in notices],
        "media": media,
        "people": lanes.people(run, state),
        "modalities": lanes.modalities_of(table),
        "scheme_labels": labels,
        "colours": {label: colour(label) for scheme in labels.values() for label in scheme},
        "has": {
            "frames": len(run.frames) > 0,
            "landmarks": "marks" in run.frames,
            "maps": len(run.maps) > 0,
            "transcript": bool(run.transcript),
            "overlay": (run.folder / "overlay.mp4").exists(),
            "report": (run.folder / "report.html").exists(),
        },
        "options": without_paths(run.options),
        "provenance": without_paths(run.facts) | {"file": run.name},
        "problems": [str(problem) for problem in run.facts.get("problems") or []],
        "edits": state.to_dict(),
        "what_if": what_if,
        "what_if_of": what_if.get("of_run") if what_if else None,
        "report": f"/api/runs/{name}/files/report.html" if (run.folder / "report.html").exists() else None,
        "files": sorted(file.name for file in run.folder.iterdir() if file.is_file() and file.suffix in SHOWN),
    }


def frames_between(run: Run, state: State, start: float, end: float) -> dict[str, Any]:
    """Boxes and landmarks of everybody in a span of time, at the true times of the frames."""
    out: dict[str, Any] = {"rate": run.rate, "lines": drawn_lines(), "people": []}
    table = run.frames
    if not len(table):
        return out
    inside = (table.time >= start - 1e-9) & (table.time <= end + 1e-9)
    rows = table[inside]
    rows = rows.assign(person=people_after(rows.person, rows.time, state)) if len(rows) else rows
    for person, own in rows.groupby("person"):
        own = own.drop_duplicates("time")
        boxes = own[["left", "top", "width", "height"]].to_numpy(float).round(5)
        marks = [np.round(np.asarray(line, float) / SCALE, 4).tolist() for line in own.marks] if "marks" in own else []
        out["people"].append(
            {
                "person": int(person),
                "time": numbers(own.time, 6),
                "box": boxes.tolist(),
                "marks": marks,
                "quality": numbers(own.quality),
            }
        )
    return out


def face_picture(run: Run, bench: Bench, person: int, start: float, what: str) -> bytes:
    """The face of a segment's best frame: as it is, or with a map over it."""
    names = {"face": "map", "map": "map", "attention": "attention"}
    if what not in names:
        raise NotFoundError(f"there is no picture {what!r}; face, map or attention was expected")
    maps = run.maps
    if len(maps):
        maps = maps[(maps.person == person) & np.isclose(maps.start, start, atol=1e-3) & (maps.name == names[what])]
    if not len(maps):
        raise NotFoundError("no map was written of this segment")
    row = maps.iloc[0]
    crop = crop_at(frame_at(bench.recording(run), float(row.time)), row.corners)
    if what == "face":
        return as_jpeg(crop)
    cells = np.asarray(row["cells"], float).reshape(int(row["rows"]), int(row["columns"]))
    return as_jpeg(drawn(crop, cells, signed=what == "map"))


def _best_time(run: Run) -> float:
    """When the first person is seen best, else a tenth of the way in."""
    frames = run.frames
    if len(frames):
        first = frames[frames.person == frames.person.min()]
        return float(first.time[first.quality.astype(float).idxmax()])
    return 0.1 * run.duration


def _with_addresses(made: dict[str, Any], name: str) -> dict[str, Any]:
    if made["face"]:
        for picture in made["face"]["pictures"]:
            picture["address"] = f"/api/runs/{name}/{picture['address']}"
    return made


def _series(values: list[Any]) -> Any:
    import pandas as pd

    return pd.Series(values)


def _jpeg(content: bytes) -> Response:
    return Response(content, media_type="image/jpeg", headers={"cache-control": "private, max-age=600"})
