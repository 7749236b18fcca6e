"""The posture: one row a window and person, from the skeletons of a few of its frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from affectlens.core.errors import MediaError
from affectlens.core.schema import Evidence, Row
from affectlens.media.frames import Frame
from affectlens.modalities.base import Clip, Finding, register_modality
from affectlens.modalities.body import SKELETONS, VIDEO, BodyModality, Skeletons
from affectlens.perception.body.bvh import read_bvh
from affectlens.perception.body.joints import JOINTS
from affectlens.perception.body.pose import Pose
from affectlens.perception.body.posture import upright
from affectlens.perception.people.finder import Person

EVERY = 0.5  # seconds between the frames that are looked at
PARTS: dict[str, tuple[str, ...]] = {
    "head and neck": ("head", "neck"), "trunk": ("chest", "pelvis"),
    "left arm": ("left shoulder", "left elbow", "left wrist"), "right arm": ("right shoulder", "right elbow", "right wrist"),
    "legs": tuple(joint for joint in JOINTS if any(part in joint for part in ("hip", "knee", "ankle", "toe"))),
}  # fmt: skip


@register_modality
class PostureModality(BodyModality):
    """Expressed emotion from how somebody holds themselves."""

    name = "posture"
    relevance_kind = "posture relevance"
    groups_are = "parts of the body"

    def begin(self, clip: Clip) -> None:
        """Forget the last recording."""
        self._seen: dict[int, list[tuple[np.ndarray, float]]] = {}
        self._next = 0.0

    def watch(self, clip: Clip, frame: Frame, people: list[Person]) -> None:
        """See one sampled frame."""
        if frame.time < self._next - 1e-9 or not people:
            return
        self._next = frame.time + EVERY
        for person in people:
            self._seen.setdefault(person.id, [])
        for pose in self.find(frame.image):
            owner = _owner(pose, people)
            joints = upright(pose.joints()) if owner is not None else None
            if joints is not None and owner is not None:
                self._seen[owner.id].append((joints.astype(np.float32), pose.whole))

    def window(self, clip: Clip, start: float, end: float) -> list[Finding]:
        """The findings of the window that just ended."""
        seen, self._seen = self._seen, {}
        out = []
        for person, skeletons in sorted(seen.items()):
            if skeletons:
                out.append(self._finding(clip, start, end, person, skeletons, VIDEO))
            else:
                reason = "no body is seen with this face, or too little of it"
                out.append(self.unread(clip, start, end, person, reason))
        return out

    def finish(self, clip: Clip, findings: list[Finding]) -> tuple[list[Finding], list[Evidence]]:
        """The findings of the whole recording."""
        if clip.info.kind == "motion":
            return self._recorded(clip), []
        if findings:
            return [], []
        unseen = "nobody's face is seen, and bodies without one are left out"
        reason = unseen if clip.info.video_tracks else "the recording has no picture"
        return [self.nothing(clip, reason)], []

    def _recorded(self, clip: Clip) -> list[Finding]:
        motion = read_bvh(clip.path)
        length = len(motion) / motion.rate
        out: list[Finding] = []
        for start in np.arange(0, length, 2.0):
            end = min(start + 2.0, length)
            if end - start < 0.5 and out:
                break
            at = np.arange(start, end, EVERY) * motion.rate
            bodies = [upright(motion.points[int(frame)]) for frame in at if int(frame) < len(motion)]
            skeletons = [
                (body.astype(np.float32), float(np.isfinite(body).all(1).mean())) for body in bodies if body is not None
            ]
            if not skeletons:
                raise MediaError(f"{clip.path}: neither trunk nor shoulders are in it, so there is no posture")
            out.append(self._finding(clip, float(start), float(end), 0, skeletons, 1.0))
        return out

    def _finding(
        self, clip: Clip, start: float, end: float, person: int, skeletons: list[tuple[np.ndarray, float]], trust: float
    ) -> Finding:
        joints = np.stack([body for body, _ in skeletons])
        quality = float(np.mean([share for _, share in skeletons])) * trust
        probabilities, deep = self.probabilities(joints).mean(axis=0), self.model.deep(joints).mean(axis=0)
        finding = self.answer(clip, (start, end), person, probabilities, quality, deep)
        if not clip.explaining:
            return finding
        shares = self._shares(clip, finding.row, joints[len(joints) // 2])
        return replace(finding, evidence=tuple(shares), detail=Skeletons(joints[:SKELETONS]))

    def _shares(self, clip: Clip, row: Row, joints: np.ndarray) -> list[Evidence]:
        """Shapley values of parts of the body; a coalition without a part does not see it."""
        parts = {
            part: np.concatenate([np.arange(3) + 3 * JOINTS.index(joint) for joint in names]) for part, names in PARTS.items()
        }

        def predict(coordinates: np.ndarray) -> np.ndarray:
            return self.probabilities(coordinates.reshape(-1, len(JOINTS), 3))

        nothing = np.full((1, joints.size), np.nan)
        return self.relevance(clip, row, predict, joints.reshape(1, -1), nothing, parts)


def _owner(pose: Pose, people: list[Person]) -> Person | None:
    """The person in whose face this body's nose lies; the nearest one where boxes overlap."""
    nose = pose.points[0, :2]
    inside = []
    for person in people:
        left, top, wide, tall = person.face.box
        if left <= nose[0] <= left + wide and top <= nose[1] <= top + tall:
            inside.append((abs(nose[0] - left - wide / 2), person.id, person))
    return min(inside)[2] if inside else None
