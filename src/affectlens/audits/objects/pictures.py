"""Pictures of a folder or a corpus with their labels, and what lies in them: detected, told by a table, or regions of a
face."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from affectlens.assets.store import locate
from affectlens.core.errors import ModelError, UsageError
from affectlens.corpora.base import check_split, open_corpus
from affectlens.corpora.pictures.base import PictureCorpus
from affectlens.explainers.overlap import boxes_to_masks, grid_shape
from affectlens.media.images import SUFFIXES, read_image
from affectlens.models.external import imported
from affectlens.perception.face.crops import REGIONS, crop_matrix, region_map
from affectlens.perception.scene.detections import Detections, read_detections
from affectlens.perception.scene.objects import SCORE, Thing, object_detector

Finder = Callable[[str, np.ndarray], list[Thing]]
LEAST_SIDE = 96  # pixels; in smaller pictures nothing is detected


@dataclass(frozen=True)
class View:
    """A picture, its ``label`` (empty where none is told), the ``things`` in it and a mask on the grid for each object."""

    key: str
    picture: np.ndarray
    label: str
    things: list[Thing]
    masks: dict[str, np.ndarray]

    @property
    def scores(self) -> dict[str, float]:
        """The surest detection of each object."""
        out: dict[str, float] = {}
        for t in self.things:
            out[t.name] = max(t.score, out.get(t.name, 0.0))
        return out


class Pictures:
    """``data`` is a folder of pictures, or the path of the corpus ``corpus``; ``labels`` a table with columns file and label.

    ``objects`` is ``detector`` (COCO's objects and faces), ``regions`` (of the largest face), a file or folder of detections
    made elsewhere, or ``module:function`` from an RGB picture to (name, score, (left, top, right, bottom)).

    Raises:
        UsageError: no picture, or objects of no known kind.
    """

    def __init__(
        self, data: Path, corpus: str = "", split: str = "", objects: str = "detector", labels: Path | None = None,
        exclusive: bool = False, least: float = SCORE,
    ) -> None:  # fmt: skip
        self.objects, self.exclusive, self.least = objects, exclusive, least
        self.source = open_corpus(corpus, data) if corpus else None
        self.notes: tuple[str, ...] = ()
        if self.source is not None:
            wanted = split or ("test" if "test" in self.source.info.splits else self.source.info.splits[-1])
            self.split = check_split(self.source, wanted)
            table = self.source.table(self.split)
            if isinstance(self.source, PictureCorpus) and table.path.map(lambda p: Path(p).suffix.lower() in SUFFIXES).all():
                # Pictures are read when they are looked at, not held.
                self._items: list[tuple[str, Any, str]] = [
                    (r["key"], Path(r["path"]), r["label"]) for r in table.to_dict("records")
                ]
            else:
                self._items = [
                    (i.key, i.data if i.data is not None else i.problem, i.labels[0] if i.labels else "")
                    for i in self.source.items(self.split)
                ]
        else:
            if not data.is_dir():
                raise UsageError(f"{data}: a folder of pictures was expected, or --corpus NAME for a corpus")
            told = _labels(labels) if labels else {}
            files = sorted(p for p in data.rglob("*") if p.suffix.lower() in SUFFIXES)
            keys = [str(p.relative_to(data)) for p in files]
            self._items = [(k, p, told.get(k, told.get(p.name, ""))) for k, p in zip(keys, files, strict=True)]
            lost = sorted(set(told) - set(keys) - {p.name for p in files})
            if lost:
                self.notes += (f"{len(lost)} pictures of {labels} are not in {data}: {', '.join(lost[:5])}",)
        if not self._items:
            raise UsageError(f"{data}: no picture found; kinds that are read: {', '.join(sorted(SUFFIXES))}")
        self._find, self._masks = self._finder(objects)

    def __len__(self) -> int:
        return len(self._items)

    def key(self, i: int) -> str:
        """The name of a picture."""
        return self._items[i][0]

    def label(self, i: int) -> str:
        """Its label, or nothing."""
        return self._items[i][2]

    def strangers(self, known: tuple[str, ...]) -> tuple[str, ...]:
        """A note that names the labels which a model with the classes ``known`` does not have."""
        count = Counter(label for _, _, label in self._items if label and label not in known)
        if not count:
            return ()
        shown = ", ".join(f"{label} ({n})" for label, n in count.most_common(12))
        return (f"the model has no class {shown}; the map of those pictures is of its answer. Its classes: {', '.join(known)}",)

    def __getitem__(self, i: int) -> View:
        """Read a picture and find what is in it.

        Raises:
            AffectlensError: it cannot be read, or it has no face where regions of one are wanted.
        """
        key, held, label = self._items[i]
        if isinstance(held, str):
            raise ModelError(held or "cannot be read")
        picture = read_image(held) if isinstance(held, Path) else held
        if self._masks is not None:
            return View(key, picture, label, [], self._masks(picture))
        assert self._find is not None
        things = self._find(key, picture)
        masks = boxes_to_masks([(t.name, t.box) for t in things], picture.shape, self.exclusive)
        return View(key, picture, label, things, masks)

    def _finder(self, spec: str) -> tuple[Finder | None, Callable[[np.ndarray], dict[str, np.ndarray]] | None]:
        if spec == "regions":
            return None, FaceRegions()
        if spec == "detector":
            return Detector(self.least), None
        if ":" in spec and not Path(spec).exists():
            return _function(spec, self.least), None
        table = read_detections(Path(spec))
        self.notes += table.notes
        absent = [k for k, _, _ in self._items if k not in table]
        if absent:
            self.notes += (f"{len(absent)} of {len(self)} pictures are not in {spec}, so no object is known in them",)
        return _told(table, self.least), None


class Detector:
    """COCO's objects of EfficientDet-Lite0 and the faces of YuNet."""

    def __init__(self, least: float = SCORE) -> None:
        from affectlens.perception.face.detector import FaceDetector

        self._objects, self._faces = object_detector(locate("efficientdet-lite0")), FaceDetector(locate("yunet"))
        self.least = least

    def __call__(self, key: str, picture: np.ndarray) -> list[Thing]:
        image = picture if picture.ndim == 3 else cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        if min(image.shape[:2]) < LEAST_SIDE:
            return []
        things = self._objects(image, self.least)
        h, w = image.shape[:2]
        faces = [
            Thing("face", float(f.score), (max(0.0, x), max(0.0, y), min(float(w), x + a), min(float(h), y + b)))
            for f in self._faces(image)
            for x, y, a, b in [(float(v) for v in f.box)]
        ]
        return [*things, *faces]


class FaceRegions:
    """Masks of the regions of the largest face."""

    def __init__(self) -> None:
        from affectlens.features.properties.face import FaceViewer

        self._view = FaceViewer()

    def __call__(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        view = self._view(picture)
        if view is None:
            raise ModelError("no face found")
        wide = cv2.warpAffine(
            region_map(view.marks, 160).astype(np.uint8), crop_matrix(view.marks, 160), view.picture.shape[1::-1],
            flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP, borderValue=REGIONS.index("outside the face"),
        )  # fmt: skip
        rows, columns = grid_shape(picture.shape)
        masks = {n: cv2.resize((wide == i).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
                 for i, n in enumerate(REGIONS)}  # fmt: skip
        return {n: m for n, m in masks.items() if m.any()}


def _told(table: Detections, least: float) -> Finder:
    return lambda key, picture: table.of(key, picture.shape, least)


def _function(spec: str, least: float) -> Finder:
    function = imported(spec, "--objects")

    def find(key: str, picture: np.ndarray) -> list[Thing]:
        h, w = picture.shape[:2]
        out = []
        for what, score, (left, top, right, bottom) in function(picture):
            box = (max(0.0, float(left)), max(0.0, float(top)), min(float(w), float(right)), min(float(h), float(bottom)))
            if box[2] - box[0] >= 1 and box[3] - box[1] >= 1 and score >= least:
                out.append(Thing(str(what), float(score), box))
        return out

    return find


def _labels(path: Path) -> dict[str, str]:
    if not path.exists():
        raise UsageError(f"--labels {path}: no such file")
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if not {"file", "label"} <= set(table.columns):
        raise UsageError(f"--labels {path}: columns {', '.join(map(str, table.columns[:6]))}; file and label were expected")
    return dict(zip(table.file, table.label, strict=True))
