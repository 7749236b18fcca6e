"""A network of the user's on faces: one row a person and window, with a map, its regions and its test."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.cam import CamEngine, upsample
from affectlens.explainers.cam.draw import heat
from affectlens.explainers.cam.outside import rise
from affectlens.explainers.faithfulness import faithfulness, grid_score
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, Picture, RelevanceMap, register_own
from affectlens.modalities.face.evidence import FaceDetail, RegionDetail
from affectlens.modalities.face.modality import MIN_QUALITY, colour_crop
from affectlens.modalities.faithfulness import faithfulness_evidence
from affectlens.modalities.own.answers import RELIABILITY, OwnModel, spec_of
from affectlens.models.adapters import TorchModel
from affectlens.models.readers import COLOUR_SIDE, picture_of
from affectlens.perception.face.crops import crop_corners, region_map
from affectlens.perception.face.regions import region_shares
from affectlens.perception.people.finder import Person

_GRID = (8, 8)
_MASKS = 200  # random masks of a black box's map
_REGIONS = 3  # that evidence is given of


@dataclass
class _View:
    """The best view of a person in the window at hand."""

    crop: np.ndarray
    quality: float
    weakness: str
    regions: np.ndarray
    time: float
    corners: np.ndarray


@register_own
class OwnFaceModality(Modality):
    """Expressed emotion from faces, by a network of the user's, of the best view of each person in each window."""

    name = "face"
    assets = ("yunet", "face-landmarker")

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.own = OwnModel(spec_of(options, self.name), self.name, options, picture_of)

    @property
    def models(self) -> tuple[Any, ...]:
        """The network in use."""
        return (self.own.model,)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._seen: dict[int, list[_View]] = defaultdict(list)
        self._tested: dict[int, int] = defaultdict(int)
        self._frames = 0
        for note in self.own.notes:
            clip.problems.add(note)

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame; the best view of each person is kept."""
        self._frames += 1
        for person in people:
            views, score = self._seen[person.id], person.quality.score
            if not views or score > views[0].quality:
                crop = colour_crop(frame.image, person, COLOUR_SIDE)
                regions, corners = region_map(person.marks, COLOUR_SIDE), crop_corners(frame.image, person.marks, COLOUR_SIDE)
                views[:] = [_View(crop, score, person.quality.weakness(), regions, frame.time, corners)]

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """The findings of the window that just ended."""
        seen, self._seen = self._seen, defaultdict(list)
        frames, self._frames = self._frames, 0
        if not seen:
            reason = "no face in view" if frames else "no frame could be read"
            return [Finding(Row(clip.file, start, end, SCENE, self.name, "missing", reason))]
        out = []
        for person, (view,) in sorted(seen.items()):
            if view.quality < MIN_QUALITY:
                row = Row(clip.file, start, end, person, self.name, "abstained", view.weakness, quality=view.quality)
                out.append(Finding(row))
                continue
            probabilities = self.own.probabilities([view.crop])[0]
            row = Row(
                clip.file,
                start,
                end,
                person,
                self.name,
                probabilities=tuple(float(value) for value in probabilities),
                conformal=self.own.scheme.labels,
                quality=view.quality,
                scheme=self.own.scheme,
            )
            finding = Finding(row, weight=RELIABILITY * view.quality, rank=row.confidence * view.quality)
            out.append(self._explained(clip, finding, view) if clip.explaining else finding)
        return out

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """A row that says so where nothing could be seen."""
        if findings:
            return [], []
        reason = "no frame could be read" if clip.info.video_tracks else "the recording has no picture"
        return [Finding(Row(clip.file, 0.0, clip.info.duration, SCENE, self.name, "missing", reason))], []

    def _explained(self, clip: Clip, finding: Finding, view: _View) -> Finding:
        row = finding.row
        index = self.own.scheme.index(row.label)
        relevance, method, layer = self._map(clip, view.crop, index)
        shares = region_shares(relevance, view.regions)
        notable = sorted((share for share in shares if share.area > 0.005), key=lambda share: -share.relevance)[:_REGIONS]
        evidence = [
            clip.evidence(
                row,
                "region",
                share.lift,
                subject=share.region,
                method=method,
                detail=RegionDetail(layer, method, round(share.relevance, 4), round(share.area, 4)),
            )
            for share in notable
        ]
        if self._tested[row.person] < self.options.faithfulness:
            self._tested[row.person] += 1
            evidence += self._test(clip, row, view.crop, relevance, index, method)
        pictures = (
            Picture("face", "the face", view.crop),
            Picture("map", f"{method} for {row.label}", heat(view.crop, relevance, view.crop.shape[:2])),
        )
        cells = cv2.resize(relevance, _GRID[::-1], interpolation=cv2.INTER_AREA)
        maps = (RelevanceMap("map", method, view.time, cells, view.corners),)
        detail = FaceDetail(0, tuple(shares))
        return replace(finding, evidence=tuple(evidence), pictures=pictures, detail=detail, maps=maps)

    def _map(self, clip: Clip, crop: np.ndarray, index: int) -> tuple[np.ndarray, str, str]:
        """A map at the size of the crop, the method and the layer: of the network's inside where there is one, else RISE."""
        model = self.own.model
        if isinstance(model, TorchModel) and model.layer:
            method = self.options.cam_method
            maps = CamEngine(model, model.layer)([model.read(crop)], method, [model.labels[index]]).maps
            return upsample(maps[0, 0], crop.shape[:2]), method, model.layer
        return rise(self.own.probabilities, crop, clip.rng, masks=_MASKS)[index], "RISE (Petsiuk 2018)", "input"

    def _test(self, clip: Clip, row: Row, crop: np.ndarray, relevance: np.ndarray, index: int, method: str) -> list[Evidence]:
        blank = cv2.GaussianBlur(crop, (0, 0), crop.shape[0] / 6)
        cells = cv2.resize(relevance, _GRID[::-1], interpolation=cv2.INTER_AREA)

        def predict(pictures: np.ndarray) -> np.ndarray:
            return np.asarray(self.own.probabilities(list(pictures))[:, index])

        tested = faithfulness(
            cells.ravel(), grid_score(predict, crop, blank, _GRID), clip.rng, steps=5, most=self.options.orders
        )
        return faithfulness_evidence(clip, row, tested, explains=method, blank="gaussian blur", grid=_GRID)
