"""Label Studio: tasks as JSON, with regions of time as annotations of people or as predictions of a model.

The format is described at https://labelstud.io/guide/export and https://labelstud.io/guide/predictions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from affectlens.core.disk.files import write_json
from affectlens.core.errors import MediaError
from affectlens.core.untrusted.documents import read_json
from affectlens.exchange.annotations import NAN, Annotations, Segment, wrong_times
from affectlens.exchange.lines import count
from affectlens.exchange.registry import register_format
from affectlens.exchange.tiers import parts_of_name, tier_name

MACHINE = "affectlens"  # whose annotations are written as predictions
MEDIA = ("video", "audio", "url", "file_upload")
TEXTS = ("labels", "timeserieslabels", "choices", "text", "timelinelabels")


def read(path: Path) -> Annotations:
    """Read tasks with annotations, predictions or both; regions without times are counted."""
    content = read_json(path)
    tasks = content if isinstance(content, list) else [content]
    segments: list[Segment] = []
    notes: list[str] = []
    files: list[str] = []
    untimed = cancelled = 0
    for number, task in enumerate(tasks, 1):
        if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
            raise MediaError(f"{path}, task {number}: a task with data was expected, as Label Studio exports JSON")
        file = next((str(task["data"][name]) for name in MEDIA if task["data"].get(name)), str(task.get("file_upload") or ""))
        files.append(file)
        for kind in ("annotations", "predictions"):
            for answer in task.get(kind) or []:
                if answer.get("was_cancelled"):
                    cancelled += 1
                    continue
                made, without = _regions(answer, kind, file, path, number, task["data"])
                segments += made
                untimed += without
        count(path, segments)
    if untimed:
        notes.append(
            f"{path.name}: {untimed} regions have no times in seconds and are left out (of frames: give the data a field fps)"
        )
    if cancelled:
        notes.append(f"{path.name}: {cancelled} annotations were cancelled and are left out")
    return Annotations(tuple(segments), {}, tuple(dict.fromkeys(files)), {}, tuple(notes))


def _regions(
    answer: dict[str, Any], kind: str, file: str, path: Path, task: int, data: dict[str, Any]
) -> tuple[list[Segment], int]:
    rater = str(answer.get("model_version") or MACHINE) if kind == "predictions" else _who(answer.get("completed_by"))
    made: list[Segment] = []
    untimed = 0
    for number, region in enumerate(answer.get("result") or [], 1):
        value = region.get("value") if isinstance(region, dict) else None
        if not isinstance(value, dict):
            raise MediaError(f"{path}, task {task}, region {number}: an object with a value was expected")
        times = _times(value, data)
        if times is None:
            untimed += 1
            continue
        tier, person, own = parts_of_name(str(region.get("from_name") or ""))
        person = str((region.get("meta") or {}).get("person") or person)
        words = next((value[name] for name in TEXTS if name in value), "")
        text = ", ".join(map(str, words)) if isinstance(words, list) else str(words)
        sure = region.get("score")
        if wrong := wrong_times(*times):
            raise MediaError(f"{path}, task {task}, region {number}: {wrong}")
        confidence = float(sure) if isinstance(sure, int | float) else NAN
        made.append(Segment(file, *times, text, tier, person, own or rater, confidence))
    return made, untimed


def _times(value: dict[str, Any], data: dict[str, Any]) -> tuple[float, float] | None:
    """Start and end in seconds; of frames where the task says how many a second has."""
    try:
        if "ranges" in value:
            rate, span = float(data["fps"]), value["ranges"][0]
            return (float(span["start"]) - 1) / rate, float(
                span["end"]
            ) / rate  # frames are counted from 1, the last one included
        return float(value["start"]), float(value["end"])
    except (KeyError, ValueError, TypeError, IndexError, ZeroDivisionError):
        return None


def _who(given: Any) -> str:
    if isinstance(given, dict):
        return str(given.get("email") or given.get("id") or "")
    return "" if given is None else str(given)


@register_format(
    "label-studio", "Label Studio JSON", read=read, suffix=".labelstudio.json", several=True, step=0.0,
    holds=("value", "recording", "tier", "person", "rater", "confidence", "point", "empty value"),
)  # fmt: skip
def write(annotations: Annotations, path: Path) -> None:
    """Write a task a recording: what affectlens says as predictions, what others say as annotations."""
    tasks = []
    for number, file in enumerate(annotations.files, 1):
        by_rater: dict[str, list[Segment]] = {}
        for one in annotations.segments:
            if one.file == file:
                by_rater.setdefault(one.rater, []).append(one)
        task: dict[str, Any] = {"id": number, "data": {_kind(file): file}, "annotations": [], "predictions": []}
        for rater, segments in by_rater.items():
            result = [_region(one, f"{number}-{place}", _kind(file)) for place, one in enumerate(segments)]
            if rater == MACHINE:
                task["predictions"].append({"model_version": MACHINE, "result": result})
            else:
                task["annotations"].append({"completed_by": {"email": rater} if rater else None, "result": result})
        tasks.append(task)
    write_json(path, tasks)


def _kind(file: str) -> str:
    return "audio" if file.lower().endswith((".wav", ".mp3", ".flac", ".ogg", ".m4a")) else "video"


def _region(one: Segment, name: str, to: str) -> dict[str, Any]:
    value = {"start": one.start, "end": one.end, "channel": 0, "labels": [one.value]}
    region: dict[str, Any] = {"id": name, "from_name": tier_name(one.tier), "to_name": to, "type": "labels", "value": value}
    if one.person:
        region["meta"] = {"person": one.person}
    if one.confidence == one.confidence:
        region["score"] = float(one.confidence)
    return region
