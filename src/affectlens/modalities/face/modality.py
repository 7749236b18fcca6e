"""The face: one row a person and window, explained by maps, regions, the attention mask and the person's own baseline."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from affectlens.core.labels import EKMAN7, align
from affectlens.core.options import Options, torch_device
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.cam import CamEngine, upsample
from affectlens.explainers.cam.draw import heat
from affectlens.explainers.faithfulness import faithfulness, grid_score
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, Picture, RelevanceMap, register_modality, weights_for
from affectlens.modalities.face.evidence import AttentionDetail, FaceDetail, MovementDetail, RegionDetail
from affectlens.modalities.faithfulness import faithfulness_evidence
from affectlens.models.adapters import TorchModel
from affectlens.models.base import load_model
from affectlens.models.shipped.face import PARTS
from affectlens.perception.face.blendshapes import against_baseline, movements
from affectlens.perception.face.crops import crop_corners, crop_matrix, grey_crop, region_map
from affectlens.perception.face.regions import RegionShare, region_shares
from affectlens.perception.people.finder import Person

MIN_QUALITY = 0.12
LEAST_TYPICAL = 0.05  # p-value below which a face is taken for something else; so many of new people's faces are lost by it
COVERED = (0.5, 0.9)  # probabilities that a part is covered, from which and at which a face is not read
_GRID = (8, 8)
_PICTURE = 192


@dataclass
class _Seen:
    """One face in one frame of the window at hand."""

    crop: np.ndarray
    quality: float
    weakness: str
    shapes: np.ndarray
    regions: np.ndarray | None
    colour: np.ndarray | None
    time: float = 0.0
    corners: np.ndarray | None = None


@register_modality
class FaceModality(Modality):
    """Expressed emotion from the face, per tracked person and window."""

    name = "face"
    assets = ("yunet", "face-landmarker")

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.model = load_model("face", weights_for(options, "face"))
        self.model.net.to(torch_device(options.device))
        self.model.device = next(self.model.net.parameters()).device
        self.engine = CamEngine(self.model, self.model.layer)

    @property
    def models(self) -> tuple[Any, ...]:
        """The networks in use."""
        return (self.model,)

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._seen: dict[int, list[_Seen]] = defaultdict(list)
        self._shapes: dict[int, list[np.ndarray]] = defaultdict(list)
        self._tested: dict[int, int] = defaultdict(int)
        self._best: dict[int, float] = defaultdict(float)
        self._frames = 0

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        self._frames += 1
        for person in people:
            score = person.quality.score
            best = max((view.quality for view in self._seen[person.id]), default=-1.0)
            keep = clip.explaining and score > best  # pictures of the best view only
            self._seen[person.id].append(
                _Seen(
                    grey_crop(frame.image, person.marks),
                    score,
                    person.quality.weakness(),
                    movements(person.marks.blendshapes),
                    region_map(person.marks) if keep else None,
                    colour_crop(frame.image, person) if keep else None,
                    frame.time,
                    crop_corners(frame.image, person.marks) if keep else None,
                )
            )

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """The findings of the window that just ended."""
        seen, self._seen = self._seen, defaultdict(list)
        frames, self._frames = self._frames, 0
        if not seen:
            reason = "no face in view" if frames else "no frame could be read"
            return [Finding(Row(clip.file, start, end, SCENE, self.name, "missing", reason))]
        every_view = [view for views in seen.values() for view in views]
        answers = self.model.answers(np.stack([view.crop for view in every_view]))
        for view, covered in zip(every_view, answers.covered, strict=True):
            _note_cover(view, covered)
        probabilities = align(self.model.calibration.probabilities(answers.logits), self.model.labels, EKMAN7.labels)
        out, first = [], 0
        for person, views in seen.items():
            out.append(
                self._finding(
                    clip,
                    start,
                    end,
                    person,
                    views,
                    probabilities[first : first + len(views)],
                    answers.deep[first : first + len(views)],
                    answers.typical[first : first + len(views)],
                    frames,
                )
            )
            first += len(views)
        if clip.explaining:
            best = {person: views[int(np.argmax([view.quality for view in views]))] for person, views in seen.items()}
            out = self._explain(clip, out, best)
        return sorted(out, key=lambda finding: finding.row.person)

    def _finding(
        self,
        clip: Clip,
        start: float,
        end: float,
        person: int,
        views: list[_Seen],
        probabilities: np.ndarray,
        deep: np.ndarray,
        typical: np.ndarray,
        frames: int,
    ) -> Finding:
        quality = np.array([view.quality for view in views])
        self._shapes[person].append(np.mean([view.shapes for view in views], axis=0))
        best = int(quality.argmax())
        mean_quality = float(quality.mean())
        detail = FaceDetail(len(self._shapes[person]) - 1)
        ordinary = float(np.median(typical))
        reason = views[best].weakness if quality.max() < MIN_QUALITY else _unlike(ordinary)
        if reason:
            row = Row(clip.file, start, end, person, self.name, "abstained", reason, quality=mean_quality, typical=ordinary)
            return Finding(row, detail=detail)
        weights = np.clip(quality, 1e-3, None)
        mean = (probabilities * weights[:, None]).sum(axis=0) / weights.sum()
        mean = mean / mean.sum()
        calibration = self.model.calibration
        row = Row(
            clip.file,
            start,
            end,
            person,
            self.name,
            probabilities=tuple(float(value) for value in mean),
            conformal=calibration.conformal_set(mean, EKMAN7.labels),
            quality=mean_quality,
            typical=ordinary,
        )
        weight = calibration.reliability * mean_quality * len(views) / max(frames, 1)
        features = ((deep * weights[:, None]).sum(axis=0) / weights.sum()).astype(np.float32)
        return Finding(row, weight=weight, detail=detail, rank=row.confidence * float(quality[best]), deep=features)

    def _explain(self, clip: Clip, findings: list[Finding], best: dict[int, _Seen]) -> list[Finding]:
        """Maps and masks of all people of a window from one forward pass."""
        read = [finding for finding in findings if finding.row.status == "ok"]
        if not read:
            return findings
        crops = np.stack([best[finding.row.person].crop for finding in read])
        labels = list(dict.fromkeys(finding.row.label for finding in read))
        with self.model.recorded("mask") as masks:
            result = self.engine(crops, self.options.cam_method, labels)
        attention = np.concatenate(masks)[: len(read), 0]
        out = [finding for finding in findings if finding.row.status != "ok"]
        for number, finding in enumerate(read):
            cam = result.maps[number, labels.index(finding.row.label)]
            out.append(self._explained(clip, finding, best[finding.row.person], cam, attention[number]))
        return out

    def _explained(self, clip: Clip, finding: Finding, view: _Seen, cam: np.ndarray, mask: np.ndarray) -> Finding:
        assert view.regions is not None and view.colour is not None and view.corners is not None
        row, method = finding.row, self.options.cam_method
        relevance, attended = (upsample(grid, view.crop.shape) for grid in (cam, mask))
        shares, looked = region_shares(relevance, view.regions), region_shares(attended, view.regions)
        evidence = [
            clip.evidence(
                row,
                "region",
                share.lift,
                subject=share.region,
                method=method,
                detail=RegionDetail(self.engine.layer, method, round(share.relevance, 4), round(share.area, 4)),
            )
            for share in _notable(shares)
        ]
        top = max(looked, key=lambda share: share.lift if share.area > 0.01 else -1.0)
        evidence.append(
            clip.evidence(
                row,
                "attention",
                top.lift,
                subject=top.region,
                method="encoder-decoder attention",
                detail=AttentionDetail("mask"),
            )
        )
        if self._tested[row.person] < self.options.faithfulness and finding.rank > 1.05 * self._best[row.person]:
            self._tested[row.person] += 1
            self._best[row.person] = finding.rank
            evidence.extend(self._test(clip, row, view, cam, method))
        pictures = (
            Picture("face", "the face", view.colour),
            Picture("map", f"{method} for {row.label}", heat(view.crop, relevance, (_PICTURE, _PICTURE))),
            Picture("mask", "attention mask", heat(view.crop, attended, (_PICTURE, _PICTURE), signed=False)),
        )
        window = finding.detail.window if isinstance(finding.detail, FaceDetail) else 0
        detail = FaceDetail(window, tuple(shares), tuple(looked))
        maps = (
            RelevanceMap("map", method, view.time, cam, view.corners),
            RelevanceMap("attention", "encoder-decoder attention", view.time, mask, view.corners),
        )
        return replace(finding, evidence=tuple(evidence), pictures=pictures, detail=detail, maps=maps)

    def _test(self, clip: Clip, row: Row, view: _Seen, cam: np.ndarray, method: str) -> list[Evidence]:
        index = self.model.labels.index(row.label)
        blank = cv2.GaussianBlur(view.crop, (0, 0), 8)

        def predict(pictures: np.ndarray) -> np.ndarray:
            # The crop alone, without its mirror image: what the map explains.
            return np.asarray(self.model.calibration.probabilities(TorchModel.predict(self.model, pictures))[:, index])

        cells = cv2.resize(upsample(cam, view.crop.shape), _GRID[::-1], interpolation=cv2.INTER_AREA)
        tested = faithfulness(
            cells.ravel(), grid_score(predict, view.crop, blank, _GRID), clip.rng, steps=5, most=self.options.orders
        )
        return faithfulness_evidence(clip, row, tested, explains=method, blank="gaussian blur, sd 8 px", grid=_GRID)

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if not findings:
            reason = "no frame could be read" if clip.info.video_tracks else "the recording has no picture"
            return [Finding(Row(clip.file, 0.0, clip.info.duration, SCENE, self.name, "missing", reason))], []
        if not clip.explaining:
            return [], []
        extra = []
        ranked = {person: against_baseline(np.array(rows)) for person, rows in self._shapes.items()}
        for finding in findings:
            row, detail = finding.row, finding.detail_as(FaceDetail)
            if row.person == SCENE or row.status != "ok" or detail is None:
                continue
            for movement in ranked[row.person][detail.window][:2]:
                if abs(movement.deviation) >= 2:
                    extra.append(
                        clip.evidence(
                            row,
                            "movement",
                            movement.deviation,
                            subject=movement.name,
                            method="blendshapes against own baseline",
                            detail=MovementDetail(round(movement.value, 3), round(movement.baseline, 3)),
                        )
                    )
        return [], extra


def _notable(shares: list[RegionShare]) -> list[RegionShare]:
    """The three regions with most relevance, each with some area."""
    return sorted((share for share in shares if share.area > 0.005), key=lambda share: -share.relevance)[:3]


def colour_crop(image: np.ndarray, person: Person, side: int = _PICTURE) -> np.ndarray:
    """The face in colour in the geometry of the model's crop, ``(side, side, 3)`` uint8."""
    return np.asarray(
        cv2.warpAffine(
            image,
            crop_matrix(person.marks, side),
            (side, side),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )


def _note_cover(view: _Seen, covered: np.ndarray) -> None:
    """Let a view's quality fall as far as a part of the face is covered; nothing where the weights cannot tell."""
    if not np.isfinite(covered).all():
        return
    part, low, high = int(np.argmax(covered)), *COVERED
    seen = 1 - float(np.clip((covered[part] - low) / (high - low), 0, 1))
    view.quality *= seen
    if seen < 0.5:
        view.weakness = f"the {PARTS[part]} {'is' if PARTS[part] == 'mouth' else 'are'} covered"


def _unlike(typical: float) -> str:
    """Why a face is not read that is unlike all that were learnt; empty where it is ordinary or that is not known."""
    if not typical < LEAST_TYPICAL:
        return ""
    return (
        f"this is unlike all faces that the network learnt from (p = {typical:.3f}, at least {LEAST_TYPICAL:g} is needed): "
        "perhaps a picture, a statue or an animal"
    )
