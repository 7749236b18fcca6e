"""A recording as one html file that works offline: the page's own bundle with everything that it would ask for in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.core.disk.files import key_of, sha256_of
from affectlens.core.disk.places import cache_dir
from affectlens.core.errors import AffectlensError, UsageError
from affectlens.core.labels import EKMAN7
from affectlens.figures.charts import colour
from affectlens.media.frames import frames
from affectlens.perception.face.detector import FaceDetector
from affectlens.perception.face.hiding import WAYS, Track, hidden
from affectlens.pipeline.seen import SCALE
from affectlens.pipeline.seen import lines as drawn_lines
from affectlens.workbench.bench import Bench, NotFoundError
from affectlens.workbench.notes.changes import State
from affectlens.workbench.notes.derived import derived_of
from affectlens.workbench.reading import evidence, lanes
from affectlens.workbench.reading.playable import copy_of, plays, type_of, write_pictures
from affectlens.workbench.reading.runs import Run
from affectlens.workbench.routes.runs import face_picture, frames_between, overview

STATIC = Path(__file__).parent / "static"
SEGMENTS, PICTURES = 200, 40  # of which evidence is in the page, and faces
MOST_VIDEO = 200_000_000  # bytes of a video in a page
CSP = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; media-src data: blob:; "
    "font-src data:; base-uri 'none'; form-action 'none'"
)
NAME = "recording"  # what a de-identified page calls it
SAID = ("word", "speaker")  # kinds of evidence that repeat what was said
TELLING = ("usual", "usual elsewhere")  # kinds that tell when and where


def saved_page(bench: Bench, name: str, wanted: Mapping[str, Any]) -> str:
    """The whole page.

    Parameters
    ----------
    bench : Bench
        The server's state.
    name : str
        The run's id.
    wanted : mapping
        ``video``, ``anonymous``, ``faces`` (``blur`` or ``landmarks``), ``words``.

    Returns
    -------
    str
        html.

    Raises
    ------
    UsageError
        A value that cannot be, or a video that is too large for a page.
    NotFoundError
        The bundle of the page is not in this installation.
    """
    flags = {flag: wanted.get(flag, default) for flag, default in (("video", False), ("anonymous", False), ("words", True))}
    for flag, value in flags.items():
        if not isinstance(value, bool):
            raise UsageError(f"{flag} {value!r}: true or false was expected")
    faces = wanted.get("faces", "blur")
    if faces not in WAYS:
        raise UsageError(f"faces {faces!r}; one of {', '.join(WAYS)} was expected")
    script, style = bundle()
    data = page_data(bench, name, flags["anonymous"], flags["words"])
    data["video"] = _video(bench, name, flags["anonymous"], str(faces)) if flags["video"] else None
    title = NAME if flags["anonymous"] else data["run"]["name"]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{_text(title)}: affectlens</title>'
        f'<style>{style}</style></head><body><div id="app"></div>'
        f'<script type="application/json" id="affectlens-data">{embedded(data)}</script>'
        f'<script type="module">{script}</script></body></html>\n'
    )


def bundle() -> tuple[str, str]:
    """The page's script and style, ready to stand inside html.

    Returns
    -------
    tuple of str
        Script and style.

    Raises
    ------
    NotFoundError
        They are not in this installation.
    """
    try:
        names = json.loads((STATIC / "manifest-page.json").read_text(encoding="utf-8"))
        script = (STATIC / names["script"]).read_text(encoding="utf-8")
        style = (STATIC / names["style"]).read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotFoundError("the page's bundle is not in this installation (npm run build in the folder workbench)") from error
    script = re.sub(r"</(script)", r"<\\/\1", script, flags=re.IGNORECASE).replace("<!--", "<\\!--")
    return script, style.replace("</", "<\\/")


def embedded(data: Any) -> str:
    r"""Data as JSON that can stand inside a script block.

    Returns
    -------
    str
        Nothing in it ends the block or begins a comment.

    Examples
    --------
    >>> embedded({"text": "</script><!--"})
    '{"text":"<\\/script><\\u0021--"}'
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")


def page_data(bench: Bench, name: str, anonymous: bool, words: bool) -> dict[str, Any]:
    """Everything that the page would ask the server for.

    Parameters
    ----------
    bench : Bench
        The server's state.
    name : str
        The run's id.
    anonymous : bool
        Whether names, crops, paths, notes and who rated are left out.
    words : bool
        Whether what was said is kept.

    Returns
    -------
    dict
        JSON types.
    """
    run = bench.run(name)
    state = bench.state(run)[0]
    if anonymous:
        state = unnamed(state)
    shown = lanes.moments(run, state)
    segments, left_out = _segments(run, state, shown)
    pictured = 0
    found: dict[str, Any] = {}
    for key, person, start, end in segments:
        made = evidence.of_time(run, state, person, start, end)
        if made["face"]:
            addresses = made["face"]["pictures"]
            made["face"]["pictures"] = []
            if not anonymous and pictured < PICTURES:
                made["face"]["pictures"] = _pictures(run, bench, addresses)
                pictured += bool(made["face"]["pictures"])
        found[key] = made
    opened = overview(bench, name)
    opened["media"] = opened["media"] | {"address": None, "copy": "none"}
    opened["report"], opened["files"], opened["edits"] = None, [], state.to_dict() | {"history": [], "undo": {}, "redo": {}}
    if anonymous:
        opened["people"] = lanes.people(run, state)
    data: dict[str, Any] = {"api": 1, "run": opened, "lanes": lanes.lanes(run, state)}
    data["frames"] = frames_between(run, state, 0.0, run.duration + 1.0)
    data["narrative"] = {"sentences": evidence.story(run, state)}
    data["moments"] = {"moments": _with_thumbnails(bench, run, shown, anonymous)}
    data |= {"columns": None, "evidence": found, "left_out": left_out, "anonymous": anonymous}
    data["labels"] = [{"name": label, "colour": colour(label)} for label in EKMAN7.labels]
    if anonymous:
        _strip(data, run)
    if not words:
        _without_words(data)
    return data


def unnamed(state: State) -> State:
    """Edits without names, notes and who made them; what they do to rows stays."""
    raters = {rater: f"rater {place + 1}" for place, rater in enumerate(state.raters)}
    labels = [{**label, "rater": raters[label["rater"]], "at": ""} for label in state.labels]
    excluded = [{**entry, "reason": ""} for entry in state.excluded]
    return replace(state, names={}, notes=[], markers=[], labels=labels, excluded=excluded, history=[], undo={}, redo={})


def _segments(run: Run, state: State, shown: list[dict[str, Any]]) -> tuple[list[tuple[str, int, float, float]], int]:
    """Segments of which evidence is in the page: the key moments first, then in order of time."""
    table = derived_of(run, state)
    rows = table[table.modality == "fused"]
    first = {(moment["person"], moment["time"]) for moment in shown}
    listed = [(int(row.person), float(row.start), float(row.end), int(row.person_before)) for row in rows.itertuples()]
    listed.sort(key=lambda item: ((item[0], round(item[1], 6)) not in first, item[1], item[0]))
    kept = listed[:SEGMENTS]
    return [(f"{person}:fused:{start:g}", person, start, end) for person, start, end, _ in kept], len(listed) - len(kept)


def _pictures(run: Run, bench: Bench, listed: list[dict[str, str]]) -> list[dict[str, str]]:
    out = []
    for picture in listed:
        _, person, start, file = picture["address"].split("/")
        try:
            content = face_picture(run, bench, int(person), float(start), file.removesuffix(".jpg"))
        except AffectlensError:  # without the recording there are none
            return []
        out.append(picture | {"address": _as_address(content, "image/jpeg")})
    return out


def _with_thumbnails(bench: Bench, run: Run, shown: list[dict[str, Any]], anonymous: bool) -> list[dict[str, Any]]:
    out = []
    for moment in shown:
        address = None
        if not anonymous and run.facts.get("kind") in ("video", "image"):
            try:
                address = _as_address(bench.picture(run, (moment["time"] + moment["end"]) / 2, 240), "image/jpeg")
            except AffectlensError:
                address = None
        out.append(moment | {"thumbnail": address})
    return out


def _strip(data: dict[str, Any], run: Run) -> None:
    """Take out what tells who, when and where; what the numbers were made with stays."""
    opened = data["run"]
    keep = ("run_format", "schema_version", "kind", "duration", "size", "versions", "models", "third_party")
    opened["provenance"] = {key: value for key, value in opened["provenance"].items() if key in keep}
    opened["options"] = {key: value for key, value in opened["options"].items() if key not in ("place", "when", "store")}
    opened |= {"name": NAME, "made": "", "problems": [], "notices": [], "what_if": None, "what_if_of": None, "id": NAME}
    names = {run.name, Path(run.name).stem, run.folder.name, str(run.facts.get("file", ""))} - {""}
    for found in data["evidence"].values():
        found["scene"] = [row for row in found["scene"] if row["kind"] not in TELLING]
        found["other"] = [row for row in found["other"] if row["kind"] not in TELLING]
        found["rows"] = [row for row in found["rows"] if row["kind"] not in TELLING]
    _drop_clauses(data, TELLING)
    for key, value in list(data.items()):
        data[key] = _renamed(value, names)


def _renamed(value: Any, names: set[str]) -> Any:
    """Texts in which a name of the recording stands, without it."""
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, str) and len(value) > 3:
        for name in sorted(names, key=len, reverse=True):
            value = value.replace(name, NAME) if len(name) > 3 else value
    return value


def _without_words(data: dict[str, Any]) -> None:
    """Take out what was said; that something was said, and what it spoke for, stays."""
    data["lanes"]["words"] = []
    for lane in data["lanes"]["lanes"]:
        if "text" in lane:
            lane["text"] = ["" for _ in lane["text"]]
    for found in data["evidence"].values():
        for part in found["words"]:
            part["text"], part["words"] = "", []
        for row in found["modalities"]:
            row["text"] = ""
        found["rows"] = [row for row in found["rows"] if row["kind"] not in SAID]
    _drop_clauses(data, SAID)


def _drop_clauses(data: dict[str, Any], kinds: tuple[str, ...]) -> None:
    lines = data["narrative"]["sentences"]
    for line in lines:
        line["clauses"] = [clause for clause in line["clauses"] if clause["kind"] not in kinds]
    data["narrative"]["sentences"] = [line for line in lines if line["clauses"]]


def _video(bench: Bench, name: str, anonymous: bool, faces: str) -> str | None:
    run = bench.run(name)
    recording = bench.recording(run)
    if anonymous:
        if run.facts.get("kind") not in ("video", "image"):
            return None  # a voice is not made unrecognisable
        file, kind = hidden_video(run, recording, faces), "video/mp4"
    elif plays(recording):
        file, kind = recording, type_of(recording)
    elif copy_of(recording).exists():
        file, kind = copy_of(recording), "video/mp4"
    else:
        raise UsageError("no browser plays this recording; ask for a copy first, or save the page without the video")
    if file.stat().st_size > MOST_VIDEO:
        raise UsageError(
            f"the video has {file.stat().st_size:,} bytes; at most {MOST_VIDEO:,} fit a page: save it without the video"
        )
    return _as_address(file.read_bytes(), kind)


def hidden_video(run: Run, recording: Path, faces: str) -> Path:
    """The recording without sound, its faces hidden; kept in the user's cache."""
    target = cache_dir() / "view" / "hidden" / f"{key_of(sha256_of(recording), str(run.folder), faces, len(run.frames))}.mp4"
    if target.exists():
        return target
    detector = FaceDetector(locate("yunet"))
    hide = hidden(
        frames(recording),
        tracks_of(run),
        2.0 / run.rate,
        lambda image: [face.box for face in detector(image)],
        faces,
        drawn_lines(),
    )
    return write_pictures(target, hide)


def tracks_of(run: Run) -> list[Track]:
    """Where everybody was seen."""
    out = []
    for _, rows in run.frames.groupby("person") if len(run.frames) else ():
        own = rows.sort_values("time")
        marks = [np.asarray(line, float).reshape(-1, 2) / SCALE for line in own.marks] if "marks" in own else []
        out.append(Track(own.time.to_numpy(float), own[["left", "top", "width", "height"]].to_numpy(float), marks))
    return out


def _as_address(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _text(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
