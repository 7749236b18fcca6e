"""The background as a module: what the frame without its people says, and which of the things in it the answer comes from.

The network is one that the user has trained; none is shipped.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.audits.objects.groups import group_masks
from affectlens.core.errors import UsageError
from affectlens.core.labels import EKMAN7, align
from affectlens.core.options import Options
from affectlens.core.schema import Evidence, Row
from affectlens.explainers.cam import CamEngine
from affectlens.explainers.overlap import boxes_to_masks, grid_shape, image_rows
from affectlens.media.frames import Frame
from affectlens.modalities.background.evidence import NO_THING, ObjectDetail
from affectlens.modalities.base import Clip, Finding, Modality, register_modality
from affectlens.models.shipped.background import BackgroundModel, on_grid
from affectlens.perception.people.finder import Person
from affectlens.perception.scene.objects import Thing, object_detector

_MOST = 3  # objects of a segment that evidence is given of
_METHOD = "hirescam"


@register_modality
class BackgroundModality(Modality):
    """One row a person and window from the window's first frame with people; all people of a frame share its background."""

    name = "background"
    assets = ("efficientdet-lite0",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.background:
            raise UsageError(
                "background needs weights, and none are shipped: train them with `affectlens train background "
                "--corpus caer-s=PATH` and give --background runs/background/background.safetensors"
            )
        self.model = BackgroundModel(Path(options.background))
        self.find = object_detector(locate("efficientdet-lite0"), options.threads)
        self.engine = CamEngine(self.model, self.model.layer)

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks in use."""
        return (self.model,)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._seen: tuple[np.ndarray, set[int]] | None = None  # the feature map with the plane of what is seen, people in view
        self._masks: dict[str, np.ndarray] = {}

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        if not people:
            return
        if self._seen is None:
            things = self.find(frame.image)
            hidden = [thing.box for thing in things if thing.name == "person"]
            faces = [
                (left, top, left + width, top + height) for left, top, width, height in (person.face.box for person in people)
            ]
            grid, seen = self.find.grid(frame.image, [*hidden, *faces])
            self._seen = (on_grid(grid, seen), set())
            self._masks = _background(things, frame.image.shape)
        self._seen[1].update(person.id for person in people)

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """The findings of the window that just ended."""
        seen, self._seen = self._seen, None
        if seen is None:
            return []
        grid, people = seen
        visible = grid[-1] > 0
        if not visible.any():
            reason = "people fill the frame, nothing of the background is left"
            return [Finding(Row(clip.file, start, end, person, self.name, "abstained", reason)) for person in sorted(people)]
        calibration = self.model.calibration
        features = grid[:-1, visible].mean(axis=1)
        answers = calibration.probabilities(self.model.predict(features[None]))
        probabilities = align(answers, self.model.labels, EKMAN7.labels)[0]
        deep = self.model.deep(features[None])[0]
        out = []
        for person in sorted(people):
            row = Row(
                clip.file,
                start,
                end,
                person,
                self.name,
                probabilities=tuple(float(probability) for probability in probabilities / probabilities.sum()),
                conformal=calibration.conformal_set(probabilities, EKMAN7.labels),
                quality=1.0,
            )
            objects = self._objects(clip, row, grid) if clip.explaining else ()
            out.append(Finding(row, objects, calibration.reliability, rank=row.confidence, deep=deep))
        return out

    def _objects(self, clip: Clip, row: Row, grid: np.ndarray) -> tuple[Evidence, ...]:
        """The things, and what is no thing, that hold most of the relevance for the row's class."""
        relevance = self.engine(grid[None], _METHOD, [row.label]).maps[0, 0]
        shares = sorted(image_rows("", row.label, relevance, self._masks), key=lambda row: -row["relevance"])
        out = []
        for share in shares[:_MOST]:
            detail = ObjectDetail("backbone", _METHOD, round(share["relevance"], 4), round(share["area"], 4))
            lift = share["relevance"] / share["area"]
            out.append(clip.evidence(row, "object", lift, subject=share["object"], method=_METHOD, detail=detail))
        return tuple(out)


def _background(things: list[Thing], shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Masks of the things that are no people, and of what lies in none of them."""
    masks = boxes_to_masks([(thing.name, thing.box) for thing in things if thing.name != "person"], shape)
    rest = group_masks(masks).get("in no box") if masks else np.ones(grid_shape(shape), np.float32)
    return masks if rest is None else masks | {NO_THING: rest}
