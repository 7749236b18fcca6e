"""The posture: one row a window and person, from the skeletons of a few of its frames."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from affectlens.assets.store import locate
from affectlens.core.errors import MediaError
from affectlens.core.labels import GROUPWALK4, align
from affectlens.core.options import Options
from affectlens.core.schema import SCENE, Evidence, Row
from affectlens.explainers.shapley import group_shapley
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, Modality, register_modality
from affectlens.models.base import load_model
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.joints import JOINTS
from affectlens.perception.body.pose import Pose, pose_finder
from affectlens.perception.body.posture import upright
from affectlens.perception.people.finder import Person

EVERY = 0.5  # seconds between the frames that are looked at
VIDEO = 0.5  # weight of joints guessed from pictures against recorded ones
PARTS: dict[str, tuple[str, ...]] = {
    "head and neck": ("head", "neck"), "trunk": ("chest", "pelvis"),
    "left arm": ("left shoulder", "left elbow", "left wrist"), "right arm": ("right shoulder", "right elbow", "right wrist"),
    "legs": tuple(j for j in JOINTS if any(p in j for p in ("hip", "knee", "ankle", "toe"))),
}  # fmt: skip


@register_modality
class PostureModality(Modality):
    """Expressed emotion from how somebody holds themselves."""

    name = "posture"
    needs_video = True
    assets = ("pose-landmarker",)

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.model = load_model("posture")
        self.find = pose_finder(locate("pose-landmarker"), options.threads)

    @property
    def models(self) -> tuple[Any, ...]:
        return (self.model,)

    def begin(self, clip: Clip) -> None:
        self._seen: dict[int, list[tuple[np.ndarray, float]]] = {}
        self._next = 0.0
        self._any = False

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        if frame.time < self._next - 1e-9 or not people:
            return
        self._next = frame.time + EVERY
        for person in people:
            self._seen.setdefault(person.id, [])
        for pose in self.find(frame.image):
            person_ = _owner(pose, people)
            x = upright(pose.joints()) if person_ is not None else None
            if x is not None and person_ is not None:
                self._seen[person_.id].append((x.astype(np.float32), pose.whole))

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        seen, self._seen = self._seen, {}
        out = []
        for person, found in sorted(seen.items()):
            if found:
                self._any = True
                out.append(self._finding(clip, start, end, person, found, VIDEO))
            else:
                reason = "no body is seen with this face, or too little of it"
                out.append(Finding(Row(clip.file, start, end, person, self.name, "abstained", reason, scheme=GROUPWALK4)))
        return out

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        if clip.info.kind == "motion":
            return self._recorded(clip), []
        if findings:
            return [], []
        reason = "nobody's face is seen, and bodies without one are left out" if clip.info.video_tracks else (
            "the recording has no picture"
        )  # fmt: skip
        return [Finding(Row(clip.file, 0.0, clip.end, SCENE, self.name, "missing", reason, scheme=GROUPWALK4))], []

    def _recorded(self, clip: Clip) -> list[Finding]:
        motion = read_bvh(clip.path)
        length = len(motion) / motion.rate
        out: list[Finding] = []
        for start in np.arange(0, length, 2.0):
            end = min(start + 2.0, length)
            if end - start < 0.5 and out:
                break
            at = np.arange(start, end, EVERY) * motion.rate
            made = [upright(motion.points[int(i)]) for i in at if int(i) < len(motion)]
            found = [(x.astype(np.float32), float(np.isfinite(x).all(1).mean())) for x in made if x is not None]
            if not found:
                raise MediaError(f"{clip.path}: neither trunk nor shoulders are in it, so there is no posture")
            out.append(self._finding(clip, float(start), float(end), 0, found, 1.0))
        return out

    def _finding(
        self, clip: Clip, start: float, end: float, person: int, found: list[tuple[np.ndarray, float]], trust: float
    ) -> Finding:
        calibration = self.model.calibration
        joints = np.stack([x for x, _ in found])
        p = self._probabilities(joints).mean(axis=0)
        quality = float(np.mean([share for _, share in found])) * trust
        row = Row(
            clip.file, start, end, person, self.name, probabilities=tuple(float(v) for v in p / p.sum()),
            conformal=calibration.conformal_set(p, GROUPWALK4.labels), quality=quality, scheme=GROUPWALK4,
        )  # fmt: skip
        deep = self.model.deep(joints).mean(axis=0)
        out = Finding(row, weight=calibration.reliability * quality, rank=row.confidence, deep=deep)
        if not clip.explaining:
            return out
        shares = self._relevance(clip, row, joints[len(joints) // 2])
        return replace(out, evidence=tuple(shares), detail={"relevance": shares, "skeletons": joints[:6]})

    def _probabilities(self, joints: np.ndarray) -> np.ndarray:
        logits = self.model.predict(joints)
        return align(self.model.calibration.probabilities(logits), self.model.labels, GROUPWALK4.labels)

    def _relevance(self, clip: Clip, row: Row, joints: np.ndarray) -> list[Evidence]:
        """Shapley values of parts of the body; a coalition without a part does not see it."""
        at = [np.concatenate([np.arange(3) + 3 * JOINTS.index(j) for j in names]) for names in PARTS.values()]

        def predict(x: np.ndarray) -> np.ndarray:
            return self._probabilities(x.reshape(-1, len(JOINTS), 3))

        nothing = np.full((1, joints.size), np.nan)
        values = group_shapley(predict, joints.reshape(1, -1), nothing, at)[0]
        target = GROUPWALK4.labels.index(row.label)
        return [
            clip.evidence(row, "instance", f"posture relevance: {name}", values[g, target], "log probability",
                          "exact Shapley value over parts of the body", settings={"groups": len(PARTS),
                          "probability": round(row.confidence, 4)})
            for g, name in enumerate(PARTS)
        ]  # fmt: skip


def _owner(pose: Pose, people: list[Person]) -> Person | None:
    """The person in whose face this body's nose lies; the nearest one where boxes overlap."""
    nose = pose.points[0, :2]
    inside = []
    for p in people:
        left, top, wide, tall = p.face.box
        if left <= nose[0] <= left + wide and top <= nose[1] <= top + tall:
            inside.append((abs(nose[0] - left - wide / 2), p.id, p))
    return min(inside)[2] if inside else None
