"""The background as a module: what the frame without its people says, by a network that the user has trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.emotions import EKMAN7, align
from affectlens.errors import UsageError
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, register_modality
from affectlens.models.background import BackgroundModel
from affectlens.options import Options
from affectlens.perception.objects import object_detector
from affectlens.perception.people import Person
from affectlens.table import Row


@register_modality
class BackgroundModality(Modality):
    """One row a person and window from the window's first frame with people; all people of a frame share its background."""

    name = "background"
    needs_video = True
    assets = ("efficientdet-lite0",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.background:
            raise UsageError(
                "background needs weights, and none are shipped: train them with `affectlens train background --corpus caer-s "
                "--data PATH` and give --background runs/background/background.safetensors"
            )
        self.model = BackgroundModel(Path(options.background))
        self.find = object_detector(locate("efficientdet-lite0"), options.threads)

    @property
    def models(self) -> tuple[Any, ...]:
        return (self.model,)

    def begin(self, clip: Clip) -> None:
        self._seen: tuple[np.ndarray, set[int]] | None = None

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        if not people:
            return
        if self._seen is None:
            hidden = [t.box for t in self.find(frame.image) if t.name == "person"]
            faces = [(x, y, x + w, y + h) for x, y, w, h in (p.face.box for p in people)]
            self._seen = (self.find.features(frame.image, [*hidden, *faces]), set())
        self._seen[1].update(p.id for p in people)

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        seen, self._seen = self._seen, None
        if seen is None:
            return []
        features, people = seen
        if not np.isfinite(features).all():
            reason = "people fill the frame, nothing of the background is left"
            return [Finding(Row(clip.file, start, end, p, self.name, "abstained", reason)) for p in sorted(people)]
        calibration = self.model.calibration
        p = align(calibration.probabilities(self.model.predict(features[None])), self.model.labels, EKMAN7.labels)[0]
        deep = self.model.deep(features[None])[0]
        out = []
        for person in sorted(people):
            row = Row(
                clip.file, start, end, person, self.name, probabilities=tuple(float(v) for v in p / p.sum()),
                conformal=calibration.conformal_set(p, EKMAN7.labels), quality=1.0,
            )  # fmt: skip
            out.append(Finding(row, weight=calibration.reliability, rank=row.confidence, deep=deep))
        return out
