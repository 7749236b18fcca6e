"""Detections made elsewhere: COCO json, YOLO's text files, Open Images' csv; and how much of what is there a detector finds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from affectlens.core.barrier import reads
from affectlens.core.disk.finding import files_below
from affectlens.core.errors import UsageError
from affectlens.core.untrusted.documents import json_of, read_text
from affectlens.core.untrusted.frames import read_csv
from affectlens.perception.scene.objects import Thing, overlap
from affectlens.stats.resample import wilson

_CSV = ("ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax")
_MATCH = 0.5  # intersection over union from which on a box is found


@dataclass
class Detections:
    """Boxes by picture. ``relative`` boxes are shares of the picture, else pixels; ``notes`` says what was left out."""

    boxes: dict[str, list[tuple[str, float, tuple[float, float, float, float]]]]
    relative: bool
    notes: tuple[str, ...] = ()
    _by_name: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.boxes:
            for name in (Path(key).name, Path(key).stem):
                # A name that two pictures share stands for neither.
                self._by_name[name] = "" if self._by_name.get(name, key) != key else key

    def __contains__(self, key: str) -> bool:
        return self._find(key) is not None

    def of(self, key: str, shape: tuple[int, ...], least: float = 0.0) -> list[Thing]:
        """Objects in one picture, clipped to it; boxes of no size are left out.

        Parameters
        ----------
        key : str
            The picture, looked for by its path, then by its file's name, then by the name without suffix.
        shape : tuple of int
            Height, width and more of the picture.
        least : float
            Lowest score.

        Returns
        -------
        list of Thing
            Surest first; empty for a picture that is not there.
        """
        height, width = shape[:2]
        known = self._find(key)
        out = []
        for name, score, box in self.boxes[known] if known is not None else ():
            at = np.array(box) * (width, height, width, height) if self.relative else np.array(box)
            left, top = max(0.0, float(at[0])), max(0.0, float(at[1]))
            right, bottom = min(float(width), float(at[2])), min(float(height), float(at[3]))
            if right - left >= 1 and bottom - top >= 1 and score >= least:
                out.append(Thing(name, score, (left, top, right, bottom)))
        return sorted(out, key=lambda thing: -thing.score)

    def _find(self, key: str) -> str | None:
        if key in self.boxes:
            return key
        return next((self._by_name[name] for name in (Path(key).name, Path(key).stem) if self._by_name.get(name)), None)


@reads("detections", UsageError)
def read_detections(path: Path) -> Detections:
    """Detections of a COCO json, a folder of YOLO's text files, or an Open Images csv.

    Names of classes come from the json itself, from ``classes.txt`` or ``data.yaml`` in YOLO's folder, and from
    ``class-descriptions*.csv`` beside Open Images' table.

    Parameters
    ----------
    path : Path
        File or folder.

    Returns
    -------
    Detections
        Of all pictures.

    Raises
    ------
    UsageError
        None of the three, or a row that cannot be read.
    """
    if path.is_dir():
        return _yolo(path)
    if not path.exists():
        raise UsageError(f"--objects {path}: no such file or folder")
    if path.suffix.lower() == ".json":
        return _coco(path)
    if path.suffix.lower() in (".csv", ".tsv"):
        return _open_images(path)
    raise UsageError(
        f"--objects {path}: a COCO json, a folder of YOLO's text files, an Open Images csv (columns {', '.join(_CSV)}), "
        "or module:function was expected"
    )


def _coco(path: Path) -> Detections:
    try:
        content = json_of(path)
    except ValueError as error:
        raise UsageError(f"{path}: not readable as json ({error})") from error
    if not isinstance(content, Mapping) or not {"images", "annotations", "categories"} <= set(content):
        raise UsageError(
            f"{path}: an object with images, annotations and categories was expected; a bare list of results names no files: "
            "put it under annotations beside the images and categories of the annotation file"
        )
    files = {image["id"]: str(image["file_name"]) for image in content["images"]}
    names = {category["id"]: str(category["name"]) for category in content["categories"]}
    boxes: dict[str, list[Any]] = {name: [] for name in files.values()}
    lost = 0
    for annotation in content["annotations"]:
        if (
            annotation["image_id"] not in files
            or annotation["category_id"] not in names
            or len(annotation.get("bbox", ())) != 4
        ):
            lost += 1
            continue
        left, top, wide, high = (float(edge) for edge in annotation["bbox"])
        boxes[files[annotation["image_id"]]].append(
            (names[annotation["category_id"]], float(annotation.get("score", 1.0)), (left, top, left + wide, top + high))
        )
    return Detections(boxes, False, _lost(lost, "annotations without a known image, category or box"))


def _yolo(folder: Path) -> Detections:
    names = _yolo_names(folder)
    files = [file for file in files_below(folder).files if file.suffix == ".txt" and file.name != "classes.txt"]
    if not files:
        raise UsageError(f"{folder}: no text file of YOLO's in it")
    boxes: dict[str, list[Any]] = {}
    unknown: set[str] = set()
    for file in files:
        of_picture = boxes.setdefault(str(file.relative_to(folder).with_suffix("")), [])
        for number, line in enumerate(read_text(file, UsageError).splitlines(), 1):
            if not line.strip():
                continue
            parts = line.split()
            try:
                kind, (across, down, wide, high) = int(float(parts[0])), (float(value) for value in parts[1:5])
                score = float(parts[5]) if len(parts) > 5 else 1.0
            except (ValueError, IndexError) as error:
                raise UsageError(
                    f"{file}, line {number}: {line!r}; class, x, y, width, height (and score) were expected"
                ) from error
            if kind not in names:
                unknown.add(str(kind))
            of_picture.append(
                (
                    names.get(kind, f"class {kind}"),
                    score,
                    (across - wide / 2, down - high / 2, across + wide / 2, down + high / 2),
                )
            )
    notes = (
        (f"classes without a name: {', '.join(sorted(unknown)[:12])}; put classes.txt into {folder.name}",) if unknown else ()
    )
    return Detections(boxes, True, notes)


def _yolo_names(folder: Path) -> dict[int, str]:
    for name in ("classes.txt", "obj.names"):
        if (folder / name).exists():
            return dict(enumerate(line.strip() for line in read_text(folder / name, UsageError).splitlines() if line.strip()))
    file = folder / "data.yaml"
    if not file.exists():
        return {}
    # Two forms of one entry are all that is needed of YAML: names: [a, b] and a list of "0: a" or "- a" lines below it.
    text = read_text(file, UsageError)
    after = text.split("names:", 1)[1] if "names:" in text else ""
    first = after.split("\n", 1)[0].strip()
    if first.startswith("["):
        return dict(enumerate(word.strip(" '\"") for word in first.strip("[]").split(",")))
    out: dict[int, str] = {}
    for line in after.splitlines()[1:]:
        if not line.startswith((" ", "-")) or not line.strip():
            break
        key, _, value = line.strip().lstrip("- ").partition(":")
        out[int(key) if value else len(out)] = (value or key).strip(" '\"")
    return out


def _open_images(path: Path) -> Detections:
    table = read_csv(path, sep=None, engine="python", dtype={"ImageID": str, "LabelName": str})
    missing = [column for column in _CSV if column not in table]
    if missing:
        raise UsageError(f"{path}: no column {', '.join(missing)}; columns {', '.join(map(str, table.columns[:10]))}")
    names: dict[str, str] = {}
    for file in sorted(path.parent.glob("class-descriptions*.csv")):
        described = read_csv(file, header=None, names=["id", "name"], dtype=str)
        names |= dict(zip(described.id, described.name, strict=True))
    boxes: dict[str, list[Any]] = defaultdict(list)
    score = table.Confidence if "Confidence" in table else pd.Series(1.0, index=table.index)
    columns = zip(
        table.ImageID, table.LabelName, score.fillna(1.0), table.XMin, table.YMin, table.XMax, table.YMax, strict=True
    )
    for image, label, sure, left, top, right, bottom in columns:
        boxes[image].append((names.get(label, label), float(sure), (float(left), float(top), float(right), float(bottom))))
    bare = sorted(set(table.LabelName) - set(names))
    notes: tuple[str, ...] = ()
    if bare and any(name.startswith("/m/") for name in bare):
        notes = (f"{len(bare)} classes without a name; put class-descriptions-boxable.csv beside {path.name}",)
    return Detections(dict(boxes), True, notes)


def _lost(count: int, what: str) -> tuple[str, ...]:
    return (f"{count} {what} left out",) if count else ()


def recall(detected: Mapping[str, list[Thing]], truth: Mapping[str, list[Thing]]) -> pd.DataFrame:
    """Share of the true boxes of every class that a box of that class finds.

    Each found box finds one true box, with an intersection over union of at least .5. Classes of the truth that the detector
    never names are told apart.

    Parameters
    ----------
    detected, truth : mapping of str to list of Thing
        By picture: what a detector gave, and what is there.

    Returns
    -------
    DataFrame
        Columns object, boxes, found, recall, low, high (Wilson's interval), named.
    """
    count: dict[str, int] = defaultdict(int)
    hit: dict[str, int] = defaultdict(int)
    named = {thing.name for things in detected.values() for thing in things}
    for key, things in truth.items():
        left = sorted(detected.get(key, []), key=lambda thing: -thing.score)
        for true in things:
            count[true.name] += 1
            best = max(
                (thing for thing in left if thing.name == true.name),
                key=lambda thing: overlap(thing.box, true.box),
                default=None,
            )
            if best is not None and overlap(best.box, true.box) >= _MATCH:
                left.remove(best)
                hit[true.name] += 1
    rows = []
    for name in sorted(count, key=lambda name: -count[name]):
        share = wilson(hit[name], count[name])
        rows.append((name, count[name], hit[name], share.value, share.low, share.high, name in named))
    return pd.DataFrame(rows, columns=["object", "boxes", "found", "recall", "low", "high", "named"])
